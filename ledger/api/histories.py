"""Objects over HTTP: all versions of one, and what stood in its fields at an instant, or after an entry."""

from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import LogName, Word, Zone, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.looked_up import Question, looked_up
from ledger.api.placed import AsOf, moment_us
from ledger.api.problems import declared
from ledger.api.searching import Before, Limit
from ledger.core.clock import utc_text
from ledger.core.errors import SchemaViolation
from ledger.integrity.incidents.standing import Integrity, answered, integrity
from ledger.people.access import Scope, allow
from ledger.privacy.look_up_kinds import Purpose
from ledger.store.as_of import AtCheckpoint, as_of, checkpoint_of
from ledger.store.changes import Thing
from ledger.store.position import MAX_INDEX
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.trace.history import Version, versions
from ledger.trace.state import ObjectState, sources_of, state_as_logged, state_at

ObjectType = Annotated[
    str, QueryParameter(name="type", description="Type of the object, as its source has it.", max_length=512)
]
ObjectId = Annotated[str, QueryParameter(name="id", description="Id of the object.", max_length=512)]
At = Annotated[
    str | None,
    QueryParameter(description="The instant asked about, with its offset or in `zone`.", max_length=40),
]
After = Annotated[
    int | None, QueryParameter(description="The entry after which the state is asked for.", ge=0, le=MAX_INDEX)
]


class HistoryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Versions in the order of the log, newest first, as of `size`; `next_before` as `before`, with the same `size`,
    gives the next page; null: this was the last.

    `checkpoint`: the newest one that the answer reaches. `integrity` is *unknown* while incident case `incident` doubts
    what was asked for, or one of the versions.
    """

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    versions: list[Version]
    next_before: int | None
    integrity: Integrity
    incident: str | None


class StateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What stood in the object's fields, by source: at instant `at`, or after entry `index` by the order of the log."""

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    at: str | None
    index: int | None
    states: list[ObjectState]
    integrity: Integrity
    incident: str | None


@get("/history", opt=allow(Scope.READ), responses=declared())
async def history(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    object_type: ObjectType,
    object_id: ObjectId,
    source: Word = None,
    attribute: Word = None,
    before: Before = None,
    limit: Limit = 50,
    size: AsOf = None,
    purpose: FromQuery[Purpose | None] = None,
) -> HistoryAnswer:
    """All versions of an object or, with `attribute`, of one field: old and new value, who, why, what each follows.

    `continuity` of a step: whether its old value is the one that the change before it, in time, left. `signatures` are
    those over a version; `after_signature` says that what was signed was changed later. An object that stands for a
    person takes a `purpose`, as a search for that person does, and is entered.
    """
    without_nul(type=object_type, id=object_id, source=source, attribute=attribute)
    query = Query(source=source, object_type=object_type, object_id=object_id, attribute=attribute)

    chosen = context.log(log)

    def read(reader: LogReader, _personal: bool) -> tuple[HistoryAnswer, int]:
        store, connection, at = context.service.store, reader.connection, as_of(reader, chosen, size)
        page = versions(
            store, connection, chosen, at, object_type, object_id,
            source=source, attribute=attribute, before=before, limit=limit,
        )  # fmt: skip
        standing = context.service.standings.now(connection)
        case = answered(standing, chosen.number, query, [one.index for one in page.versions])
        answer = HistoryAnswer(
            log=chosen.name,
            size=at,
            checkpoint=checkpoint_of(connection, chosen, at),
            versions=list(page.versions),
            next_before=page.next_before,
            integrity=integrity(case),
            incident=case,
        )
        return answer, len(page.versions)

    return await looked_up(context, request.user, chosen, Question(query, purpose), read)


@get("/state", opt=allow(Scope.READ), responses=declared())
async def state(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    object_type: ObjectType,
    object_id: ObjectId,
    source: Word = None,
    at: At = None,
    zone: Zone = None,
    index: After = None,
    size: AsOf = None,
    purpose: FromQuery[Purpose | None] = None,
) -> StateAnswer:
    """What stood in an object's fields at instant `at`, or after entry `index`, each source's told apart.

    At an instant: of a field whose last change clocks do not tell, all values that can have stood there. After an
    entry: what the log had said last of each field by then. Takes a `purpose` as a history does.
    """
    without_nul(type=object_type, id=object_id, source=source, at=at, zone=zone)
    if (at is None) == (index is None):
        raise SchemaViolation("a state is that at an instant or that after an entry", advice="Give `at` or `index`.")
    moment = None if at is None else moment_us(at, zone)
    query = Query(source=source, object_type=object_type, object_id=object_id)

    chosen = context.log(log)

    def read(reader: LogReader, _personal: bool) -> tuple[StateAnswer, int]:
        connection, parameters = reader.connection, context.service.quality.parameters
        read_at = as_of(reader, chosen, size)
        if index is not None and index >= read_at:
            raise SchemaViolation(f"log {chosen.name} has no entry {index} as of size {read_at}")
        seen = read_at if index is None else index + 1
        states = []
        for name in sources_of(connection, chosen.number, seen, object_type, object_id):
            if source not in (None, name):
                continue
            thing = Thing(name, object_type, object_id)
            if moment is not None:
                states.append(state_at(connection, parameters, chosen.number, seen, thing, moment))
            else:
                states.append(state_as_logged(connection, chosen.number, seen - 1, thing))
        told = [one.since for of in states for field in of.fields for one in field.alternatives]
        case = answered(
            context.service.standings.now(connection),
            chosen.number,
            query,
            sorted({since for since in told if since is not None}),
        )
        answer = StateAnswer(
            log=chosen.name,
            size=read_at,
            checkpoint=checkpoint_of(connection, chosen, read_at),
            at=None if moment is None else utc_text(moment),
            index=index,
            states=states,
            integrity=integrity(case),
            incident=case,
        )
        return answer, len(states)

    return await looked_up(context, request.user, chosen, Question(query, purpose), read)


router = Router("/logs/{log:str}/objects", route_handlers=[history, state], tags=["search"])
