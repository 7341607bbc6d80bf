"""The files of a log as one look finds them: which of them were read before, under whatever name, and how far."""

from enum import Enum
from pathlib import Path
from typing import Final

import msgspec

from collectors.infra.splitting import BEHIND, Splitter
from collectors.infra.tail_files import Broken, Found, LogFile
from collectors.infra.tail_places import (
    COMPARED,
    MAX_OPEN,
    Cursor,
    Place,
    begins_as,
    held_before,
    holds,
    is_prefix,
    keep,
    make_place,
    no_place,
)
from ledger.core.errors import FatalSource

_NEVER: Final = 2**63


class Twin(Enum):
    """What a second file that holds a place is: it has nothing more, it is the one to read on, or one of its own."""

    SAME = "same"
    LONGER = "longer"
    OTHER = "other"


class Register:
    """The places of one log, and the files that they are in; `key` is the one of the marks."""

    def __init__(self, cursor: Cursor | None, key: bytes) -> None:
        self._key = key
        self._before = cursor.before if cursor else 0
        self._next = cursor.next if cursor else 1
        self._places = {place.number: place for place in cursor.places} if cursor else {}
        self._began_at = dict(self._places)
        self._files: dict[int, Found] = {}
        self._open_ns = _NEVER

    def begin(self) -> None:
        """A new pass over all files."""
        self._files, self._open_ns = {}, _NEVER

    def cursor(self, at: str) -> Cursor:
        return Cursor(at=at, places=tuple(self._places.values()), next=self._next, before=self._before)

    def number(self, place: Place | None) -> int:
        """The number of a file: of a new one the next, taken once something of it was read."""
        return place.number if place else self._next

    def same_file(self, one: Found) -> Place | None:
        """The place in this very file, unless it was truncated or is another one with the same inode."""
        for place in self._places.values():
            if place.is_of(one) and (self.finished(one, place) or self._holds(one, place)):
                self._files[place.number] = one
                return place
        return None

    def finished(self, one: Found, place: Place | None) -> bool:
        """Whether the file needs no look: it was read to its end and not changed since, or before all that is known."""
        if place is None:
            return one.mtime_ns < self._before
        return place.closed and place.mtime_ns == one.mtime_ns

    def still(self, one: Found, place: Place | None) -> Place | None:
        """The place that `same_file` gave, unless an older file was found since to be the one that it is in."""
        return place if place is not None and self._files.get(place.number) is one else None

    def recognise(self, one: Found, file: LogFile, settled: bool) -> tuple[bool, Place | None]:
        """The place in a file that has another inode now; true when there is nothing in it to read: its content is
        read from another file, or it is still being written from one (`settled`: it is not). Raises OSError.
        """
        for place in self._places.values():
            there = self._files.get(place.number)
            few = place.offset < BEHIND and (one.live or there is not None)
            if not place.offset or few:
                continue  # so few bytes may be the same by chance: rather read twice than not at all
            try:
                if not file.packed and one.size < place.offset:
                    if not one.live and self._is_copy(one, file, place, there):
                        return True, None
                    continue
                if not holds(self._key, place, file):
                    continue
                found = Twin.LONGER if there is None else self._compare(one, file, place, there)
            except Broken:
                if not begins_as(self._key, place, file):
                    continue
                if not settled:
                    self._files.setdefault(place.number, one)
                    return True, None
                found = Twin.SAME if there is not None else Twin.LONGER
            if found is Twin.OTHER:
                continue
            if found is Twin.SAME:
                return True, None
            self._files[place.number] = one
            return False, place
        return False, None

    def stand(self, one: Found, file: LogFile, number: int, splitter: Splitter, *, closed: bool) -> None:
        """Notes the splitter's place as the one in this file."""
        if not closed:
            self.unfinished(one)
        if splitter.offset == 0:
            return
        began = self._began_at.get(number)
        place = make_place(self._key, number, one, file, splitter.offset, splitter.behind)
        self._places[number] = msgspec.structs.replace(
            place,
            closed=closed,
            long=splitter.long,
            prior=began.offset if began else 0,
            prior_mark=began.end_mark if began else "",
        )
        self._next = max(self._next, number + 1)
        self._files[number] = one

    def damaged(self, one: Found, place: Place | None) -> Place:
        """Gives up a compressed file that can't be read on; returns the place where that was."""
        place = place or no_place(self._next, one)
        gone_on = {"device": one.device, "inode": one.inode, "mtime_ns": one.mtime_ns, "closed": True}
        self._places[place.number] = msgspec.structs.replace(place, **gone_on)
        self._next = max(self._next, place.number + 1)
        self._files[place.number] = one
        return place

    def unfinished(self, one: Found) -> None:
        """There may be more in this file at the next look."""
        self._open_ns = min(self._open_ns, one.mtime_ns)

    def gone(self) -> list[Place]:
        """The places of files that were not seen finished and are not there."""
        return [place for place in self._places.values() if not place.closed and place.number not in self._files]

    def give_up(self, place: Place) -> None:
        self._places[place.number] = msgspec.structs.replace(place, closed=True)

    def trim(self, path: Path) -> None:
        """Keeps what a cursor can hold; after a whole pass only."""
        kept, self._before = keep(self._places.values(), self._open_ns, self._before)
        self._places = {place.number: place for place in kept}
        if sum(not place.closed for place in kept) > MAX_OPEN:
            raise FatalSource(
                f"more than {MAX_OPEN} files of {path} grow at the same time",
                advice="Register a source for each group of files, with a narrower path.",
            )

    def _holds(self, one: Found, place: Place) -> bool:
        """Whether the file is the one that the place is of; what can't be read is taken for it."""
        try:
            file = LogFile(one.path)
        except OSError:
            return True
        try:
            return place.offset > 0 and holds(self._key, place, file)
        except (OSError, Broken):
            return True
        finally:
            file.close()

    def _is_copy(self, one: Found, file: LogFile, place: Place, there: Found | None) -> bool:
        """Whether a file that ends before the place is a copy of the place's file, in the making or from just before
        it was truncated.
        """
        if there is None:
            if not held_before(self._key, place, file):
                return False
            self.give_up(place)  # it was read further than the copy reaches
            self._files[place.number] = one
            return True
        other = LogFile(there.path)
        try:
            return is_prefix(file, one.size, other)
        finally:
            other.close()

    def _compare(self, one: Found, file: LogFile, place: Place, there: Found) -> Twin:
        """How a file that holds a place goes on, beside the file in which that place is now."""
        if one.live and there.live:
            return Twin.OTHER
        other = LogFile(there.path)
        try:
            ours, theirs = (each.read(place.offset, COMPARED) for each in (file, other))
        finally:
            other.close()
        shared = min(len(ours), len(theirs))
        if ours[:shared] != theirs[:shared]:
            # Both begin alike: what was read was the rotated one, and its program began the live one the same way.
            return Twin.OTHER if one.live or not there.live else Twin.LONGER
        longer = one.size > there.size if not file.packed and not other.packed else len(ours) > len(theirs)
        return Twin.LONGER if longer or one.live else Twin.SAME
