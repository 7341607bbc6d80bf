"""Reconciliations of a source: what it counts of an interval against what the log has; listed, and entered by hand.

A source is read anew at the terminal alone, where its secrets are: `trailseal source reconcile`.
"""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ledger.api.context import Context
from ledger.api.fields import SourceId, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason
from ledger.api.placed import After, Limit, moment_us
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.people.access import Scope, allow
from ledger.sources.reconciling import Reconciled
from ledger.store.position import MAX_INDEX


class CountedByHand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many records of that time a person counted at the source; `zone`: IANA zone of instants without offset."""

    since: Annotated[str, msgspec.Meta(max_length=40, examples=["2026-11-01T00:00:00Z"])]
    until: Annotated[str, msgspec.Meta(max_length=40, examples=["2026-12-01T00:00:00Z"])]
    count: Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX, examples=[118])]
    reason: Reason
    zone: Annotated[str, msgspec.Meta(max_length=200, examples=["Europe/Berlin"])] | None = None


class ReconciliationsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of reconciliations, oldest first. `next_after` as `after` gives the next page; null: this was the last."""

    log: str
    source: str
    reconciliations: list[Reconciled]
    next_after: int | None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_reconciliations(
    context: NamedDependency[Context], source: SourceId, log: RecordLog = None, after: After = None, limit: Limit = 50
) -> ReconciliationsAnswer:
    """What came of each: the numbers of both sides, and up to 100 ids that only one of them has."""
    without_nul(source=source)

    def read() -> ReconciliationsAnswer:
        chosen = context.record_log(log)
        chosen.sources.get(source)
        # One more than the page has tells whether there is another.
        found = chosen.reconciling.history(source, -1 if after is None else after, limit + 1)
        return ReconciliationsAnswer(
            log=chosen.log.name,
            source=source,
            reconciliations=found[:limit],
            next_after=found[limit - 1].entry if len(found) > limit else None,
        )

    return await context.lanes.read(read)


@post("/", opt=allow(Scope.CONFIGURE), responses=declared())
async def reconcile(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[CountedByHand],
    log: RecordLog = None,
) -> Reconciled:
    """Holds a number that a person counted at the source against the log's; where they differ, it is a finding too."""
    without_nul(source=source)
    no_nul_in(data)
    low, high = moment_us(data.since, data.zone), moment_us(data.until, data.zone)
    authority = request.user.authority

    def enter() -> Reconciled:
        chosen = context.record_log(log)
        return chosen.reconciling.by_count(source, low, high, data.count, data.reason, authority)

    return await context.lanes.append(enter)


router = Router(
    "/sources/{source:str}/reconciliations", route_handlers=[list_reconciliations, reconcile], tags=["completeness"]
)
