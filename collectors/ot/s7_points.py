"""S7 addresses, the stretches that they are read in, and what bytes mean. Pure.

An address is as python-snap7 reads it: `DB10.DBD4:REAL`, `DB10.DBX0.3:BOOL`, `DB10:20:STRING[40]`, `MW20:WORD`,
`I0.0:BOOL`, `Q1.2:BOOL`; arrays as `DB1:0:REAL[5]`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
from snap7 import util
from snap7.tags import PLC4XTag
from snap7.type import Area

from collectors.ot.plc import Point
from collectors.text import render_float32
from ledger.core.errors import ConfigError

_AREAS: Final = {Area.DB: "DB", Area.MK: "M", Area.PE: "I", Area.PA: "Q"}
_LARGEST: Final = 65_536
_SCALARS: Final[dict[str, Callable[[bytearray, int], Any]]] = {
    "BYTE": util.get_byte,
    "SINT": util.get_sint,
    "USINT": util.get_usint,
    "CHAR": util.get_char,
    "WCHAR": util.get_wchar,
    "INT": util.get_int,
    "UINT": util.get_uint,
    "WORD": util.get_word,
    "DINT": util.get_dint,
    "UDINT": util.get_udint,
    "DWORD": util.get_dword,
    "LINT": util.get_lint,
    "ULINT": util.get_ulint,
    "LWORD": util.get_lword,
    "LREAL": util.get_lreal,
    "REAL": util.get_real,
    "DATE": util.get_date,
    "TIME": util.get_time,
    "TOD": util.get_tod,
    "LTIME": util.get_ltime,
    "LTOD": util.get_ltod,
    "DT": util.get_dt,
    "DTL": util.get_dtl,
    "LDT": util.get_ldt,
}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a point is read, and how: `size` bytes from `start`, read as `how`; `bit` only where it is one bit."""

    point: Point
    area: str
    number: int
    start: int
    size: int
    how: str
    bit: int | None = None


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that are read at once."""

    area: str
    number: int
    start: int
    size: int
    places: tuple[Place, ...]


def read_place(point: Point) -> Place:
    """Raises ConfigError for an address that is none."""
    try:
        tag = PLC4XTag.parse(point.address)
        kind = tag.datatype.upper()
        size = tag.size
    except ValueError as error:
        raise _wrong(point, str(error)) from None
    text = kind.partition("[")[0]
    if tag.area not in _AREAS or (kind != "BOOL" and kind not in _SCALARS and text not in ("STRING", "WSTRING")):
        raise _wrong(point, f"type {kind} is not read")
    if kind == "BOOL" and (tag.count > 1 or not 0 <= tag.bit <= 7):
        raise _wrong(point, "a bit is one of 0 to 7")
    if tag.count < 1 or size < 1 or tag.byte_offset < 0 or tag.byte_offset + size > _LARGEST or tag.db_number < 0:
        raise _wrong(point, f"is not within 0 to {_LARGEST - 1}")
    if text in ("STRING", "WSTRING") and (tag.count > 1 or size > 4 + 2 * 16_382):
        raise _wrong(point, "is longer than a text can be, or an array of texts")
    return Place(
        point=point,
        area=_AREAS[tag.area],
        number=tag.db_number,
        start=tag.byte_offset,
        size=size,
        how=kind if tag.count == 1 else f"{kind}*{tag.count}",
        bit=tag.bit if kind == "BOOL" else None,
    )


def plan(places: Iterable[Place], largest: int, max_gap: int) -> Iterator[Stretch]:
    """The fewest stretches of at most `largest` bytes; a single larger place is one of its own."""
    open_places: list[Place] = []
    end = 0
    for place in sorted(places, key=lambda place: (place.area, place.number, place.start, place.size)):
        follows = bool(open_places) and (place.area, place.number) == (open_places[0].area, open_places[0].number)
        follows = follows and place.start <= end + max_gap
        if not follows or max(end, place.start + place.size) - open_places[0].start > largest:
            if open_places:
                yield _stretch(open_places, end)
            open_places, end = [], place.start + place.size
        open_places.append(place)
        end = max(end, place.start + place.size)
    if open_places:
        yield _stretch(open_places, end)


def state(place: Place, stretch: Stretch, data: bytes) -> dict[str, str]:
    """The state of a place, cut from its stretch's bytes; of a bit, only it."""
    at = place.start - stretch.start
    raw = data[at : at + place.size]
    if place.bit is not None:
        raw = bytes([raw[0] >> place.bit & 1])
    return {"raw": raw.hex(), "as": place.how}


def value(raw: str, how: str, encoding: str) -> object:
    """What the bytes mean; raises ordinary errors where they do not fit together.

    A text is as long as it says of itself, and no longer than its bytes; what is none of the encoding is U+FFFD.
    """
    data = bytearray.fromhex(raw)
    kind, _, count = how.partition("*")
    if count:
        each = len(data) // int(count)
        return [_scalar(kind, data[at * each : (at + 1) * each]) for at in range(int(count))]
    if kind.startswith("STRING"):
        return bytes(data[2 : 2 + min(data[0], data[1])]).decode(encoding, "replace")
    if kind.startswith("WSTRING"):
        length = min(int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big"))
        return bytes(data[4 : 4 + 2 * length]).decode("utf-16-be", "replace")
    return _scalar(kind, data)


def _scalar(kind: str, data: bytearray) -> object:
    if kind == "BOOL":
        return {b"\x00": False, b"\x01": True}[bytes(data)]
    found = _SCALARS[kind](data, 0)
    return render_float32(found) if kind == "REAL" else found


def _stretch(places: list[Place], end: int) -> Stretch:
    first = places[0]
    return Stretch(
        area=first.area, number=first.number, start=first.start, size=end - first.start, places=tuple(places)
    )


def _wrong(point: Point, why: str) -> ConfigError:
    return ConfigError(
        f"option 'points': {point.tag}: {point.address!r}: {why}",
        advice="Write DB10.DBD4:REAL, DB10.DBX0.3:BOOL, DB10:20:STRING[40], MW20:WORD, I0.0:BOOL or the like.",
    )
