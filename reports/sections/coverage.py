"""Coverage and gaps: what each source's runs collected, when it could not be reached, what it did not give."""

from collections.abc import Sequence

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from ledger.core.record import Interval
from ledger.core.source import ARCHIVE
from ledger.present.inert import inert
from ledger.present.messages import message, number
from ledger.present.times import duration
from reports.dataset import Coverage, ReportData
from reports.style import CELL, CELL_QUIET, FIGURE, H2, QUIET, code, facts, grid, text
from reports.times import Zone


def coverage(data: ReportData, zone: Zone, width: float) -> list[Flowable]:
    """Runs by source, then every gap that is known, then the clocks."""
    found: list[Flowable] = [text(message("report.coverage.lead"), QUIET)]
    if not data.coverage:
        return [*found, text(message("report.coverage.none"))]
    found += [_runs(data.coverage, width), text(message("report.gaps"), H2)]
    found += _gaps(data.coverage, width)
    found += [text(message("report.clocks"), H2), _clocks(data.coverage, zone, width)]
    return found


def _runs(sources: Sequence[Coverage], width: float) -> Flowable:
    names = ("source", "runs", "collected", "selected", "duplicates", "quarantined", "interval")
    counts, reach_width = [one * mm for one in (15, 21, 20, 23, 28)], 42 * mm
    rows = []
    for one in sources:
        reach = [text(f"{_utc(one.first_started)} –", CELL), text(_utc(one.last_ended), CELL)]
        rows.append(
            [
                _source(one),
                *(
                    text(number(count), FIGURE)
                    for count in (one.runs, one.records, one.selected, one.duplicates, one.quarantined)
                ),
                reach if one.runs else [text(message("report.coverage.unseen"), CELL)],
            ]
        )
    widths = [width - sum(counts) - reach_width, *counts, reach_width]
    return grid([message(f"report.col.{name}") for name in names], rows, widths, figures=range(1, 6))


def _source(one: Coverage) -> list[Flowable]:
    named: list[Flowable] = [code(one.source), text(inert(one.title), CELL_QUIET)]
    return [*named, text(message("report.imported"), CELL)] if one.type == ARCHIVE else named


def _gaps(sources: Sequence[Coverage], width: float) -> list[Flowable]:
    rows = []
    more = 0
    for one in sources:
        more += one.unreachable_count - len(one.unreachable) + one.gaps_count - len(one.gaps)
        unreachable = message("report.gap.unreachable")
        rows += [[code(one.source), _between(interval), text(unreachable, CELL)] for interval in one.unreachable]
        for gap in one.gaps:
            says = [text(inert(gap.subject), CELL), text(inert(gap.reason), CELL_QUIET)]
            rows.append([code(one.source), _between(gap.between), says])
    if not rows:
        return [text(message("report.gaps.none"))]
    head = [message(f"report.col.{name}") for name in ("source", "between", "kind")]
    found: list[Flowable] = [grid(head, rows, [40 * mm, 42 * mm, width - 82 * mm])]
    if more:
        found.append(text(message("report.gaps.more", count=more), QUIET))
    return found


def _clocks(sources: Sequence[Coverage], zone: Zone, width: float) -> Flowable:
    return facts([(one.source, text(_clock(one, zone))) for one in sources], width, 50 * mm)


def _clock(one: Coverage, zone: Zone) -> str:
    if one.clock is None:
        return message("report.clock.none")
    return message(
        "report.clock.measured",
        offset=duration(one.clock.offset_us),
        uncertainty=duration(one.clock.uncertainty_us),
        at=zone.text(one.clock.measured_at),
        method=inert(one.clock.method),
    )


def _between(interval: Interval) -> list[Flowable]:
    return [text(f"{_utc(interval.after)} –", CELL), text(_utc(interval.before), CELL)]


def _utc(value: str | None) -> str:
    return "" if value is None else value.replace("T", " ").removesuffix("Z")[:23]
