"""Projectors of signing workflows: routes, requests and what they are about, decisions, delegations."""

from collections.abc import Iterable

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row, Valid
from ledger.core.workflow import (
    DecisionEntry,
    DelegationEntry,
    DelegationState,
    RequestEntry,
    RequestState,
    RouteEntry,
)
from ledger.signing import route_tables as t
from ledger.store.position import pos_of


class RouteProjector:
    """Every version of every route."""

    name = "signing-route"
    version = 1
    kinds = frozenset({"signing-route"})
    table = t.signing_route.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: RouteEntry = entry.body
        yield Valid(body.route, (body.title, "retired" if body.retired else "set"))


class RequestProjector:
    """How each request stands."""

    name = "signing-request"
    version = 1
    kinds = frozenset({"signing-request", "decision"})
    table = t.signing_request.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: RequestEntry | DecisionEntry = entry.body
        if isinstance(body, RequestEntry):
            yield Valid(body.request, (RequestState.OPEN.value, entry.index))
        elif body.state is not None:
            yield Valid(body.request, (body.state.value, body.opened))


class TargetProjector:
    """What each request is about."""

    name = "signing-target"
    version = 1
    kinds = frozenset({"signing-request"})
    tables = (t.signing_target.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: RequestEntry = entry.body
        pos = pos_of(entry.log, entry.index)
        for index in body.target.entries:
            yield t.signing_target.name, (pos, index, body.target.origin)


class DecisionProjector:
    """Whatever happened in requests."""

    name = "decision"
    version = 1
    kinds = frozenset({"decision"})
    tables = (t.decision.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: DecisionEntry = entry.body
        pos = pos_of(entry.log, entry.index)
        yield t.decision.name, (pos, body.request, body.event.value, body.step or "", body.authority.actor)


class DelegationProjector:
    """Who may sign for whom."""

    name = "delegation"
    version = 1
    kinds = frozenset({"delegation"})
    table = t.delegation.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: DelegationEntry = entry.body
        span = (parse_utc(body.from_at), parse_utc(body.until_at))
        given = body.state is DelegationState.GRANTED
        yield Valid(body.delegation, (body.account, body.delegate, *span) if given else None)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return RouteProjector(), RequestProjector(), TargetProjector(), DecisionProjector(), DelegationProjector()
