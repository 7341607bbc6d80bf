"""How a signing request stands after its decisions, and why a further one is out of order. Pure, and the only judge.

The server asks it under the head lock before it enters a decision; verification asks it again of every decision that
stands in the log. So a step cannot be skipped, nobody signs twice, and no performer is among the signers, whatever a
client sends or a database holds.
"""

from collections.abc import Iterable
from enum import StrEnum
from functools import cached_property
from itertools import islice

import msgspec

from ledger.core.members import Members, Spans
from ledger.core.signature import MAX_ENTRIES, Statement, Target, members
from ledger.core.workflow import (
    DecisionEntry,
    DecisionEvent,
    RequestEntry,
    RequestState,
    RouteEntry,
    Step,
)

HOUR_US = 3_600_000_000
MAX_SHOWN = 500
"""Entries of a set that one decision says were shown: no person is shown more at a time."""
DECLINED = "declined"
"""The meaning of the signature by which somebody declines."""
_PERSONAL = frozenset({
    DecisionEvent.OPENED, DecisionEvent.SIGNED, DecisionEvent.DECLINED, DecisionEvent.REASSIGNED,
})  # fmt: skip


class Cause(StrEnum):
    """Why a decision is refused."""

    ENDED = "ended"
    ORDER = "order"
    SELF = "self"
    TWICE = "twice"
    NOT_NAMED = "not-named"
    UNSEEN = "unseen"
    FORM = "form"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a decision is out of order, as a sentence."""

    cause: Cause
    what: str


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One signature of a step: who, for whom, when, and the entries of decision and signature."""

    account: str
    on_behalf_of: str | None
    role: str
    at_us: int
    decision: int
    signature: int


class StepStanding:
    """A step of a running request. `names`: those it is for; empty: whoever holds the role."""

    def __init__(self, step: Step, stage: int) -> None:
        self.step = step
        self.stage = stage
        self.names: tuple[str, ...] = step.accounts
        self.assigned: tuple[str, ...] = ()
        """Of a step that names nobody: those whom a place in it was given to."""
        self.given: list[Given] = []
        self.begun_us: int | None = None
        self.escalated = False

    @property
    def done(self) -> bool:
        return len(self.given) >= self.step.needed

    @property
    def due_us(self) -> int | None:
        """Until when the step is to be signed, once its stage has begun."""
        if self.begun_us is None or self.step.due_hours is None:
            return None
        return self.begun_us + self.step.due_hours * HOUR_US

    def is_for(self, account: str) -> bool:
        """Whether the step is this account's to sign, as far as names go."""
        if self.names:
            return account in self.names
        waiting = [
            one for one in self.assigned if one not in {given.on_behalf_of or given.account for given in self.given}
        ]
        return account in waiting or self.step.needed - len(self.given) > len(waiting)


class Progress:
    """One request, as it stands after the decisions that were taken in."""

    def __init__(self, request: RequestEntry, route: RouteEntry, opened_us: int) -> None:
        self.request = request
        self.route = route
        self.opened_us = opened_us
        self.state = RequestState.OPEN
        self.stage = 0
        self.steps = tuple(StepStanding(step, at) for at, stage in enumerate(route.stages) for step in stage.steps)
        self.items: dict[str, Spans] = {}
        self.ended_us: int | None = None
        self.renewed_by: str | None = None
        # Of `source:account` the account alone counts too: who has the same name here may be the same person.
        named = (*request.performers, *(one.rpartition(":")[2] for one in request.performers))
        self._performers = {one.casefold() for one in named}
        self._begin(opened_us)

    @property
    def opener(self) -> str:
        """Who may withdraw the request: who opened it, or the one that it renews."""
        return self.request.asked_by or self.request.authority.actor

    @property
    def people(self) -> frozenset[str]:
        """Everybody who signed, and everybody for whom somebody did."""
        given = [one for step in self.steps for one in step.given]
        return frozenset({one.account for one in given} | {one.on_behalf_of for one in given if one.on_behalf_of})

    @property
    def current(self) -> tuple[StepStanding, ...]:
        """The steps that can be signed now."""
        if self.state is not RequestState.OPEN:
            return ()
        return tuple(one for one in self.steps if one.stage == self.stage and not one.done)

    def step(self, name: str | None) -> StepStanding | None:
        """The step of that name."""
        return next((one for one in self.steps if one.step.step == name), None)

    def performed(self, account: str | None) -> bool:
        """Whether this account did the work."""
        return account is not None and account.casefold() in self._performers

    @cached_property
    def members(self) -> Members:
        """The entries that the request is about."""
        return members(self.request.target)

    def unopened(self, account: str) -> int:
        """How many entries of a set this account was not shown yet; a single entry is shown by the signing itself."""
        return 0 if len(self.members) < 2 else self.items.get(account, Spans()).missing(self.members)

    def first_unopened(self, account: str, most: int = MAX_ENTRIES) -> tuple[int, ...]:
        """The first of them, `most` at most."""
        if len(self.members) < 2:
            return ()
        return tuple(islice(self.items.get(account, Spans()).unseen(self.members), most))

    def unopened_among(self, account: str, items: Iterable[int]) -> frozenset[int]:
        """Which of these entries this account was not shown yet."""
        seen = self.items.get(account, Spans())
        return frozenset(one for one in items if one not in seen)

    def next_state(self, decision: DecisionEntry) -> RequestState | None:
        """The state that a decision in order brings about; None where the request stays as it is."""
        match decision.event:
            case DecisionEvent.SIGNED:
                undone = sum(step.step.needed - len(step.given) for step in self.steps)
                return RequestState.COMPLETED if undone == 1 else None
            case DecisionEvent.DECLINED:
                return RequestState.DECLINED
            case DecisionEvent.WITHDRAWN:
                return RequestState.WITHDRAWN
            case DecisionEvent.SUPERSEDED:
                return RequestState.SUPERSEDED
        return None

    def refusal(self, decision: DecisionEntry, at_us: int) -> Refusal | None:
        """Why this decision, at that instant, is out of order; None where it is in order.

        Whether the actor holds the role is not asked here: that is for who can read grants.
        """
        if decision.request != self.request.request:
            return _no(Cause.FORM, "it is of another request")
        if decision.event is DecisionEvent.REFUSED:
            return None
        ended = self.state not in (RequestState.OPEN, RequestState.COMPLETED)
        if ended or (self.state is RequestState.COMPLETED and decision.event is not DecisionEvent.SUPERSEDED):
            return _no(Cause.ENDED, f"the request is {self.state.value}")
        if decision.event in _PERSONAL and not decision.authority.authenticated:
            return _no(Cause.FORM, "it takes somebody who signed in")
        return self._out_of_order(decision, at_us) or self._wrong_state(decision)

    def take(self, decision: DecisionEntry, at_us: int, index: int) -> None:
        """Takes in a decision that is in order, logged at that instant as entry `index` of the system log."""
        actor, step = decision.authority.actor, self.step(decision.step)
        match decision.event:
            case DecisionEvent.OPENED:
                seen = self.items.setdefault(actor, Spans())
                for one in decision.items:
                    seen.add(one, one)
                if decision.span is not None:
                    seen.add(*decision.span)
            case DecisionEvent.SIGNED if step is not None:
                given = Given(
                    account=actor,
                    on_behalf_of=decision.on_behalf_of,
                    role=decision.role or "",
                    at_us=at_us,
                    decision=index,
                    signature=-1 if decision.signature is None else decision.signature,
                )
                step.given.append(given)
                self._advance(at_us)
            case DecisionEvent.REASSIGNED if step is not None and decision.given_to is not None:
                _give(step, decision.given_from, decision.given_to)
            case DecisionEvent.ESCALATED if step is not None:
                step.escalated = True
        if decision.state is not None:
            self.state, self.ended_us = decision.state, at_us
            self.renewed_by = decision.renewed_by

    def _out_of_order(self, decision: DecisionEntry, at_us: int) -> Refusal | None:
        actor = decision.authority.actor
        match decision.event:
            case DecisionEvent.OPENED:
                return self._not_shown(decision)
            case DecisionEvent.SIGNED | DecisionEvent.DECLINED:
                return self._not_theirs(decision)
            case DecisionEvent.REASSIGNED:
                return self._not_to_give(decision)
            case DecisionEvent.WITHDRAWN:
                if actor != self.opener:
                    return _no(Cause.NOT_NAMED, f"only {self.opener}, who opened the request, can withdraw it")
            case DecisionEvent.ESCALATED:
                step = self.step(decision.step)
                due = None if step is None else step.due_us
                late = step in self.current and due is not None and at_us >= due and not step.escalated
                if step is None or not late or decision.told != step.step.escalate_to:
                    return _no(Cause.ORDER, f"step {decision.step!r} is not overdue, or was escalated already")
            case DecisionEvent.SUPERSEDED:
                if not decision.changed:
                    return _no(Cause.FORM, "it does not say what has changed")
        return None

    def _wrong_state(self, decision: DecisionEntry) -> Refusal | None:
        due = self.next_state(decision)
        if decision.state is not due:
            stays = "stays open" if due is None else f"is {due.value} by it"
            return _no(Cause.FORM, f"the request {stays}, and the decision says otherwise")
        return None

    def _not_theirs(self, decision: DecisionEntry) -> Refusal | None:
        """Why the actor cannot sign, or decline, this step now."""
        found = self._current(decision.step)
        if isinstance(found, Refusal):
            return found
        actor, other = decision.authority.actor, decision.on_behalf_of
        for one in (actor, other):
            if self.performed(one):
                return _no(Cause.SELF, f"{one} performed the work, and nobody signs their own")
        if other == actor or (other is None) != (decision.delegation is None):
            return _no(Cause.FORM, "for somebody else takes that person's delegation")
        for one in (actor, other):
            if one in self.people:
                return _no(Cause.TWICE, f"{one} has signed in this request already, or somebody has for them")
        if not found.is_for(other or actor):
            names = ", ".join(found.names or found.assigned)
            return _no(Cause.NOT_NAMED, f"step {found.step.step!r} is for others: {names}")
        if decision.role != found.step.role:
            return _no(Cause.NOT_NAMED, f"step {found.step.step!r} is signed as {found.step.role}")
        if decision.signature is None:
            return _no(Cause.FORM, "it names no signature")
        missing = self.unopened(actor)
        if decision.event is DecisionEvent.SIGNED and missing:
            (first,) = self.first_unopened(actor, 1)
            return _no(
                Cause.UNSEEN, f"{actor} has not opened {missing} entries of the set, of which the first is {first}"
            )
        return None

    def _not_shown(self, decision: DecisionEntry) -> Refusal | None:
        """Why the actor cannot have been shown this."""
        shown = len(decision.items)
        ends = (*decision.items, *(decision.span or ()))
        if decision.span is not None and decision.span[0] <= decision.span[1]:
            shown += self.members.between(*decision.span)
        if not shown or any(one not in self.members for one in ends):
            return _no(Cause.FORM, "what was opened is not of the request")
        if shown > MAX_SHOWN:
            return _no(Cause.FORM, f"nobody is shown {shown} entries at a time, but {MAX_SHOWN} at most")
        return None

    def _not_to_give(self, decision: DecisionEntry) -> Refusal | None:
        """Why this place in a step cannot be given so."""
        step = self.step(decision.step)
        if step is None or step.done or step.stage < self.stage:
            return _no(Cause.ORDER, f"step {decision.step!r} is not one that is still to be signed")
        actor, giver, taker = decision.authority.actor, decision.given_from, decision.given_to
        held = step.names or step.assigned
        if actor not in (self.opener, giver):
            return _no(Cause.NOT_NAMED, "only who opened the request, or whose place it is, gives it to somebody else")
        if taker is None or taker == giver or taker in held:
            return _no(Cause.FORM, "it names nobody new")
        if self.performed(taker):
            return _no(Cause.SELF, f"{taker} performed the work, and nobody signs their own")
        if taker in self.people:
            return _no(Cause.TWICE, f"{taker} has signed in this request already, or somebody has for them")
        if giver is not None and (giver not in held or giver in self.people):
            return _no(Cause.NOT_NAMED, f"{giver} has no open place in step {step.step.step!r}")
        open_places = step.step.needed - len(step.given)
        waiting = [one for one in step.assigned if one not in self.people]
        if giver is None and (step.names or len(waiting) >= open_places):
            return _no(Cause.FORM, f"step {step.step.step!r} has no place that is nobody's; say whose is given away")
        return None

    def _current(self, name: str | None) -> StepStanding | Refusal:
        step = self.step(name)
        if step is None:
            return _no(Cause.ORDER, f"the route has no step {name!r}")
        if step.done:
            return _no(Cause.ORDER, f"step {name!r} is signed already")
        if step.stage != self.stage:
            first = ", ".join(one.step.step for one in self.current)
            return _no(Cause.ORDER, f"step {name!r} comes later: {first} is to be signed before it")
        return step

    def _advance(self, at_us: int) -> None:
        while self.stage < len(self.route.stages) and all(one.done for one in self.steps if one.stage == self.stage):
            self.stage += 1
            self._begin(at_us)

    def _begin(self, at_us: int) -> None:
        for one in self.steps:
            if one.stage == self.stage and one.begun_us is None:
                one.begun_us = at_us


def signature_refusal(
    decision: DecisionEntry, request: RequestEntry, step: Step, statement: Statement, address: str
) -> str:
    """Why a signature is not the one of this decision; empty if it is. `address` is that of the request's entry."""
    meaning = DECLINED if decision.event is DecisionEvent.DECLINED else step.meaning
    pairs: Iterable[tuple[str, object, object]] = (
        ("request", statement.request, address),
        # What it is called, and as of which size, may be said anew; the entries may not.
        ("target", _content(statement.target), _content(request.target)),
        ("signer", statement.signer.account, decision.authority.actor),
        ("role", statement.signer.role, decision.role),
        ("meaning", statement.meaning.code, meaning),
        ("person that it is for", statement.on_behalf_of, decision.on_behalf_of),
    )
    return next((f"its signature is of another {name}" for name, said, wanted in pairs if said != wanted), "")


def _content(target: Target) -> object:
    return target.origin, target.count, target.root, target.entries, target.leaves, target.runs


def _give(step: StepStanding, giver: str | None, taker: str) -> None:
    if step.names:
        step.names = tuple(taker if one == giver else one for one in step.names)
    else:
        step.assigned = (*(one for one in step.assigned if one != giver), taker)


def _no(cause: Cause, what: str) -> Refusal:
    return Refusal(cause=cause, what=what)
