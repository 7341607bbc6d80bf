"""Modbus addresses, the blocks that they are read in, and what registers mean. Pure.

An address is `TABLE:NUMBER[:TYPE[:ORDER]]`: table holding, input, coil or discrete; number as in the protocol, from 0;
type int16, uint16 (the default), int32, uint32, int64, uint64, float32, float64, bitN (N from 0, the lowest), string[N]
(N bytes) for registers, bool for coils and discrete inputs; order big (the default) or little, of the words in a number
and of the bytes in each word of a string.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from collectors.ot.plc import Point
from collectors.text import render_float32
from ledger.core.errors import ConfigError

REGISTER_TABLES: Final = ("holding", "input")
MAX_REGISTERS: Final = 125
MAX_BITS: Final = 2000
_NUMBERS: Final = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}
_ADDRESS = re.compile(
    r"(?P<table>holding|input|coil|discrete):(?P<number>\d{1,5})"
    r"(?::(?P<type>u?int(?:16|32|64)|float(?:32|64)|bool|bit(?P<bit>\d{1,2})|string\[(?P<size>\d{1,3})\])"
    r"(?::(?P<order>big|little))?)?"
)
_ADVICE = "Write TABLE:NUMBER[:TYPE[:ORDER]], such as holding:40:float32:little, coil:3 or holding:100:string[20]."


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a point is read, and how: `count` registers or bits from `start` of `table`, read as `how`."""

    point: Point
    table: str
    start: int
    count: int
    how: str


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """What one request reads."""

    table: str
    start: int
    count: int
    places: tuple[Place, ...]


def read_place(point: Point) -> Place:
    """Raises ConfigError for an address that is none."""
    parts = _ADDRESS.fullmatch(point.address)
    if parts is None:
        raise _wrong(point, "is no Modbus address")
    kind, order = parts["type"] or "", parts["order"] or "big"
    start, count = int(parts["number"]), 1
    if parts["table"] not in REGISTER_TABLES:
        if kind not in ("", "bool"):
            raise _wrong(point, "is a single bit, which is read as bool")
        how = "bool"
    else:
        kind = kind or "uint16"
        if kind == "bool" or int(parts["bit"] or 0) > 15:
            raise _wrong(point, "is a bit of a register, which is read as bit0 to bit15")
        count = _registers(kind, parts["size"])
        how = f"{kind}:{order}"
    if not 1 <= count <= MAX_REGISTERS or start + count > 65536:
        raise _wrong(point, f"is not within 1 to {MAX_REGISTERS} registers up to 65535")
    return Place(point=point, table=parts["table"], start=start, count=count, how=how)


def plan(places: Iterable[Place], max_gap: int) -> Iterator[Block]:
    """The fewest requests that read all places; up to `max_gap` registers or bits between two are read along."""
    open_block: list[Place] = []
    end = 0
    for place in sorted(places, key=lambda place: (place.table, place.start, place.count)):
        most = MAX_REGISTERS if place.table in REGISTER_TABLES else MAX_BITS
        fits = bool(open_block) and place.table == open_block[0].table and place.start <= end + max_gap
        if not fits or max(end, place.start + place.count) - open_block[0].start > most:
            if open_block:
                yield _block(open_block, end)
            open_block, end = [], place.start + place.count
        open_block.append(place)
        end = max(end, place.start + place.count)
    if open_block:
        yield _block(open_block, end)


def state(place: Place, block: Block, data: bytes) -> dict[str, str]:
    """The state of a place, cut from its block's data (two bytes a register, one a bit)."""
    width = 2 if block.table in REGISTER_TABLES else 1
    start = (place.start - block.start) * width
    return {"raw": data[start : start + place.count * width].hex(), "as": place.how}


def value(raw: str, how: str, encoding: str) -> object:
    """What the registers mean; raises ValueError, KeyError or struct.error for what does not fit together.

    Text ends before the NULs that fill it up; bytes that are none of the encoding are U+FFFD.
    """
    data = bytes.fromhex(raw)
    if how == "bool":
        return {b"\x00": False, b"\x01": True}[data]
    kind, order = how.split(":")
    if kind.startswith("string["):
        swapped = _swapped(data) if order == "little" else data
        return swapped[: int(kind[7:-1])].rstrip(b"\x00").decode(encoding, "replace")
    if kind.startswith("bit"):
        (word,) = struct.unpack(">H", data)
        return bool(word >> int(kind[3:]) & 1)
    if order == "little":
        data = b"".join(data[place : place + 2] for place in range(len(data) - 2, -1, -2))
    (number,) = struct.unpack(_NUMBERS[kind], data)
    return render_float32(number) if kind == "float32" else number


def _registers(kind: str, size: str | None) -> int:
    if size is not None:
        return (int(size) + 1) // 2
    return struct.calcsize(_NUMBERS[kind]) // 2 if kind in _NUMBERS else 1


def _swapped(data: bytes) -> bytes:
    return b"".join(data[place : place + 2][::-1] for place in range(0, len(data), 2))


def _block(places: list[Place], end: int) -> Block:
    start = places[0].start
    return Block(table=places[0].table, start=start, count=end - start, places=tuple(places))


def _wrong(point: Point, why: str) -> ConfigError:
    return ConfigError(f"option 'points': {point.tag}: {point.address!r} {why}", advice=_ADVICE)
