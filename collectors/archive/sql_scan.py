"""Divides a SQL dump, as it comes, into the rows of its tables: the lines of COPY blocks and the tuples of INSERTs.

Nothing is executed. Strings, comments, quoted names and dollar quotes are passed over as the dialect writes them, so
that no value can look like a statement. What a row's values are is read elsewhere (`sql_values`), as are the columns of
a table that an INSERT does not name (`CREATE TABLE`).
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import BinaryIO, Final

import msgspec

from collectors.archive.pieces import CHUNK, MAX_ROW, Unreadable

_MAX_HELD: Final = 64 * 1024 * 1024
"""A value or statement head of more bytes is not waited for."""


class Dialect(StrEnum):
    """Whose dump it is: how strings are written."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    SQLITE = "sqlite"


class Form(StrEnum):
    """How a row stands in the dump."""

    COPY = "copy"
    TUPLE = "tuple"


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a `CREATE TABLE` statement."""

    statement: bytes


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What stands before rows: `INSERT INTO … VALUES` or `COPY … FROM stdin`."""

    statement: bytes
    form: Form


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row's bytes, from byte `offset` on; `problem`: why it is none."""

    offset: int
    data: bytes
    problem: str = ""


_SPACE: Final = re.compile(rb"[\s\x00]*+")
_COPY: Final = re.compile(rb"COPY\s[^;]*?\sFROM\s+stdin[^;]*;[ \t]*\r?\n", re.IGNORECASE)
_CREATE: Final = re.compile(rb"CREATE\s+(?:(?:TEMPORARY|TEMP|UNLOGGED)\s+)?TABLE\s", re.IGNORECASE)
_INSERT: Final = re.compile(rb"(?:INSERT|REPLACE)\s", re.IGNORECASE)
_VALUES: Final = re.compile(rb"VALUES\s*\Z", re.IGNORECASE)
_DELIMITER: Final = re.compile(rb"DELIMITER[ \t]+(\S+)[ \t]*\r?\n", re.IGNORECASE)
_DOLLAR: Final = re.compile(rb"\$(?:[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$")
_MARKS: Final = re.compile(rb"""['"`();$#]|--|/\*""")
_PLAIN: Final = re.compile(rb"'(?:[^']++|'')*+'(?!')")
_ESCAPED: Final = re.compile(rb"'(?:[^'\\]++|''|\\.)*+'(?!')", re.DOTALL)
_DOUBLE: Final = re.compile(rb'"(?:[^"]++|"")*+"(?!")')
_DOUBLE_ESCAPED: Final = re.compile(rb'"(?:[^"\\]++|""|\\.)*+"(?!")', re.DOTALL)
_BACK: Final = re.compile(rb"`(?:[^`]++|``)*+`(?!`)")
_KNOWN: Final = 32
"""So many bytes of a statement tell which it is."""


class Scanner:
    """One reading of a dump."""

    def __init__(self, file: BinaryIO, dialect: Dialect) -> None:
        self._file, self._dialect = file, dialect
        self._data = bytearray()
        self._base = self._at = 0
        self._ended = False
        self._end_mark = b";"

    def events(self) -> Iterator[Table | Head | Line]:
        """All tables, heads and rows in order. Raises Unreadable where the dump ends within something."""
        while self._skip_to_statement():
            self._forget(self._at)
            start = bytes(self._data[self._at : self._at + _KNOWN])
            if start[:5].upper() == b"COPY " and self._dialect is Dialect.POSTGRESQL:
                yield from self._copied()
            elif _INSERT.match(start):
                yield from self._inserted()
            elif _CREATE.match(start):
                begin = self._base + self._at
                self._past_statement(hold=True)
                yield Table(statement=bytes(self._data[begin - self._base : self._at]))
            else:
                self._past_statement(hold=False)

    def _skip_to_statement(self) -> bool:
        """Goes past space, comments and the client's own commands; false at the end of the dump."""
        while self._needs(_KNOWN):
            found = _SPACE.match(self._data, self._at)
            if found and found.end() > self._at:
                self._at = found.end()
                self._forget(self._at)
                continue
            start = bytes(self._data[self._at : self._at + 2])
            if start == b"--" or (start[:1] == b"#" and self._dialect is Dialect.MYSQL) or start[:1] == b"\\":
                self._past_line()
            elif start == b"/*":
                self._past(b"*/")
            elif start[:1] == b";":
                self._at += 1
            elif self._dialect is Dialect.MYSQL and self._delimiter():
                continue
            else:
                return True
        return False

    def _delimiter(self) -> bool:
        """The client's command by which statements end otherwise, as around stored programs."""
        self._needs(64)
        found = _DELIMITER.match(self._data, self._at)
        if found is None:
            return False
        self._end_mark = found[1]
        self._at = found.end()
        return True

    def _copied(self) -> Iterator[Head | Line]:
        while (found := _COPY.match(self._data, self._at)) is None:
            if self._data.find(b";", self._at) >= 0 or not self._more():
                self._past_statement(hold=False)  # a COPY that is not from here
                return
        yield Head(statement=found[0].strip(), form=Form.COPY)
        self._at = found.end()
        while True:
            self._forget(self._at)
            offset, line, whole = self._line()
            if line.rstrip(b"\r\n") == b"\\.":
                return
            if not whole:
                raise Unreadable("the dump ends within the rows of a table")
            data = line.removesuffix(b"\n").removesuffix(b"\r")
            problem = f"a row of more than {MAX_ROW} bytes" if len(data) > MAX_ROW else ""
            yield Line(offset=offset, data=data, problem=problem)

    def _inserted(self) -> Iterator[Head | Line]:
        """The tuples of an INSERT of values; one of a query's rows gives none."""
        begin = self._base + self._at
        depth = 0
        while True:
            mark = self._next_mark(hold=begin)
            if mark == b";":
                self._at += 1
                return
            if mark != b"(":
                self._past_mark(mark)
                depth -= mark == b")"
                continue
            head = bytes(self._data[begin - self._base : self._at])
            if depth == 0 and _VALUES.search(head):
                break
            depth += 1
            self._at += 1
        yield Head(statement=head.strip(), form=Form.TUPLE)
        while True:
            yield self._tuple()
            self._forget(self._at)
            mark = self._next_mark(hold=None)
            if mark == b";":
                self._at += 1
                return
            if mark != b"(":
                self._past_statement(hold=False)  # ON CONFLICT, RETURNING and the like
                return

    def _tuple(self) -> Line:
        """The tuple that begins here, with its brackets."""
        begin, depth = self._base + self._at, 0
        while True:
            mark = self._next_mark(hold=begin)
            if mark == b";":
                raise Unreadable(f"a statement ends within a row, at byte {self._base + self._at}")
            self._past_mark(mark)
            depth += (mark == b"(") - (mark == b")")
            if depth == 0:
                data = bytes(self._data[begin - self._base : self._at])
                problem = f"a row of more than {MAX_ROW} bytes" if len(data) > MAX_ROW else ""
                return Line(offset=begin, data=data, problem=problem)

    def _past_statement(self, *, hold: bool) -> None:
        """Goes behind the end of the statement; with `hold` its bytes stay."""
        begin = self._base + self._at if hold else None
        while True:
            if self._end_mark != b";":
                self._past(self._end_mark)
                return
            mark = self._next_mark(hold=begin, optional=True)
            if mark in (b"", b";"):
                self._at += len(mark)
                return
            self._past_mark(mark)

    def _next_mark(self, *, hold: int | None, optional: bool = False) -> bytes:
        """Goes to the next byte that means something outside of strings; empty at the end, where that is allowed."""
        while True:
            found = _MARKS.search(self._data, self._at)
            if found is not None and (found[0] != b"#" or self._dialect is Dialect.MYSQL):
                self._at = found.start()
                return bytes(found[0])
            if found is not None:
                self._at = found.end()
                continue
            self._at = max(self._at, len(self._data) - 1)  # the first half of a mark of two bytes may stand last
            self._forget(self._at if hold is None else hold - self._base)
            if not self._more():
                self._at = len(self._data)
                if optional:
                    return b""
                raise Unreadable("the dump ends within a statement")

    def _past_mark(self, mark: bytes) -> None:
        """Goes behind a mark, and behind all that it begins."""
        if mark == b"--" or mark == b"#":
            self._past_line()
        elif mark == b"/*":
            self._past(b"*/")
        elif mark == b"$":
            self._needs(70)
            found = _DOLLAR.match(self._data, self._at) if self._dialect is Dialect.POSTGRESQL else None
            if found is None:
                self._at += 1
            else:
                self._at = found.end()
                self._past(found[0])
        elif mark in (b"'", b'"', b"`"):
            self._past_string(self._string(mark))
        else:
            self._at += 1

    def _string(self, mark: bytes) -> re.Pattern[bytes]:
        backslash = self._dialect is Dialect.MYSQL
        if mark == b"'":
            before = bytes(self._data[max(0, self._at - 2) : self._at])
            if self._dialect is Dialect.POSTGRESQL and before[-1:] in (b"E", b"e"):
                backslash = not before[:-1].isalnum()
            return _ESCAPED if backslash else _PLAIN
        if mark == b'"':
            return _DOUBLE_ESCAPED if backslash else _DOUBLE
        return _BACK

    def _past_string(self, form: re.Pattern[bytes]) -> None:
        while True:
            found = form.match(self._data, self._at)
            if found is not None and (found.end() < len(self._data) or self._ended):
                self._at = found.end()
                return
            if not self._more(double=True):
                found = form.match(self._data, self._at)
                if found is None:
                    raise Unreadable(f"a string that does not end, at byte {self._base + self._at}")

    def _past(self, mark: bytes) -> None:
        while (at := self._data.find(mark, self._at)) < 0:
            if not self._more(double=True):
                self._at = len(self._data)
                return
        self._at = at + len(mark)

    def _past_line(self) -> None:
        self._past(b"\n")

    def _line(self) -> tuple[int, bytes, bool]:
        """The next line with its break, where it begins, and whether it has a break."""
        searched = self._at
        while (at := self._data.find(b"\n", searched)) < 0:
            searched = len(self._data)
            if not self._more(double=True):
                at = len(self._data) - 1
                break
        offset, line = self._base + self._at, bytes(self._data[self._at : at + 1])
        self._at += len(line)
        return offset, line, line.endswith(b"\n")

    def _needs(self, count: int) -> bool:
        """Reads on until so many bytes are at hand, or all; false if none is."""
        while len(self._data) - self._at < count and self._more():
            pass
        return len(self._data) > self._at

    def _more(self, *, double: bool = False) -> bool:
        """Reads on; `double`: as much again as is held, so that a long value is not looked at too often."""
        if self._ended:
            return False
        if len(self._data) > _MAX_HELD:
            raise Unreadable(f"a value or statement of more than {_MAX_HELD} bytes at byte {self._base + self._at}")
        data = self._file.read(max(CHUNK, len(self._data) if double else 0))
        self._ended = not data
        self._data += data
        return bool(data)

    def _forget(self, before: int) -> None:
        """Drops what was read, now and then: each time costs a copy of the rest."""
        if before > CHUNK:
            del self._data[:before]
            self._base += before
            self._at -= before
