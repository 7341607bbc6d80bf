"""Which records concern an asset: by its link, or because the asset map has their tag or room stand for it.

All as of a size of the log: a map that is corrected later changes nothing as of the sizes before.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from ledger.core.looks import moment_us
from ledger.core.record import LinkKind, RecordBody
from ledger.sources.narrowing import tags_of
from ledger.sources.tables import asset as asset_table
from ledger.store import schema
from ledger.store.matching import require_members
from ledger.store.position import index_of
from ledger.store.question import Span as TagSpan
from ledger.store.records import HOUR_US
from ledger.store.schema import as_of
from ledger.trace.bodies import of_log

DAY_US: Final = 24 * HOUR_US
MAX_CLOCK_ERROR_US: Final = DAY_US
"""A source's clock is taken to be off by less than a day: records are looked for so far around an interval."""
MAX_LOOK_US: Final = 31 * DAY_US
"""Two looks between which something happened are taken to lie less than 31 days apart."""
_AT_ONCE: Final = 400
"""Hours, and tags, of one statement."""
_MANY_HOURS: Final = 20_000
_FEW: Final = 20
"""Tags of a source that are asked for one by one."""


class Concerned(NamedTuple):
    """A record that concerns an asset; `tag`: by the map, which has this tag or room stand for it; "": by its link."""

    entry: int
    tag: str


class _Moment(NamedTuple):
    """A record that concerns an asset, when it happened (`core.looks.moment_us`), and the type of its object."""

    at_us: int
    concerned: Concerned
    type: str


class _Read(NamedTuple):
    """The days of which an asset's records were read, and these, by their moments."""

    days: set[int]
    moments: list[_Moment]


class Assets:
    """The asset map of one log in one snapshot, as of a size; what was read of it is remembered."""

    def __init__(self, connection: Connection, log: int, size: int) -> None:
        """Raises ConfigError where the tables are of an earlier version and have no moments."""
        require_members(connection, "the moment at which they happened")
        self.connection = connection
        self.log = log
        self.size = size
        self._tags: dict[str, tuple[TagSpan, ...]] = {}
        self._rows: dict[str, Sequence[Row[Any]]] = {}
        self._places: dict[tuple[str, str], Sequence[Row[Any]]] = {}
        self._asked = Counter[str]()
        self._read: dict[tuple[str, bool], _Read] = {}

    def of(self, body: RecordBody) -> Iterator[tuple[str, str]]:
        """The assets that a record concerns, each once, with the tag by which it does; "": by its link."""
        record, found = body.record, set[str]()
        for link in record.links:
            if link.kind is LinkKind.EQUIPMENT and link.id not in found:
                found.add(link.id)
                yield link.id, ""
        at_us = moment_us(body)
        rooms = (link.id for link in record.links if link.kind is LinkKind.LOCATION)
        for tag in dict.fromkeys((record.object.id, *rooms)):
            equipment = self.equipment(record.source, tag, at_us)
            if equipment is not None and equipment not in found:
                found.add(equipment)
                yield equipment, tag

    def equipment(self, source: str, tag: str, at_us: int) -> str | None:
        """Where a tag or room stood at an instant (as `sources.maps.place_at`, each tag's rows read once)."""
        rows = self._places.get((source, tag))
        if rows is None:
            rows = () if self._asked[source] > _FEW else self._read_places(source, tag)
        held = [one for one in rows if one.from_us <= at_us and (one.to_us is None or one.to_us > at_us)]
        return held[-1].equipment if held else None

    def _read_places(self, source: str, tag: str) -> Sequence[Row[Any]]:
        """The lines of a tag; of a source of which many are asked for, those of all its tags at once."""
        row = asset_table.c
        chosen: Select[Any] = select(row.tag, row.from_us, row.to_us, row.equipment).where(
            row.log == self.log, row.source == source, as_of(asset_table, self.size)
        )
        self._asked[source] += 1
        if self._asked[source] <= _FEW:
            chosen = chosen.where(row.tag == tag)
            self._places[source, tag] = ()
        for name, rows in groupby(
            self.connection.execute(chosen.order_by(row.tag, row.from_us, row.from_index)), key=itemgetter(0)
        ):
            self._places[source, name] = list(rows)
        return self._places.get((source, tag), ())

    def classes(self, asset: str, at_us: int) -> list[str]:
        """The classes that the map gives an asset at an instant, in the order of their names."""
        return sorted({row.asset_class for row in self._at(asset, at_us) if row.asset_class is not None})

    def critical(self, asset: str, at_us: int) -> bool:
        """Whether the map calls the asset critical at an instant."""
        return any(begin <= at_us and (end is None or at_us < end) for begin, end in self._critical.get(asset, ()))

    def ever_critical(self) -> list[str]:
        """The assets that the map calls critical at some time."""
        return sorted(self._critical)

    @cached_property
    def _critical(self) -> dict[str, list[tuple[int, int | None]]]:
        """When the map calls which assets critical: few are, and whether one is, is asked of each record."""
        row, found = asset_table.c, defaultdict[str, list[tuple[int, int | None]]](list)
        held = (row.log == self.log, as_of(asset_table, self.size), row.critical == 1, row.equipment.is_not(None))
        for asset, begin, end in self.connection.execute(
            select(row.equipment, row.from_us, row.to_us).where(*held).distinct()
        ):
            found[asset].append((begin, end))
        return found

    def _at(self, asset: str, at_us: int) -> Iterator[Row[Any]]:
        if asset not in self._rows:
            row = asset_table.c
            held = (row.log == self.log, as_of(asset_table, self.size), row.equipment == asset)
            # The many tags of an asset mostly say the same of it.
            says: Select[Any] = select(row.from_us, row.to_us, row.asset_class).where(*held).distinct()
            self._rows[asset] = self.connection.execute(says).all()
        return (one for one in self._rows[asset] if one.from_us <= at_us and (one.to_us is None or at_us < one.to_us))

    def tags(self, asset: str) -> tuple[TagSpan, ...]:
        """When which tags and rooms stood for an asset."""
        if asset not in self._tags:
            self._tags[asset] = tags_of(self.connection, self.log, self.size, asset)
        return self._tags[asset]

    def around(
        self, asset: str, low_us: int, high_us: int | None, types: Sequence[str] | None = None
    ) -> list[Concerned]:
        """The records of an asset that can have happened from an instant to another (None: to the end), in the order of
        the log; of these object types, if any are named.

        Some may lie outside: clocks are wrong, and of two looks the later one is what they are found by.
        """
        low, high = low_us - MAX_CLOCK_ERROR_US, None if high_us is None else high_us + MAX_CLOCK_ERROR_US
        found = self._known(asset, low, high)
        if high is not None and self._sources_of_undated:
            found += self._known(asset, high + 1, high + MAX_LOOK_US, undated=True)
        return sorted({one.concerned for one in found if types is None or one.type in types})

    def moments(self, asset: str, low_us: int, high_us: int) -> list[tuple[int, Concerned]]:
        """The records of an asset whose moment (`core.looks.moment_us`) is from `low_us` to before `high_us`, in the
        order of these; some more than once.
        """
        return [(one.at_us, one.concerned) for one in self._known(asset, low_us, high_us - 1)]

    def undated(self, asset: str, low_us: int) -> set[Concerned]:
        """The records of an asset whose source names no instant, that came after `low_us`: some lie between looks."""
        return {one.concerned for one in self._known(asset, low_us, None, undated=True)}

    @cached_property
    def _sources_of_undated(self) -> frozenset[str]:
        """The sources that gave a record that names no instant; most never do."""
        row = schema.record.c
        chosen = select(row.source).distinct().where(row.occurred_us.is_(None), of_log(row.pos, self.log, self.size))
        return frozenset(self.connection.scalars(chosen))

    def _known(self, asset: str, low_us: int, high_us: int | None, *, undated: bool = False) -> list[_Moment]:
        """The records of an asset by their moments, both ends included. They are read by whole days, each day once."""
        if undated and not self._sources_of_undated:
            return []
        low, high = max(low_us, self.bounds[0]), self.bounds[1] if high_us is None else min(high_us, self.bounds[1])
        read = self._read.setdefault((asset, undated), _Read(set(), []))
        lacking = (day for day in range(low // DAY_US, high // DAY_US + 1) if day not in read.days)
        for _, group in groupby(enumerate(lacking), key=lambda pair: pair[1] - pair[0]):
            days = [day for _, day in group]
            read.days.update(days)
            read.moments.extend(self._moments(asset, days[0] * DAY_US, (days[-1] + 1) * DAY_US - 1, undated))
            read.moments.sort()
        return read.moments[bisect_left(read.moments, (low,)) : bisect_left(read.moments, (high + 1,))]

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """The first and the last moment of any record, to the hour; an empty interval, where there is none."""
        column = schema.record.c.hour
        first, last = (self.connection.scalar(select(of(column))) for of in (func.min, func.max))
        return (0, -1) if first is None or last is None else (first * HOUR_US, (last + 1) * HOUR_US - 1)

    def _moments(self, asset: str, low_us: int, high_us: int, undated: bool) -> Iterator[_Moment]:
        """By the asset's link, by its rooms, by its tags."""
        link, record = schema.record_link.c, schema.record.c
        wanted: list[ColumnElement[bool]] = [record.occurred_us.is_(None)] if undated else []
        # An outer join: databases that know nothing of the tables yet would go through all undated records instead.
        links = select(link.pos, link.at_us, link.id.label("tag"), record.object_type, record.source).outerjoin(
            schema.record, record.pos == link.pos
        )
        links = links.where(link.at_us.between(low_us, high_us), of_log(link.pos, self.log, self.size), *wanted)
        for row in self.connection.execute(links.where(link.kind == LinkKind.EQUIPMENT, link.id == asset)):
            yield _Moment(row.at_us, Concerned(index_of(row.pos), ""), row.object_type)
        told = self._sources_of_undated if undated else None
        spans = [one for one in self.tags(asset) if told is None or one.source in told]
        for at in range(0, len(spans), _AT_ONCE):
            when = defaultdict[tuple[str, str], list[TagSpan]](list)
            for span in spans[at : at + _AT_ONCE]:
                when[span.source, span.value].append(span)
            values = {value for _, value in when}
            statements = [links.where(link.kind == LinkKind.LOCATION, link.id.in_(values))]
            for source, tags in groupby(when, key=itemgetter(0)):
                named = [tag for _, tag in tags]
                statements += _tagged(source, named, low_us, high_us, of_log(record.pos, self.log, self.size), *wanted)
            for chosen in statements:
                for row in self.connection.execute(chosen):
                    held = when.get((row.source, row.tag), ())
                    if any(one.from_us <= row.at_us and (one.to_us is None or row.at_us < one.to_us) for one in held):
                        yield _Moment(row.at_us, Concerned(index_of(row.pos), row.tag), row.object_type)


def _tagged(
    source: str, tags: list[str], low_us: int, high_us: int, *held: ColumnElement[bool]
) -> Iterator[Select[Any]]:
    """The records of these tags of a source in a time."""
    record = schema.record.c
    chosen = select(record.pos, record.at_us, record.object_id.label("tag"), record.object_type, record.source).where(
        record.source == source, record.object_id.in_(tags), record.at_us.between(low_us, high_us), *held
    )
    return (chosen.where(hours) for hours in _hours(low_us, high_us))


def _hours(low_us: int, high_us: int) -> Iterator[ColumnElement[bool]]:
    """Objects are found by the hour; over very many hours that is no way to go, and all that happened is looked at."""
    column, low, high = schema.record.c.hour, low_us // HOUR_US, high_us // HOUR_US
    if high - low > _MANY_HOURS:
        yield column.between(low, high)
        return
    for at in range(low, high + 1, _AT_ONCE):
        yield column.in_(range(at, min(at + _AT_ONCE, high + 1)))
