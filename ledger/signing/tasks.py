"""Tasks: what somebody can sign now, for themselves or for others, until when; and what is overdue."""

from collections.abc import Callable

import msgspec
import structlog
from sqlalchemy import Connection

from ledger.core.clock import utc_text
from ledger.core.errors import IntegrityError
from ledger.core.progress import Progress, StepStanding
from ledger.core.workflow import DecisionEntry, DecisionEvent, RequestState, Step
from ledger.signing.delegations import lent_to
from ledger.signing.holders import Holders
from ledger.signing.requests import Running, names_in, read_running
from ledger.store.store import Store


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A step that somebody can sign now. `unopened` entries of the set are to be opened before.

    `told`: it was escalated to this person's role; they see that it is done, and cannot sign it by that alone.
    """

    request: str
    title: str
    step: str
    role: str
    meaning: str
    site: str | None
    entries: int
    unopened: int
    begun_at: str
    due_at: str | None
    overdue: bool
    escalated: bool
    renewed: bool
    on_behalf_of: str | None = None
    told: bool = False


class Escalation(msgspec.Struct, frozen=True, kw_only=True):
    """A step is overdue: those who hold the role that it is escalated to, and those who could sign it."""

    request: str
    title: str
    step: str
    due_at: str
    role: str
    told: tuple[str, ...]
    signers: tuple[str, ...]


class Tasks:
    """The tasks of one ledger. Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, account: str, sees: Callable[[str | None], bool] = lambda site: True) -> list[Task]:
        """What this account can sign now, the most urgent first; of requests whose site it `sees`."""
        now_us = self._store.clock.now_us()
        with self._store.reading() as connection:
            holders = Holders(self._store, connection, now_us)
            lent = lent_to(self._store, connection, account, now_us)
            others = sorted({one.delegation.account for one in lent})
            found = [
                task
                for running in self._open(connection)
                if sees(running.request.site)
                for task in _tasks(holders, running, account, others, now_us)
            ]
        return sorted(found, key=lambda task: (task.due_at is None, task.due_at or "", task.begun_at))

    def overdue(self, connection: Connection, now_us: int) -> list[tuple[Running, StepStanding]]:
        """The steps whose time has passed and that were not escalated yet."""
        return [
            (running, step)
            for running in self._open(connection)
            for step in running.progress.current
            if step.due_us is not None and step.due_us <= now_us and not step.escalated and step.step.escalate_to
        ]

    def _open(self, connection: Connection) -> list[Running]:
        """The open requests; one that was altered holds up no other, and is for verification to name."""
        found = []
        for name in names_in(connection, RequestState.OPEN):
            try:
                found.append(read_running(self._store, connection, name))
            except IntegrityError as error:
                structlog.get_logger("signing").error("request not shown", request=name, error=error.message)
        return found


def signers(holders: Holders, running: Running, standing: StepStanding) -> tuple[str, ...]:
    """Who could sign a step now, as far as role, names, and what they did before go."""
    able = holders.all(standing.step.role, _site(running, standing.step))
    return tuple(sorted(one for one in able if _open_to(running.progress, standing, one)))


def escalation_of(holders: Holders, running: Running, entry: DecisionEntry) -> Escalation:
    """Whom an escalation tells."""
    standing = running.progress.step(entry.step)
    assert standing is not None
    assert entry.event is DecisionEvent.ESCALATED
    role = entry.told or ""
    return Escalation(
        request=running.request.request,
        title=running.request.title,
        step=standing.step.step,
        due_at=utc_text(standing.due_us or 0),
        role=role,
        told=tuple(sorted(holders.all(role, _site(running, standing.step)))),
        signers=signers(holders, running, standing),
    )


def _tasks(holders: Holders, running: Running, account: str, others: list[str], now_us: int) -> list[Task]:
    tasks = []
    for standing in running.progress.current:
        site = _site(running, standing.step)
        if holders.grants(account, standing.step.role, site) and _open_to(running.progress, standing, account):
            tasks.append(_task(running, standing, account, now_us))
            continue
        for other in others:
            stands_in = _open_to(running.progress, standing, other) and not _barred(running.progress, account)
            if stands_in and all(holders.grants(one, standing.step.role, site) for one in (account, other)):
                tasks.append(_task(running, standing, account, now_us, on_behalf_of=other))
        chief = standing.step.escalate_to if standing.escalated else None
        if chief is not None and holders.grants(account, chief, site):
            tasks.append(_task(running, standing, account, now_us, told=True))
    return tasks


def _open_to(progress: Progress, standing: StepStanding, account: str) -> bool:
    return standing.is_for(account) and not _barred(progress, account)


def _barred(progress: Progress, account: str) -> bool:
    return progress.performed(account) or account in progress.people


def _site(running: Running, step: Step) -> str | None:
    return step.site or running.request.site


def _task(
    running: Running,
    standing: StepStanding,
    account: str,
    now_us: int,
    on_behalf_of: str | None = None,
    told: bool = False,
) -> Task:
    request, step = running.request, standing.step
    due = standing.due_us
    return Task(
        request=request.request,
        title=request.title,
        step=step.step,
        role=step.role,
        meaning=step.meaning,
        site=_site(running, step),
        entries=request.target.count,
        unopened=running.progress.unopened(account),
        begun_at=utc_text(standing.begun_us or running.opened_us),
        due_at=None if due is None else utc_text(due),
        overdue=due is not None and due <= now_us,
        escalated=standing.escalated,
        renewed=request.renews is not None,
        on_behalf_of=on_behalf_of,
        told=told,
    )
