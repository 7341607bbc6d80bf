"""The records of a selection that were disposed of: by the entries of their disposals, as far as these tell."""

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.gone_records import DISPOSAL, DisposalBody, Gone, gone
from ledger.store import schema
from ledger.store.disposed import count_disposed
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader


class GoneRecords(msgspec.Struct, frozen=True, kw_only=True):
    """What went of a selection, and how many `elsewhere` in its log, of which nobody can tell whether they belonged."""

    found: tuple[Gone, ...] = ()
    elsewhere: int = 0

    @property
    def total(self) -> int:
        """How many records of the selection went."""
        return len({item.index for one in self.found for item in one.items})

    @property
    def entries(self) -> set[int]:
        """The entries of the system log that say so: disposals, and the rules that they rest on."""
        return {at for one in self.found for at in (one.entry, *one.rules)}


def gone_records(connection: Connection, log: int, size: int, selection: Any) -> GoneRecords:
    """Raises IntegrityError for an entry that a table names as a disposal, and that is none."""
    row, described = schema.disposed_entry.c, msgspec.to_builtins(selection)
    of_log = (row.row_pos >= pos_of(log, 0), row.row_pos < pos_of(log, size))
    places = connection.scalars(select(row.pos).distinct().where(*of_log).order_by(row.pos)).all()
    reader = LogReader(connection, SYSTEM_LOG)
    found = [one for pos in places for one in gone(described, log, size, index_of(pos), _body(reader, index_of(pos)))]
    records = GoneRecords(found=tuple(found))
    return msgspec.structs.replace(records, elsewhere=max(0, count_disposed(connection, log) - records.total))


def _body(reader: LogReader, index: int) -> DisposalBody:
    entry = reader.entry(index)
    try:
        if entry.body is not None and decode_leaf(entry.leaf).kind == DISPOSAL:
            return msgspec.json.decode(entry.body, type=DisposalBody)
    except (LedgerError, msgspec.DecodeError):
        pass
    raise IntegrityError(f"entry {index} of the system log is named as a disposal, and is none")
