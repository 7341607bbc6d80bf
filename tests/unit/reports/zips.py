"""Builds zips field by field, so that each can break exactly one rule."""

import struct
import zlib
from dataclasses import dataclass, field, replace

LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")


@dataclass(frozen=True)
class Part:
    """One member; every header field can be set apart from what it should be, `central` only in the directory."""

    name: bytes = b"bag/a.txt"
    data: bytes = b"content\n"
    method: int = 0
    flags: int = 0
    needs: int = 20
    made_by: int = 3 << 8 | 20
    time: int = 0
    date: int = 0x21
    extra: bytes = b""
    local_extra: bytes | None = None
    comment: bytes = b""
    outer: int = 0o100644 << 16
    inner: int = 0
    disk: int = 0
    packed: bytes | None = None
    size: int | None = None
    crc: int | None = None
    central: dict[str, int] = field(default_factory=dict)
    before: bytes = b""
    offset: int | None = None


def build(
    *parts: Part, prefix: bytes = b"", gap: bytes = b"", comment: bytes = b"", suffix: bytes = b"", **end: int
) -> bytes:
    """The bytes of a zip of these parts."""
    out, directory = prefix, b""
    for part in parts:
        out += part.before
        at = len(out) if part.offset is None else part.offset
        packed = part.packed if part.packed is not None else part.data
        size = len(part.data) if part.size is None else part.size
        crc = zlib.crc32(part.data) if part.crc is None else part.crc
        local_extra = part.extra if part.local_extra is None else part.local_extra
        local = (part.needs, part.flags, part.method, part.time, part.date, crc, len(packed), size)
        out += LOCAL.pack(b"PK\x03\x04", *local, len(part.name), len(local_extra)) + part.name + local_extra + packed
        names = ("needs", "flags", "method", "time", "date", "crc", "packed", "size")
        shown = [part.central.get(name, value) for name, value in zip(names, local, strict=True)]
        directory += (
            CENTRAL.pack(
                b"PK\x01\x02", part.made_by, *shown, len(part.name), len(part.extra), len(part.comment),
                part.disk, part.inner, part.outer, at,
            )
            + part.name + part.extra + part.comment
        )  # fmt: skip
    out += gap
    start = len(out)
    count = end.get("count", len(parts))
    length, at = end.get("length", len(directory)), end.get("at", start)
    out += directory + END.pack(b"PK\x05\x06", 0, 0, count, count, length, at, len(comment))
    return out + comment + suffix


def deflated(part: Part, junk: bytes = b"") -> Part:
    """The part compressed, with bytes after its stream."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = compressor.compress(part.data) + compressor.flush() + junk
    return replace(part, method=8, packed=packed)
