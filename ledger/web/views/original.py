"""An original as it can be shown: as text where it is text, else as a hexadecimal dump; whole by download."""

import msgspec

from ledger.core.record import OriginalRef
from ledger.core.vault import Kept
from ledger.present.inert import inert

MAX_TEXT = 32 * 1024
"""Bytes of text that the page shows."""
MAX_DUMP = 2 * 1024
"""Bytes that the page shows in hexadecimal."""
_PER_LINE = 16
_TEXT_CONTROLS = frozenset("\n\r\t")


class ShownOriginal(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of an original. `kept` false: its bytes are no longer there. `shown` bytes of `size`."""

    media_type: str
    parser: str
    parser_version: str
    commitment: str
    size: int
    kept: bool
    is_text: bool = False
    shown: int = 0
    text: str = ""


def show_original(reference: OriginalRef, kept: Kept | None) -> ShownOriginal:
    """The original that a body names, as far as a page can show it."""
    about = ShownOriginal(
        media_type=inert(reference.media_type),
        parser=inert(reference.parser),
        parser_version=inert(reference.parser_version),
        commitment=reference.commitment,
        size=reference.size,
        kept=kept is not None,
    )
    if kept is None:
        return about
    text = printable(kept.value[:MAX_TEXT], whole=len(kept.value) <= MAX_TEXT)
    if text is not None:
        shown = min(len(kept.value), MAX_TEXT)
        return msgspec.structs.replace(about, is_text=True, shown=shown, text=inert(text, lines=True))
    data = kept.value[:MAX_DUMP]
    return msgspec.structs.replace(about, shown=len(data), text=dump(data))


def printable(data: bytes, whole: bool) -> str | None:
    """The bytes as text, if they are UTF-8 without control characters; a cut at the end may split one character."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if whole or error.start < len(data) - 3:
            return None
        text = data[: error.start].decode()
    if any(character < " " and character not in _TEXT_CONTROLS for character in text):
        return None
    return text.replace("\r\n", "\n")


def dump(data: bytes) -> str:
    """Offset, sixteen bytes in hexadecimal, and their ASCII characters, a line each."""
    lines = []
    for at in range(0, len(data), _PER_LINE):
        piece = data[at : at + _PER_LINE]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        lines.append(f"{at:08x}  {piece.hex(' '):<47}  {letters}")
    return "\n".join(lines)
