"""Damage that an epoch names: verification tells of it as known, and everything else still has to hold.

An epoch pins every damaged entry with the digest of what stood there when it began: other bytes, another entry, or a
fault of any other sort is a new fault. Projections are not pinned: they are rebuilt from the log.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import Address, LogId
from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.hashing import b64
from ledger.core.kinds import KindRegistry
from ledger.core.members import Members
from ledger.findings.incident_kinds import DamagedPlace, Epoch
from ledger.findings.incident_tables import log_epoch
from ledger.integrity.entries import read_entries
from ledger.integrity.fault import Fault
from ledger.integrity.incidents.damage import BINDING, Damage
from ledger.integrity.level3 import bindings_fault, read_bindings
from ledger.integrity.scope import Check, Scope
from ledger.integrity.whole import read_heads
from ledger.store.bulk import Bulk
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, log_of, pos_of
from ledger.store.reading import LogReader

PINNED: Final = {
    "leaf": ("data",),
    "body": ("salt", "body"),
    "original": ("salt", "data"),
    "sealed_value": ("ordinal", "member", "salt", "value"),
}
"""Tables whose damage an epoch can name, and their columns: no later version of Trailseal writes them otherwise."""
_MARKS: Final = frozenset({"checkpoint", "checkpoint_intent"})


class Began(msgspec.Struct, frozen=True, kw_only=True):
    """An epoch, the address of its entry, and when it was logged."""

    epoch: Epoch
    address: str
    logged_us: int


def read_epochs(connection: Connection, kinds: KindRegistry, origins: dict[int, str]) -> list[Began]:
    """The epochs of all logs, as their entries state them; `origins` by number. Raises IntegrityError."""
    found = []
    for pos in connection.scalars(select(log_epoch.c.pos).order_by(log_epoch.c.pos)).all():
        log, index = log_of(pos), index_of(pos)
        for entry in read_entries(connection, log, index, index + 1, kinds):
            # An epoch is of the log that it stands in: another log's entry names no damage of this one.
            if isinstance(entry.body, Epoch) and entry.body.origin == origins.get(log):
                address = str(Address(entry.body.origin, index))
                found.append(Began(epoch=entry.body, address=address, logged_us=entry.logged_us))
    return found


def state_of(connection: Connection, log: int, index: int) -> str:
    """The digest (base64) of what stands in the log and the vault for an entry, whatever it is."""
    digest = sha256(b"trailseal/epoch-state/v1\n")
    for table, columns in PINNED.items():
        query = f"SELECT {', '.join(columns)} FROM {table} WHERE pos = ? ORDER BY {columns[0]}"
        for row in Bulk(connection).all(query, (pos_of(log, index),)):
            digest.update(table.encode() + b"\n")
            for value in row:
                data = value if isinstance(value, bytes) else str(value).encode()
                digest.update(len(data).to_bytes(8, "big") + data)
    return b64(digest.digest())


def places(connection: Connection, damage: Damage) -> tuple[DamagedPlace, ...]:
    """The damaged entries that an epoch names, each once, with what stands there now."""
    tables: dict[int, str] = {}
    for fault in damage.faults:
        if fault.table in PINNED:
            tables.setdefault(fault.index, str(fault.table))
    return tuple(
        DamagedPlace(index=index, table=table, state=state_of(connection, damage.log, index))
        for index, table in sorted(tables.items())
    )


class Known:
    """What the epochs of a ledger know of the damage of one log, in one snapshot."""

    def __init__(self, connection: Connection, log: LogId, epochs: Sequence[Began], look: Callable[[], Damage]) -> None:
        """`look` finds everything that does not hold of the log; it is asked once, if at all."""
        self._connection = connection
        self._log = log
        self._epochs = epochs
        # Whose rights allowed anything is decided from the system log: no damage of it can be passed over.
        self._own = [one for one in epochs if one.epoch.origin == log.origin and log.number != SYSTEM_LOG]
        self._look = look

    @property
    def any(self) -> bool:
        """Whether an epoch says anything that verification of this log has to know."""
        return bool(self._own) or any(one.epoch.signed is not None for one in self._epochs)

    @property
    def told(self) -> str:
        """What the epochs name, in a sentence."""
        said = []
        for one in self._own:
            named = Members.of(sorted({place.index for place in one.epoch.damage}))
            runs = ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in named.runs())
            lost = f"entries from {one.epoch.size} on that were signed for" if one.epoch.signed is not None else ""
            what = "; ".join(filter(None, (f"entries {runs}" if runs else "", lost)))
            said.append(f"damage that epoch {one.epoch.number} names ({one.address}): {what}")
        return "; ".join(said)

    @cached_property
    def damage(self) -> Damage:
        return self._look()

    def remaining(self) -> Iterator[Fault]:
        """Faults of levels 1 and 2, and of checkpoints, that no epoch knows."""
        return (fault for fault in self.damage.faults if not self._knows(fault))

    def level_3(self, scope: Scope, checks: Sequence[Check]) -> Iterator[Fault | None]:
        """Faults of level 3 that no epoch knows."""
        for check in checks:
            fault = check(scope)
            if fault is not None and fault.table == BINDING:
                yield self._binding(scope)
            elif fault is not None and fault.table in _MARKS and self._own and fault.log == self._log.number:
                # Which checkpoints hold was told by what the log vouches for, damaged leaves or not.
                yield from (one for one in self.remaining() if one.table in _MARKS)
            else:
                yield fault

    def _knows(self, fault: Fault) -> bool:
        if fault.log != self._log.number:
            return False
        states = {place.state for one in self._own for place in one.epoch.damage if place.index == fault.index}
        return bool(states) and state_of(self._connection, fault.log, fault.index) in states

    def _binding(self, scope: Scope) -> Fault | None:
        """The first entry whose word of another log does not hold, but for entries that are lost, as an epoch says."""
        bindings = (
            (log, index, bound)
            for log, index, bound in read_bindings(scope.connection, scope.kinds)
            if scope.log.number == log or scope.log.origin == bound.origin
            if not self._lost(log, index, bound.origin, bound.size)
        )
        return bindings_fault(scope.connection, read_heads(scope.connection), scope.keys, bindings)

    def _lost(self, log: int, index: int, origin: str, size: int) -> bool:
        for one in self._epochs:
            epoch = one.epoch
            if epoch.origin == origin and epoch.signed is not None and epoch.size < size <= epoch.signed:
                leaf = decode_leaf(LogReader(self._connection, log).entry(index).leaf)
                if parse_utc(leaf.logged_at) <= one.logged_us:
                    return True
        return False
