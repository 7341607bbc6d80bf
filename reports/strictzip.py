"""A zip that has one reading only: nothing is decompressed before the whole container has been checked.

Members lie without a gap from offset 0 to the central directory, which ends the file; each local header equals its
central one, and every header field that carries no content is pinned to one value. So no byte of the container can be
changed, added or hidden, and no two programs can see different files in it. PKWARE APPNOTE 6.3.10, without zip64: a
package is smaller than 4 GiB. Every refusal is an IntegrityError that names the member.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

import msgspec

from ledger.core.errors import IntegrityError, InvalidEntry

MAX_PACKAGE: Final = 2**32 - 2
"""Bytes of the largest package: what the format holds without its 64-bit extension."""
MAX_MEMBERS: Final = 1_000
MAX_CONTENT: Final = 2**35
"""Bytes of all members together once decompressed."""
MAX_RATIO: Final = 200
"""Most bytes that one compressed byte may become."""
CHUNK: Final = 1 << 16

STORED, DEFLATED = 0, 8
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 20
_MADE_BY = 3 << 8 | _VERSION
_DATE = 0x21  # 1980-01-01: the time of a member is no evidence, the log's is
_REGULAR_FILE = 0o100644 << 16
_NAME = re.compile(rb"[A-Za-z0-9._/-]{1,200}")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One file of the package: sizes in bytes, `start` the offset of its data."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int


class StrictZip:
    """An opened package whose container holds every rule of this module; reads its members as streams."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.members: dict[str, Member] = {member.name: member for member in _check_container(file)}

    @classmethod
    def open(cls, path: Path) -> "StrictZip":
        """Opens a package file; raises IntegrityError on any departure from the format, OSError if unreadable."""
        file = path.open("rb")
        try:
            return cls(file)
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> "StrictZip":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def stream(self, name: str) -> Iterator[bytes]:
        """The content of a member in chunks; the last one has been given only if size and CRC are right."""
        member = self._member(name)
        inflate = None if member.method == STORED else zlib.decompressobj(-zlib.MAX_WBITS)
        crc, seen = 0, 0
        for chunk in self._unpacked(member, inflate):
            crc = zlib.crc32(chunk, crc)
            seen += len(chunk)
            if seen > member.size:
                raise IntegrityError(f"{name} holds more bytes than its header says")
            yield chunk
        if inflate is not None and (not inflate.eof or inflate.unused_data):
            raise IntegrityError(f"{name} is not one complete deflate stream")
        if seen != member.size or crc != member.crc:
            raise IntegrityError(f"{name} does not have the size and checksum that its header says")

    def read(self, name: str, limit: int) -> bytes:
        """The whole content of a small member; raises IntegrityError if it is larger than `limit` bytes."""
        if self._member(name).size > limit:
            raise IntegrityError(f"{name} is larger than the {limit} bytes it may have")
        return b"".join(self.stream(name))

    def lines(self, name: str, limit: int) -> Iterator[bytes]:
        """The lines of a member, without their LF; raises IntegrityError for one over `limit` bytes or a torn last."""
        rest = b""
        number = 0
        for chunk in self.stream(name):
            *full, rest = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
            for line in full:
                number += 1
                if len(line) > limit:
                    raise IntegrityError(f"{name} line {number} is larger than the {limit} bytes it may have")
                yield line
            if len(rest) > limit:
                raise IntegrityError(f"{name} line {number + 1} is larger than the {limit} bytes it may have")
        if rest:
            raise IntegrityError(f"{name} ends within line {number + 1}")

    def _member(self, name: str) -> Member:
        try:
            return self.members[name]
        except KeyError:
            raise IntegrityError(f"{name} is missing") from None

    def _unpacked(self, member: Member, inflate: "zlib._Decompress | None") -> Iterator[bytes]:
        place, left = member.start, member.packed
        while left:
            self._file.seek(place)
            data = self._file.read(min(CHUNK, left))
            if not data:
                raise IntegrityError(f"{member.name} ends early: the package was cut while it was read")
            place, left = place + len(data), left - len(data)
            if inflate is None:
                yield data
                continue
            while data:
                try:
                    chunk = inflate.decompress(data, CHUNK)
                except zlib.error as error:
                    raise IntegrityError(f"{member.name} cannot be decompressed: {error}") from None
                if chunk:
                    yield chunk
                if inflate.eof:
                    if left:
                        raise IntegrityError(f"{member.name} has bytes after its deflate stream")
                    break
                data = inflate.unconsumed_tail


class ZipWriter:
    """Writes a zip that `StrictZip` reads: members stored as they are, so that the bytes depend on nothing else."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=False)

    def __enter__(self) -> "ZipWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._zip.close()

    def add(self, name: str, source: Path) -> None:
        """Adds a file; raises InvalidEntry for a name, a size or a number of files that no package may have."""
        if not _name_allowed(name.encode("ascii", "replace")):
            raise InvalidEntry(f"{name!r} cannot be the name of a file in a package")
        if len(self._zip.filelist) >= MAX_MEMBERS:
            raise InvalidEntry(
                f"with {name} the package would have more than {MAX_MEMBERS} files",
                advice="Nothing was written. Package a shorter interval.",
            )
        size = source.stat().st_size
        if self._zip.fp is not None and self._zip.fp.tell() + size > MAX_PACKAGE - 1_000_000:
            raise InvalidEntry(
                f"with {name} the package would be larger than {MAX_PACKAGE} bytes",
                advice="Nothing was written. Package a shorter interval, or leave the originals out.",
            )
        info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        info.create_system = 3
        info.external_attr = _REGULAR_FILE
        info.file_size = size
        with source.open("rb") as data, self._zip.open(info, "w") as out:
            while chunk := data.read(CHUNK):
                out.write(chunk)


def _check_container(file: BinaryIO) -> list[Member]:
    """The members, in order, of a container that holds every rule; reads headers only."""
    total = file.seek(0, 2)
    if not _END.size < total <= MAX_PACKAGE:
        raise IntegrityError(f"a file of {total} bytes is no package")
    file.seek(total - _END.size)
    mark, disk, first_disk, here, count, length, at, comment = _END.unpack(file.read(_END.size))
    if mark != b"PK\x05\x06" or comment or disk or first_disk or here != count:
        raise IntegrityError("the file does not end in the one end record that a package has")
    if at + length != total - _END.size:
        raise IntegrityError("the central directory is not where the end record says")
    if not 0 < count <= MAX_MEMBERS:
        raise IntegrityError(f"the package says it has {count} files; 1 to {MAX_MEMBERS} are allowed")
    file.seek(at)
    directory = file.read(length)
    if len(directory) != length:
        raise IntegrityError("the central directory is cut")
    members: list[Member] = []
    place = cursor = 0
    for _ in range(count):
        member, place, cursor = _check_member(file, directory, place, cursor, at)
        members.append(member)
    if place != len(directory) or cursor != at:
        raise IntegrityError("there are bytes in the package that belong to no file")
    _check_names([member.name for member in members])
    if sum(member.size for member in members) > MAX_CONTENT:
        raise IntegrityError(f"the files together are larger than {MAX_CONTENT} bytes")
    return members


def _check_member(file: BinaryIO, directory: bytes, place: int, cursor: int, end: int) -> tuple[Member, int, int]:
    """One member from its central header at `place`, whose local header must lie at `cursor`."""
    if place + _CENTRAL.size > len(directory):
        raise IntegrityError("the central directory ends early")
    fields = _CENTRAL.unpack_from(directory, place)
    (
        mark,
        made_by,
        needs,
        flags,
        method,
        time,
        date,
        crc,
        packed,
        size,
        names,
        extra,
        comment,
        disk,
        inner,
        outer,
        at,
    ) = fields
    place += _CENTRAL.size
    raw = directory[place : place + names]
    if mark != b"PK\x01\x02" or len(raw) != names:
        raise IntegrityError("the central directory is torn")
    if not _name_allowed(raw):
        raise IntegrityError(f"{raw[:220]!r} cannot be the name of a file in a package")
    name = raw.decode("ascii")
    if flags & 1:
        raise IntegrityError(f"{name} is encrypted")
    if method not in (STORED, DEFLATED):
        raise IntegrityError(f"{name} is compressed by method {method}; stored and deflate are allowed")
    if extra or comment:
        raise IntegrityError(f"{name} has an extra field or a comment")
    if outer != _REGULAR_FILE:
        raise IntegrityError(f"{name} is no regular file")
    if (made_by, needs, flags, time, date, disk, inner) != (_MADE_BY, _VERSION, 0, 0, _DATE, 0, 0):
        raise IntegrityError(f"the header of {name} has a value that a package never has")
    if method == STORED and packed != size:
        raise IntegrityError(f"{name} is stored, but its two sizes differ")
    if size > MAX_RATIO * packed:
        raise IntegrityError(f"{name} would grow by more than {MAX_RATIO} times")
    if at != cursor:
        raise IntegrityError(f"{name} does not begin where the file before it ends")
    local = _LOCAL.pack(b"PK\x03\x04", needs, flags, method, time, date, crc, packed, size, names, 0) + raw
    file.seek(cursor)
    start = cursor + len(local)
    if file.read(len(local)) != local:
        raise IntegrityError(f"the two headers of {name} differ")
    if start + packed > end:
        raise IntegrityError(f"{name} reaches beyond the files' part of the package")
    member = Member(name=name, method=method, crc=crc, packed=packed, size=size, start=start)
    return member, place + names, start + packed


def _name_allowed(raw: bytes) -> bool:
    return _NAME.fullmatch(raw) is not None and all(part not in (b"", b".", b"..") for part in raw.split(b"/"))


def _check_names(names: list[str]) -> None:
    """Names are unique on any file system: after case folding, and none is the folder of another."""
    folded: set[str] = set()
    folders: set[str] = set()
    for name in names:
        low = name.lower()
        if low in folded:
            raise IntegrityError(f"{name} occurs twice")
        folded.add(low)
        parts = low.split("/")
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
    for name in names:
        if name.lower() in folders:
            raise IntegrityError(f"{name} is a file and a folder at once")
