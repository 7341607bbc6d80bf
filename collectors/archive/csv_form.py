"""CSV of whatever dialect: one bad quote costs one row, not the rest of the file.

A row is a line, or several where a quoted cell holds line breaks. A quote that does not end within a row's greatest
size, or that stands where none may, makes its first line a row that cannot be read; the lines after it are read anew.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final, NamedTuple

from collectors.archive.pieces import MAX_ROW, Piece
from collectors.infra.entries import unique_names
from collectors.options import read_list
from ledger.core.errors import ConfigError, SkippableRecord

_TOO_LONG: Final = f"part of a row of more than {MAX_ROW} bytes"


class _Line(NamedTuple):
    """Where it begins, its bytes with the line break, and whether it is part of a longer one than a row may be."""

    offset: int
    data: bytes
    part: bool


class CsvForm:
    """Files of one dialect: `delimiter`, `quote`, `escape`, `columns` or a header, `head_lines` before it."""

    tables: Mapping[str, int] = {}

    def __init__(self, option: Callable[[str], str]) -> None:
        """Raises ConfigError for options that do not fit."""
        self._delimiter = option("delimiter").replace("\\t", "\t")
        self._quote, self._escape = option("quote"), option("escape")
        for name, text, least in (
            ("delimiter", self._delimiter, 1),
            ("quote", self._quote, 0),
            ("escape", self._escape, 0),
        ):
            if not least <= len(text) <= 1 or text in ("\n", "\r"):
                raise ConfigError(f"option {name!r} is {text!r}", advice="Use one character.")
        self._columns = read_list(option("columns"))
        self._encoding = option("encoding")
        head = option("head_lines")
        if not head.isdecimal() or int(head) > 1000:
            raise ConfigError(f"option 'head_lines' is {head!r}", advice="Use 0 to 1000.")
        self._head = int(head)
        try:
            "".encode(self._encoding)
        except LookupError:
            raise ConfigError(f"option 'encoding' is {self._encoding!r}", advice="Use utf-8, utf-16, cp1252.") from None
        self._escaped = re.compile(re.escape(self._escape) + "(.|$)", re.DOTALL) if self._escape else None

    def pieces(self, file: BinaryIO) -> Iterator[Piece]:
        encoding = self._found_encoding(file)
        lines = _lines(file, encoding)
        for _ in range(self._head):
            next(lines, None)
        rows = self._rows(lines, encoding)
        header = None
        if not self._columns:
            first = next(rows, None)
            if first is None:
                return
            header = _text(first, encoding)
        for row in rows:
            yield Piece(
                offset=row.offset,
                data=row.data,
                problem=row.problem,
                header=header,
                columns=self._columns,
                encoding="" if encoding == "utf-8" else encoding,
            )

    def fields(self, piece: Piece) -> dict[str, object]:
        names = piece.columns or unique_names(self._cells((piece.header or "").removeprefix("\ufeff")))
        cells = self._cells(_text(piece, piece.encoding or "utf-8"))
        if len(cells) != len(names):
            raise SkippableRecord(f"{len(cells)} cells, not {len(names)} as there are columns")
        return dict(zip(names, cells, strict=True))

    def _found_encoding(self, file: BinaryIO) -> str:
        """The encoding with its byte order, which UTF-16 and UTF-32 say by their first bytes."""
        name = self._encoding.lower().replace("_", "-")
        if name in ("utf-16", "utf16"):
            start = file.read(2)
            file.seek(0)
            return "utf-16-be" if start == b"\xfe\xff" else "utf-16-le"
        return "utf-8" if name in ("utf8", "utf-8-sig") else name

    def _rows(self, lines: Iterator[_Line], encoding: str) -> Iterator[Piece]:
        """Rows of one or several lines; blank lines are none."""
        waiting: deque[_Line] = deque()
        while True:
            group: list[_Line] = []
            size, open_quote = 0, False
            while not group or (open_quote and size <= MAX_ROW):
                line = waiting.popleft() if waiting else next(lines, None)
                if line is None:
                    break
                if line.part and group:
                    waiting.appendleft(line)
                    break
                group.append(line)
                size += len(line.data)
                open_quote = not line.part and open_quote ^ self._quotes(line.data.decode(encoding, "replace"))
            if not group:
                return
            piece, rest = self._judged(group, open_quote, encoding)
            waiting.extendleft(reversed(rest))
            if piece.problem or _text(piece, encoding).strip("\ufeff \t"):
                yield piece

    def _judged(self, group: list[_Line], open_quote: bool, encoding: str) -> tuple[Piece, list[_Line]]:
        """The row that these lines are; or their first line as what it is not, and the lines that are left."""
        offset = group[0].offset
        whole = Piece(offset=offset, data=_without_break(b"".join(line.data for line in group), encoding))
        problem = _TOO_LONG if group[0].part else "a quote that does not end" if open_quote else ""
        if len(group) > 1 and not problem:
            try:
                self._cells(_text(whole, encoding))
            except SkippableRecord as error:
                problem = error.message
        if not problem:
            return whole, []
        first = Piece(offset=offset, data=_without_break(group[0].data, encoding), problem=problem)
        return first, group[1:]

    def _quotes(self, text: str) -> bool:
        """Whether the line opens a quoted cell that it does not close, or the other way round."""
        if not self._quote:
            return False
        if self._escaped is not None:
            text = self._escaped.sub("", text)
        return text.count(self._quote) % 2 == 1

    def _cells(self, text: str) -> list[str]:
        try:
            rows = list(
                csv.reader(
                    [text],
                    delimiter=self._delimiter,
                    quotechar=self._quote or None,
                    quoting=csv.QUOTE_MINIMAL if self._quote else csv.QUOTE_NONE,
                    escapechar=self._escape or None,
                    strict=True,
                )
            )
        except (csv.Error, ValueError) as error:
            raise SkippableRecord(f"not CSV: {error}") from None
        if len(rows) != 1:
            raise SkippableRecord(f"{len(rows)} CSV rows, not one")
        return rows[0]


def _text(piece: Piece, encoding: str) -> str:
    try:
        text = piece.data.decode(encoding, "replace")
    except LookupError:
        raise SkippableRecord(f"there is no encoding {encoding!r}") from None
    return text.removeprefix("\ufeff") if piece.offset == 0 else text


def _lines(file: BinaryIO, encoding: str) -> Iterator[_Line]:
    """Lines with their breaks; a longer one than a row may be comes in parts."""
    offset, part = 0, False
    wide = encoding in ("utf-16-le", "utf-16-be")
    mark = "\n".encode(encoding)
    while line := file.readline(MAX_ROW + 2):
        while wide and not _ends(line, encoding) and len(line) <= MAX_ROW:
            more = file.read(1) if len(line) % 2 else file.readline(MAX_ROW + 2)
            if not more:
                break
            line += more
        cut = len(line) > MAX_ROW and not line.endswith(mark)
        yield _Line(offset, line, part or cut)
        part = cut
        offset += len(line)


def _ends(line: bytes, encoding: str) -> bool:
    """Whether a line of two-byte characters ends here: a byte of a line break may be half of another character."""
    return len(line) % 2 == 0 and line[-2:] == "\n".encode(encoding)


def _without_break(data: bytes, encoding: str) -> bytes:
    for mark in ("\n", "\r"):
        data = data.removesuffix(mark.encode(encoding))
    return data
