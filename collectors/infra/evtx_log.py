"""Reads Windows event log files (EVTX) a chunk at a time: which records a chunk holds, and the records as JSON.

A log is a header of 4 KiB and chunks of 64 KiB, each readable by itself (MS-EVEN6); Windows fills them in a circle. The
records of a chunk are read by the library `evtx`, which is given that one chunk with a header of its own, so that work
and memory are bounded whatever the size of the log.
"""

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import Final

import evtx
import msgspec

from collectors.infra.tail_files import LogFile
from ledger.core.errors import SkippableRecord

HEADER_BYTES: Final = 4096
CHUNK_BYTES: Final = 65_536
MAX_CHUNKS: Final = 262_144
"""A log of 16 GiB."""
_FILE_MAGIC: Final = b"ElfFile\0"
_CHUNK_MAGIC: Final = b"ElfChnk\0"
_IDS: Final = struct.Struct("<QQ")
_IDS_AT: Final = 24
_VERSION: Final = struct.Struct("<HH")
_VERSION_AT: Final = 36


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A chunk as its header describes it: the first and the last EventRecordID in it."""

    path: Path
    index: int
    first: int
    last: int
    newest: bool = False
    """Whether it is the last one that was begun, so that it may grow beyond what its header says."""


class LogRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record: its EventRecordID, when Windows wrote it, and the event as JSON text."""

    id: int
    written: str
    text: str


def chunks(path: Path) -> list[Chunk]:
    """The chunks of a log that hold records; raises OSError, and SkippableRecord for a file that is no event log."""
    file = LogFile(path)
    try:
        if file.read(0, len(_FILE_MAGIC)) != _FILE_MAGIC:
            raise SkippableRecord(f"{path.name} is no event log: it does not begin with ElfFile")
        size = file.size
        found: list[Chunk] = []
        for index in range(min((size - HEADER_BYTES + CHUNK_BYTES - 1) // CHUNK_BYTES, MAX_CHUNKS)):
            head = file.read(HEADER_BYTES + index * CHUNK_BYTES, _IDS_AT + _IDS.size)
            if head.startswith(_CHUNK_MAGIC) and len(head) == _IDS_AT + _IDS.size:
                first, last = _IDS.unpack_from(head, _IDS_AT)
                if 0 < first <= last < 2**63:
                    found.append(Chunk(path=path, index=index, first=first, last=last))
    finally:
        file.close()
    return found


def file_format(path: Path) -> str:
    """The version of the format that a log is written in, by its header; raises OSError."""
    file = LogFile(path)
    try:
        minor, major = _VERSION.unpack(file.read(_VERSION_AT, _VERSION.size))
    finally:
        file.close()
    return f"EVTX {major}.{minor}"


def records(chunk: Chunk) -> tuple[list[LogRecord], list[str]]:
    """The records of a chunk in order, and what could not be read; raises OSError."""
    file = LogFile(chunk.path)
    try:
        data = file.read(HEADER_BYTES + chunk.index * CHUNK_BYTES, CHUNK_BYTES)
    finally:
        file.close()
    found, errors = _parse(_header() + data.ljust(CHUNK_BYTES, b"\0"))
    return sorted(found, key=lambda one: one.id), errors


def _parse(data: bytes) -> tuple[list[LogRecord], list[str]]:
    found: list[LogRecord] = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            parser = evtx.PyEvtxParser(io.BytesIO(data), number_of_threads=1, skip_errors=True)
            found.extend(
                LogRecord(id=int(one["event_record_id"]), written=str(one["timestamp"]), text=str(one["data"]))
                for one in parser.records_json()
                if one is not None
            )
        except Exception as error:
            return found, [str(error)]
        except BaseException as error:
            if type(error).__name__ != "PanicException":
                raise
            return found, [f"the library failed: {error}"]
    return found, [str(warning.message) for warning in told]


def _header() -> bytes:
    """The file header of a log with one chunk."""
    head = struct.pack("<8sQQQIHHHH", _FILE_MAGIC, 0, 0, 1, 128, 1, 3, HEADER_BYTES, 1).ljust(120, b"\0")
    return (head + struct.pack("<II", 0, zlib.crc32(head))).ljust(HEADER_BYTES, b"\0")
