"""A timeline as a scene: a lane a system, marks as wide as it is uncertain when they happened, gaps hatched."""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from ledger.present.inert import clipped
from ledger.present.scene import Anchor, Form, Line, Rect, Scene, Shape, Text
from ledger.present.times import moment

WIDTH: Final = 1000
"""Units of the picture's width."""
CELLS: Final = 50
"""Marks of a lane that fall into the same one of so many parts of the time are one mark."""
_LEFT: Final = 190
_RIGHT: Final = 20
_AXIS: Final = 44
_ROW: Final = 18
_PAD: Final = 6
_LEAST: Final = 4
_NAME: Final = 24
_TICKS: Final = 6
_SECOND: Final = 1_000_000
_STEPS: Final = tuple(
    length * _SECOND
    for length in (
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
        604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000,
    )
)  # fmt: skip
"""Times between two ticks of the axis."""

T = TypeVar("T")


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A mark of a lane, or a gap: from an instant to another (microseconds UTC). `doubt`: its order is not known."""

    low_us: int
    high_us: int
    form: Form
    words: str
    to: str | None
    doubt: bool = False


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A system's part of the picture; its name is inert."""

    name: str
    marks: tuple[Bar, ...]
    gaps: tuple[Bar, ...]


def timeline_scene(title: str, about: str, lanes: Iterable[Lane], low_us: int, high_us: int, zone: ZoneInfo) -> Scene:
    """The picture of a time from `low_us` to before `high_us`, its axis in the site's zone."""
    scale = _Scale(low_us, high_us)
    shapes: list[Shape] = []
    y = 0.0
    for lane in lanes:
        forms = [form for form in Form if any(mark.form is form for mark in lane.marks)]
        height = 2 * _PAD + _ROW * max(1, len(forms))
        shapes += [scale.rect(gap, y, height) for gap in lane.gaps]
        shapes.append(Text(x=0, y=y + height / 2 + 5, text=clipped(lane.name, _NAME)))
        for row, form in enumerate(forms):
            for mark in (mark for mark in lane.marks if mark.form is form):
                box = scale.rect(mark, y + _PAD + row * _ROW + 2, _ROW - 6)
                shapes.append(box)
                if mark.doubt:
                    below = box.y + box.height + 2
                    shapes.append(Line(x1=box.x, y1=below, x2=box.x + box.width, y2=below, form=Form.DOUBT))
        y += height
        shapes.append(Line(x1=0, y1=y, x2=WIDTH, y2=y, form=Form.RULE))
    shapes = [*_axis(scale, y, zone), *shapes]
    return Scene(title=title, about=about, width=WIDTH, height=y + _AXIS, shapes=tuple(shapes))


def joined(marks: Iterable[tuple[int, int, T]], low_us: int, high_us: int) -> list[list[T]]:
    """Puts those together that begin in the same cell of the picture and end in the same one, in the order given."""
    cell = max(1, -(-(high_us - low_us) // CELLS))
    found: dict[tuple[int, int], list[T]] = {}
    for low, high, item in marks:
        found.setdefault(((low - low_us) // cell, (high - low_us) // cell), []).append(item)
    return list(found.values())


class _Scale:
    """Where instants stand in the picture; what lies outside stands at its edge."""

    def __init__(self, low_us: int, high_us: int) -> None:
        self.low_us = low_us
        self.high_us = max(high_us, low_us + 1)

    def x(self, at_us: int) -> float:
        part = (min(max(at_us, self.low_us), self.high_us) - self.low_us) / (self.high_us - self.low_us)
        return round(_LEFT + part * (WIDTH - _LEFT - _RIGHT), 2)

    def rect(self, bar: Bar, y: float, height: float) -> Rect:
        x = self.x(bar.low_us)
        # What is too short to be seen is drawn all the same.
        width = round(max(_LEAST, self.x(bar.high_us) - x), 2)
        return Rect(x=x, y=y, width=width, height=height, form=bar.form, words=bar.words, to=bar.to)


def _axis(scale: _Scale, y: float, zone: ZoneInfo) -> Iterator[Shape]:
    length = scale.high_us - scale.low_us
    step = next((one for one in _STEPS if length <= one * _TICKS), _STEPS[-1])
    while length > step * _TICKS:
        step *= 2
    local = moment(scale.low_us, zone).local
    midnight = scale.low_us - _of_day(local)
    day = ""
    at = scale.low_us + (midnight - scale.low_us) % step
    if length < 2 * _SECOND:
        at = scale.low_us
    while at <= scale.high_us:
        told, x = moment(at, zone), scale.x(at)
        yield Line(x1=x, y1=0, x2=x, y2=y + 4, form=Form.RULE)
        clock = told.local[11:] if step < _SECOND or length < 2 * _SECOND else told.local[11:19]
        yield Text(x=x, y=y + 20, text=clock, anchor=Anchor.MIDDLE, muted=True)
        if told.local[:10] != day:
            day = told.local[:10]
            yield Text(x=x, y=y + 38, text=day, anchor=Anchor.MIDDLE, muted=True)
        at += step
    yield Text(x=0, y=y + 20, text=moment(scale.low_us, zone).zone, muted=True)


def _of_day(local: str) -> int:
    """Microseconds since midnight of `2026-11-25 07:10:06.123`, to the millisecond."""
    hours, minutes, seconds = local[11:].split(":")
    return (int(hours) * 3600 + int(minutes) * 60) * _SECOND + round(float(seconds) * _SECOND)
