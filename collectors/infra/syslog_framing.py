"""Divides a TCP or TLS stream into syslog messages: octet counting and trailers (RFC 6587 section 3.4, RFC 5425).

Which of the two a sender uses is told by the first character of each message, as RFC 6587 allows. Memory is bounded: of
a message that is longer than the limit the first bytes are kept, as one that is no message.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

_DIGITS: Final = 9
"""A length of more digits is none."""


class Frame(NamedTuple):
    """One message; `problem`: why it is none."""

    data: bytes
    problem: str = ""


class Framer:
    """Divides one stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._skip = 0
        self._to_break = False
        self.broken = False
        """The stream can't be divided any more: the connection is to be closed."""

    @property
    def waiting(self) -> int:
        """How many bytes of a message are there whose end has not come."""
        return len(self._buffer) + self._skip + self._to_break

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The messages that these bytes complete. Take them all before feeding again."""
        self._buffer += data
        while self._buffer and not self.broken:
            if self._skip or self._to_break:
                self._pass_over()
                continue
            first = self._buffer[0]
            if first in b"\n\r\x00 ":  # a trailer too many
                del self._buffer[0]
                continue
            found = self._counted() if first in b"0123456789" else self._trailed()
            if found is None:
                return
            yield found

    def _counted(self) -> Frame | None:
        space = self._buffer.find(b" ", 0, _DIGITS + 1)
        digits = bytes(self._buffer[: _DIGITS + 1] if space < 0 else self._buffer[:space])
        if not digits.isdigit() or digits.startswith(b"0") or (space < 0 and len(digits) > _DIGITS):
            self.broken = True
            return Frame(bytes(self._buffer[: self._limit]), "neither a message nor its length (RFC 6587 section 3.4)")
        if space < 0:
            return None
        size, start = int(digits), space + 1
        if size > self._limit:
            if len(self._buffer) < start + self._limit:
                return None
            self._skip = size - self._limit
            return Frame(self._cut(start, self._limit), f"the first {self._limit} bytes of a message of {size}")
        return None if len(self._buffer) < start + size else Frame(self._cut(start, size))

    def _trailed(self) -> Frame | None:
        end = self._buffer.find(b"\n", 0, self._limit + 1)
        if end >= 0:
            return Frame(self._cut(0, end, 1).rstrip(b"\r\x00"))
        if len(self._buffer) <= self._limit:
            return None
        self._to_break = True
        return Frame(self._cut(0, self._limit), f"the first {self._limit} bytes of a longer message")

    def _pass_over(self) -> None:
        """Leaves out the rest of a message that is too long."""
        if self._skip:
            count = min(self._skip, len(self._buffer))
            self._skip -= count
        else:
            end = self._buffer.find(b"\n")
            count = len(self._buffer) if end < 0 else end + 1
            self._to_break = end < 0
        del self._buffer[:count]

    def _cut(self, start: int, size: int, more: int = 0) -> bytes:
        data = bytes(self._buffer[start : start + size])
        del self._buffer[: start + size + more]
        return data
