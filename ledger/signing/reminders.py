"""Word of tasks to those who can sign them: once when a step begins, once before it is due, and when it is overdue."""

from collections.abc import Iterator
from typing import Final, Protocol

from ledger.core.clock import utc_text
from ledger.core.progress import StepStanding
from ledger.core.workflow import RequestState
from ledger.people.notice_kinds import Subject
from ledger.signing.holders import Holders
from ledger.signing.requests import Running, names_in, read_running
from ledger.signing.tasks import Escalation, signers
from ledger.store.store import Store

SOON_US: Final = 24 * 3_600_000_000
"""So long before a step is due its signers are told again; half its time, if that is shorter."""
_NO_DUE: Final = "-"


class Tells(Protocol):
    """What sends notices (`people.notices.Notices.tell`)."""

    def __call__(
        self,
        accounts: tuple[str, ...],
        subject: Subject,
        about: str | None = None,
        *,
        once: str | None = None,
        **places: str,
    ) -> str | None: ...


class Reminders:
    """For one thread at a time; a second notice of the same is not sent, whoever asks for it."""

    def __init__(self, store: Store, tell: Tells) -> None:
        self._store = store
        self._tell = tell
        self._done: set[str] = set()

    def remind(self) -> int:
        """Tells the signers of each step that has begun, or is due soon; returns how many notices were new."""
        now_us = self._store.clock.now_us()
        with self._store.reading() as connection:
            holders = Holders(self._store, connection, now_us)
            found = [
                (running, standing, subject, signers(holders, running, standing))
                for name in names_in(connection, RequestState.OPEN)
                for running in [read_running(self._store, connection, name)]
                for standing in running.progress.current
                for subject in _subjects(standing, now_us)
                if _id(running, standing, subject) not in self._done
            ]
        told = 0
        for running, standing, subject, accounts in found:
            told += self._once(running, standing, subject, accounts)
        return told

    def escalated(self, escalation: Escalation) -> None:
        """Tells those to whom a step was escalated, and those who let it pass."""
        task = f"request-{escalation.request}/{escalation.step}"
        self._tell(
            escalation.told,
            Subject.TASK_ESCALATED,
            once=f"{task}/escalated",
            title=escalation.title,
            account=", ".join(escalation.signers) or _NO_DUE,
        )
        self._tell(
            escalation.signers,
            Subject.TASK_OVERDUE,
            once=f"{task}/overdue",
            title=escalation.title,
            due=escalation.due_at,
        )

    def _once(self, running: Running, standing: StepStanding, subject: Subject, accounts: tuple[str, ...]) -> bool:
        ident = _id(running, standing, subject)
        due = _NO_DUE if standing.due_us is None else utc_text(standing.due_us)
        new = self._tell(accounts, subject, running.address, once=ident, title=running.request.title, due=due)
        self._done.add(ident)
        return new is not None


def _subjects(standing: StepStanding, now_us: int) -> Iterator[Subject]:
    yield Subject.TASK_ASSIGNED
    begun, due = standing.begun_us, standing.due_us
    if begun is not None and due is not None and due - min(SOON_US, (due - begun) // 2) <= now_us < due:
        yield Subject.TASK_DUE


def _id(running: Running, standing: StepStanding, subject: Subject) -> str:
    return f"request-{running.request.request}/{standing.step.step}/{subject.value}"
