"""Fonts of the report, embedded as subsets: Noto Sans for text, Cascadia Mono for ids, digests and signs.

A character that neither font has is never dropped or boxed: it is written as its code point, `‹U+4E2D›`.
"""

import io
import threading
from functools import lru_cache
from typing import Final
from xml.sax.saxutils import escape

import pymupdf_fonts
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

SANS: Final = "TrailsealSans"
BOLD: Final = "TrailsealSans-Bold"
ITALIC: Final = "TrailsealSans-Italic"
MONO: Final = "TrailsealMono"

_SOURCES = {SANS: "notos", BOLD: "notosbo", ITALIC: "notosit", MONO: "cascadia"}
_ONCE = threading.Lock()
_BRACKETS = str.maketrans({"⟨": "‹", "⟩": "›", "\t": "    "})


def register() -> None:
    """Makes the fonts known to reportlab; once a process."""
    with _ONCE:
        if SANS in pdfmetrics.getRegisteredFontNames():
            return
        for name, key in _SOURCES.items():
            pdfmetrics.registerFont(TTFont(name, io.BytesIO(pymupdf_fonts.myfont(key))))
        pdfmetrics.registerFontFamily(SANS, normal=SANS, bold=BOLD, italic=ITALIC, boldItalic=BOLD)
        pdfmetrics.registerFontFamily(MONO, normal=MONO, bold=MONO, italic=MONO, boldItalic=MONO)


def marked_up(text: str, font: str = SANS) -> str:
    """Inert text as paragraph markup in `font`: escaped, signs from the other font, unknown ones as code points."""
    other = MONO if font != MONO else SANS
    parts: list[str] = []
    run, run_font = "", font
    for character in text.translate(_BRACKETS):
        wanted, shown = _place(character, font, other)
        if wanted != run_font:
            parts.append(_in_font(run, run_font, font))
            run, run_font = "", wanted
        run += shown
    parts.append(_in_font(run, run_font, font))
    return "".join(parts).replace("\n", "<br/>")


def plain_for(text: str, font: str) -> str:
    """Text for drawing in one font: what the font lacks is written as its code point."""
    return "".join(c if c in "\n" or ord(c) in _glyphs(font) else f"‹U+{ord(c):04X}›" for c in text)


def _place(character: str, font: str, other: str) -> tuple[str, str]:
    code = ord(character)
    if character == "\n" or code in _glyphs(font):
        return font, character
    if code in _glyphs(other):
        return other, character
    return font, f"‹U+{code:04X}›"


def _in_font(run: str, run_font: str, font: str) -> str:
    if not run or run_font == font:
        return escape(run)
    return f'<font name="{run_font}">{escape(run)}</font>'


@lru_cache(maxsize=8)
def _glyphs(font: str) -> frozenset[int]:
    return frozenset(pdfmetrics.getFont(font).face.charToGlyph)
