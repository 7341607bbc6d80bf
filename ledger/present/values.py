"""Old → new, links and digests as a scene: pieces with roles, so that page, terminal and PDF draw them alike."""

import difflib
import re
from enum import StrEnum

import msgspec

from ledger.core.record import Change, Maybe, Sealed
from ledger.present.inert import inert, one_line
from ledger.present.messages import message

LONG = 60
LINE = 200
"""Characters of a value that stands in one line with others."""
"""Characters above which two texts are compared word by word instead of set side by side."""
_MAX_WORDS = 1500
_WORD = re.compile(r"\s+|[^\s]+")


class Role(StrEnum):
    """What a piece of text is; a medium gives each role one form."""

    TEXT = "text"
    ACTOR = "actor"
    OBJECT = "object"
    OLD = "old"
    NEW = "new"
    ARROW = "arrow"
    UNIT = "unit"
    SAME = "same"
    INSERT = "insert"
    DELETE = "delete"
    REASON = "reason"
    NOTE = "note"


class Piece(msgspec.Struct, frozen=True):
    """A stretch of inert text and what it is."""

    text: str
    role: Role = Role.TEXT


Pieces = tuple[Piece, ...]


def plain(pieces: Pieces) -> str:
    """The pieces as one text, for media without roles."""
    return "".join(piece.text for piece in pieces)


def said(value: Maybe) -> bool:
    """Whether the source gave a value or said that there is none."""
    return value is not msgspec.UNSET


def value_text(value: Maybe) -> tuple[str, bool]:
    """The value as inert text, and whether those are the value's own characters (else they say what it is)."""
    if value is msgspec.UNSET:
        return message("value.unset"), False
    if value is None:
        return message("value.none"), False
    if isinstance(value, Sealed):
        return message("value.sealed"), False
    if isinstance(value, bool):
        return message("value.true" if value else "value.false"), True
    if value == "":
        return message("value.empty"), False
    return inert(str(value), lines=True), True


def value_line(value: Maybe, unit: str | None) -> str:
    """The value with its unit, in one line."""
    text, own = value_text(value)
    return one_line(text, LINE) + (f" {one_line(unit)}" if unit and own else "")


def change_pieces(change: Change) -> Pieces:
    """One change in one line: old struck through, arrow, new, unit after both; long texts as one marked-up text."""
    old, new = change.old, change.new
    if isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > LONG:
        return _compared(inert(old, lines=True), inert(new, lines=True))
    pieces = [_side(old, Role.OLD), Piece(" → ", Role.ARROW), _side(new, Role.NEW)]
    if change.unit:
        pieces.append(Piece(f" {inert(change.unit)}", Role.UNIT))
    return tuple(pieces)


def grouped(digest: bytes) -> tuple[str, ...]:
    """A digest in lower-case hexadecimal, in groups of four digits."""
    text = digest.hex()
    return tuple(text[at : at + 4] for at in range(0, len(text), 4))


def _side(value: Maybe, role: Role) -> Piece:
    text, own = value_text(value)
    return Piece(text, role if own else Role.NOTE)


def _compared(old: str, new: str) -> Pieces:
    a, b = _WORD.findall(old), _WORD.findall(new)
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    middle_a, middle_b = a[head : len(a) - tail], b[head : len(b) - tail]
    pieces = [Piece("".join(a[:head]), Role.SAME)]
    if len(middle_a) > _MAX_WORDS or len(middle_b) > _MAX_WORDS:
        # Comparing is quadratic in the worst case: beyond this the stretch is replaced as a whole.
        pieces += [Piece("".join(middle_a), Role.DELETE), Piece("".join(middle_b), Role.INSERT)]
    else:
        for tag, a1, a2, b1, b2 in difflib.SequenceMatcher(None, middle_a, middle_b, autojunk=False).get_opcodes():
            if tag == "equal":
                pieces.append(Piece("".join(middle_a[a1:a2]), Role.SAME))
                continue
            pieces += [
                Piece("".join(middle_a[a1:a2]), Role.DELETE),
                Piece("".join(middle_b[b1:b2]), Role.INSERT),
            ]
    pieces.append(Piece("".join(a[len(a) - tail :] if tail else []), Role.SAME))
    return tuple(piece for piece in pieces if piece.text)


def _common(a: list[str], b: list[str]) -> int:
    at = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        at += 1
    return at
