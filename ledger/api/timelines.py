"""A timeline as the interface gives it: instants as UTC texts."""

from enum import StrEnum

import msgspec

from ledger.core.clock import utc_text
from ledger.sources.coverage import Coverage
from ledger.trace.lanes import Gap, Mark, Timeline
from ledger.trace.selection import Basis
from ledger.trace.windows import Phase


class Part(StrEnum):
    """What is answered of a trace beside its members."""

    TIMELINE = "timeline"


class MarkView(msgspec.Struct, frozen=True, kw_only=True):
    """A record that happened at some instant from `after` to `before`, both included.

    `between`: these are two looks of a collector. `measured`: the source's clock was measured, its offset taken off and
    its uncertainty added. `phase`: whether it happened before, while or after the equipment was had; null: the record
    names what was asked for itself. `cannot_order`: an entry of which the clocks do not tell whether it came first.
    """

    index: int
    after: str
    before: str
    between: bool
    measured: bool
    basis: Basis
    phase: Phase | None
    cannot_order: int | None

    @classmethod
    def of(cls, one: Mark) -> "MarkView":
        """The mark as it is answered."""
        return cls(
            index=one.index,
            after=utc_text(one.low_us),
            before=utc_text(one.high_us),
            between=one.between,
            measured=one.measured,
            basis=one.basis,
            phase=one.phase,
            cannot_order=one.cannot_order,
        )


class GapView(msgspec.Struct, frozen=True, kw_only=True):
    """From `after` on, and before `before`, what the source did is not known; `run`: the entry that says so first."""

    after: str
    before: str
    state: Coverage
    run: int | None
    reason: str

    @classmethod
    def of(cls, one: Gap) -> "GapView":
        """The gap as it is answered."""
        return cls(
            after=utc_text(one.low_us), before=utc_text(one.high_us), state=one.state, run=one.run, reason=one.reason
        )


class LaneView(msgspec.Struct, frozen=True, kw_only=True):
    """A source: its records in the order of time, and what is not known of its time."""

    source: str
    marks: list[MarkView]
    gaps: list[GapView]


class TimelineView(msgspec.Struct, frozen=True, kw_only=True):
    """Lanes by source, from `after` on and before `before` (null: nothing is dated).

    `order`: the entries of all lanes, by when they can have happened first. `undated`: entries that nothing places.
    `cut`: more records belong than one timeline holds, so that something may lack.
    """

    after: str | None
    before: str | None
    lanes: list[LaneView]
    order: tuple[int, ...]
    undated: tuple[int, ...]
    cut: bool

    @classmethod
    def of(cls, one: Timeline) -> "TimelineView":
        """The timeline as it is answered."""
        dated = one.low_us < one.high_us
        return cls(
            after=utc_text(one.low_us) if dated else None,
            before=utc_text(one.high_us) if dated else None,
            lanes=[
                LaneView(
                    source=lane.source,
                    marks=[MarkView.of(mark) for mark in lane.marks],
                    gaps=[GapView.of(gap) for gap in lane.gaps],
                )
                for lane in one.lanes
            ],
            order=one.order,
            undated=one.undated,
            cut=one.cut,
        )
