"""Search over records: every filter a query parameter, pages by keyset, as of a size."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from litestar import get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import LogName
from ledger.api.filters import Filters, filters
from ledger.api.gate import CallerRequest
from ledger.api.looked_up import Question, looked_up
from ledger.api.problems import declared
from ledger.core.address import Address, LogId
from ledger.core.entry import decode_leaf
from ledger.core.tables import EntryState
from ledger.integrity.incidents.standing import Integrity, Standing, answered, integrity
from ledger.people.access import Scope, allow
from ledger.present.windows import Window
from ledger.privacy.look_up_kinds import Purpose
from ledger.sources.hand_marks import Marks, marks_of
from ledger.sources.inventory import unknown
from ledger.sources.narrowing import narrow
from ledger.store.as_of import AtCheckpoint, checkpoint_of
from ledger.store.counting import Counts, Facet, Linked, counts, linked
from ledger.store.disposed import count_disposed, state_of
from ledger.store.ordering import Sort, SortKey
from ledger.store.position import MAX_INDEX
from ledger.store.reading import LogReader
from ledger.store.search import MAX_PAGE
from ledger.store.wanted import Wanted

Limit = Annotated[int, QueryParameter(description="Hits on a page.", ge=1, le=MAX_PAGE)]
AsOf = Annotated[
    int | None,
    QueryParameter(description="The size of the log to search as of; now, if not given.", ge=0, le=MAX_INDEX),
]
AtNewest = Annotated[
    bool, QueryParameter(description="As of the newest checkpoint, so that all of the answer is proven by it.")
]
AfterPage = Annotated[
    str | None, QueryParameter(description="`next_after` of the page before this one.", max_length=400)
]
Before = Annotated[
    int | None, QueryParameter(description="`next_before` of the page before this one.", ge=0, le=MAX_INDEX)
]


class Order(StrEnum):
    """Which way an order goes."""

    ASCENDING = "asc"
    DESCENDING = "desc"


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A record that matches; `record` is null once its entry was disposed of. `integrity` is *unknown* while incident
    case `incident` doubts it. `marks`: entered by hand, corrected, excluded from an evaluation; null: none of these.
    """

    address: str
    index: int
    logged_at: str
    state: EntryState
    record: dict[str, Any] | None
    integrity: Integrity
    incident: str | None
    marks: Marks | None


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Hits in the order asked for, as of `size`.

    Give `next_after` as `after` for the next page; null: this was the last. (`next_before` as `before` does the same by
    index, with the same `size`.) `count`, `facets` and `linked` (what the newest of the records that match belong to)
    only where asked for. `checkpoint`: the newest one that the answer reaches; `beyond`: how many of the entries
    searched are newer. `disposed`: how many records of the log were disposed of, which no search finds. `windows`: how
    each window was read. `unknown_source`: the source asked for, where none of that id is registered. `integrity` of
    the whole answer is *unknown* while incident case `incident` doubts what was asked for, or a hit: records may be
    missing, or altered.
    """

    log: str
    size: int
    hits: list[Hit]
    sort: SortKey
    order: Order
    next_before: int | None
    next_after: str | None
    count: int | None
    facets: dict[str, list[Facet]] | None
    linked: Linked | None
    checkpoint: AtCheckpoint | None
    beyond: int
    disposed: int
    windows: list[Window]
    unknown_source: str | None
    integrity: Integrity
    incident: str | None


@get(
    "/logs/{log:str}/search",
    opt=allow(Scope.READ),
    responses=declared(),
    tags=["search"],
    dependencies={"asked": Provide(filters)},
)
async def search_records(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    asked: NamedDependency[Filters],
    size: AsOf = None,
    at_checkpoint: AtNewest = False,
    sort: FromQuery[SortKey] = SortKey.INDEX,
    order: FromQuery[Order] = Order.DESCENDING,
    before: Before = None,
    after: AfterPage = None,
    limit: Limit = 50,
    with_facets: FromQuery[bool] = False,
    purpose: FromQuery[Purpose | None] = None,
) -> SearchAnswer:
    """Searches the records of a log; all filters that are given must hold. `with_facets` adds counts. A filter but
    `link` that is given twice with two values, or a window that does not begin before it ends, is refused.

    `person`, `site`, `area`, `line`, `unit` and `equipment` are by the dated maps as of the same size: whose the
    account was, and where the object stood, at the moment of the record. A shared account is nobody's.

    What has no value of `sort` comes last in either order. Pages go on by `after`, as of the size of the first one; by
    index, newest first, also by `before`. Asked with the same `size` again, a search gives the same answer, but for
    records that were disposed of since: their number is in `disposed`.

    A search for a person (by actor, or by an id or a word that is a known account, person or printed name) takes a
    `purpose`, unless the caller has opened one; it is entered before it is answered, and has no facets.
    """
    made = Sort(by=sort, ascending=order is Order.ASCENDING)
    chosen, wanted = context.log(log), Wanted(size, at_checkpoint, made, before, after, limit)

    def read(reader: LogReader, personal: bool) -> tuple[SearchAnswer, int]:
        answer = _search(context, reader, chosen, asked, wanted, with_facets, personal)
        return answer, len(answer.hits)

    return await looked_up(context, request.user, chosen, Question(asked.query, purpose, asked.where.person), read)


def _search(
    context: Context,
    reader: LogReader,
    log: LogId,
    asked: Filters,
    paging: Wanted,
    with_facets: bool,
    personal: bool,
) -> SearchAnswer:
    query = asked.query
    read_at = paging.read_at(reader, log)
    question = narrow(reader.connection, log.number, read_at, query, asked.where)
    page = paging.page(reader, log, read_at, question)
    standing = context.service.standings.now(reader.connection)
    marks = marks_of(reader.connection, log, page.indices, read_at)
    hits = [_hit(reader, standing, log, index, marks.get(index)) for index in page.indices]
    # Counts over what one person did would be an evaluation of that person.
    found = counts(reader.connection, log.number, read_at, question) if with_facets else None
    checkpoint = checkpoint_of(reader.connection, log, read_at)
    case = answered(standing, log.number, query, page.indices)
    return SearchAnswer(
        log=log.name,
        size=read_at,
        hits=hits,
        sort=paging.sort.by,
        order=Order.ASCENDING if paging.sort.ascending else Order.DESCENDING,
        next_before=page.next_before,
        next_after=page.next_after,
        count=None if found is None else found.total,
        facets=None if found is None or personal else _listed(found),
        linked=linked(reader.connection, log.number, read_at, question) if with_facets and not personal else None,
        checkpoint=checkpoint,
        beyond=read_at - (0 if checkpoint is None else checkpoint.size),
        disposed=count_disposed(reader.connection, log.number),
        windows=list(asked.windows),
        unknown_source=unknown(reader.connection, query.source),
        integrity=integrity(case),
        incident=case,
    )


def _listed(found: Counts) -> dict[str, list[Facet]]:
    return {name: list(values) for name, values in found.facets.items()}


def _hit(reader: LogReader, standing: Standing, log: LogId, index: int, marks: Marks | None) -> Hit:
    stored = reader.entry(index)
    case = standing.of_entry(log.number, index)
    return Hit(
        address=str(Address(log.origin, index)),
        index=index,
        logged_at=decode_leaf(stored.leaf).logged_at,
        state=state_of(reader.connection, log.number, index, stored.body)[0],
        record=None if stored.body is None else msgspec.json.decode(stored.body)["record"],
        integrity=integrity(case),
        incident=case,
        marks=marks,
    )
