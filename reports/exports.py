"""What a search found, as a file: CSV, JSON Lines or a workbook (XLSX), written piece by piece as it is read.

CSV is as in `tables`: RFC 4180, every cell quoted, UTF-8 with byte order mark, no cell a formula. JSON Lines has one
object a record, with text as it was logged. A workbook (ECMA-376) is written to a temporary file first, and has a
sheet that says what it is of.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeGuard

import msgspec

from ledger.core.record import Sealed
from ledger.present.messages import message, number
from ledger.trace.columns import Cell, Column
from ledger.trace.exporting import Chunk
from reports.meanwhile import meanwhile
from reports.tables import GUARDED, WITHHELD, cell

MAX_ROWS: Final = 1_048_575
"""Records of one sheet: with its head as many rows as a sheet can have."""
MAX_CELL: Final = 32_767
"""UTF-16 units of text that a cell of a workbook can have."""
_PIECE: Final = 1 << 20
_KNOWN: Final = 4_096
# No XML may have them.
_NONCHARACTERS: Final = {0xFFFE: "⟨U+FFFE⟩", 0xFFFF: "⟨U+FFFF⟩"}


class Format(StrEnum):
    """What sort of file it is."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"


MEDIA_TYPES: Final = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSONL: "application/jsonl",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What an export is of: `root` (base64) of the log at that size, `checkpoint` the note of the newest one within.

    `asked` is the question as JSON.
    """

    origin: str
    size: int
    root: str
    checkpoint: str | None
    asked: str
    order: str
    zone: str

    def told(self) -> Iterator[tuple[str, str]]:
        """Each member by its word, as a sheet shows it."""
        for name in self.__struct_fields__:
            yield message(f"export.{name}"), str(getattr(self, name) or message("export.none"))


def pieces(format_: Format, columns: Sequence[Column], chunks: Iterable[Chunk], source: Source) -> Iterator[bytes]:
    """The file piece by piece; an empty piece says that work goes on. What `chunks` raises ends it."""
    match format_:
        case Format.CSV:
            return _csv(columns, chunks)
        case Format.JSONL:
            return _jsonl(columns, chunks)
        case Format.XLSX:
            return _xlsx(columns, chunks, source)


def _csv(columns: Sequence[Column], chunks: Iterable[Chunk]) -> Iterator[bytes]:
    yield ("\ufeff" + ",".join(f'"{column.name}"' for column in columns) + "\r\n").encode()
    made: list[Callable[[Sequence[Cell]], Iterable[str]]]
    made = [_texts if column.coined else _Quoted().texts for column in columns]

    def lines(chunk: Chunk) -> bytes:
        texts = [make(cells) for make, cells in zip(made, chunk, strict=True)]
        # The quotes of all cells but the outer ones stand in what joins them.
        return ('"' + '"\r\n"'.join(map('","'.join, zip(*texts, strict=True))) + '"\r\n').encode()

    yield from meanwhile(iter(chunks), lines)


def _texts(cells: Sequence[Cell]) -> list[str]:
    return ["" if one is None else f"{one}" for one in cells]


class _Quoted(dict[Cell, str]):
    """The cells of one column as they stand between quotes. Where few of them differ, each is looked at once."""

    def texts(self, cells: Sequence[Cell]) -> Iterable[str]:
        if len(self) < _KNOWN:
            return map(self.__getitem__, cells)
        return cells if _plain(cells) else map(_quoted, cells)

    def __missing__(self, one: Cell) -> str:
        text = self[one] = _quoted(one)
        return text


def _quoted(one: Cell) -> str:
    return "" if one is None else cell(one).replace('"', '""')


def _plain(cells: Sequence[Cell]) -> TypeGuard[Sequence[str]]:
    """Whether each stands between quotes as it is: a text, not empty, without a quote, that needs no guard."""
    try:
        return '"' not in "".join(cells) and GUARDED.isdisjoint(map(itemgetter(0), cells))  # type: ignore[arg-type]
    except (TypeError, IndexError):
        return False


def _jsonl(columns: Sequence[Column], chunks: Iterable[Chunk]) -> Iterator[bytes]:
    # A sealed value stands as it does in the record: `{"sealed": …}`, which no text can look like.
    line: Any = msgspec.defstruct("Line", [(column.name, Any) for column in columns], gc=False)
    encoder = msgspec.json.Encoder()
    return meanwhile(iter(chunks), lambda chunk: encoder.encode_lines(list(map(line, *chunk))))


def _xlsx(columns: Sequence[Column], chunks: Iterable[Chunk], source: Source) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="trailseal-export-") as folder:
        file = Path(folder) / "export.xlsx"
        book = _Book(file, columns, source)
        for _ in meanwhile(iter(chunks), book.add):
            yield b""
        book.close()
        with file.open("rb") as made:
            while piece := made.read(_PIECE):
                yield piece


class _Book:
    """A workbook that grows in files beside it: in memory there is one row."""

    def __init__(self, file: Path, columns: Sequence[Column], source: Source) -> None:
        # Loaded here: nothing else needs it.
        import xlsxwriter

        self._columns = columns
        options = {"constant_memory": True, "tmpdir": str(file.parent), "use_zip64": True}
        self._book = xlsxwriter.Workbook(str(file), options)
        self._bold = self._book.add_format({"bold": True})
        self._about = self._book.add_worksheet(message("export.about"))
        self._about.set_column(0, 0, 24)
        self._about.set_column(1, 1, 100)
        self._told = 0
        for name, value in source.told():
            self._tell(name, value)
        self._sheets, self._row, self._count, self._cut = 0, 0, 0, 0
        self._sheet = self._next_sheet()

    def add(self, chunk: Chunk) -> None:
        """Writes some records."""
        for values in zip(*chunk, strict=True):
            if self._row == MAX_ROWS:
                self._sheet = self._next_sheet()
            self._row += 1
            self._count += 1
            for at, value in enumerate(values):
                if isinstance(value, int):
                    self._sheet.write_number(self._row, at, value)
                elif value is not None:
                    text, all_of_it = _fitting(WITHHELD if isinstance(value, Sealed) else value)
                    self._sheet.write_string(self._row, at, text)
                    self._cut += not all_of_it

    def close(self) -> None:
        """Writes how many records there are, and what of them no cell could hold; then the file is whole."""
        self._tell(message("export.records"), number(self._count))
        if self._cut:
            self._tell(message("export.cut"), message("export.cut.why", count=self._cut, most=MAX_CELL))
        self._book.close()

    def _next_sheet(self) -> Any:
        self._sheets, self._row = self._sheets + 1, 0
        word = message("export.records")
        sheet = self._book.add_worksheet(word if self._sheets == 1 else f"{word} {self._sheets}")
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(self._columns):
            sheet.write_string(0, at, column.name, self._bold)
        return sheet

    def _tell(self, name: str, value: str) -> None:
        self._about.write_string(self._told, 0, name, self._bold)
        self._about.write_string(self._told, 1, _fitting(value)[0])
        self._told += 1


def _fitting(text: str) -> tuple[str, bool]:
    """The text as a cell can hold it, and whether that is all of it."""
    text = text.translate(_NONCHARACTERS)
    if len(text) <= MAX_CELL // 2 or len(text.encode("utf-16-le")) // 2 <= MAX_CELL:
        return text, True
    mark = message("export.cut.mark", count=len(text))
    units = text.encode("utf-16-le")[: 2 * (MAX_CELL - len(mark))]
    return units.decode("utf-16-le", "ignore") + mark, False
