"""Sources: where each stands, and the runs that collectors hand over."""

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter, RawBody

from ledger.api.context import Context
from ledger.api.fields import SourceId, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.problems import declared
from ledger.api.submissions import read_run
from ledger.core.clock import utc_text
from ledger.core.errors import AccessDenied, Conflict
from ledger.core.run import RunReceipt, SourceState
from ledger.people.access import Caller, Scope, allow
from ledger.people.kinds import SecuritySort
from ledger.people.receipts import Answered, Exchange, KeyReused, Request

MAX_RUN: Final = 64 * 1024 * 1024
"""Bytes of the largest run, originals and snapshot in base64 included."""

RecordLog = Annotated[
    str | None, QueryParameter(description="The record log; may be left out where there is only one.", max_length=200)
]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="The same key with the same body is answered with the first receipt; with another body, by 409.",
        pattern=r"^[\x21-\x7e]{1,200}$",
    ),
]


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """A source as it is registered, without its options."""

    id: str
    type: str
    title: str
    zone: str | None
    owner: str | None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_sources(context: NamedDependency[Context], log: RecordLog = None) -> list[Registered]:
    """The sources of a record log."""
    return await context.lanes.read(_registered, context, log)


@get("/{source:str}/state", opt=allow(Scope.INGEST), responses=declared())
async def source_state(
    context: NamedDependency[Context], request: CallerRequest, source: SourceId, log: RecordLog = None
) -> SourceState:
    """Where a source stands: the cursor and snapshot that its collector goes on from."""
    without_nul(source=source)
    _require_bound(context, request.user, source)
    return await context.lanes.read(_state, context, log, source)


@post(
    "/{source:str}/runs",
    opt=allow(Scope.INGEST),
    responses=declared(409, 413),
    status_code=HTTPStatus.CREATED,
    request_max_body_size=MAX_RUN,
)
async def take_run(
    context: NamedDependency[Context],
    request: CallerRequest,
    body: RawBody,
    source: SourceId,
    log: RecordLog = None,
    idempotency_key: IdempotencyKey = None,
) -> RunReceipt:
    """Appends a run of a source: good records are entries once this answers, bad ones are quarantined beside them.

    The receipt tells of every submission, in the order sent, then of the run's `rejected`, what became of it. 409: the
    run doesn't start at the cursor where the source's run before ended.
    """
    without_nul(source=source)
    _require_bound(context, request.user, source)
    return await context.lanes.append(_take, context, request.user, source, log, bytes(body), idempotency_key)


def _state(context: Context, log: str | None, source: str) -> SourceState:
    return context.record_log(log).ingest.state(source)


def _registered(context: Context, log: str | None) -> list[Registered]:
    return [
        Registered(id=one.id, type=one.type, title=one.title, zone=one.zone, owner=one.owner)
        for one in context.record_log(log).sources.list()
    ]


def _require_bound(context: Context, caller: Caller, source: str) -> None:
    try:
        caller.require_source(source)
    except AccessDenied:
        context.service.people.security.note(SecuritySort.WRONG_SOURCE, caller.account, source)
        raise


def _take(context: Context, caller: Caller, source: str, log: str | None, body: bytes, key: str | None) -> RunReceipt:
    service = context.service
    target = context.record_log(log)
    reading = read_run(body, utc_text(service.clock.now_us()))
    if reading.batch.source != source:
        service.people.security.note(SecuritySort.WRONG_SOURCE, caller.account, source)
        raise AccessDenied(
            f"the run names source {reading.batch.source!r}, the address {source!r}",
            advice="Send each run to the address of its own source.",
        )
    exchange = None
    if key is not None:
        route = f"runs {target.log.origin} {source}"
        exchange = Exchange(service.store, service.keys.digests, Request(caller.account, route, key, body))
    try:
        receipt = target.ingest.submit(reading.batch, caller.authority, exchange)
    except Answered:
        assert exchange is not None
        receipt = exchange.again(target.log, reading.batch)
    except Conflict as error:
        sort = SecuritySort.REPLAYED if isinstance(error, KeyReused) else SecuritySort.OUT_OF_ORDER
        service.people.security.note(sort, caller.account, source)
        raise
    return reading.in_sent_order(receipt)


router = Router("/sources", route_handlers=[list_sources, source_state, take_run], tags=["sources"])
