"""Where the reading of a list stands: the latest time of what was handed over, and what of that would be read again.

Items can become visible later than their times say, so each reading starts a window before the latest time; once
nothing new has come for as long as that window, at the latest time itself. What is read again is known by a digest of
its record, so it is handed over once. The memory is bounded: what falls out of it comes again, and the ledger, which
knows every record, counts it as a duplicate.

An item that claims a time in the future does not move the reading beyond the source's own present.
"""

from base64 import b64encode
from hashlib import blake2b

import msgspec

from collectors.it.listing_pages import Tag
from ledger.core.clock import parse_utc, utc_text

_DIGEST_BYTES = 12
_DIGEST_TEXT = 16
_CURSOR_TEXT = 56_000
_MARK_TEXT = 400
MAX_EACH = 100
"""One source reads at most this many lists; more need a second source."""


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One list: latest time handed over, when something new came last, digests of records, and its ETag."""

    at: int | None = None
    news: str | None = None
    known: str = ""
    tag: Tag | None = None


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mark for each list that was read, and the names of members that items have had (`collectors.facts`)."""

    marks: dict[str, Mark] = {}
    members: tuple[str, ...] = ()


class Place:
    """The mark of one list while it is read."""

    def __init__(self, mark: Mark, *, window_us: int, lists: int, moves: bool) -> None:
        """`moves`: the list ascends by time, so what was handed over moves the mark before the list was read whole."""
        self._mark = mark
        self._window_us = window_us
        self._limit = (_CURSOR_TEXT // lists - _MARK_TEXT) // _DIGEST_TEXT
        self._moves = moves
        texts = (mark.known[at : at + _DIGEST_TEXT] for at in range(0, len(mark.known), _DIGEST_TEXT))
        self._before: dict[str, None] = dict.fromkeys(texts)
        self._now: dict[str, int | None] = {}
        self._at = mark.at
        self._news = mark.news

    def since(self, start: int | None, now_us: int) -> int | None:
        """From which time on the list has to be read; never from before the start."""
        at = self._mark.at
        if at is None:
            return start
        quiet = self._mark.news is not None and now_us - parse_utc(self._mark.news) > self._window_us
        since = at if quiet else at - self._window_us
        return since if start is None else max(since, start)

    @property
    def tag(self) -> Tag | None:
        return self._mark.tag

    def is_new(self, content: bytes, at: int | None, now_us: int) -> bool:
        """Whether this content, of an item of that time, was not handed over yet; it counts as handed over from now on.

        The same content twice in one list is one.
        """
        digest = b64encode(blake2b(content, digest_size=_DIGEST_BYTES).digest()).decode("ascii")
        known = digest in self._before or digest in self._now
        self._now.pop(digest, None)
        self._now[digest] = at
        if len(self._now) > self._limit:
            self._now.pop(next(iter(self._now)))
        if not known:
            self._news = utc_text(now_us)
        return not known

    def passed(self, at: int | None, present_us: int) -> None:
        """All of an item of that time was handed over, at the source's present."""
        if at is not None:
            reached = min(at, present_us)
            self._at = reached if self._at is None else max(self._at, reached)

    def under_way(self) -> Mark:
        """The mark in the middle of the list."""
        known = [*self._before, *(digest for digest in self._now if digest not in self._before)]
        return Mark(at=self._at if self._moves else self._mark.at, news=self._news, known=self._joined(known))

    def finished(self, tag: Tag | None, *, unchanged: bool) -> Mark:
        """The mark once the list was read whole; `unchanged` when the source said that it needs no reading."""
        if unchanged:
            return msgspec.structs.replace(self._mark, tag=tag)
        low = None if self._at is None else self._at - self._window_us
        known = [digest for digest, at in self._now.items() if at is None or low is None or at >= low]
        return Mark(at=self._at, news=self._news, known=self._joined(known), tag=tag)

    def _joined(self, digests: list[str]) -> str:
        return "".join(digests[-self._limit :])
