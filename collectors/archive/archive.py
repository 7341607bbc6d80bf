"""An old audit trail in a file: read once, from the beginning to the end, and not while it is written.

- The file is read twice: for its digest, then row by row. One that is not the same the second time is refused.
- The cursor holds the file's digest and how many of its rows were handed over: the same file goes on where it was
  stopped. A file that was read to its end, and is given again, is read again: every row of it is a duplicate.
- A row that is no record is rejected with its bytes. Where the file stops being what it should be (torn XML, a dump
  that ends within a statement), the rows before that stand, and the rest is a gap.
- A file does not say what time its writer has: the source's clock is not known.
"""

from collections.abc import Generator, Iterator, Mapping
from hashlib import sha256
from itertools import islice
from typing import BinaryIO, Final, Literal, Protocol, cast

import msgspec

from collectors.archive.csv_form import CsvForm
from collectors.archive.pieces import CHUNK, MEDIA_TYPE, Form, Piece, Unreadable, keep, read_row
from collectors.archive.sql_form import SqlForm
from collectors.archive.xml_form import XmlForm
from collectors.base import Check, CheckReport, Option, Stop, judge_clock, read_cursor
from collectors.batch import BatchBuilder
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError, FatalSource
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceState
from ledger.core.source import ARCHIVE, SourceConfig

FORMS: Final = {"csv": CsvForm, "xml": XmlForm, "sql": SqlForm}
_PACKED: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\xfd7zXZ", "xz"),
    (b"PGDMP", "pg_dump's own format, which `pg_restore --file` unpacks"),
)
_BATCH_BYTES: Final = 4 * 1024 * 1024


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows of which file were handed over; `done`: all."""

    sha256: str
    rows: int
    done: bool = False


class File(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it was when it was looked at first; the digest in hexadecimal."""

    name: str
    sha256: str
    size: int


class Readable(Protocol):
    """Where the file is: a path, or what is opened as one is. It is named in messages as `str` gives it."""

    @property
    def name(self) -> str: ...

    def open(self, mode: Literal["rb"], /) -> BinaryIO: ...


class Archive(MappedCollector):
    """See the module."""

    type = ARCHIVE
    title = "Old audit trail, imported from files (CSV, XML, SQL dump)"
    format = "1"
    options = (
        Option(name="format", meaning=f"how the file is written: {', '.join(FORMS)}", default="csv"),
        Option(name="encoding", meaning="csv, sql: utf-8, utf-16, cp1252, …; XML says its own", default="utf-8"),
        Option(name="delimiter", meaning=r"csv: what stands between cells; \t for a tab", default=","),
        Option(name="quote", meaning="csv: what a cell is quoted with; `none` where nothing is", default='"'),
        Option(name="escape", meaning="csv: what stands before a character that is meant as such, as a backslash"),
        Option(name="head_lines", meaning="csv: so many first lines are neither header nor rows", default="0"),
        Option(name="columns", meaning="names of the columns, comma-separated, where the file does not name them"),
        Option(name="items", meaning="xml: names of the elements that are rows, comma-separated"),
        Option(name="table", meaning="sql: tables whose rows are taken, comma-separated, with or without schema"),
        Option(name="dialect", meaning="sql: postgresql, mysql or sqlite; without it, as the dump says itself"),
    )

    def __init__(
        self,
        config: SourceConfig,
        secrets: Mapping[str, str],
        clock: WallClock,
        path: Readable | None = None,
        *,
        anew: bool = False,
    ) -> None:
        """`path` is the file; without one, records can only be derived again. `anew`: from its beginning, whatever the
        cursor says. Raises ConfigError.
        """
        super().__init__(config, secrets, clock)
        self.path = path
        self._anew = anew
        name = self.option("format")
        if name not in FORMS:
            raise ConfigError(f"option 'format' is {name!r}", advice=f"Use one of: {', '.join(FORMS)}.")
        self.form = cast(Form, FORMS[name](self._form_option))
        self._file: File | None = None

    def item(self, original: Original) -> Item:
        """What a mapping sees: `entry` (the named values), `table`, `text` and `file` (`name`, `row`, `sha256`)."""
        row = read_row(original.data)
        piece = row.piece()
        return {
            "entry": self.form.fields(piece),
            "table": row.table,
            "text": piece.data.decode("utf-8", "replace"),
            "file": {"name": row.file, "row": row.row, "sha256": row.sha256},
        }

    def check(self) -> CheckReport:
        try:
            found = self.file
        except FatalSource as error:
            return CheckReport(checks=(Check(name="file", ok=False, says=error.message, advice=error.advice),))
        says = f"{found.name}: {found.size} bytes, SHA-256 {found.sha256}"
        return CheckReport(checks=(Check(name="file", ok=True, says=says), judge_clock(None)))

    @property
    def file(self) -> File:
        """The file's name, digest and size, as at the first look; raises FatalSource where it cannot be read."""
        if self._file is None:
            self._file = look_at(self._path)
        return self._file

    def pieces(self) -> Generator[Piece]:
        """All rows of the file; raises Unreadable after those that stand before the trouble, FatalSource."""
        wanted = self.file
        try:
            with self._path.open("rb") as file:
                hashed = _Hashed(file)
                trouble = None
                try:
                    yield from self.form.pieces(cast(BinaryIO, hashed))
                except Unreadable as error:
                    trouble = error
                if hashed.rest() != wanted.sha256:
                    raise FatalSource(
                        f"{self._path} was changed while it was read",
                        advice="Import a copy that nobody writes to.",
                    )
                if trouble is not None:
                    raise trouble
        except OSError as error:
            raise _unreadable(self._path, error) from None

    def submission(self, piece: Piece, number: int) -> Original:
        """The original of a row."""
        name = self.file.name
        return self.original(keep(piece, name, self.file.sha256, number), MEDIA_TYPE)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, state.source)
        number = 0
        if cursor is not None and cursor.sha256 == self.file.sha256 and not cursor.done and not self._anew:
            number = cursor.rows
        self._anew = False  # should the source be looked at again, it goes on
        before, began = state.cursor, utc_text(self.clock.now_us())
        builder, size = self._builder(), 0
        pieces = islice(self.pieces(), number, None)
        done = False
        while not done:
            try:
                piece = next(pieces, None)
            except Unreadable as trouble:
                between = Interval(after=began, before=utc_text(self.clock.now_us()))
                reason = f"not read further: {trouble}"[:500]
                builder.gaps.append(Gap(subject=f"file {self.file.name}"[:500], reason=reason, between=between))
                piece = None
            if piece is None:
                done = True
            else:
                number += 1
                size += self._take(builder, piece, number)
            if done or builder.full or size >= _BATCH_BYTES:
                after = msgspec.json.encode(Cursor(sha256=self.file.sha256, rows=number, done=done)).decode()
                yield builder.build(before, after)
                before, builder, size = after, self._builder(), 0
                if stop.is_set():
                    return

    def _take(self, builder: BatchBuilder, piece: Piece, number: int) -> int:
        received = utc_text(self.clock.now_us())
        if piece.problem:
            builder.reject(piece.data, "application/octet-stream", f"row {number}: {piece.problem}", received)
            return len(piece.data)
        original = self.submission(piece, number)
        builder.add(original, received)
        return len(original.data)

    def _builder(self) -> BatchBuilder:
        return BatchBuilder(self.config.id, self.clock, self.derive, None)

    def _form_option(self, name: str) -> str:
        value = self.option(name)
        return "" if name == "quote" and value == "none" else value

    @property
    def _path(self) -> Readable:
        if self.path is None:
            raise FatalSource(
                f"source {self.config.id!r} is an archive: its records are imported",
                advice="Import its file: `trailseal import`.",
            )
        return self.path


class _Hashed:
    """A file whose bytes are hashed as they are read from its beginning to its end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = sha256()
        self._hashed = 0

    def read(self, size: int) -> bytes:
        return self._noted(self._file.read(size))

    def readline(self, size: int) -> bytes:
        return self._noted(self._file.readline(size))

    def seek(self, place: int) -> None:
        """To the beginning, after a first look."""
        self._file.seek(place)

    def rest(self) -> str:
        """The digest of all, after what was not read yet."""
        while self._noted(self._file.read(CHUNK)):
            pass
        return self._sha256.hexdigest()

    def _noted(self, data: bytes) -> bytes:
        end = self._file.tell()
        if end > self._hashed:  # else it is read again, after the first look
            self._sha256.update(data[self._hashed - end :])
            self._hashed = end
        return data


def look_at(path: Readable) -> File:
    """Name, digest and size of a file; raises FatalSource where it cannot be read, or is packed."""
    digest, size = sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                if size == 0 and (packed := next((name for mark, name in _PACKED if chunk.startswith(mark)), None)):
                    raise FatalSource(f"{path} is packed: {packed}", advice="Unpack it, and import what comes out.")
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise _unreadable(path, error) from None
    name = path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return File(name=name, sha256=digest.hexdigest(), size=size)


def _unreadable(path: Readable, error: OSError) -> FatalSource:
    return FatalSource(f"{path} cannot be read: {error.strerror}", advice="Give the path of a file that can be read.")
