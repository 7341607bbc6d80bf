"""What a Logix controller's bytes mean: tags, identity, status, clock. Pure; raises ordinary errors for other forms."""

import struct
from collections.abc import Mapping
from typing import Final

from pycomm3.cip.status_info import KEYSWITCH, PRODUCT_TYPES, VENDORS

from collectors.compare.record import Shown
from collectors.text import render_float32
from ledger.core.record import Action

_SCALARS: Final = {
    0xC1: "?",
    0xC2: "b",
    0xC3: "h",
    0xC4: "i",
    0xC5: "q",
    0xC6: "B",
    0xC7: "H",
    0xC8: "I",
    0xC9: "Q",
    0xCA: "f",
    0xCB: "d",
    0xD1: "B",
    0xD2: "H",
    0xD3: "I",
    0xD4: "Q",
}
"""CIP type code → how Python's `struct` reads it."""
_REAL, _STRING, _SHORT_STRING, _STRUCTURE = 0xCA, 0xD0, 0xDA, 0x02A0
_LOGIX_STRING: Final = 0x0FCE
"""The handle of the controller's own STRING: a length of four bytes, then its characters."""
_FAULTS: Final = {
    "minor-fault": 0x0300,
    "major-recoverable-fault": 0x0400,
    "major-unrecoverable-fault": 0x0800,
}
_CLOCK_ATTRIBUTE = 6


def value(data: bytes, encoding: str) -> object:
    """The value of a tag as the controller sends it, its type before it; several elements as a list.

    A structure other than the controller's STRING is its handle and bytes, in hexadecimal.
    """
    (kind,) = struct.unpack_from("<H", data)
    rest = data[2:]
    if kind == _STRUCTURE:
        (handle,) = struct.unpack_from("<H", rest)
        if handle != _LOGIX_STRING:
            return f"structure {handle:04X}: {rest[2:].hex()}"
        (length,) = struct.unpack_from("<i", rest, 2)
        return rest[6 : 6 + max(0, length)].decode(encoding, "replace")
    if kind in (_STRING, _SHORT_STRING):
        width = 2 if kind == _STRING else 1
        length = int.from_bytes(rest[:width], "little")
        return rest[width : width + length].decode(encoding, "replace")
    elements = [one for (one,) in struct.iter_unpack(f"<{_SCALARS[kind]}", rest)]
    if not elements:
        raise ValueError("a value of no bytes")
    shown = [render_float32(one) for one in elements] if kind == _REAL else elements
    return shown[0] if len(shown) == 1 else shown


def split_identity(data: bytes) -> tuple[bytes, bytes]:
    """An identity object (class 1) without its status, and the status: one stays, the other changes with the mode."""
    if len(data) < 15:
        raise ValueError("no identity object")
    return data[:8] + data[10:], data[8:10]


def identity(data: bytes) -> Mapping[str, object]:
    """Vendor, type, revision, serial number and name."""
    vendor, kind, code, major, minor, serial, length = struct.unpack_from("<HHHBBIB", data)
    return {
        "vendor": VENDORS.get(vendor, vendor),
        "product-type": PRODUCT_TYPES.get(kind, kind),
        "product-code": code,
        "revision": f"{major}.{minor}",
        "serial-number": f"{serial:08x}",
        "product-name": data[13 : 13 + length].decode("latin-1"),
    }


def mode(data: bytes) -> Shown:
    """The key switch and the faults, from the status of the identity object."""
    low, high = data
    switch = KEYSWITCH.get(low, {}).get(high)
    word = low | high << 8
    faults = {name: bool(word & bits) for name, bits in _FAULTS.items()}
    into = None if switch is None else Action.START if "RUN" in switch else Action.STOP
    return Shown(attributes={"key-switch": switch, **faults, "status": f"16#{word:04X}"}, into=into)


def program_name(data: bytes) -> str:
    """The name of the loaded project: a length of two bytes, then its characters."""
    (length,) = struct.unpack_from("<H", data)
    return data[2 : 2 + length].decode("latin-1")


def clock_us(data: bytes) -> int | None:
    """Microseconds since 1970, UTC, of an answer for the wall clock's attribute; None where it is not set."""
    attribute, status, microseconds = struct.unpack("<HHQ", data[-12:])
    if (attribute, status) != (_CLOCK_ATTRIBUTE, 0) or not 0 < microseconds < 2**62:
        return None
    return int(microseconds)
