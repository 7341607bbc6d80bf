"""Level 3, keys: every rotation was promised before and signed by both keys; no checkpoint bears a line it might not.

The log's own entries are judged in their order, by `core.log_keys`; which key events there are, level 2 compares. They
are few in any log's life, so an incremental run judges all of them, and the checkpoints that are new.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, select

from ledger.core.checkpoint import open_checkpoint
from ledger.core.entry import Entry
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.key_events import KeyEvent1, KeyEventSort, KeyPurpose
from ledger.core.kinds import KindRegistry
from ledger.core.log_keys import LogKeyHistory
from ledger.integrity.entries import read_entries
from ledger.integrity.fault import Fault
from ledger.integrity.scope import Scope
from ledger.signing.tables import key_binding
from ledger.store import checkpoints
from ledger.store.bulk import Bulk
from ledger.store.logs import SYSTEM_LOG, LogCreated, LogCreated2
from ledger.store.position import index_of, pos_of


class Read(NamedTuple):
    """A log's keys as far as its entries hold, and the first entry that does not, if any."""

    history: LogKeyHistory
    fault: Fault | None


def read_history(connection: Connection, log: int, kinds: KindRegistry) -> Read | None:
    """The keys of a log by its entries; None where its entry 0 is not what begins a log."""
    created = next(read_entries(connection, log, 0, 1, kinds)).body
    if not isinstance(created, LogCreated):
        return None
    history = LogKeyHistory(created.origin, created.key, created.next if isinstance(created, LogCreated2) else None)
    for entry in _events(connection, log, kinds):
        event = entry.body
        if not isinstance(event, KeyEvent1):
            continue  # level 2 says what is wrong with the table that named it
        try:
            history.enter(entry.index, event)
            if event.event is KeyEventSort.REPUDIATED:
                _require_owner(connection, log, event)
        except IntegrityError as error:
            what = f"this key event {error.message}"
            return Read(history, Fault(log=log, index=entry.index, table="body", column="event", what=what))
    return Read(history, None)


def key_events_fault(scope: Scope) -> Fault | None:
    """The first key event of a log that could not come then, or checkpoint that was signed by other keys than then."""
    found = read_history(scope.connection, scope.log.number, scope.kinds)
    if found is None:
        return None
    before = 0 if scope.since is None else scope.since.checkpoint
    return found.fault or _signed_by_others(scope.connection, scope.log.number, found.history, scope.pulse, before)


def _signed_by_others(
    connection: Connection, log: int, history: LogKeyHistory, pulse: Callable[[int], None], before: int
) -> Fault | None:
    """The first checkpoint above size `before`, at which the one before it stands, that other keys signed."""
    if len(history.keys) == 1:
        return None  # that it signed all of them is looked at already
    for stored in checkpoints.every(connection, log, before):
        try:
            signed = open_checkpoint(stored.note, history.origin, history.verifiers)
            history.check(stored.size, before, signed.verified)
        except LedgerError as error:
            return Fault(log=log, index=max(0, stored.size - 1), table="checkpoint", column="note", what=error.message)
        before = stored.size
        pulse(1)
    return None


def _require_owner(connection: Connection, log: int, event: KeyEvent1) -> None:
    row = key_binding.c
    owners = connection.scalars(select(row.account).where(row.log == SYSTEM_LOG, row.key == event.key)).all()
    if log != SYSTEM_LOG or event.purpose is not KeyPurpose.PERSON or event.authority.actor not in owners:
        raise IntegrityError(f"repudiates a key that is not {event.authority.actor!r}'s")


def _events(connection: Connection, log: int, kinds: KindRegistry) -> Iterator[Entry]:
    rows = Bulk(connection).all(
        "SELECT pos FROM key_event WHERE pos >= ? AND pos < ? ORDER BY pos", (pos_of(log, 0), pos_of(log + 1, 0))
    )
    for (pos,) in rows:
        yield from read_entries(connection, log, index_of(pos), index_of(pos) + 1, kinds)
