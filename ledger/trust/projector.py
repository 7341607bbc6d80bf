"""Projectors of the trust domain."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.hashing import unb64
from ledger.core.projector import Projector, Row
from ledger.store.position import pos_of
from ledger.trust.kinds import KeyEvent, LogBinding


class KeyEventProjector:
    """One row a key event."""

    name = "key-event"
    version = 1
    kinds = frozenset({"key-event"})
    tables = ("key_event",)

    def rows(self, entry: Entry) -> Iterable[Row]:
        event: KeyEvent = entry.body
        yield "key_event", (pos_of(entry.log, entry.index), event.event.value, event.purpose.value, event.key)


class LogBindingProjector:
    """One row a binding."""

    name = "log-binding"
    version = 1
    kinds = frozenset({"log-binding"})
    tables = ("log_binding",)

    def rows(self, entry: Entry) -> Iterable[Row]:
        bound: LogBinding = entry.body
        yield "log_binding", (pos_of(entry.log, entry.index), bound.origin, bound.size, unb64(bound.root, 32))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return KeyEventProjector(), LogBindingProjector()
