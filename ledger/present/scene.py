"""The scene model of pictures: shapes in units of the picture, with what each says and leads to; a medium draws it.

Nothing is told by colour alone: forms differ in how they are filled, drawn or hatched. The table under a picture is the
surface's own, and has a row for each shape that says something.
"""

from enum import StrEnum

import msgspec


class Form(StrEnum):
    """How a shape is drawn."""

    SOLID = "solid"
    OUTLINE = "outline"
    DASHED = "dashed"
    HATCH = "hatch"
    RULE = "rule"
    """A thin line in the background."""
    DOUBT = "doubt"
    """A strong line beneath what is not certain."""


class Rect(msgspec.Struct, frozen=True, kw_only=True):
    """A box; `words`: what it says; `to`: where it leads, None: nowhere."""

    x: float
    y: float
    width: float
    height: float
    form: Form
    words: str = ""
    to: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    form: Form


class Anchor(StrEnum):
    """Which point of a text stands where it is put."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A short text of one line on its base line, inert."""

    x: float
    y: float
    text: str
    anchor: Anchor = Anchor.START
    muted: bool = False


Shape = Rect | Line | Text


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A picture: its name, what it shows in a sentence, its size in units, and its shapes from back to front."""

    title: str
    about: str
    width: float
    height: float
    shapes: tuple[Shape, ...]
