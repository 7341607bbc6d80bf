"""Reads the files of a package: their lines, and the bodies of entries; each strictly."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.key_events import KeyEvent, KeyEvent1
from ledger.core.log_created import LogCreated, LogCreated2
from reports.lines import EntryLine, Line, SignedLine, decode_line
from reports.strictzip import StrictZip

LOG_CREATED: Final[Any] = LogCreated | LogCreated2
KEY_EVENT: Final[Any] = KeyEvent1 | KeyEvent
"""Bodies that there are two forms of."""


def body_of(entry: EntryLine | SignedLine, kind: Any) -> Any:
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
