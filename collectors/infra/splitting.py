"""Splits a growing stream of bytes into the records of a log: each byte belongs to exactly one piece, in order.

A record is a line that has its line break; with `start` or `end` it is several lines, with `quoted` a CSV row whose
quoted cells may hold line breaks. What has no end yet stays in the splitter. Memory is bounded: what grows beyond
`max_bytes` comes in pieces that are marked as no record. Blank lines are skipped.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

BEHIND: Final = 64
"""So many bytes before a position are kept, to know the place again."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How records are divided; `start` and `end` are RE2 patterns that a record's first or last line matches."""

    max_bytes: int
    start: Any = None
    end: Any = None
    quoted: bool = False

    @property
    def several(self) -> bool:
        return self.start is not None or self.end is not None


class Piece(NamedTuple):
    """Bytes `offset` to `end` of the stream; `data` is without the last line break. `problem`: why it is no record."""

    offset: int
    end: int
    data: bytes
    problem: str = ""


class Splitter:
    """Splits what is fed to it, from `offset` of a stream on. After each piece `offset`, `long` and `behind` say where
    it stands: a splitter made with them, and fed the bytes from there, goes on with the next piece.
    """

    def __init__(self, rules: Rules, offset: int = 0, long: bool = False, behind: bytes = b"") -> None:
        self._rules = rules
        self._plain = not (rules.several or rules.quoted)
        self._buffer = bytearray()
        self._line = self._searched = 0
        self._begun = self._open_quote = False
        self.offset = offset
        self.long = long
        self.behind = behind

    @property
    def waiting(self) -> int:
        """How many bytes are held that have no end yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that these bytes complete. Take them all before feeding again."""
        self._buffer += data
        while (piece := self._rest_of_long() if self.long else self._next()) is not None:
            if piece.data.strip():
                yield piece

    def finish(self) -> Iterator[Piece]:
        """What is left once nothing more will come: whole lines are a record, a line without its break is none."""
        while self._buffer:
            rest = self._buffer[: self._rules.max_bytes]
            whole = self._rules.several and rest.endswith(b"\n") and not self.long
            piece = self._take(len(rest), "" if whole else "the file ended before this record did")
            if piece.data.strip():
                yield piece
        self.long = False

    def _next(self) -> Piece | None:
        limit = self._rules.max_bytes
        while 0 <= (at := self._buffer.find(b"\n", self._searched)) < limit:
            if self._plain:
                return self._take(at + 1)
            begin, end = self._line, at + 1
            line = bytes(self._buffer[begin:at])
            if begin and self._rules.start is not None and self._rules.start.search(line.rstrip(b"\r")):
                return self._take(begin)
            self._line = self._searched = end
            if self._ends(line):
                return self._take(end)
        if len(self._buffer) <= limit:
            self._searched = len(self._buffer)
            return None
        self.long = True
        return self._take(limit, self._too_long())

    def _ends(self, line: bytes) -> bool:
        """Whether the record ends with this line, as far as the line itself can tell."""
        if self._rules.quoted:
            self._open_quote ^= line.count(b'"') % 2 == 1
            return not self._open_quote
        if not self._rules.several:
            return True
        if not self._begun and not line.strip():
            return True
        self._begun = True
        return self._rules.end is not None and self._rules.end.search(line.rstrip(b"\r")) is not None

    def _rest_of_long(self) -> Piece | None:
        """The next part of what is too long to be a record, to its line break at most."""
        limit = self._rules.max_bytes
        at = self._buffer.find(b"\n", 0, limit)
        if at < 0 and len(self._buffer) < limit:
            return None
        self.long = at < 0
        return self._take(limit if at < 0 else at + 1, self._too_long())

    def _too_long(self) -> str:
        return f"part of a record of more than {self._rules.max_bytes} bytes"

    def _take(self, count: int, problem: str = "") -> Piece:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._line = self._searched = 0
        self._begun = self._open_quote = False
        start, self.offset = self.offset, self.offset + count
        self.behind = data[-BEHIND:] if count >= BEHIND else (self.behind + data)[-BEHIND:]
        return Piece(start, self.offset, data.removesuffix(b"\n").removesuffix(b"\r"), problem)
