"""The pages of tasks: what I can sign, and one request with its steps, who signed, what is next, why I may not."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection

from ledger.core.clock import parse_utc
from ledger.core.workflow import RequestState
from ledger.people.access import Caller
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.times import Moment, moment
from ledger.signing.content import changes, told
from ledger.signing.decisions import Decisions
from ledger.signing.delegations import lent_to
from ledger.signing.requests import Requests, Running, read_running
from ledger.signing.shown import ShownRequest, ShownStep, show
from ledger.signing.tasks import Task
from ledger.store.store import Store
from ledger.web.views.common import Scope

_SHOWN_ITEMS = 200
_LIVE = (RequestState.OPEN, RequestState.COMPLETED)


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """A task as a line."""

    task: Task
    title: str
    due: Moment | None
    sentence: str


class TasksView(msgspec.Struct, frozen=True, kw_only=True):
    """My tasks, the most urgent first, as of now."""

    rows: tuple[TaskRow, ...]
    now: Moment


class GivenRow(msgspec.Struct, frozen=True, kw_only=True):
    """One signature of a step."""

    account: str
    on_behalf_of: str | None
    role: str
    at: Moment
    signature: int


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step as a line: its state by symbol and word, whom it is for, who signed, and why I may not."""

    step: ShownStep
    state: State
    due: Moment | None
    given: tuple[GivenRow, ...]


class HappenedRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened in the request."""

    entry: int
    at: Moment
    sentence: str


class ItemRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of what is to be signed, and whether I have opened it."""

    index: int
    opened: bool


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is about an entry, and how it stands."""

    request: str
    title: str
    state: State
    sentence: str


class Mine(msgspec.Struct, frozen=True, kw_only=True):
    """A step that I can sign now: for myself, or in somebody's place."""

    step: str
    other: str | None


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `mine`: the steps that I can sign now; `withdraws`: I opened it, and may take it back."""

    shown: ShownRequest
    title: str
    reason: str
    log: str
    state: State
    sentence: str
    changed: tuple[str, ...]
    steps: tuple[StepRow, ...]
    happened: tuple[HappenedRow, ...]
    items: tuple[ItemRow, ...]
    more_items: int
    performers: tuple[str, ...]
    opened: Moment
    mine: tuple[Mine, ...]
    withdraws: bool


def tasks_view(scope: Scope, tasks: list[Task]) -> TasksView:
    """My tasks as lines."""
    rows = []
    for task in tasks:
        key = "tasks.told" if task.told else "tasks.for" if task.on_behalf_of else "tasks.sign"
        said = message(key, step=task.step, meaning=task.meaning, role=task.role, account=task.on_behalf_of or "")
        due = None if task.due_at is None else moment(parse_utc(task.due_at), scope.zone)
        rows.append(TaskRow(task=task, title=one_line(task.title), due=due, sentence=said))
    return TasksView(rows=tuple(rows), now=moment(scope.clock.now_us(), scope.zone))


def request_view(
    scope: Scope, connection: Connection, store: Store, decisions: Decisions, caller: Caller, name: str
) -> RequestView:
    """One request as this caller sees it; raises NotFound."""
    running = read_running(store, connection, name)
    shown = show(store, connection, decisions, running, caller.authority)
    opened_by_me = caller.account == shown.opened_by and shown.state is RequestState.OPEN
    unopened = set(shown.unopened)
    log = next((log.name for log in scope.logs if log.origin == shown.origin), "")
    return RequestView(
        shown=shown,
        title=one_line(shown.title),
        reason=one_line(shown.reason),
        log=log,
        state=_state_of(shown.state, bool(shown.changed)),
        sentence=message("request.changed") if shown.changed else message(f"request.{shown.state.value}"),
        changed=tuple(one_line(told(one)) for one in shown.changed),
        steps=tuple(_step(scope, step) for step in shown.steps),
        happened=tuple(
            HappenedRow(
                entry=one.entry,
                at=moment(parse_utc(one.at), scope.zone),
                sentence=message(
                    f"happened.{one.event.value}",
                    account=one.account,
                    step=one.step or "",
                    other=one.given_to or "",
                    reason=one_line(one.reason),
                ),
            )
            for one in shown.decisions
        ),
        items=tuple(ItemRow(index=one, opened=one not in unopened) for one in shown.entries[:_SHOWN_ITEMS]),
        more_items=shown.count - len(shown.entries[:_SHOWN_ITEMS]),
        performers=tuple(one_line(one) for one in shown.performers),
        opened=moment(parse_utc(shown.opened_at), scope.zone),
        mine=tuple(_mine(store, connection, decisions, running, caller, scope)),
        withdraws=opened_by_me,
    )


def asked_over(store: Store, connection: Connection, origin: str, index: int) -> tuple[Asked, ...]:
    """The requests for signature that are about an entry, and how each stands now: unsigned, once it has changed."""
    found = []
    for running in Requests(store).over(connection, origin, index):
        state = running.progress.state
        changed = state in _LIVE and bool(changes(store, connection, running.request))
        found.append(
            Asked(
                request=running.request.request,
                title=one_line(running.request.title),
                state=_state_of(state, changed or state is RequestState.SUPERSEDED),
                sentence=message("request.changed") if changed else message(f"request.{state.value}"),
            )
        )
    return tuple(found)


def _mine(
    store: Store, connection: Connection, decisions: Decisions, running: Running, caller: Caller, scope: Scope
) -> Iterator[Mine]:
    """What the caller can sign, for themselves and by each delegation that they have."""
    if not caller.person:
        return
    lent = lent_to(store, connection, caller.account, scope.clock.now_us())
    others = [None, *sorted({one.delegation.account for one in lent})]
    for standing in running.progress.current:
        for other in others:
            if not decisions.why_not(connection, running, standing.step.step, caller.authority, other):
                yield Mine(step=standing.step.step, other=other)


def _state_of(state: RequestState, changed: bool) -> State:
    if changed or state in (RequestState.DECLINED, RequestState.SUPERSEDED):
        return State.FAILS
    return State.HOLDS if state is RequestState.COMPLETED else State.UNKNOWN


def _step(scope: Scope, step: ShownStep) -> StepRow:
    return StepRow(
        step=step,
        state=State.HOLDS if len(step.signatures) >= step.needed else State.UNKNOWN,
        due=None if step.due_at is None else moment(parse_utc(step.due_at), scope.zone),
        given=tuple(
            GivenRow(
                account=one.account,
                on_behalf_of=one.on_behalf_of,
                role=one.role,
                at=moment(parse_utc(one.at), scope.zone),
                signature=one.signature,
            )
            for one in step.signatures
        ),
    )
