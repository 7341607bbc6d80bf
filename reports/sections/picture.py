"""When it happened: all sources on one line of time, what is not known of them hatched, and a table of the same."""

from collections.abc import Iterator
from typing import Final

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable

from ledger.core.clock import parse_utc
from ledger.present.inert import inert, one_line
from ledger.present.messages import message, number
from ledger.present.scene import Form
from ledger.present.timeline_scene import Bar, Lane, joined, timeline_scene
from reports.dataset import Coverage, ReportData
from reports.drawing import Picture
from reports.style import CELL, FIGURE, QUIET, code, grid, text
from reports.times import Zone

LANES: Final = 12
"""Sources of one picture: those with the most records."""
_FORMS: Final = {"query": Form.SOLID, "read": Form.SOLID, "derived": Form.OUTLINE, "possible": Form.DASHED}
_LONG: Final = 300


def picture(data: ReportData, zone: Zone, width: float) -> list[Flowable]:
    """The picture and its table; that there is nothing to draw is said."""
    low, high = data.totals.first_us, data.totals.last_us
    if low is None or high is None:
        return [text(message("report.picture.none"))]
    shown = sorted((one for one in data.coverage if one.selected), key=lambda one: -one.selected)[:LANES]
    lanes = [Lane(name=one_line(one.source, _LONG), marks=tuple(_marks(data, one, low, high)),
                  gaps=tuple(_gaps(one, low, high))) for one in shown]  # fmt: skip
    about = message("report.picture.about")
    scene = timeline_scene(message("report.picture"), about, lanes, low, high + 1, zone.zone)
    drawn = Picture(scene, width)
    table = _table(data, shown, zone, width)
    found: list[Flowable] = [text(about, QUIET), CondPageBreak(drawn.height + 20 * mm), drawn, table]
    more = sum(1 for one in data.coverage if one.selected) - len(shown)
    if more:
        found.append(text(message("report.picture.more", count=more), QUIET))
    return found


def _marks(data: ReportData, one: Coverage, low: int, high: int) -> Iterator[Bar]:
    for basis, form in _FORMS.items():
        cells = [cell for name, cell in data.spread.of(one.source) if name == basis]
        for group in joined(((cell.low_us, cell.high_us, cell) for cell in cells), low, high + 1):
            first, last = min(cell.low_us for cell in group), max(cell.high_us for cell in group)
            yield Bar(low_us=first, high_us=last, form=form, words="", to=None)


def _gaps(one: Coverage, low: int, high: int) -> Iterator[Bar]:
    for gap in (*one.unreachable, *(gap.between for gap in one.gaps)):
        first, last = parse_utc(gap.after), parse_utc(gap.before)
        if last >= low and first <= high:
            yield Bar(low_us=first, high_us=last, form=Form.HATCH, words="", to=None)


def _table(data: ReportData, shown: list[Coverage], zone: Zone, width: float) -> Flowable:
    rows = []
    for one in shown:
        cells = [cell for _, cell in data.spread.of(one.source)]
        rows.append(
            [
                code(inert(one.source)),
                text(number(one.selected), FIGURE),
                text(zone.local(min(cell.low_us for cell in cells)) if cells else "–", CELL),
                text(zone.local(max(cell.high_us for cell in cells)) if cells else "–", CELL),
                text(number(data.spread.undated[one.source]), FIGURE),
                text(number(one.unreachable_count + one.gaps_count), FIGURE),
            ]
        )
    head = [message(f"report.col.{name}") for name in ("source", "selected", "first", "last", "undated", "gaps")]
    times = 38 * mm
    widths = [width - 22 * mm - 2 * times - 46 * mm, 22 * mm, times, times, 26 * mm, 20 * mm]
    return grid(head, rows, widths, figures=(1, 4, 5))
