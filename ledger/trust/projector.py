"""Projectors of the trust domain."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.hashing import unb64
from ledger.core.key_events import KeyEvent1
from ledger.core.projector import Projector, Row
from ledger.store.position import pos_of
from ledger.trust import tables as t
from ledger.trust.kinds import LogBinding


class KeyEventProjector:
    """One row a key event."""

    name = "key-event"
    version = 1
    kinds = frozenset({"key-event"})
    tables = (t.key_event.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        event: KeyEvent1 = entry.body
        yield t.key_event.name, (pos_of(entry.log, entry.index), event.event.value, event.purpose.value, event.key)


class LogBindingProjector:
    """One row a binding."""

    name = "log-binding"
    version = 1
    kinds = frozenset({"log-binding"})
    tables = (t.log_binding.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        bound: LogBinding = entry.body
        yield t.log_binding.name, (pos_of(entry.log, entry.index), bound.origin, bound.size, unb64(bound.root, 32))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return KeyEventProjector(), LogBindingProjector()
