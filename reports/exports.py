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

from ledger.present.messages import message
from ledger.trace.columns import Cell, Column
from ledger.trace.exporting import Chunk
from reports.meanwhile import meanwhile
from reports.tables import GUARDED, cell
from reports.workbook import Book

_PIECE: Final = 1 << 20
_KNOWN: Final = 4_096


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
        book = Book(file, [column.name for column in columns], source.told())

        def add(chunk: Chunk) -> None:
            for values in zip(*chunk, strict=True):
                book.add(values)

        for _ in meanwhile(iter(chunks), add):
            yield b""
        book.close()
        with file.open("rb") as made:
            while piece := made.read(_PIECE):
                yield piece
