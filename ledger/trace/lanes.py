"""One timeline of what belongs to a batch: a lane a system, with what is not known of each system's time.

A record stands where its source's claim, corrected by its clock, can lie, or between the two looks that found it. Which
of two came first is told only where these times do not overlap; of one source's own instants it is told by them.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.errors import LedgerError
from ledger.core.kinds import KindRegistry
from ledger.sources.coverage import Coverage
from ledger.sources.covering import cover
from ledger.trace.bodies import bodies, placed
from ledger.trace.selection import Basis, Selected
from ledger.trace.windows import Phase

MAX_MARKS: Final = 10_000


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A record that happened at some instant from `low_us` to `high_us` (inclusive, microseconds UTC).

    `between`: these are two looks of a collector. `measured`: the source's clock was measured; where it was not, its
    error is not known and not in the span. `phase`: None where the record names what was asked for itself.
    `cannot_order`: an entry before it in the timeline, of which the clocks do not tell whether it came first.
    """

    index: int
    low_us: int
    high_us: int
    between: bool
    measured: bool
    basis: Basis
    phase: Phase | None
    cannot_order: int | None = None


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """From `low_us` to before `high_us` what the system did is not known; `run`: the entry that says so first."""

    low_us: int
    high_us: int
    state: Coverage
    run: int | None
    reason: str


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A system: its records in the order of the timeline, and where its time is not known."""

    source: str
    marks: tuple[Mark, ...]
    gaps: tuple[Gap, ...]


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """From `low_us` to before `high_us`, lanes by source; an empty interval, where nothing is dated.

    `order`: the entries of all lanes by when they can have happened first, then by index. `undated`: entries that
    nothing places in time. `cut`: there are more records than are put into one timeline.
    """

    low_us: int
    high_us: int
    lanes: tuple[Lane, ...]
    order: tuple[int, ...]
    undated: tuple[int, ...]
    cut: bool


def timeline(
    connection: Connection,
    kinds: KindRegistry,
    log: int,
    size: int,
    selected: Iterable[Selected],
    also: Iterable[str] = (),
    within_us: tuple[int, int] | None = None,
    most: int = MAX_MARKS,
) -> Timeline:
    """The timeline of these records as of a size, `most` of them; `also`: sources that have a lane in any case.

    `within_us`: only what can have happened from the one instant to before the other.
    """
    rest = iter(selected)
    chosen = {one.index: one for one in islice(rest, most)}
    cut = next(rest, None) is not None
    found: list[tuple[str, Mark]] = []
    sources, undated = set(also), []
    for index, body in bodies(connection, log, chosen):
        place, one = placed(body), chosen[index]
        sources.add(body.record.source)
        if place is None:
            undated.append(index)
            continue
        low, high = place.span.low_us, place.span.high_us
        if within_us is None or (high >= within_us[0] and low < within_us[1]):
            mark = Mark(
                index=index,
                low_us=low,
                high_us=high,
                between=place.between,
                measured=place.span.measured,
                basis=one.basis,
                phase=None if one.why is None else one.why.phase,
            )
            found.append((body.record.source, mark))
    ordered = _ordered(found)
    low, high = within_us or (
        min((mark.low_us for _, mark in ordered), default=0), max((mark.high_us + 1 for _, mark in ordered), default=0)
    )  # fmt: skip
    return Timeline(
        low_us=low,
        high_us=high,
        lanes=tuple(
            Lane(
                source=source,
                marks=tuple(mark for name, mark in ordered if name == source),
                gaps=_gaps(connection, kinds, log, size, source, low, high) if low < high else (),
            )
            for source in sorted(sources)
        ),
        order=tuple(mark.index for _, mark in ordered),
        undated=tuple(undated),
        cut=cut,
    )


def _ordered(marks: Iterable[tuple[str, Mark]]) -> list[tuple[str, Mark]]:
    """In the order of the timeline, each with the one before it that reaches farthest into its time."""
    ordered = []
    reached: dict[tuple[str, bool], tuple[int, int]] = {}
    for source, mark in sorted(marks, key=lambda one: (one[1].low_us, one[1].index)):
        own = (source, mark.between)
        far, index = max((one for key, one in reached.items() if key != own or mark.between), default=(-(2**63), -1))
        if far >= mark.low_us:
            mark = msgspec.structs.replace(mark, cannot_order=index)
        ordered.append((source, mark))
        reached[own] = max((mark.high_us, mark.index), reached.get(own, (mark.high_us, mark.index)))
    return ordered


def _gaps(
    connection: Connection, kinds: KindRegistry, log: int, size: int, source: str, low_us: int, high_us: int
) -> tuple[Gap, ...]:
    try:
        stretches = cover(connection, kinds, log, size, source, low_us, high_us).stretches
    except LedgerError as error:  # a lane that cannot be told is not known; the others still stand
        return (Gap(low_us=low_us, high_us=high_us, state=Coverage.GAP, run=None, reason=error.message),)
    return tuple(
        Gap(
            low_us=one.low_us,
            high_us=one.high_us,
            state=one.state,
            run=None if one.runs is None else one.runs[0],
            reason=one.reason,
        )
        for one in stretches
        if one.state is not Coverage.COVERED
    )
