"""What other records tell of the same thing at about the same time: companions, and values that corroborate."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET
from sqlalchemy import Connection, select

from ledger.core.clock import MICROSECONDS
from ledger.core.errors import NotFound
from ledger.core.kinds import KindRegistry
from ledger.core.looks import Span
from ledger.core.parameters import Companion, Corroboration
from ledger.core.record import LinkKind, Maybe
from ledger.review.known.facts import Companions, Told
from ledger.review.known.records import MAX_CLOCK_ERROR_US, Records
from ledger.review.known.rows import within
from ledger.sources.coverage import Coverage
from ledger.sources.covering import Covered, cover
from ledger.store import schema
from ledger.store.position import index_of, pos_of

_AT_ONCE = 500
"""Ids that one question names."""


class Near:
    """The other records of a log, as of a size."""

    def __init__(self, connection: Connection, kinds: KindRegistry, log: int, size: int, records: Records) -> None:
        self._connection = connection
        self._kinds = kinds
        self._log = log
        self._size = size
        self._records = records

    def companions(self, asked: Sequence[tuple[Told, Companion]]) -> list[Companions]:
        """For each, whether a record of that source and type that shares a link with it is there near in time."""
        by_wanted: dict[Companion, list[Told]] = defaultdict(list)
        for told, wanted in asked:
            by_wanted[wanted].append(told)
        answers = {
            (told.index, wanted): answer
            for wanted, records in by_wanted.items()
            for told, answer in zip(records, self._companions(wanted, records), strict=True)
        }
        return [answers[told.index, wanted] for told, wanted in asked]

    def _companions(self, wanted: Companion, asked: Sequence[Told]) -> list[Companions]:
        within_us = wanted.within_s * MICROSECONDS
        low, high = around(asked, within_us)
        links = {(one.kind, one.id) for told in asked for one in told.record.links}
        linking = self.linking(wanted.source, wanted.object_type, links, low, high)
        found, covered = [], None
        for told in asked:
            about = told.about
            sharing = (other for link in told.record.links for other in linking.get((link.kind, link.id), ()))
            there = any(other.index != told.index and apart(about, other.about) <= within_us for other in sharing)
            known = there
            if not there:
                covered = covered or self.cover(wanted.source, low, high + 1)
                known = covered is not None and whole(covered, about.low_us - within_us, about.high_us + within_us + 1)
            found.append(Companions(there=there, covered=known))
        return found

    def linking(
        self, source: str, type_: str, links: set[tuple[LinkKind, str]], low: int, high: int
    ) -> Mapping[tuple[LinkKind, str], list[Told]]:
        """The records of a source and type that have one of these links, in an interval."""
        record, link = schema.record.c, schema.record_link.c
        ids: dict[LinkKind, list[str]] = defaultdict(list)
        for kind, id_ in sorted(links):
            ids[kind].append(id_)
        rows: list[tuple[tuple[LinkKind, str], int]] = []
        for kind, names in ids.items():
            for at in range(0, len(names), _AT_ONCE):
                chosen = (
                    select(link.id, link.pos)
                    .join_from(schema.record_link, schema.record, record.pos == link.pos)
                    .where(
                        link.kind == kind,
                        link.id.in_(names[at : at + _AT_ONCE]),
                        link.at_us.between(low - MAX_CLOCK_ERROR_US, high + MAX_CLOCK_ERROR_US),
                        link.pos.between(pos_of(self._log, 0), pos_of(self._log, self._size) - 1),
                        record.source == source,
                        record.object_type == type_,
                    )
                )
                rows += [((kind, id_), index_of(pos)) for id_, pos in self._connection.execute(chosen)]
        told = self._records.told(index for _, index in rows)
        found: dict[tuple[LinkKind, str], list[Told]] = defaultdict(list)
        for name, index in rows:
            if index in told:
                found[name].append(told[index])
        return found

    def cover(self, source: str, low: int, high: int) -> Covered | None:
        """What is known of a source's time; None: there is no such source."""
        try:
            return cover(self._connection, self._kinds, self._log, self._size, source, low, high)
        except NotFound:
            return None

    def corroborating(self, wanted: Corroboration, asked: Sequence[Told]) -> Mapping[int, list[Maybe]]:
        """For each record, by its index, what the tag's attribute was at the other source near in time."""
        dated = [told for told in asked if told.span is not None]
        if not dated:
            return {}
        within_us = wanted.within_s * MICROSECONDS
        low, high = around(dated, within_us)
        row = schema.record.c
        rows = self._connection.scalars(
            select(row.pos).where(
                within(self._log, self._size, low - MAX_CLOCK_ERROR_US, high + MAX_CLOCK_ERROR_US),
                row.source == wanted.source,
                row.object_id == wanted.tag,
            )
        )
        others = sorted(
            (other for other in self._records.told(map(index_of, rows)).values() if other.span is not None),
            key=lambda other: other.about.low_us,
        )
        return {told.index: list(_values(wanted, told, others, within_us)) for told in dated}


def _values(wanted: Corroboration, told: Told, others: Iterable[Told], within_us: int) -> Iterable[Maybe]:
    for other in others:
        if apart(told.about, other.about) > within_us:
            continue
        for change in other.record.changes:
            if change.attribute == wanted.attribute and change.new is not None and change.new is not UNSET:
                yield change.new


def around(asked: Sequence[Told], within_us: int) -> tuple[int, int]:
    """The interval that lies no further from any of them than that."""
    spans = [told.about for told in asked]
    return min(one.low_us for one in spans) - within_us, max(one.high_us for one in spans) + within_us


def apart(one: Span, other: Span) -> int:
    """The shortest that can lie between the two."""
    return max(other.low_us - one.high_us, one.low_us - other.high_us)


def whole(covered: Covered, low: int, high: int) -> bool:
    """Whether nothing of an interval is unknown."""
    return all(one.state is Coverage.COVERED for one in covered.stretches if one.low_us < high and one.high_us > low)
