"""The imports of a source that ended, as of a size of the log."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import select

from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError
from ledger.core.kinds import KindRegistry
from ledger.sources import tables as t
from ledger.sources.import_kinds import ImportState, Outcome, SourceImport, TrueCopy
from ledger.store.reading import LogReader
from ledger.store.schema import as_of


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """An import that ended: where it stands, the entry that says so, and that with which it began.

    All that its source brought after `begun` and before the last run of `outcome` is of its file.
    """

    id: str
    state: ImportState
    entry: int
    begun: int
    outcome: Outcome


def ended(reader: LogReader, kinds: KindRegistry, size: int, source: str) -> Iterator[Ended]:
    """In the order of the entries that say where each stands; raises IntegrityError where one is no such entry."""
    row = t.source_import.c
    told = reader.connection.scalars(
        select(row.from_index)
        .where(row.log == reader.log, row.source == source, as_of(t.source_import, size))
        .order_by(row.from_index)
    ).all()
    for index in told:
        body, state = _body(reader, kinds, index), ImportState.TRUE_COPY
        if isinstance(body, TrueCopy):
            body = _body(reader, kinds, body.finished)
        elif isinstance(body, SourceImport):
            state = body.state
        if not isinstance(body, SourceImport):
            raise IntegrityError(f"entry {index} of log {reader.log} is no import: verify the ledger")
        if body.outcome is not None and body.begun is not None:
            yield Ended(id=body.id, state=state, entry=index, begun=body.begun, outcome=body.outcome)


def _body(reader: LogReader, kinds: KindRegistry, index: int) -> object:
    stored = reader.entry(index)
    return kinds[decode_leaf(stored.leaf).kind].decode(stored.body or b"")
