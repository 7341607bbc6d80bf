"""A request as every surface shows it: its steps, who signed, what is next, why I may not, whether it still holds."""

from enum import StrEnum

import msgspec
from sqlalchemy import Connection

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.progress import StepStanding
from ledger.core.workflow import Changed, DecisionEvent, RequestState
from ledger.signing.content import changes
from ledger.signing.decisions import Decisions
from ledger.signing.requests import Running
from ledger.store.store import Store


class StepState(StrEnum):
    """How a step stands."""

    SIGNED = "signed"
    OPEN = "open"
    LATER = "later"
    ENDED = "ended"


class ShownSignature(msgspec.Struct, frozen=True, kw_only=True):
    """One signature of a step; `signature` and `decision` are entries of the system log."""

    account: str
    on_behalf_of: str | None
    role: str
    at: str
    signature: int
    decision: int


class ShownStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step. `names`: whom it is for, or empty: whoever holds the role.

    `why_not`: why the one who looks cannot sign it now; empty: they can.
    """

    step: str
    stage: int
    role: str
    meaning: str
    site: str | None
    needed: int
    names: tuple[str, ...]
    state: StepState
    due_at: str | None
    overdue: bool
    escalated: bool
    signatures: tuple[ShownSignature, ...]
    why_not: str


class ShownDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened in a request."""

    entry: int
    at: str
    event: DecisionEvent
    account: str
    step: str | None
    reason: str
    on_behalf_of: str | None
    given_to: str | None
    tried: DecisionEvent | None


class ShownRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `changed`: why its content is no longer what was signed; then it counts as unsigned, whatever `state`
    says, and what was signed stays valid for the old version. `entries` lists what it is about, unless that is a set
    too large for it; they are `count` in all. Of them the one who looks is still to open `to_open`, first `unopened`.
    """

    request: str
    entry: int
    address: str
    title: str
    state: RequestState
    unsigned: bool
    changed: tuple[Changed, ...]
    route: str
    route_version: int
    site: str | None
    origin: str
    entries: tuple[int, ...]
    count: int
    root: str
    performers: tuple[str, ...]
    unresolved: int
    opened_by: str
    opened_at: str
    reason: str
    steps: tuple[ShownStep, ...]
    decisions: tuple[ShownDecision, ...]
    unopened: tuple[int, ...]
    to_open: int
    renews: str | None
    renewed_by: str | None


def show(
    store: Store, connection: Connection, decisions: Decisions, running: Running, viewer: Authority
) -> ShownRequest:
    """The request in this snapshot, as `viewer` sees it."""
    request, progress = running.request, running.progress
    superseded = [one.decision.changed for one in running.decided if one.decision.event is DecisionEvent.SUPERSEDED]
    live = progress.state in (RequestState.OPEN, RequestState.COMPLETED)
    changed = changes(store, connection, request) if live else next(iter(superseded), ())
    now_us = store.clock.now_us()
    return ShownRequest(
        request=request.request,
        entry=running.entry,
        address=running.address,
        title=request.title,
        state=progress.state,
        unsigned=bool(changed) or progress.state is not RequestState.COMPLETED,
        changed=changed,
        route=request.route,
        route_version=request.route_version,
        site=request.site,
        origin=request.target.origin,
        entries=request.target.entries,
        count=request.target.count,
        root=request.target.root,
        performers=request.performers,
        unresolved=request.unresolved,
        opened_by=progress.opener,
        opened_at=utc_text(running.opened_us),
        reason=request.reason,
        steps=tuple(
            _step(running, standing, now_us, decisions.why_not(connection, running, standing.step.step, viewer))
            for standing in progress.steps
        ),
        decisions=tuple(_decided(running)),
        unopened=progress.first_unopened(viewer.actor),
        to_open=progress.unopened(viewer.actor),
        renews=request.renews,
        renewed_by=progress.renewed_by,
    )


def _step(running: Running, standing: StepStanding, now_us: int, why_not: str) -> ShownStep:
    step, due = standing.step, standing.due_us
    if standing.done:
        state = StepState.SIGNED
    elif running.progress.state is not RequestState.OPEN:
        state = StepState.ENDED
    else:
        state = StepState.OPEN if standing in running.progress.current else StepState.LATER
    return ShownStep(
        step=step.step,
        stage=standing.stage + 1,
        role=step.role,
        meaning=step.meaning,
        site=step.site or running.request.site,
        needed=step.needed,
        names=standing.names or standing.assigned,
        state=state,
        due_at=None if due is None else utc_text(due),
        overdue=state is StepState.OPEN and due is not None and due <= now_us,
        escalated=standing.escalated,
        signatures=tuple(
            ShownSignature(
                account=one.account,
                on_behalf_of=one.on_behalf_of,
                role=one.role,
                at=utc_text(one.at_us),
                signature=one.signature,
                decision=one.decision,
            )
            for one in standing.given
        ),
        why_not=why_not,
    )


def _decided(running: Running) -> list[ShownDecision]:
    return [
        ShownDecision(
            entry=one.entry,
            at=utc_text(one.at_us),
            event=one.decision.event,
            account=one.decision.authority.actor,
            step=one.decision.step,
            reason=one.decision.reason,
            on_behalf_of=one.decision.on_behalf_of,
            given_to=one.decision.given_to or one.decision.told,
            tried=one.decision.tried,
        )
        for one in running.decided
    ]
