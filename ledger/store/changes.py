"""The changes of a field in the order of time: which one stood before another, as of a size, on either database.

Changes stand by the hour in which they happened (`schema.record_change`), so that an append changes few pages. Of an
object of few records all changes are read by its records; of one that is changed often the last change is not many
hours away, and is looked for hour by hour.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from ledger.core.tokens import exact
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite
from ledger.store.matching import require_members
from ledger.store.position import index_of, pos_of
from ledger.store.records import HOUR_US

FEW: Final = 1_000
"""Records of an object of which all changes are read at once."""
DAY_HOURS: Final = 24
_AT_ONCE: Final = 200
"""Objects of one statement, each in an hour."""
_TOGETHER: Final = 100
"""Objects of which all changes are asked for at once."""
_MOST: Final = 200_000
"""Changes that are kept at hand."""
_EVER: Final = 2**62
"""More than there can be."""


class Thing(NamedTuple):
    """An object of a source."""

    source: str
    type: str
    id: str


class Field(NamedTuple):
    """An attribute of an object of a source."""

    source: str
    type: str
    id: str
    attribute: str

    @property
    def thing(self) -> Thing:
        return Thing(*self[:3])


class Moment(NamedTuple):
    """A change's place in time: when it happened (`core.looks.moment_us`), its record, and which of its changes.

    What happened at the same microsecond is in the order of the log.
    """

    at_us: int
    pos: int
    ordinal: int = 0

    @property
    def entry(self) -> int:
        return index_of(self.pos)


class Neighbours(NamedTuple):
    """The changes of the same field next to a moment: up to two before it, the last first, and the one after it.

    Of a field that is changed often those further away than an hour are left out, but for the one before.
    """

    before: tuple[Moment, ...] = ()
    after: Moment | None = None


def _next_to(moments: Sequence[Moment], moment: Moment) -> Neighbours:
    place = bisect_left(moments, moment)
    later = bisect_right(moments, moment)
    return Neighbours(
        tuple(reversed(moments[max(0, place - 2) : place])), moments[later] if later < len(moments) else None
    )


def _runs(numbers: Sequence[int], hours: Sequence[int]) -> Iterator[list[int]]:
    """What stands in order of its hours, in runs between which there is more than a day."""
    run: list[int] = []
    for place, number in enumerate(numbers):
        if run and hours[place] - hours[place - 1] > DAY_HOURS:
            yield run
            run = []
        run.append(number)
    yield run


class Changes:
    """The changes in one log as of a size, in one snapshot."""

    def __init__(self, connection: Connection, log: int, size: int) -> None:
        """Raises ConfigError where the tables are of an earlier version and have no changes."""
        require_members(connection, "what they changed")
        self._bulk = Bulk(connection)
        self._sqlite = is_sqlite(connection)
        self._places = (pos_of(log, 0), pos_of(log, size))
        self._few: dict[Thing, dict[Field, list[Moment]] | None] = {}
        self._kept = 0

    def before(self, asked: Sequence[tuple[Field, Moment]]) -> list[Moment | None]:
        """For each, the last change of that field before that moment; None: there is none.

        Moments are as sources claim them: whether the two can be put in order is for the caller to say.
        """
        return [found.before[0] if found.before else None for found in self.neighbours(asked)]

    def neighbours(self, asked: Sequence[tuple[Field, Moment]]) -> list[Neighbours]:
        """For each, what stands next to it."""
        by_thing: dict[Thing, list[int]] = defaultdict(list)
        for number, (field, _) in enumerate(asked):
            by_thing[field.thing].append(number)
        self.read(by_thing)
        found = [Neighbours()] * len(asked)
        for thing, numbers in by_thing.items():
            every = self.few(thing)
            by_field: dict[Field, list[int]] = defaultdict(list)
            for number in numbers:
                by_field[asked[number][0]].append(number)
            for field, of_field in by_field.items():
                if every is not None:
                    for number in of_field:
                        found[number] = _next_to(every.get(field, []), asked[number][1])
                    continue
                of_field.sort(key=lambda number: asked[number][1])
                for run in _runs(of_field, [asked[number][1].at_us // HOUR_US for number in of_field]):
                    for number, one in zip(run, self.walked(field, [asked[number][1] for number in run]), strict=True):
                        found[number] = one
        return found

    def few(self, thing: Thing) -> dict[Field, list[Moment]] | None:
        """All changes of an object that has no more than `FEW` records, else None; what was read is kept at hand."""
        if thing not in self._few:
            self._make_room()
            found = self._few[thing] = self.of(thing, FEW)
            self._kept += 1 + sum(map(len, (found or {}).values()))
        return self._few[thing]

    def read(self, things: Iterable[Thing]) -> None:
        """Has what `few` is asked for next at hand: PostgreSQL, which each question costs a way to it, is asked for
        some at once, unless they have too many records together.
        """
        lacking = sorted({one for one in things if one not in self._few}) if not self._sqlite else []
        for at in range(0, len(lacking), _TOGETHER):
            some = lacking[at : at + _TOGETHER]
            if len(some) == 1:
                return  # the last: `few` asks for it as well
            sources, types, ids = (list(column) for column in zip(*some, strict=True))
            most = 2 * FEW
            (count, *_), *_ = rows = self._bulk.all(
                "WITH wanted AS (SELECT * FROM unnest(?::text[], ?::text[], ?::text[]) AS w(source, type, id)),"
                " found(pos) AS MATERIALIZED (SELECT r.pos FROM (SELECT DISTINCT type, id FROM wanted) w, record r"
                f" WHERE r.object_type = w.type AND r.object_id = w.id AND r.pos >= ? AND r.pos < ? LIMIT {most + 1}),"
                " there(n) AS (SELECT count(*) FROM found)"
                " SELECT n, c.source, object_type, object_id, attribute, at_us, c.pos, ordinal FROM there"
                f" LEFT JOIN record_change c ON c.pos IN (SELECT pos FROM found WHERE (SELECT n FROM there) <= {most})",
                (sources, types, ids, *self._places),
            )
            if count > most:
                continue
            self._make_room()
            found: dict[Thing, dict[Field, list[Moment]]] = {one: {} for one in some}
            for source, type_, id_, attribute, *moment in sorted(row[1:] for row in rows if row[1] is not None):
                of = found.get(Thing(source, type_, id_))
                if of is not None:
                    of.setdefault(Field(source, type_, id_, attribute), []).append(Moment(*moment))
            self._few.update(found)
            self._kept += len(some) + len(rows)

    def _make_room(self) -> None:
        if self._kept > _MOST:
            self._few.clear()
            self._kept = 0

    def of(self, thing: Thing, most: int | None = None) -> dict[Field, list[Moment]] | None:
        """All changes of an object by field, in order; None where it has more than `most` records."""
        named: tuple[str, ...] = (thing.type, thing.id)
        ranged = "SELECT pos FROM record WHERE object_type = ? AND object_id = ? AND pos >= ? AND pos < ?"
        if self._sqlite:
            named = (f'"{exact("object_id", thing.id)}"',)
            ranged = "SELECT rowid FROM record_fts WHERE record_fts MATCH ? AND rowid >= ? AND rowid < ?"
        limit = "" if most is None else f" LIMIT {most + 1}"
        (count, *_), *_ = rows = self._bulk.all(
            f"WITH found(pos) AS MATERIALIZED ({ranged}{limit}), there(n) AS (SELECT count(*) FROM found)"
            " SELECT n, attribute, at_us, c.pos, ordinal FROM there LEFT JOIN record_change c"
            " ON c.pos IN (SELECT pos FROM found WHERE (SELECT n FROM there) < ?)"
            " AND source = ? AND object_type = ? AND object_id = ?",
            (*named, *self._places, _EVER if most is None else most + 1, *thing),
        )
        if most is not None and count > most:
            return None
        found: dict[Field, list[Moment]] = defaultdict(list)
        for attribute, *moment in sorted(row[1:] for row in rows if row[1] is not None):
            found[Field(*thing, attribute)].append(Moment(*moment))
        return found

    def walked(self, field: Field, moments: Sequence[Moment]) -> Iterator[Neighbours]:
        """What `neighbours` gives of moments in order, near to each other: by their hours, and from there back."""
        low, high = (moment.at_us // HOUR_US for moment in (moments[0], moments[-1]))
        within = self.between(field, low - 1, high + 1)
        earlier: Moment | None = None
        asked = False
        for moment in moments:
            one = _next_to(within, moment)
            if not one.before:
                if not asked:
                    earlier, asked = self._last(field, low - 1), True
                one = one._replace(before=() if earlier is None else (earlier,))
            yield one

    def between(self, field: Field, low: int, high: int) -> list[Moment]:
        """The changes of a field from one hour (of `HOUR_US`) to another, both included, in order."""
        rows = self._bulk.all(
            f"{_HOURS} SELECT c.at_us, c.pos, c.ordinal FROM hours CROSS JOIN record_change c"
            f" WHERE c.hour = hours.hour AND {_OF_FIELD} ORDER BY c.at_us, c.pos, c.ordinal",
            (low, high, high, *self._named(field)),
        )
        return [Moment(*row) for row in rows]

    def near(self, source: str, wanted: Iterable[tuple[int, str]]) -> Iterator[tuple[Field, Moment]]:
        """The changes of objects of a source, each by its id and an hour."""
        ordered = sorted(set(wanted))
        for at in range(0, len(ordered), _AT_ONCE):
            some = ordered[at : at + _AT_ONCE]
            # One text for all statements, so that it is prepared once; what is given twice is found once.
            some += some[-1:] * (_AT_ONCE - len(some))
            for id_, type_, attribute, *moment in self._bulk.all(
                _NEAR, (*(value for one in some for value in one), source, *self._places)
            ):
                yield Field(source, type_, id_, attribute), Moment(*moment)

    def whole(self, source: str, hours: Iterable[int]) -> Iterator[tuple[Field, Moment]]:
        """The changes of all objects of a source in these hours."""
        ordered = sorted(set(hours))
        for at in range(0, len(ordered), _AT_ONCE):
            some = ordered[at : at + _AT_ONCE]
            rows = self._bulk.all(
                "SELECT object_id, object_type, attribute, at_us, pos, ordinal FROM record_change"
                f" WHERE hour IN ({', '.join('?' * len(some))}) AND source = ? AND pos >= ? AND pos < ?",
                (*some, source, *self._places),
            )
            for id_, type_, attribute, *moment in rows:
                yield Field(source, type_, id_, attribute), Moment(*moment)

    def hours_before(self, hour: int) -> Iterator[int]:
        """The hours before one in which anything changed, in this log or another, the last first: one seek each."""
        while True:
            ((last,),) = self._bulk.all("SELECT max(hour) FROM record_change WHERE hour < ?", (hour,))
            if last is None:
                return
            yield last
            hour = last

    def after(self, field: Field, hour: int) -> Moment | None:
        """The first change of a field after an hour; where nothing is newer at all, that costs one seek."""
        named = self._named(field)
        rows = self._bulk.all(_ON, (hour, *named, *named))
        return Moment(*rows[0]) if rows else None

    def _last(self, field: Field, hour: int) -> Moment | None:
        """The last change of a field before an hour."""
        named = self._named(field)
        rows = self._bulk.all(_BACK, (hour, *named, *named))
        return Moment(*rows[0]) if rows else None

    def _named(self, field: Field) -> tuple[Any, ...]:
        return (field.source, field.id, field.attribute, field.type, *self._places)


_NEAR: Final = (
    f"WITH wanted(hour, id) AS (SELECT CAST(? AS INTEGER), CAST(? AS TEXT){' UNION SELECT ?, ?' * (_AT_ONCE - 1)})"
    " SELECT c.object_id, c.object_type, c.attribute, c.at_us, c.pos, c.ordinal FROM wanted CROSS JOIN record_change c"
    " WHERE c.hour = wanted.hour AND c.object_id = wanted.id AND c.source = ? AND c.pos >= ? AND c.pos < ?"
)
_OF_FIELD: Final = (
    "c.source = ? AND c.object_id = ? AND c.attribute = ? AND c.object_type = ? AND c.pos >= ? AND c.pos < ?"
)
# From hour to hour that has any change at all: a loose scan of the index, one seek an hour.
_HOURS: Final = (
    "WITH RECURSIVE hours(hour) AS (SELECT min(hour) FROM record_change WHERE hour BETWEEN ? AND ?"
    " UNION ALL SELECT (SELECT min(hour) FROM record_change WHERE hour > hours.hour AND hour <= ?) FROM hours"
    " WHERE hours.hour IS NOT NULL)"
)
_BACK: Final = (
    "WITH RECURSIVE back(hour) AS (SELECT max(hour) FROM record_change WHERE hour < ?"
    " UNION ALL SELECT (SELECT max(hour) FROM record_change WHERE hour < back.hour) FROM back WHERE back.hour"
    f" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM record_change c WHERE c.hour = back.hour AND {_OF_FIELD}))"
    " SELECT c.at_us, c.pos, c.ordinal FROM record_change c WHERE c.hour = (SELECT min(hour) FROM back)"
    f" AND {_OF_FIELD} ORDER BY c.at_us DESC, c.pos DESC, c.ordinal DESC LIMIT 1"
)
_ON: Final = (
    "WITH RECURSIVE later(hour) AS (SELECT min(hour) FROM record_change WHERE hour > ?"
    " UNION ALL SELECT (SELECT min(hour) FROM record_change WHERE hour > later.hour) FROM later WHERE later.hour"
    f" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM record_change c WHERE c.hour = later.hour AND {_OF_FIELD}))"
    " SELECT c.at_us, c.pos, c.ordinal FROM record_change c WHERE c.hour = (SELECT max(hour) FROM later)"
    f" AND {_OF_FIELD} ORDER BY c.at_us, c.pos, c.ordinal LIMIT 1"
)
