"""Suppressions over HTTP: findings that are looked past for a time, in a scope."""

from typing import Any

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ledger.api.configuring import ProposedChange, Requested, enter_one, set_or_proposed
from ledger.api.context import Context
from ledger.api.fields import LogName, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.map_entries import When
from ledger.api.people import Reason
from ledger.api.placed import AsOf, Placed
from ledger.api.problems import declared
from ledger.api.rule_life import RuleName
from ledger.core.clock import utc_text
from ledger.core.errors import SchemaViolation
from ledger.core.record import Name
from ledger.core.ruling import Suppression
from ledger.people.access import Scope, allow
from ledger.review.life.suppressions import Suppressing, revoking, suppressions
from ledger.sources.map_files import instant
from ledger.store.as_of import as_of


class NewSuppression(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule finds is looked past from `since` (null: now) to before `until`, where it is about this source, type
    of object and object (null: any); `revoked` instead of `until`: no longer.
    """

    reason: Reason
    until: When | None = None
    since: When | None = None
    source: Name | None = None
    object_type: Name | None = None
    object_id: Name | None = None
    revoked: bool = False
    change_request: Requested = None


class SuppressionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All that was not revoked as of `size`; `in_force`: now."""

    log: str
    size: int
    suppressions: list[Suppressing]


@get("/suppressions", opt=allow(Scope.READ), responses=declared())
async def read_suppressions(context: NamedDependency[Context], log: LogName, size: AsOf = None) -> SuppressionsAnswer:
    """What is looked past, what will be, and what no longer is."""

    def read() -> SuppressionsAnswer:
        chosen = context.record_log(log).log
        with context.service.store.reader(chosen.number) as reader:
            at, now_us = as_of(reader, chosen, size), context.service.clock.now_us()
            found = suppressions(reader.connection, chosen.number, at, now_us)
            return SuppressionsAnswer(log=chosen.name, size=at, suppressions=found)

    return await context.lanes.read(read)


@post("/{rule:str}/suppressions", opt=allow(Scope.CONFIGURE), responses=set_or_proposed(409))
async def suppress(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    rule: RuleName,
    data: JSONBody[NewSuppression],
) -> Response[Placed | ProposedChange]:
    """Looks past what a rule finds in a scope, until a date, or no longer; the findings stay, and show it."""
    without_nul(rule=rule)
    no_nul_in(data)
    service = context.service
    if (data.until is None) is not data.revoked or (data.since is not None and data.revoked):
        raise SchemaViolation("a suppression ends", advice="Give `until`; with `revoked` neither `until` nor `since`.")
    entry = Suppression(
        rule=rule,
        since=utc_text(service.clock.now_us()) if data.since is None else instant(data.since, None),
        until="" if data.until is None else instant(data.until, None),
        source=data.source,
        object_type=data.object_type,
        object_id=data.object_id,
        reason=data.reason,
        authority=request.user.authority,
    )

    def enter() -> Response[Any]:
        made = entry
        if data.revoked:
            with service.store.reading() as connection:
                made = revoking(connection, context.record_log(log).log.number, entry)
        return enter_one(context, log, made, data, entry.authority)

    return await context.lanes.append(enter)


router = Router("/logs/{log:str}/rules", route_handlers=[read_suppressions, suppress], tags=["rules"])
