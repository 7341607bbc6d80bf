"""Level 3 of time-stamps: each is verified again as of the moment it names, over the checkpoint it names.

A token holds against the authority as it was pinned then; its checkpoint is stored, and is of this log's past; the
moment in the entry is the token's own. A renewal covers exactly the time-stamps before it, and carries those that rest
on what is trusted no more. The tokens that are kept outside the database are level 5's. An incremental run opens those
that came since, and of the earlier ones that over the largest checkpoint.
"""

from collections.abc import Iterator

from sqlalchemy import select

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.renewals import DISTRUSTED, Weak
from ledger.core.timestamp_entries import TimestampAuthorityEntry, TimestampEntry, Tsas, history_of
from ledger.integrity.fault import Fault
from ledger.integrity.scope import Scope
from ledger.integrity.stored import CheckpointWrong, signed_note
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.trust.renewing import WrongRenewal, read_renewals
from ledger.trust.timestamp_reading import named_text
from ledger.trust.timestamp_tables import time_stamp, timestamp_authority


def stamped_fault(scope: Scope, weak: Weak = DISTRUSTED) -> Fault | None:
    """The first time-stamp of a log that does not hold; it is named by its entry of the system log.

    Where the checkpoint itself is missing or not as its log signed it, that is named, by the last entry that it covers.
    `weak`: algorithms that are distrusted; what rests on them holds if it was renewed before.
    """
    try:
        tsas = _tsas(scope)
    except _Wrong as error:
        return Fault(log=SYSTEM_LOG, index=error.index, table="timestamp_authority", column="event", what=error.message)
    try:
        renewals = read_renewals(scope.kinds, scope.connection, tsas, weak, scope.first(SYSTEM_LOG))
    except WrongRenewal as error:
        return Fault(log=SYSTEM_LOG, index=error.index, table="time_stamp_renewal", column="gen_us", what=error.message)
    reader, keys = LogReader(scope.connection, scope.log.number), scope.keys.get(scope.log.origin, ())
    for index, body in _time_stamps(scope):
        try:
            note = signed_note(
                scope.connection, scope.log.number, scope.log.origin, keys, body.size, (SYSTEM_LOG, index)
            )
            text = named_text(note, body)
            if reader.root(body.size) != Checkpoint.parse(text).root:
                raise IntegrityError(f"the log had another root at size {body.size} when it was stamped")
            tsas.verify(index, body, text.encode(), weak, renewals.by(index))
        except CheckpointWrong as error:
            return error.fault
        except LedgerError as error:
            return Fault(log=SYSTEM_LOG, index=index, table="time_stamp", column="gen_us", what=error.message)
        scope.pulse(1)
    return None


class _Wrong(IntegrityError):
    def __init__(self, index: int, what: str) -> None:
        super().__init__(what)
        self.index = index


def _tsas(scope: Scope) -> Tsas:
    """The authorities from their entries, as level 2 holds their table to them; raises _Wrong, naming the entry."""
    row = timestamp_authority.c
    found = scope.connection.execute(select(row.from_index, row.to_index).where(row.log == SYSTEM_LOG)).all()
    tsas = history_of(())
    for index in sorted({at for one in found for at in one if at is not None}):
        entry = scope.entry(SYSTEM_LOG, index)
        try:
            if not isinstance(entry.body, TimestampAuthorityEntry):
                raise IntegrityError("the table of time-stamp authorities names it, and it is of none")
            tsas.enter(index, entry.body)
        except LedgerError as error:
            raise _Wrong(index, error.message) from None
    return tsas


def _time_stamps(scope: Scope) -> Iterator[tuple[int, TimestampEntry]]:
    """The time-stamps of a log that are judged, as their entries say. Level 2 compares the table."""
    for index in _indices(scope):
        body = scope.entry(SYSTEM_LOG, index).body
        if isinstance(body, TimestampEntry):
            yield index, body


def _indices(scope: Scope) -> Iterator[int]:
    row = time_stamp.c
    mine = select(row.pos).where(row.origin == scope.log.origin)
    if scope.since is None:
        yield from map(index_of, scope.connection.scalars(mine.order_by(row.pos)).all())
        return
    first = pos_of(SYSTEM_LOG, scope.first(SYSTEM_LOG))
    before = mine.where(row.size <= scope.since.checkpoint, row.pos < first)
    last = scope.connection.scalar(before.order_by(row.size.desc(), row.pos.desc()).limit(1))
    yield from () if last is None else (index_of(last),)
    # By position alone, and the log's own among these: what is read is what is new.
    new = select(row.pos, row.origin).where(row.pos >= first).order_by(row.pos)
    yield from (index_of(pos) for pos, origin in scope.connection.execute(new) if origin == scope.log.origin)
