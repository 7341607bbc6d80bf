"""Coverage of a source over an interval of its time, as of a size of the log: each instant in one state, none left out.

What is known is what the source's runs say. A run without records is entered too, so it is the sign of life of a source
that had nothing to tell. Of an archive, what its imports say.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from ledger.core.clock import parse_utc
from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.kinds import KindRegistry
from ledger.core.source import ARCHIVE
from ledger.sources import tables as t
from ledger.sources.coverage import Coverage
from ledger.sources.import_kinds import ImportState
from ledger.sources.imported import ended
from ledger.sources.kinds import CollectionRun
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of

_SURE = (ImportState.RECONCILED, ImportState.TRUE_COPY)


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """From `low_us` to before `high_us` (microseconds UTC) the source's time is in this state.

    `runs`: the first and the last run (entry indices) that say so; None where none does. `reason`: what they say.
    """

    low_us: int
    high_us: int
    state: Coverage
    runs: tuple[int, int] | None
    reason: str = ""


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """An interval of a source's time in stretches, in order and without holes or overlaps; neighbours differ.

    `runs`: how many the source had as of the size, whatever time they are of; `watermark_us`: up to when its time is
    known; None: there was none yet.
    """

    stretches: tuple[Stretch, ...]
    runs: int
    watermark_us: int | None

    @property
    def lengths(self) -> dict[Coverage, int]:
        """How long the interval is in each state (microseconds)."""
        found = dict.fromkeys(Coverage, 0)
        for one in self.stretches:
            found[one.state] += one.high_us - one.low_us
        return found

    @property
    def whole(self) -> bool:
        """Whether nothing of the interval is unknown."""
        return all(one.state is Coverage.COVERED for one in self.stretches)


class _Said(msgspec.Struct, frozen=True):
    """That an entry calls an interval something."""

    low_us: int
    high_us: int
    state: Coverage
    entry: int
    reason: str


def cover(
    connection: Connection, kinds: KindRegistry, log: int, size: int, source: str, from_us: int, to_us: int
) -> Covered:
    """What is known of a source's time from `from_us` to before `to_us`, as of a size of its log.

    Where several runs call an instant something, `unreachable` is said before `gap`, and either before `covered`.
    Raises NotFound for a source that was not registered by then, SchemaViolation for an interval that is none.
    """
    require_interval(from_us, to_us)
    reader = LogReader(connection, log)
    if type_of(connection, log, size, source) == ARCHIVE:
        said = list(_imported(reader, kinds, size, source))
        ends = [one.high_us for one in said]
        began, watermark = min((one.low_us for one in said), default=None), max(ends, default=None)
        # What no import reaches lies between two of them.
        known = [(one.low_us, one.high_us) for one in said if one.state is Coverage.COVERED]
        said = [one for one in said if one.state is Coverage.GAP]
        said += [_Said(low, high, Coverage.GAP, -1, "no import reaches it") for low, high in _between(known)]
        runs = connection.scalar(select(func.count()).where(ran(log, size, source))) or 0
        covering = _Runs([], [])
    else:
        row = t.collection_run.c
        runs, began, watermark = connection.execute(
            select(func.count(), func.min(row.started_us), func.max(row.ended_us)).where(ran(log, size, source))
        ).one()
        said = list(_holes(reader, kinds, size, source))
        covering = _runs(connection, log, size, source, from_us, to_us)
    stretches = _stretches(said, began, watermark, covering, from_us, to_us)
    return Covered(stretches=tuple(stretches), runs=runs, watermark_us=watermark)


def require_interval(from_us: int, to_us: int) -> None:
    """Raises SchemaViolation for an interval that ends before it began, or as it did."""
    if from_us >= to_us:
        raise SchemaViolation("the interval ends before it begins", advice="Give `to` a later instant than `from`.")


def type_of(connection: Connection, log: int, size: int, source: str) -> str:
    """The type of a source as of a size; raises NotFound where it was not registered by then."""
    row = t.source.c
    found: str | None = connection.scalar(
        select(row.type).where(row.log == log, row.key == source, as_of(t.source, size))
    )
    if found is None:
        raise NotFound(f"no source {source!r} is registered", advice="See `trailseal source list`.")
    return found


def ran(log: int, size: int, source: str) -> ColumnElement[bool]:
    """The runs of a source as of a size."""
    row = t.collection_run.c
    return and_(row.source == source, row.pos >= pos_of(log, 0), row.pos < pos_of(log, size))


def received_of(log: int, size: int, source: str) -> ColumnElement[bool]:
    """The records of a source as of a size."""
    row = schema.record.c
    return and_(row.source == source, row.pos >= pos_of(log, 0), row.pos < pos_of(log, size))


class _Runs(msgspec.Struct, frozen=True):
    """Entries of runs, and up to when the source's time is known after each: never less than after the one before."""

    entries: list[int]
    known_us: list[int]

    def over(self, low_us: int, high_us: int) -> tuple[int, int] | None:
        """The first and the last run by which an interval is known."""
        first = bisect_right(self.known_us, low_us)
        last = bisect_left(self.known_us, high_us, lo=min(first, len(self.known_us)))
        if first >= len(self.entries) or last >= len(self.entries):
            return None
        return self.entries[first], self.entries[last]


def _runs(connection: Connection, log: int, size: int, source: str, from_us: int, to_us: int) -> _Runs:
    """The runs that moved on what is known, from the one that reached into the interval to the one that left it."""
    row = t.collection_run.c
    found = _Runs([], [])
    rows = connection.execute(
        select(row.pos, row.ended_us).where(ran(log, size, source), row.ended_us > from_us).order_by(row.pos)
    )
    with rows:
        for pos, ended in rows:
            if not found.known_us or ended > found.known_us[-1]:
                found.entries.append(index_of(pos))
                found.known_us.append(ended)
            if ended >= to_us:
                break
    return found


def _holes(reader: LogReader, kinds: KindRegistry, size: int, source: str) -> Iterator[_Said]:
    """What the runs of a source say of times that they could not know."""
    row = t.collection_run.c
    told = reader.connection.scalars(
        select(row.pos).where(ran(reader.log, size, source), or_(row.unreachable > 0, row.gaps > 0)).order_by(row.pos)
    ).all()
    for stored in reader.chosen(index_of(pos) for pos in told):
        run = body_of(stored, kinds["collection-run"], CollectionRun)
        for one in run.unreachable:
            low, high = parse_utc(one.after), parse_utc(one.before)
            yield _Said(low, high, Coverage.UNREACHABLE, stored.index, "the source could not be reached")
        for gap in run.gaps:
            low, high = parse_utc(gap.between.after), parse_utc(gap.between.before)
            yield _Said(low, high, Coverage.GAP, stored.index, f"{gap.subject}: {gap.reason}")


def _imported(reader: LogReader, kinds: KindRegistry, size: int, source: str) -> Iterator[_Said]:
    """What the imports of an archive say of its time: known where the old system's figures agree."""
    for one in ended(reader, kinds, size, source):
        if not one.outcome.first_occurred or not one.outcome.last_occurred:
            continue
        low, high = parse_utc(one.outcome.first_occurred), parse_utc(one.outcome.last_occurred)
        sure = Coverage.COVERED if one.state in _SURE else Coverage.GAP
        yield _Said(low, high, sure, one.entry, f"import {one.id} is {one.state.value}")


def _between(known: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    reached = None
    for low, high in sorted(known):
        if reached is not None and low > reached:
            yield reached, low
        reached = high if reached is None else max(reached, high)


def _stretches(
    said: Iterable[_Said], began: int | None, watermark: int | None, runs: _Runs, from_us: int, to_us: int
) -> Iterator[Stretch]:
    """Cuts the interval wherever something begins or ends, and joins what is in the same state."""
    holes = [one for one in said if one.low_us < to_us and one.high_us > from_us]
    begin, end = defaultdict[int, list[int]](list), defaultdict[int, list[int]](list)
    for number, one in enumerate(holes):
        begin[one.low_us].append(number)
        end[one.high_us].append(number)
    marks = (from_us, to_us, began, watermark, *begin, *end)
    cuts = sorted({max(from_us, min(mark, to_us)) for mark in marks if mark is not None})
    active = {number for low, numbers in begin.items() if low < from_us for number in numbers}
    pending: tuple[int, Coverage, set[int]] | None = None
    for low in cuts:
        active.difference_update(end.get(low, ()))
        active.update(number for number in begin.get(low, ()) if holes[number].high_us > low)
        state, saying = _state(holes, active, began, watermark, low)
        if pending is not None and (pending[1] is not state or low == to_us):
            yield _stretch(holes, pending, low, runs)
            pending = None
        if low == to_us:
            break
        pending = (low, state, saying) if pending is None else (pending[0], state, pending[2] | saying)


def _state(
    holes: list[_Said], active: set[int], began: int | None, watermark: int | None, at_us: int
) -> tuple[Coverage, set[int]]:
    if began is None or watermark is None or at_us < began:
        return Coverage.BEFORE, set()
    if at_us >= watermark:
        return Coverage.NOT_YET, set()
    for state in (Coverage.UNREACHABLE, Coverage.GAP):
        saying = {number for number in active if holes[number].state is state}
        if saying:
            return state, saying
    return Coverage.COVERED, set()


def _stretch(holes: list[_Said], pending: tuple[int, Coverage, set[int]], high_us: int, runs: _Runs) -> Stretch:
    low_us, state, saying = pending
    if state is Coverage.COVERED:
        return Stretch(low_us=low_us, high_us=high_us, state=state, runs=runs.over(low_us, high_us))
    entries = sorted(holes[number].entry for number in saying if holes[number].entry >= 0)
    reasons = dict.fromkeys(holes[number].reason for number in sorted(saying))
    return Stretch(
        low_us=low_us,
        high_us=high_us,
        state=state,
        runs=(entries[0], entries[-1]) if entries else None,
        reason="; ".join(reasons),
    )
