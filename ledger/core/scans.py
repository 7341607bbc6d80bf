"""Which sort of file a scan is, told from its content alone: PDF, PNG or JPEG, whole from beginning to end."""

import zlib
from typing import Final

from ledger.core.errors import SchemaViolation

MAX_SCAN: Final = 10 * 1024 * 1024
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_TAIL: Final = 2048
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
"""Markers of JPEG without a length."""
_SCAN_DATA, _END, _FRAMES = 0xDA, 0xD9, frozenset({0xC0, 0xC1, 0xC2})


def media_type_of(data: bytes) -> str:
    """The media type of a scan; raises SchemaViolation for anything that is no whole file of these sorts."""
    if not 0 < len(data) <= MAX_SCAN:
        raise SchemaViolation(
            f"a scan of {len(data)} bytes is not kept", advice=f"At most {MAX_SCAN} bytes: scan it with fewer dots."
        )
    if data.startswith(b"%PDF-") and b"%%EOF" in data[-_TAIL:] and b"startxref" in data[-_TAIL:]:
        return "application/pdf"
    if _is_png(data):
        return "image/png"
    if _is_jpeg(data):
        return "image/jpeg"
    raise SchemaViolation("the scan is no whole PDF, PNG or JPEG file", advice="Scan it to one of these.")


def _is_png(data: bytes) -> bool:
    at, first, has_data = len(_PNG), True, False
    if not data.startswith(_PNG):
        return False
    while at + 12 <= len(data):
        size, sort = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + size
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return False
        if first != (sort == b"IHDR"):
            return False
        first, has_data, at = False, has_data or sort == b"IDAT", end
        if sort == b"IEND":
            return has_data and at == len(data)
    return False


def _is_jpeg(data: bytes) -> bool:
    at, framed = 2, False
    if not data.startswith(b"\xff\xd8\xff"):
        return False
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _ALONE:
            at += 2
            continue
        if marker == _SCAN_DATA:
            return framed and data.rstrip(b"\0").endswith(bytes((0xFF, _END)))
        framed = framed or marker in _FRAMES
        at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return False
