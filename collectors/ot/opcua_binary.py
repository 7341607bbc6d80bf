"""Reads OPC UA binary (Part 6) into values, and cuts out the bytes of each: events, values and edits as they came.

A time keeps its last digit: OPC UA counts tenths of a microsecond, Python's datetime whole ones.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import Primitives, nodeid_from_binary, struct_from_binary, variant_from_binary

from collectors.ot.opcua_bounds import BoundedBuffer, Refused

T = TypeVar("T")
MAX_ITEM = 262_144
"""A single event or value has at most this many bytes."""
_TICKS_A_MICROSECOND = 10
_SORT, _IS_ARRAY, _HAS_DIMENSIONS = 0x3F, 0x80, 0x40
"""Bits of a Variant's first byte (5.2.2.16)."""
_UNIX_US = 11_644_473_600_000_000
"""Microseconds from 1601 to 1970."""


class FileTime(ua.DateTime):
    """A DateTime (5.2.2.5) with all its digits: `ticks` are tenths of a microsecond since 1601, 0 is the null time."""

    ticks: int

    @property
    def unix_us(self) -> int:
        """Microseconds since the Unix epoch."""
        return self.ticks // _TICKS_A_MICROSECOND - _UNIX_US

    @classmethod
    def of(cls, ticks: int) -> "FileTime":
        """Before 1601 and after 9999 are the ends of what can be told (5.2.2.5)."""
        moment = ua.win_epoch_to_datetime(ticks)
        made = cls.combine(moment.date(), moment.timetz())
        made.ticks = ticks
        return made

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        last = self.ticks % _TICKS_A_MICROSECOND
        if not last or timespec != "auto":
            return super().isoformat(sep, timespec)
        text = super().isoformat(sep, "microseconds")
        return f"{text[:26]}{last}{text[26:]}"


class RawEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event's fields: their bytes (a count, and each as a Variant), and what they hold."""

    data: bytes
    fields: tuple[ua.Variant, ...]


class RawValue(msgspec.Struct, frozen=True, kw_only=True):
    """A DataValue: its bytes and what it holds; `handle` is the monitored item's, 0 outside of a notification."""

    data: bytes
    value: ua.DataValue
    handle: int = 0


class RawEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What a history holds of one edit (Part 11, 6.6.3): the value, and who did what to it when."""

    value: RawValue
    modification: bytes


class Modification(msgspec.Struct, frozen=True, kw_only=True):
    """A ModificationInfo (Part 11, 6.6.3); `update` is a HistoryUpdateType."""

    at: FileTime
    update: int
    user: str | None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The server ended the subscription."""

    status: ua.StatusCode


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that are not what they ought to be; what follows them in their list is lost with them."""

    data: bytes
    reason: str


Piece = RawEvent | RawValue | Ended | Unreadable


def read_variant(buffer: BoundedBuffer) -> ua.Variant:
    """A Variant; its times, and those of its DataValues, are `FileTime`."""
    first = buffer.copy().read(1)[0]
    read = _OWN.get(first & _SORT)
    if read is None or first & _HAS_DIMENSIONS:
        return variant_from_binary(buffer)
    buffer.read(1)
    kind = ua.VariantType(first & _SORT)
    if not first & _IS_ARRAY:
        return ua.Variant(read(buffer), kind)
    return ua.Variant([read(buffer) for _ in range(read_length(buffer))], kind, is_array=True)


def read_data_value(buffer: BoundedBuffer) -> ua.DataValue:
    """A DataValue (5.2.2.17); its times are `FileTime`."""
    mask = buffer.read(1)[0]
    value = read_variant(buffer) if mask & 0x01 else None
    status = struct_from_binary(ua.StatusCode, buffer) if mask & 0x02 else ua.StatusCode()
    source = _read_time(buffer) if mask & 0x04 else None
    source_picoseconds = Primitives.UInt16.unpack(buffer) if mask & 0x10 else None
    server = _read_time(buffer) if mask & 0x08 else None
    server_picoseconds = Primitives.UInt16.unpack(buffer) if mask & 0x20 else None
    return ua.DataValue(value, status, source, server, source_picoseconds, server_picoseconds)


def unpack_event(data: bytes) -> list[ua.Variant]:
    """The fields of `RawEvent.data`; raises UaError or another error of the decoder for anything else."""
    return _whole(data, _read_fields)


def unpack_value(data: bytes) -> ua.DataValue:
    """The value of `RawValue.data`; raises as `unpack_event`."""
    return _whole(data, read_data_value)


def unpack_modification(data: bytes) -> Modification:
    """What `RawEdit.modification` says; raises as `unpack_event`."""
    return _whole(data, _read_modification)


def read_notification(body: ua.ExtensionObject) -> Iterator[Piece]:
    """The pieces of one NotificationData (Part 4, 7.25); of an unknown kind it is one unreadable piece."""
    data = bytes(body.Body or b"")
    if _is(body, ObjectIds.EventNotificationList_Encoding_DefaultBinary):
        yield from _each(data, _read_event_of_item)
    elif _is(body, ObjectIds.DataChangeNotification_Encoding_DefaultBinary):
        yield from _each(data, _read_value_of_item)
    elif _is(body, ObjectIds.StatusChangeNotification_Encoding_DefaultBinary):
        yield Ended(status=struct_from_binary(ua.StatusCode, BoundedBuffer(data)))
    else:
        yield Unreadable(data=data, reason=f"a notification of the unknown kind {body.TypeId.to_string()}")


def read_event_page(body: ua.ExtensionObject) -> Iterator[RawEvent | Unreadable]:
    """The events of a HistoryEvent (Part 11, 6.6.4)."""
    return _page(body, ObjectIds.HistoryEvent_Encoding_DefaultBinary, _read_event)


def read_value_page(body: ua.ExtensionObject) -> Iterator[RawValue | Unreadable]:
    """The values of a HistoryData (Part 11, 6.6.2)."""
    return _page(body, ObjectIds.HistoryData_Encoding_DefaultBinary, _read_value)


def read_edit_page(body: ua.ExtensionObject) -> list[RawEdit]:
    """The edits of a HistoryModifiedData (Part 11, 6.6.3); raises Refused for anything else, a raw history too."""
    data = bytes(body.Body or b"")
    if not data:
        return []
    if not _is(body, ObjectIds.HistoryModifiedData_Encoding_DefaultBinary):
        raise Refused("what it gives is no modified history", data)
    buffer = BoundedBuffer(data)
    values = [_read_value(buffer) for _ in range(read_length(buffer))]
    count = read_length(buffer)
    if count != len(values):
        raise Refused("it gives values without saying who edited them and when", data)
    edits = []
    for value in values:
        start = buffer.cur_pos
        _read_modification(buffer)
        edits.append(RawEdit(value=value, modification=buffer.since(start)))
    return edits


def read_undecoded(buffer: BoundedBuffer) -> ua.ExtensionObject:
    """An ExtensionObject (5.2.2.15) with the bytes of its body."""
    kind = nodeid_from_binary(buffer)
    has_body = buffer.read(1)[0] & 1
    body = Primitives.ByteString.unpack(buffer) if has_body else None
    return ua.ExtensionObject(TypeId=kind, Body=None if body is None else ua.ByteString(body))


def read_length(buffer: BoundedBuffer) -> int:
    """An array's length; null counts as empty. Raises Refused where not even a byte is there for each."""
    length = int(Primitives.Int32.unpack(buffer))
    if length > len(buffer):
        raise Refused(f"it claims {length:,} values in {len(buffer):,} bytes")
    return max(0, length)


def _page(body: ua.ExtensionObject, kind: int, read: Callable[[BoundedBuffer], T]) -> Iterator[T | Unreadable]:
    data = bytes(body.Body or b"")
    if not data:
        return
    if _is(body, kind):
        yield from _each(data, read)
    else:
        yield Unreadable(data=data, reason=f"a history of the unknown kind {body.TypeId.to_string()}")


def _each(data: bytes, read: Callable[[BoundedBuffer], T]) -> Iterator[T | Unreadable]:
    """What a list holds; where one cannot be read, all that is left, as nothing says where the next begins."""
    buffer = BoundedBuffer(data)
    start = 0
    try:
        for _ in range(read_length(buffer)):
            start = buffer.cur_pos
            one = read(buffer)
            if buffer.cur_pos - start > MAX_ITEM:
                yield Unreadable(data=buffer.since(start)[:MAX_ITEM], reason=f"it has more than {MAX_ITEM:,} bytes")
            else:
                yield one
    except Exception as error:  # asyncua's decoder names no error of its own for bytes that are none of its
        yield Unreadable(data=data[start:][:MAX_ITEM], reason=f"it cannot be decoded: {error!r}")


def _whole(data: bytes, read: Callable[[BoundedBuffer], T]) -> T:
    buffer = BoundedBuffer(data)
    made = read(buffer)
    if len(buffer):
        raise ValueError("bytes are left over")
    return made


def _read_event_of_item(buffer: BoundedBuffer) -> RawEvent:
    Primitives.UInt32.unpack(buffer)  # the handle: one item listens to events
    return _read_event(buffer)


def _read_value_of_item(buffer: BoundedBuffer) -> RawValue:
    handle = int(Primitives.UInt32.unpack(buffer))
    return msgspec.structs.replace(_read_value(buffer), handle=handle)


def _read_event(buffer: BoundedBuffer) -> RawEvent:
    start = buffer.cur_pos
    fields = _read_fields(buffer)
    return RawEvent(data=buffer.since(start), fields=tuple(fields))


def _read_fields(buffer: BoundedBuffer) -> list[ua.Variant]:
    return [read_variant(buffer) for _ in range(read_length(buffer))]


def _read_value(buffer: BoundedBuffer) -> RawValue:
    start = buffer.cur_pos
    value = read_data_value(buffer)
    return RawValue(data=buffer.since(start), value=value)


def _read_modification(buffer: BoundedBuffer) -> Modification:
    return Modification(
        at=_read_time(buffer),
        update=int(Primitives.Int32.unpack(buffer)),
        user=Primitives.String.unpack(buffer),
    )


def _read_time(buffer: Buffer) -> FileTime:
    return FileTime.of(int(Primitives.Int64.unpack(buffer)))


def _is(body: ua.ExtensionObject, kind: int) -> bool:
    return body.TypeId.NamespaceIndex == 0 and body.TypeId.Identifier == kind


_OWN: dict[int, Callable[[BoundedBuffer], object]] = {
    ua.VariantType.DateTime.value: _read_time,
    ua.VariantType.DataValue.value: read_data_value,
}
"""Kinds of values that hold times."""
