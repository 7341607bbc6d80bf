"""Text of strangers made safe to show: nothing in it can hide, reorder or act, in a page, a terminal or a PDF.

Escaping for a medium (HTML, PDF) is that medium's own work; here, characters that no medium should act on become
visible marks such as `⟨U+202E⟩` (Unicode UTS 55 on source text spoofing).
"""

import re
import unicodedata
from typing import Final

CLIP: Final = 120
"""Characters of a value that a one-line sentence shows."""

_JOINERS = "\u200c\u200d"
# Everything that could be marked; the exact decision is `_acts`.
_SUSPECT = re.compile(r"[^\x20-\x7e\xa1-\xac\xae-\u02ff]")
# Combining marks stacked so high that they would cover the lines above: three are more than any script needs.
_STACKED = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})"
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+)"
)
_ACTING = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def inert(text: str, lines: bool = False) -> str:
    """The text with every character that acts shown as a mark; `lines` keeps line feeds and tabs as they are.

    Letters of any script stay, with their joiners (U+200C, U+200D), which Persian and Indic scripts need.
    """
    kept = "\n\t" if lines else ""
    text = _STACKED.sub(lambda match: match[1] + "".join(map(_mark, match[2])), text)
    return _SUSPECT.sub(lambda match: match[0] if match[0] in kept or not _acts(match[0]) else _mark(match[0]), text)


def clipped(text: str, limit: int = CLIP) -> str:
    """At most `limit` characters of an inert text, with an ellipsis where it goes on."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int = CLIP) -> str:
    """A text of any length and content as a short, inert piece of one line."""
    if text.isascii() and text.isprintable() and len(text) <= limit and "  " not in text and text == text.strip():
        return text  # as most are
    return clipped(inert(" ".join(text[: limit * 8].split())), limit)


def _acts(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _ACTING


def _mark(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"
