"""Writes events and values in OPC UA binary as a server does, with all digits of their times."""

import struct
from collections.abc import Sequence

from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary

_UNIX_TICKS = 116_444_736_000_000_000


def pack_event(fields: Sequence[ua.Variant]) -> bytes:
    """The fields of an event: a count, and each as a Variant (Part 4, 7.25.3)."""
    return bytes(struct_to_binary(ua.HistoryEventFieldList(list(fields))))


def pack_value(value: ua.DataValue) -> bytes:
    """The value with status and time stamps (Part 6, 5.2.2.17)."""
    return bytes(struct_to_binary(value))


def pack_ticks(unix_us: int, tenths: int = 0) -> bytes:
    """A DateTime, in tenths of a microsecond since 1601 (Part 6, 5.2.2.5)."""
    return struct.pack("<q", _UNIX_TICKS + unix_us * 10 + tenths)


def pack_modification(unix_us: int, update: int, user: str | None, tenths: int = 0) -> bytes:
    """Who edited a historical value (Part 11, 6.6.3)."""
    name = b"\xff\xff\xff\xff" if user is None else struct.pack("<i", len(user.encode())) + user.encode()
    return pack_ticks(unix_us, tenths) + struct.pack("<i", update) + name
