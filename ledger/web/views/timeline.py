"""The timeline of what belongs to a batch: a picture with a lane a system, and the table that says the same."""

from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.present.inert import inert, one_line
from ledger.present.messages import message
from ledger.present.scene import Form, Scene
from ledger.present.sentences import record_sentence
from ledger.present.timeline_scene import Bar, joined, timeline_scene
from ledger.present.timeline_scene import Lane as DrawnLane
from ledger.present.times import Moment, duration, moment
from ledger.present.values import Pieces
from ledger.trace.bodies import bodies
from ledger.trace.lanes import Gap, Lane, Mark, Timeline
from ledger.trace.selection import Basis
from ledger.web.views.common import Scope

LISTED: Final = 10
"""Entries that a row of several records names; the others are a step closer."""
UNDATED: Final = 100
_FORMS: Final = {Basis.READ: Form.SOLID, Basis.DERIVED: Form.OUTLINE, Basis.POSSIBLE: Form.DASHED}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A mark of the picture: one record with its sentence, or several that stand at the same place of it.

    `until`: where it is not known when; `closer`: where several are told apart; `after`: an entry of which the clocks
    do not tell whether it came first.
    """

    name: str
    begin: Moment
    until: Moment | None
    source: str
    basis: Basis
    count: int
    entries: tuple[int, ...]
    sentence: Pieces
    closer: str | None
    after: int | None


class GapRow(msgspec.Struct, frozen=True, kw_only=True):
    """A time of a system that is not known, and the run that says so."""

    source: str
    words: str
    begin: Moment
    end: Moment
    length: str
    run: int | None
    reason: str


class TimelineView(msgspec.Struct, frozen=True, kw_only=True):
    """The picture, None where nothing is dated, and its rows in the order of time; `undated`: at most 100 of all."""

    picture: Scene | None
    rows: tuple[Row, ...]
    gaps: tuple[GapRow, ...]
    undated: tuple[int, ...]
    undated_count: int
    cut: bool


def timeline_view(
    scope: Scope, connection: Connection, log: int, found: Timeline, entry: Callable[[int], str],
    closer: Callable[[int, int], str],
) -> TimelineView:  # fmt: skip
    """`entry`: where an entry is; `closer`: where the timeline of a part of the time is."""
    lanes: list[DrawnLane] = []
    rows: list[tuple[int, Row]] = []
    gaps: list[GapRow] = []
    grouped = {lane.source: _groups(lane, found) for lane in found.lanes}
    alone = sorted(group[0].index for groups in grouped.values() for group in groups if len(group) == 1)
    sentences = {index: record_sentence(body.record) for index, body in bodies(connection, log, alone)}
    for lane in found.lanes:
        name, bars = one_line(lane.source), []
        for group in grouped[lane.source]:
            row = _row(scope, name, group, closer, sentences.get(group[0].index, ()))
            rows.append((group[0].low_us, row))
            bars.append(
                Bar(
                    low_us=group[0].low_us,
                    high_us=max(one.high_us for one in group),
                    form=_FORMS[row.basis],
                    words=_words(row),
                    # Several lead to their row, which names them.
                    to=entry(row.entries[0]) if row.count == 1 else f"#{row.name}",
                    doubt=row.after is not None,
                )
            )
        told = [_gap(scope, name, one) for one in lane.gaps]
        gaps += told
        hatched = (
            Bar(
                low_us=one.low_us, high_us=one.high_us, form=Form.HATCH, words=f"{row.words}: {row.length}",
                to=None if one.run is None else entry(one.run),
            )
            for one, row in zip(lane.gaps, told, strict=True)
        )  # fmt: skip
        lanes.append(DrawnLane(name=name, marks=tuple(bars), gaps=tuple(hatched)))
    picture = None
    if found.low_us < found.high_us:
        title, about = message("trace.timeline"), message("trace.timeline.about", count=len(found.order))
        picture = timeline_scene(title, about, lanes, found.low_us, found.high_us, scope.zone)
    return TimelineView(
        picture=picture,
        rows=tuple(row for _, row in sorted(rows, key=lambda one: (one[0], one[1].entries[0]))),
        gaps=tuple(gaps),
        undated=found.undated[:UNDATED],
        undated_count=len(found.undated),
        cut=found.cut,
    )


def _groups(lane: Lane, found: Timeline) -> list[list[Mark]]:
    """Its marks, those together that stand at one place of the picture; what belongs for another reason apart."""
    return [
        group
        for basis in _FORMS
        for group in joined(
            ((one.low_us, one.high_us, one) for one in lane.marks if one.basis is basis), found.low_us, found.high_us
        )
    ]


def _row(scope: Scope, source: str, group: list[Mark], closer: Callable[[int, int], str], sentence: Pieces) -> Row:
    first, low, high = group[0], group[0].low_us, max(one.high_us for one in group)
    apart = any((one.low_us, one.high_us) != (first.low_us, first.high_us) for one in group)
    return Row(
        name=f"mark-{first.index}",
        begin=moment(low, scope.zone),
        until=None if high - low < 1_000 else moment(high, scope.zone),
        source=source,
        basis=first.basis,
        count=len(group),
        entries=tuple(one.index for one in group[:LISTED]),
        sentence=sentence,
        closer=closer(low, high + 1) if apart else None,
        after=next((one.cannot_order for one in group if one.cannot_order is not None), None),
    )


def _words(row: Row) -> str:
    when = row.begin.local if row.until is None else f"{row.begin.local} – {row.until.local}"
    what = message("home.entry", index=row.entries[0])
    if row.count > 1:
        what = message("trace.records", count=row.count)
    words = f"{row.source}, {when}: {what}, {message(f'trace.basis.{row.basis.value}')}"
    return words if row.after is None else f"{words}; {message('trace.cannot-order', index=row.after)}"


def _gap(scope: Scope, source: str, one: Gap) -> GapRow:
    return GapRow(
        source=source,
        words=message(f"coverage.{one.state.value}"),
        begin=moment(one.low_us, scope.zone),
        end=moment(one.high_us, scope.zone),
        length=duration(one.high_us - one.low_us),
        run=one.run,
        reason=inert(one.reason),
    )
