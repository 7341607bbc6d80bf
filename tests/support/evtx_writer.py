"""Writes Windows event log files (EVTX): file header, chunks, records and binary XML after Microsoft's MS-EVEN6.

Only what a log needs that is read: elements, attributes and text as they stand, without the templates by which Windows
itself saves room. No file of a real Windows host comes with any package, so this stands in for one.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

CHUNK = 65_536
_HEADER = 4096
_RECORDS = 512
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event: its number in the log, id, time, and named data."""

    record: int
    id: int
    at: datetime
    data: Mapping[str, str]
    provider: str = "Microsoft-Windows-Security-Auditing"
    channel: str = "Security"
    computer: str = "host1.plant.example"


def write_log(path: Path, events: Sequence[Event], *, per_chunk: int = 40) -> None:
    """A log with these events in this order; a chunk begins every `per_chunk` of them."""
    groups = [events[at : at + per_chunk] for at in range(0, len(events), per_chunk)]
    path.write_bytes(log_bytes(groups))


def log_bytes(groups: Sequence[Sequence[Event]]) -> bytes:
    """A log with a chunk for each group."""
    last = max((event.record for group in groups for event in group), default=0)
    head = struct.pack(
        "<8sQQQIHHHH", b"ElfFile\0", 0, max(0, len(groups) - 1), last + 1, 128, 1, 3, _HEADER, len(groups)
    )
    head = head.ljust(120, b"\0")
    head += struct.pack("<II", 0, zlib.crc32(head))
    return head.ljust(_HEADER, b"\0") + b"".join(_chunk(group) for group in groups)


def _chunk(events: Sequence[Event]) -> bytes:
    records, last_at = b"", _RECORDS
    for event in events:
        last_at = _RECORDS + len(records)
        records += _record(event, last_at)
    assert _RECORDS + len(records) <= CHUNK, "too many events for a chunk"
    first, last = events[0].record, events[-1].record
    free = _RECORDS + len(records)
    head = struct.pack("<8sQQQQIIII", b"ElfChnk\0", first, last, first, last, 128, last_at, free, zlib.crc32(records))
    head = head.ljust(120, b"\0")
    tables = b"\0" * 384
    head += struct.pack("<II", 0, zlib.crc32(head + tables)) + tables
    return (head + records).ljust(CHUNK, b"\0")


def _record(event: Event, offset: int) -> bytes:
    xml = _Xml(offset + 24)
    when = event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
    with_data = [("Data", {"Name": name}, value) for name, value in event.data.items()]
    xml.fragment(
        (
            "Event",
            {"xmlns": _NAMESPACE},
            [
                (
                    "System",
                    {},
                    [
                        ("Provider", {"Name": event.provider}, ""),
                        ("EventID", {}, str(event.id)),
                        ("Level", {}, "0"),
                        ("TimeCreated", {"SystemTime": when}, ""),
                        ("EventRecordID", {}, str(event.record)),
                        ("Channel", {}, event.channel),
                        ("Computer", {}, event.computer),
                    ],
                ),
                ("EventData", {}, with_data),
            ],
        )
    )
    ticks = (event.at - _EPOCH) // timedelta(microseconds=1) * 10
    size = 24 + len(xml.data) + 4
    return struct.pack("<4sIQQ", b"**\0\0", size, event.record, ticks) + xml.data + struct.pack("<I", size)


Element = tuple[str, Mapping[str, str], "str | Iterable[Element]"]


class _Xml:
    """Binary XML that begins at `offset` of its chunk; each name stands where it is used."""

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self.data = b""

    def fragment(self, root: Element) -> None:
        self.data += b"\x0f\x01\x01\x00"
        self._element(root)
        self.data += b"\x00"

    def _element(self, element: Element) -> None:
        name, attributes, content = element
        self.data += b"\x41" if attributes else b"\x01"
        size_at = len(self.data)
        self.data += b"\0\0\0\0"
        self._name(name)
        if attributes:
            list_at = len(self.data)
            self.data += b"\0\0\0\0"
            for number, (key, value) in enumerate(attributes.items(), start=1):
                self.data += b"\x46" if number < len(attributes) else b"\x06"
                self._name(key)
                self._text(value)
            self._patch(list_at)
        if content == "":
            self.data += b"\x03"
        else:
            self.data += b"\x02"
            if isinstance(content, str):
                self._text(content)
            else:
                for child in content:
                    self._element(child)
            self.data += b"\x04"
        self._patch(size_at)

    def _name(self, name: str) -> None:
        self.data += struct.pack("<I", self._offset + len(self.data) + 4)
        number = 0
        for character in name:
            number = (number * 65599 + ord(character)) & 0xFFFFFFFF
        self.data += struct.pack("<IHH", 0, number & 0xFFFF, len(name)) + name.encode("utf-16-le") + b"\0\0"

    def _text(self, text: str) -> None:
        encoded = text.encode("utf-16-le", "surrogatepass")
        self.data += struct.pack("<BBH", 0x05, 0x01, len(encoded) // 2) + encoded

    def _patch(self, at: int) -> None:
        """The size of what stands after the four bytes at `at`."""
        self.data = self.data[:at] + struct.pack("<I", len(self.data) - at - 4) + self.data[at + 4 :]
