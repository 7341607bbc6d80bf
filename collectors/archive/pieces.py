"""What a file is divided into, and the original that each row becomes."""

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final, Protocol

import msgspec

from collectors.payload import pack, unpack
from ledger.core.errors import SkippableRecord

MEDIA_TYPE: Final = "application/json"
CHUNK: Final = 256 * 1024
MAX_ROW: Final = 1024 * 1024
"""A row of more bytes is no record; what is kept of it is in quarantine."""


class Unreadable(Exception):
    """From here on the file is not what it should be: nothing behind this place can be told apart."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it stands in the file, from byte `offset` on. `problem`: why it is none.

    What is needed to read it beside its bytes: `header` (CSV's line of names), `table`, `columns` and `form` (SQL),
    `namespaces` and `encoding` (XML).
    """

    offset: int
    data: bytes
    problem: str = ""
    header: str | None = None
    table: str | None = None
    columns: tuple[str, ...] = ()
    form: str = ""
    namespaces: dict[str, str] | None = None
    encoding: str = ""


class Form(Protocol):
    """One of the forms of files. `tables`: rows of every table of the dump that was read last, wanted or not."""

    tables: Mapping[str, int]

    def pieces(self, file: BinaryIO) -> Iterator[Piece]:
        """All rows in order; the same ones each time. Raises Unreadable after those that stand before the trouble."""
        ...

    def fields(self, piece: Piece) -> dict[str, object]:
        """The named values of a row; raises SkippableRecord for one that cannot be read."""
        ...


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The original of a record: the file (name, SHA-256 in hexadecimal), the row's number from 1 and its place, the
    bytes as `text` where they are UTF-8, else as `base64`; and what else it takes to read them.
    """

    file: str
    sha256: str
    row: int
    offset: int
    text: str | None = None
    base64: str | None = None
    header: str | None = None
    table: str | None = None
    columns: tuple[str, ...] = ()
    form: str = ""
    namespaces: dict[str, str] | None = None
    encoding: str = ""

    def piece(self) -> Piece:
        """The row as its form reads it; raises SkippableRecord where its bytes are not given once."""
        return Piece(
            offset=self.offset,
            data=unpack(self.text, self.base64),
            header=self.header,
            table=self.table,
            columns=self.columns,
            form=self.form,
            namespaces=self.namespaces,
            encoding=self.encoding,
        )


def keep(piece: Piece, file: str, sha256: str, number: int) -> bytes:
    """The original of a row."""
    text, base64 = pack(piece.data)
    row = Row(
        file=file,
        sha256=sha256,
        row=number,
        offset=piece.offset,
        text=text,
        base64=base64,
        header=piece.header,
        table=piece.table,
        columns=piece.columns,
        form=piece.form,
        namespaces=piece.namespaces,
        encoding=piece.encoding,
    )
    return msgspec.json.encode(row)


def read_row(data: bytes) -> Row:
    """The row that an original holds; raises SkippableRecord for anything else."""
    try:
        return msgspec.json.decode(data, type=Row)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SkippableRecord(f"not the original of a row: {error}") from None
