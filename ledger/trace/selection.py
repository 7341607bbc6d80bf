"""What is asked for, and the records that answer it as of a size, each with the reason why it is there."""

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice

import msgspec
from sqlalchemy import Connection

from ledger.core.clock import parse_utc
from ledger.core.record import LinkKind, RecordBody
from ledger.core.tokens import query_tokens
from ledger.store.question import Query
from ledger.store.records import record_tokens
from ledger.store.search import MAX_PAGE, search
from ledger.trace.assets import Assets
from ledger.trace.batch import BATCH_KINDS, Occupations, occupations
from ledger.trace.bodies import bodies
from ledger.trace.membership import members, undated
from ledger.trace.windows import Why, Windows


class Basis(StrEnum):
    """Why a record is in a selection: it matches the query, carries the batch's link, or the interval says so.

    *Possible* is weaker than derived: the time between two looks, in which it happened, lies in the interval only in
    part. It may belong, and may have happened before or after.
    """

    QUERY = "query"
    READ = "read"
    DERIVED = "derived"
    POSSIBLE = "possible"


class BySearch(msgspec.Struct, frozen=True, kw_only=True, tag_field="by", tag="search"):
    """All records that match a query."""

    query: Query


class ByBatch(msgspec.Struct, frozen=True, kw_only=True, tag_field="by", tag="batch"):
    """All records of one batch, order, lot or whatever else a link can name."""

    kind: LinkKind
    id: str


Selection = BySearch | ByBatch


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a selection; `why` stands where the basis is *derived* or *possible*."""

    index: int
    basis: Basis
    why: Why | None = None


class Chosen:
    """The answer to a selection in one snapshot of one log, as of `size`."""

    def __init__(self, connection: Connection, log: int, size: int, selection: Selection) -> None:
        self._connection = connection
        self._log = log
        self.size = size
        self.selection = selection
        self.occupations = Occupations(intervals=(), unmatched=())
        self.undated = 0
        """Records of occupied equipment that name no instant: whether they belong cannot be judged."""
        self._assets: Assets | None = None
        if isinstance(selection, ByBatch) and selection.kind in BATCH_KINDS:
            self._assets = Assets(connection, log, size)
            windows = Windows(self._assets)
            self.occupations = occupations(connection, log, size, selection.kind, selection.id, windows)
            self.undated = undated(self._assets, self.occupations.intervals)

    def __iter__(self) -> Iterator[Selected]:
        """The records in index order, a page at a time."""
        if isinstance(self.selection, BySearch):
            return self._found(self.selection.query)
        return self._members(self.selection)

    def page(self, after: int | None, limit: int) -> list[Selected]:
        """The records after an entry, in index order: `limit`, and one more where there is one. Of a batch alone."""
        assert isinstance(self.selection, ByBatch)
        return list(islice(self._members(self.selection, -1 if after is None else after), limit + 1))

    def named(self) -> Iterator[tuple[int, RecordBody]]:
        """The records that name the batch, in index order."""
        assert isinstance(self.selection, ByBatch)
        found = members(self._connection, self._log, self.size, self.selection.kind, self.selection.id, ())
        return bodies(self._connection, self._log, (one.index for one in found))

    def belongs(self, selected: Selected, body: RecordBody) -> bool:
        """Whether the record's own body bears out what the search tables said of it."""
        if isinstance(self.selection, BySearch):
            return matches(self.selection.query, body)
        if selected.why is None:
            return has_link(body, self.selection.kind, self.selection.id)
        tag = selected.why.tag
        if tag is None:
            return has_link(body, LinkKind.EQUIPMENT, selected.why.equipment)
        return body.record.object.id == tag or has_link(body, LinkKind.LOCATION, tag)

    def bounds_us(self) -> tuple[int | None, int | None]:
        """From when to when the selection reaches (UTC microseconds); None: without end on that side."""
        if isinstance(self.selection, BySearch):
            return self.selection.query.occurred_from, self.selection.query.occurred_to
        intervals = self.occupations.intervals
        if not intervals:
            return None, None
        ends = [interval.high_us for interval in intervals if interval.high_us is not None]
        low = min(interval.low_us for interval in intervals)
        return low, max(ends) if len(ends) == len(intervals) else None

    def _found(self, query: Query) -> Iterator[Selected]:
        # Pages come newest first; reading them from the far end needs their bounds, and those are one index a page.
        bounds: list[int | None] = [None]
        while True:
            page = search(self._connection, self._log, self.size, query, bounds[-1], MAX_PAGE)
            if page.next_before is None:
                break
            bounds.append(page.next_before)
        for before in reversed(bounds):
            page = search(self._connection, self._log, self.size, query, before, MAX_PAGE)
            for index in reversed(page.indices):
                yield Selected(index=index, basis=Basis.QUERY)

    def _members(self, chosen: ByBatch, after: int = -1) -> Iterator[Selected]:
        intervals = self.occupations.intervals
        for member in members(
            self._connection, self._log, self.size, chosen.kind, chosen.id, intervals, self._assets, after
        ):
            yield Selected(index=member.index, basis=basis_of(member.why), why=member.why)


def basis_of(why: Why | None) -> Basis:
    """On what it rests that a record belongs to a batch for which it has this reason; None: it names the batch."""
    if why is None:
        return Basis.READ
    return Basis.POSSIBLE if why.partly else Basis.DERIVED


def has_link(body: RecordBody, kind: LinkKind, id_: str) -> bool:
    """Whether the record carries that link."""
    return any(link.kind is kind and link.id == id_ for link in body.record.links)


def matches(query: Query, body: RecordBody) -> bool:
    """Whether a record answers a query, decided from its body alone (the search decides it from its tables)."""
    record = body.record
    exact = (
        (query.source, record.source),
        (query.action, record.action),
        (query.outcome, record.outcome),
        (query.actor, record.actor.account),
        (query.object_type, record.object.type),
        (query.object_id, record.object.id),
        (query.workstation, record.actor.workstation),
        (query.role, record.actor.role),
        (query.reasoned, record.reason is not None),
    )
    if any(wanted is not None and wanted != found for wanted, found in exact):
        return False
    recorded = record.source_recorded_at
    if not (
        _between(record.occurred_at.instant_us, query.occurred_from, query.occurred_to)
        and _between(None if recorded is None else recorded.instant_us, query.recorded_from, query.recorded_to)
        and _between(parse_utc(body.received_at), query.received_from, query.received_to)
    ):
        return False
    if query.attribute is not None and all(change.attribute != query.attribute for change in record.changes):
        return False
    if (query.link_kind is not None or query.link_id is not None) and not any(
        (query.link_kind in (None, link.kind)) and (query.link_id in (None, link.id)) for link in record.links
    ):
        return False
    if not set(query.links) <= {(link.kind, link.id) for link in record.links}:
        return False
    words = query_tokens(query.text)
    return set(words) <= set(record_tokens(record)) if words else not query.text.strip()


def _between(at_us: int | None, low_us: int | None, high_us: int | None) -> bool:
    if low_us is None and high_us is None:
        return True
    return at_us is not None and (low_us is None or at_us >= low_us) and (high_us is None or at_us < high_us)
