"""Reads the files of a package: their lines, and the bodies of entries; each strictly."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.core.errors import IntegrityError, LedgerError
from reports.lines import EntryLine, Line, SignedLine, decode_line
from reports.strictzip import StrictZip


def body_of(entry: EntryLine | SignedLine, kind: type[Any]) -> Any:
    """The body of an entry's line; raises IntegrityError where it is none of that kind."""
    try:
        return msgspec.json.decode(entry.body, type=kind)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"entry {entry.index} is no {entry.role.value} entry: {error}") from None


def lines_of(package: StrictZip, name: str, kind: type[Line], limit: int) -> Iterator[Line]:
    """The lines of a file, each read strictly; raises IntegrityError, naming the line, for one that is none."""
    for number, data in enumerate(package.lines(name, limit), start=1):
        try:
            yield decode_line(data, kind)
        except LedgerError as error:
            raise IntegrityError(f"{name.partition('/')[2]} line {number}: {error}") from None
