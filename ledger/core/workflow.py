"""Signing workflows as entries: route templates, requests for signature, delegations, and what was decided. All pure.

A route is a sequence of stages; the steps of one stage are signed in any order, those of the next only once all of it
is. Every version of a route is an entry, and a request runs under the version that it was opened with. What a request
is worth is read off its decisions alone (`core.progress`).
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.record import Name, Text
from ledger.core.signature import Target
from ledger.core.times import SafeInt

PlainName = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,99}\Z")]
"""Lower case letters, digits, `.`, `_` and `-`."""
Hours = Annotated[int, msgspec.Meta(ge=1, le=8784)]
Needed = Annotated[int, msgspec.Meta(ge=1, le=50)]
Index = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step: `needed` different people sign, each in `role` and with `meaning` (a code of the list of meanings).

    They are of `accounts`, or, where none is named, whoever holds the role at the request's site; with `site` at that
    one instead. Nobody who performed the work signs any step: a witness is never the performer. After `due_hours` of
    its stage whoever holds `escalate_to` is told.
    """

    step: PlainName
    role: PlainName
    meaning: PlainName
    needed: Needed = 1
    accounts: tuple[PlainName, ...] = ()
    site: Name | None = None
    due_hours: Hours | None = None
    escalate_to: PlainName | None = None


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Steps that are signed in any order."""

    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=20)]


class RouteEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="signing-route/1"
):
    """From here on the route is so; requests that run keep the version that they were opened with.

    A `retired` route takes no new request.
    """

    route: PlainName
    title: Name
    stages: Annotated[tuple[Stage, ...], msgspec.Meta(min_length=1, max_length=20)]
    reason: Text
    authority: Authority
    retired: bool = False


class RequestState(StrEnum):
    """How a request stands. Only `open` ones take a decision of a person."""

    OPEN = "open"
    COMPLETED = "completed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    """What it is about has changed: it shows as unsigned, and what was signed stays valid for the old version."""


class RequestEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="signing-request/1"
):
    """Somebody asks for the signatures of a route over a target.

    `route_version` is the entry of the route's version. `site`: the record log that the content is of. `performers` did
    the work: persons by the identity map, accounts of Trailseal's, and accounts of sources that no map gives to a
    person, as `source:account`; `unresolved` counts those last. `population`: the query (canonical JSON) whose whole
    answer the target was when it was opened. `renews`: the request whose content changed, which `asked_by` had opened.
    """

    request: PlainName
    title: Name
    target: Target
    route: PlainName
    route_version: Index
    performers: tuple[Name, ...]
    reason: Text
    authority: Authority
    site: Name | None = None
    unresolved: Index = 0
    population: Text | None = None
    renews: PlainName | None = None
    asked_by: Name | None = None


class DelegationState(StrEnum):
    """A delegation is given once and ended once."""

    GRANTED = "granted"
    ENDED = "ended"


class DelegationEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="delegation/1"
):
    """`delegate` may sign in the place of `account` between two instants (`utc_text`), in roles that both hold then.

    It gives a place, never a role: by grants of their own both hold the role of a step that is signed so.
    """

    delegation: PlainName
    account: PlainName
    delegate: PlainName
    state: DelegationState
    from_at: str
    until_at: str
    reason: Text
    authority: Authority


class DecisionEvent(StrEnum):
    """What can happen in a request."""

    OPENED = "opened"
    """A person was shown these entries of the target."""
    SIGNED = "signed"
    DECLINED = "declined"
    """With a signature of its own; it ends the request."""
    REASSIGNED = "reassigned"
    WITHDRAWN = "withdrawn"
    ESCALATED = "escalated"
    SUPERSEDED = "superseded"
    REFUSED = "refused"
    """Somebody tried what the route does not allow; it changes nothing."""


class Changed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a target is no longer what it was: `entry` (an address) was corrected or replaced by entry `by`.

    Without `entry`, `by` has joined the population, or without `by`, `entry` is no longer of it.
    """

    entry: Name | None = None
    by: Name | None = None


class DecisionEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="decision/1"
):
    """What was decided in a request; `opened` is the request's entry, `state` how it stands from here on, if otherwise.

    Of `signed` and `declined`: in which `role`, and the entry of the `signature`; for somebody else `on_behalf_of`, by
    the `delegation` of that entry and that person's own grants (`rests_on`). `items`: the entries that were opened;
    `span`: of a set, all its entries from the one to the other.
    `given_from` and `given_to` are of a reassignment, `told` of an escalation, `changed` and `renewed_by` of what was
    superseded, `tried` of what was refused.
    """

    request: PlainName
    opened: Index
    event: DecisionEvent
    reason: Text
    authority: Authority
    step: PlainName | None = None
    role: PlainName | None = None
    on_behalf_of: PlainName | None = None
    delegation: Index | None = None
    rests_on: tuple[Index, ...] = ()
    signature: Index | None = None
    items: tuple[SafeInt, ...] = ()
    span: tuple[Index, Index] | None = None
    given_from: PlainName | None = None
    given_to: PlainName | None = None
    told: PlainName | None = None
    changed: tuple[Changed, ...] = ()
    renewed_by: PlainName | None = None
    tried: DecisionEvent | None = None
    state: RequestState | None = None
