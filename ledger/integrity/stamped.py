"""Level 3 of time-stamps: each is verified again as of the moment it names, over the checkpoint it names.

A token holds against the authority as it was pinned then; its checkpoint is stored, and is of this log's past; the
moment in the entry is the token's own. A renewal covers exactly the time-stamps before it, and carries those that rest
on what is trusted no more. The tokens that are kept outside the database are level 5's.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.kinds import KindRegistry
from ledger.core.renewals import DISTRUSTED, Weak
from ledger.core.timestamp_entries import TimestampAuthorityEntry, TimestampEntry, Tsas, history_of
from ledger.integrity.entries import read_entries
from ledger.integrity.fault import Fault
from ledger.integrity.scope import Scope
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of
from ledger.store.reading import LogReader
from ledger.trust.renewing import WrongRenewal, read_renewals
from ledger.trust.timestamp_reading import checkpoint_text
from ledger.trust.timestamp_tables import time_stamp, timestamp_authority


def stamped_fault(scope: Scope, weak: Weak = DISTRUSTED) -> Fault | None:
    """The first time-stamp of a log that does not hold; it is named by its entry of the system log.

    `weak`: algorithms that are distrusted; what rests on them holds if it was renewed before.
    """
    try:
        tsas = _tsas(scope.connection, scope.kinds)
    except _Wrong as error:
        return Fault(log=SYSTEM_LOG, index=error.index, table="timestamp_authority", column="event", what=error.message)
    try:
        renewals = read_renewals(scope.kinds, scope.connection, tsas, weak)
    except WrongRenewal as error:
        return Fault(log=SYSTEM_LOG, index=error.index, table="time_stamp_renewal", column="gen_us", what=error.message)
    reader = LogReader(scope.connection, scope.log.number)
    for index, body in _time_stamps(scope.connection, scope.kinds, scope.log.origin):
        try:
            text = checkpoint_text(scope.connection, scope.log.number, body)
            checkpoint = Checkpoint.parse(text)
            if reader.root(checkpoint.size) != checkpoint.root:
                raise IntegrityError(f"the log had another root at size {checkpoint.size} when it was stamped")
            tsas.verify(index, body, text.encode(), weak, renewals.by(index))
        except LedgerError as error:
            return Fault(log=SYSTEM_LOG, index=index, table="time_stamp", column="gen_us", what=error.message)
        scope.pulse(1)
    return None


class _Wrong(IntegrityError):
    def __init__(self, index: int, what: str) -> None:
        super().__init__(what)
        self.index = index


def _tsas(connection: Connection, kinds: KindRegistry) -> Tsas:
    """The authorities from their entries, as level 2 holds their table to them; raises _Wrong, naming the entry."""
    row = timestamp_authority.c
    found = connection.execute(select(row.from_index, row.to_index).where(row.log == SYSTEM_LOG)).all()
    tsas = history_of(())
    for index in sorted({at for one in found for at in one if at is not None}):
        for entry in read_entries(connection, SYSTEM_LOG, index, index + 1, kinds):
            try:
                if not isinstance(entry.body, TimestampAuthorityEntry):
                    raise IntegrityError("the table of time-stamp authorities names it, and it is of none")
                tsas.enter(index, entry.body)
            except LedgerError as error:
                raise _Wrong(index, error.message) from None
    return tsas


def _time_stamps(connection: Connection, kinds: KindRegistry, origin: str) -> Iterator[tuple[int, TimestampEntry]]:
    """The time-stamps of a log, as their entries say. Level 2 compares the table."""
    row = time_stamp.c
    for pos in connection.scalars(select(row.pos).where(row.origin == origin).order_by(row.pos)).all():
        for entry in read_entries(connection, SYSTEM_LOG, index_of(pos), index_of(pos) + 1, kinds):
            if isinstance(entry.body, TimestampEntry):
                yield entry.index, entry.body
