"""A scene on paper: the same picture as in the pages, in lines and hatches that black and white print keeps."""

from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.platypus import Flowable

from ledger.present.scene import Anchor, Form, Line, Rect, Scene, Shape, Text
from reports.fonts import SANS, plain_for
from reports.style import INK, MUTED, RULE

ACCENT: Final = HexColor("#1f5fa8")
_TEXT: Final = 14
"""Height of text, in units of the picture."""
_HATCH: Final = 8
"""Units between two strokes of a hatch."""


class Picture(Flowable):  # type: ignore[misc]
    """Draws a scene as wide as is given; a scene has its origin at the top, a page at the bottom."""

    def __init__(self, scene: Scene, width: float) -> None:
        super().__init__()
        self._scene = scene
        self._scale = width / scene.width
        self.width, self.height = width, scene.height * self._scale

    def wrap(self, *_: float) -> tuple[float, float]:
        return self.width, self.height

    def draw(self) -> None:
        canvas = self.canv
        canvas.saveState()
        canvas.scale(self._scale, self._scale)
        for shape in self._scene.shapes:
            self._shape(canvas, shape)
        canvas.restoreState()

    def _shape(self, canvas: Any, shape: Shape) -> None:
        top = self._scene.height
        match shape:
            case Rect():
                self._rect(canvas, shape, top - shape.y - shape.height)
            case Line():
                canvas.setStrokeColor(RULE if shape.form is Form.RULE else INK)
                canvas.setLineWidth(1 if shape.form is Form.RULE else 2)
                canvas.line(shape.x1, top - shape.y1, shape.x2, top - shape.y2)
            case Text():
                canvas.setFillColor(MUTED if shape.muted else INK)
                canvas.setFont(SANS, _TEXT)
                draw = {
                    Anchor.START: canvas.drawString,
                    Anchor.MIDDLE: canvas.drawCentredString,
                    Anchor.END: canvas.drawRightString,
                }[shape.anchor]
                draw(shape.x, top - shape.y, plain_for(shape.text, SANS))

    def _rect(self, canvas: Any, shape: Rect, y: float) -> None:
        canvas.saveState()
        canvas.setLineWidth(1)
        if shape.form is Form.HATCH:
            _hatch(canvas, shape, y)
        else:
            canvas.setStrokeColor(ACCENT)
            canvas.setFillColor(ACCENT)
            if shape.form is Form.DASHED:
                canvas.setDash(3, 2)
            canvas.rect(shape.x, y, shape.width, shape.height, stroke=1, fill=shape.form is Form.SOLID)
        canvas.restoreState()


def _hatch(canvas: Any, shape: Rect, y: float) -> None:
    canvas.setStrokeColor(MUTED)
    path = canvas.beginPath()
    path.rect(shape.x, y, shape.width, shape.height)
    canvas.clipPath(path, stroke=1, fill=0)
    at = shape.x - shape.height
    while at < shape.x + shape.width:
        canvas.line(at, y, at + shape.height, y + shape.height)
        at += _HATCH
