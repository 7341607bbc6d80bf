"""Where a tail stands in each file of its log, and how a file is known again after it was renamed, copied or packed.

A file is known by device and inode while its marks hold: keyed digests of its first bytes and of those before the
place. By the marks alone it is known in a copy (copytruncate) or compressed. The key stands in the snapshot only, so
the digests in the cursor tell nothing about the content.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable
from typing import Final

import msgspec

from collectors.infra.splitting import BEHIND
from collectors.infra.tail_files import HEAD, Found, LogFile

COMPARED: Final = 4096
MAX_CLOSED: Final = 16
"""The places of so many finished files are kept; an older file that was not changed since is taken as read."""
MAX_OPEN: Final = 256
"""So many files of one log may grow at the same time."""


class Place(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """How far one file was read. `number` is its name in records: the first file that this source saw is 1.

    `closed`: it was read to its end, and its program writes another one. `long`: the place is within a record that is
    too long. `prior` is the place at which the look before ended, zero when there was none.
    """

    number: int
    device: int
    inode: int
    offset: int
    head: int
    head_mark: str
    end_mark: str
    mtime_ns: int
    closed: bool = False
    long: bool = False
    prior: int = 0
    prior_mark: str = ""

    def is_of(self, found: Found) -> bool:
        return (self.device, self.inode) == (found.device, found.inode)


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is the number of the next file that is new, `before` (ns) the change before which files are taken as
    read, `at` ours of the last look.
    """

    at: str
    places: tuple[Place, ...] = ()
    next: int = 1
    before: int = 0


def mark(key: bytes, data: bytes) -> str:
    """A keyed digest of 96 bits, as text."""
    return b64encode(hmac.digest(key, data, "sha256")[:12]).decode()


def make_place(key: bytes, number: int, found: Found, file: LogFile, offset: int, behind: bytes) -> Place:
    """The place `offset` of a file; `behind` are the bytes before it."""
    head = file.head(min(offset, HEAD))
    return Place(
        number=number,
        device=found.device,
        inode=found.inode,
        offset=offset,
        head=len(head),
        head_mark=mark(key, head),
        end_mark=mark(key, behind[-BEHIND:]),
        mtime_ns=found.mtime_ns,
    )


def no_place(number: int, found: Found) -> Place:
    """The place in a file of which nothing could be read: it is known by its inode alone."""
    return Place(
        number=number,
        device=found.device,
        inode=found.inode,
        offset=0,
        head=0,
        head_mark="",
        end_mark="",
        mtime_ns=found.mtime_ns,
    )


def begins_as(key: bytes, place: Place, file: LogFile) -> bool:
    """Whether the file has the first bytes of the one that the place is of."""
    head = file.head()
    return len(head) >= place.head and mark(key, head[: place.head]) == place.head_mark


def holds(key: bytes, place: Place, file: LogFile) -> bool:
    """Whether the file is the one that the place is of, or a copy, at least as far as it was read."""
    return begins_as(key, place, file) and _ends_as(key, file, place.offset, place.end_mark)


def held_before(key: bytes, place: Place, file: LogFile) -> bool:
    """The same of the place before: true for a copy that was made after that look and ends before this place."""
    return place.prior > 0 and _ends_as(key, file, place.prior, place.prior_mark)


def _ends_as(key: bytes, file: LogFile, offset: int, end_mark: str) -> bool:
    size = min(BEHIND, offset)
    before = file.read(offset - size, size)
    return len(before) == size and mark(key, before) == end_mark


def is_prefix(short: LogFile, size: int, long: LogFile) -> bool:
    """Whether a file of `size` bytes is how another one begins, judged by its first and its last bytes."""
    start = max(0, size - COMPARED)
    return short.head() == long.head(len(short.head())) and short.read(start, size) == long.read(start, size - start)


def keep(places: Iterable[Place], others_ns: int, before: int) -> tuple[tuple[Place, ...], int]:
    """The places that a cursor holds, and from which change on files count: the oldest closed ones go, as many as are
    too many. `others_ns` is the earliest change of a file that is there and not closed.
    """
    kept = sorted(places, key=lambda place: place.mtime_ns)
    closed = [place for place in kept if place.closed]
    for place in closed[: max(0, len(closed) - MAX_CLOSED)]:
        if place.mtime_ns >= others_ns:
            break
        kept.remove(place)
        before = max(before, place.mtime_ns + 1)
    return tuple(kept), before
