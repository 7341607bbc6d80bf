"""A scene as SVG in a page: named, described, each shape that leads somewhere a link with words of its own.

Colours and strokes come from the style sheet, by class.
"""

from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

from ledger.present.scene import Form, Line, Rect, Scene, Text

_HATCH: Final = 8
"""Units between two strokes of a hatch."""


def svg(scene: Scene, name: str) -> Markup:
    """The picture; `name` begins the ids of its parts, and no other of the page's may have it."""
    title, about, hatch = f"{name}-title", f"{name}-about", f"{name}-hatch"
    root = Element(
        "svg",
        {
            "class": "scene",
            "viewBox": f"0 0 {_number(scene.width)} {_number(scene.height)}",
            # A group: what an image holds can be no link.
            "role": "group",
            "aria-labelledby": title,
            "aria-describedby": about,
        },
    )
    SubElement(root, "title", {"id": title}).text = scene.title
    SubElement(root, "desc", {"id": about}).text = scene.about
    pattern = SubElement(
        SubElement(root, "defs"),
        "pattern",
        {
            "id": hatch, "width": str(_HATCH), "height": str(_HATCH), "patternUnits": "userSpaceOnUse",
            "patternTransform": "rotate(45)",
        },
    )  # fmt: skip
    SubElement(pattern, "rect", {"class": "hatch", "width": "1", "height": str(_HATCH)})
    for shape in scene.shapes:
        match shape:
            case Rect():
                _rect(root, shape, hatch)
            case Line():
                ends = {"x1": shape.x1, "y1": shape.y1, "x2": shape.x2, "y2": shape.y2}
                SubElement(root, "line", {"class": shape.form.value, **_numbers(ends)})
            case Text():
                place = {**_numbers({"x": shape.x, "y": shape.y}), "text-anchor": shape.anchor.value}
                SubElement(root, "text", place | ({"class": "muted"} if shape.muted else {})).text = shape.text
    return Markup(tostring(root, encoding="unicode"))  # noqa: S704 - every text went through ElementTree


def _rect(root: Element, shape: Rect, hatch: str) -> None:
    within = root
    if shape.to is not None:
        within = SubElement(root, "a", {"href": shape.to, "aria-label": shape.words})
    box = {"x": shape.x, "y": shape.y, "width": shape.width, "height": shape.height}
    drawn = SubElement(within, "rect", {"class": shape.form.value, **_numbers(box)})
    if shape.form is Form.HATCH:
        drawn.set("fill", f"url(#{hatch})")
        drawn.set("class", "gap")
    if shape.words:
        SubElement(drawn, "title").text = shape.words


def _numbers(values: dict[str, float]) -> dict[str, str]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: float) -> str:
    return f"{value:g}"
