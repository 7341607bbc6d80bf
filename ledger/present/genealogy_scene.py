"""What hangs together as a scene: a column a step away from what was asked for, a line where records name both."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from ledger.present.inert import clipped
from ledger.present.messages import message
from ledger.present.scene import Anchor, Form, Line, Rect, Scene, Shape, Text

WIDTH: Final = 1000
"""Units of the picture's width."""
DRAWN: Final = 12
"""Boxes of a column; those after are counted below them."""
_HEIGHT: Final = 44
_GAP: Final = 12
_BETWEEN: Final = 56
_WIDEST: Final = 260
_LETTER: Final = 8


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """Something that records name, so many steps away; `kind` and `name` are inert. `to`: where it leads."""

    column: int
    kind: str
    name: str
    form: Form
    words: str
    to: str


def genealogy_scene(title: str, about: str, boxes: Sequence[Box], ties: Iterable[tuple[int, int]]) -> Scene:
    """`ties`: pairs of numbers of boxes. Of each column the first boxes are drawn, and the ties between these."""
    columns = defaultdict[int, list[int]](list)
    for number, box in enumerate(boxes):
        columns[box.column].append(number)
    count = max(columns, default=0) + 1
    width = min(_WIDEST, (WIDTH - _BETWEEN * (count - 1) - 2) / count)
    tallest = max((min(DRAWN, len(column)) for column in columns.values()), default=0)
    height = tallest * (_HEIGHT + _GAP) + 28
    drawn: dict[int, Rect] = {}
    told: list[Shape] = []
    for at, column in sorted(columns.items()):
        x, y = 1 + at * (width + _BETWEEN), 1.0
        for number in column[:DRAWN]:
            box = boxes[number]
            drawn[number] = Rect(
                x=x, y=y, width=width, height=_HEIGHT, form=box.form, words=box.words, to=box.to
            )  # fmt: skip
            letters = int((width - 16) / _LETTER)
            told.append(Text(x=x + 8, y=y + 17, text=clipped(box.kind, letters), muted=True))
            told.append(Text(x=x + 8, y=y + 36, text=clipped(box.name, letters)))
            y += _HEIGHT + _GAP
        if len(column) > DRAWN:
            more = message("trace.more", count=len(column) - DRAWN)
            told.append(Text(x=x + width / 2, y=y + 14, text=more, anchor=Anchor.MIDDLE, muted=True))
    lines = [line for one, other in ties if one in drawn and other in drawn for line in _tie(drawn[one], drawn[other])]
    return Scene(title=title, about=about, width=WIDTH, height=height, shapes=(*lines, *drawn.values(), *told))


def _tie(one: Rect, other: Rect) -> list[Line]:
    """Straight from column to column; between two of a column around their edge."""
    left, right = sorted((one, other), key=lambda box: (box.x, box.y))
    begin, end = left.y + left.height / 2, right.y + right.height / 2
    edge = left.x + left.width
    if left.x == right.x:
        out = edge + _BETWEEN / 4
        corners = [(edge, begin), (out, begin), (out, end), (edge, end)]
    else:
        corners = [(edge, begin), (right.x, end)]
    return [Line(x1=x1, y1=y1, x2=x2, y2=y2, form=Form.RULE) for (x1, y1), (x2, y2) in pairwise(corners)]
