"""What the system log's own entries say of rights, whatever a table says: one view for each open store.

A table of validities says which entry counts now. That the entry is there and says so, `credentials.read_entry` checks;
that no later one took it back, only the log itself can tell: a row of a revoked grant that somebody puts back by SQL
points to a true entry. So each process reads the log once, follows its chain, and goes on as the log grows.

What was taken out of the log, or altered in it, breaks the chain, and whatever relies on rights is refused; who
rewrites the chain to its end is found by checkpoints and witnesses.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import Connection, RootTransaction, select

from ledger.core.clock import WallClock, parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import ZERO_HASH, b64, body_commitment, leaf_hash
from ledger.people.tables import profile_item
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of
from ledger.store.reading import RANGE, LogReader
from ledger.store.store import Store

FEW: Final = 50_000
"""Sessions that are held at least before those that expired long ago are let go."""
RECENT: Final = 10_000
"""Superseded entries that are held, for snapshots from before what superseded them."""
LONG_AGO_US: Final = 86_400_000_000

_Key = tuple[str, str]


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """The members, of whatever kind it is, that say whose right an entry is about and whether it is in force."""

    account: str = ""
    grant: str = ""
    agent: str = ""
    credential: str | None = None
    delegation: str = ""
    qualification: str = ""
    session: str = ""
    terminal: str | None = None
    redeems: str | None = None
    state: str = ""
    event: str = ""
    holds: bool = True
    expires_at: str | None = None
    item: str = ""
    value: str = ""
    role: str | None = None
    scopes: tuple[str, ...] = ()


_DECODER: Final = msgspec.json.Decoder(_Said)
_KEYS: Final = frozenset({"key-binding", "ceremony", "trust-anchor"})
_KINDS: Final = _KEYS | {
    *("account", "grant", "agent", "credential", "delegation", "qualification", "session-event", "sign-in"),
    *("configuration", "terminal", "role-definition"),
}


class LogView:
    """Safe to use from any number of threads."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reached: WeakKeyDictionary[RootTransaction, int] = WeakKeyDictionary()
        self._size, self._last = 0, ZERO_HASH
        self._now: dict[_Key, int] = {}
        self._in_force: set[int] = set()
        self._over: OrderedDict[int, int] = OrderedDict()
        self._ends: dict[str, int] = {}
        self._many = FEW
        self._keys: list[int] = []
        self._locks: dict[str, tuple[int, bool]] = {}
        self._items: dict[str, tuple[int, str]] = {}
        self._definitions: dict[str, list[tuple[int, frozenset[str]]]] = {}
        self._told: list[Callable[[], None]] = []

    def listen(self, told: Callable[[], None]) -> None:
        """From here on this is called whenever a table turns out to contradict the log; it must not block."""
        self._told.append(told)

    def require(self, connection: Connection, indices: Iterable[int]) -> None:
        """Raises IntegrityError unless each of these entries is the last word on its account, grant, session …"""
        with self._lock:
            size = self._reach(connection)
            wrong = [index for index in indices if not self._holds(index, size)]
        if wrong:
            raise self._contradicted(
                f"a table says that entry {wrong[0]} of the system log is in force, and a later entry took it back"
            )

    def require_keys(self, connection: Connection, indices: Iterable[int]) -> None:
        """Raises IntegrityError unless these are all entries that made, vouched for or revoked a signing key."""
        with self._lock:
            size = self._reach(connection)
            missing = {index for index in self._keys if index < size} ^ set(indices)
        if missing:
            raise self._contradicted(f"a table of keys contradicts entry {min(missing)} of the system log")

    def require_profile(self, connection: Connection) -> None:
        """Raises IntegrityError unless the site's profile stands in its table as its entries have it."""
        row = profile_item.c
        found = connection.execute(
            select(row.key, row.from_index, row.value).where(row.log == SYSTEM_LOG, row.to_index.is_(None))
        ).all()
        with self._lock:
            size = self._reach(connection)
            said = {(item, index, value) for item, (index, value) in self._items.items() if index < size}
            newer = {item for item, (index, _) in self._items.items() if index >= size}
        wrong = {item for item, *_ in said ^ {tuple(one) for one in found}} - newer
        if wrong:
            raise self._contradicted(f"table profile_item contradicts the entries of item {min(wrong)!r}")

    def items(self, connection: Connection) -> dict[str, str]:
        """The items of the site's profile that were ever set, with the value (JSON) that the last entry gave each."""
        with self._lock:
            self._reach(connection)
            return {item: value for item, (_, value) in self._items.items()}

    def definitions(self, connection: Connection, role: str) -> list[tuple[int, frozenset[str]]]:
        """Each entry of this snapshot that defines the role, with the scopes that it gives it, the oldest first."""
        with self._lock:
            size = self._reach(connection)
            return [one for one in self._definitions.get(role, ()) if one[0] < size]

    def locked(self, connection: Connection, account: str) -> bool:
        """Whether the last entry about it says that the account is locked."""
        with self._lock:
            size = self._reach(connection)
            index, locked = self._locks.get(account, (0, False))
        return locked and index < size

    def _holds(self, index: int, size: int) -> bool:
        by = self._over.get(index)
        return index in self._in_force or (by is not None and by >= size)

    def _contradicted(self, what: str) -> IntegrityError:
        for told in self._told:
            told()
        return IntegrityError(what)

    def _reach(self, connection: Connection) -> int:
        """Reads on to the size of the log in this snapshot, and returns that."""
        transaction = connection.get_transaction()
        if isinstance(transaction, RootTransaction) and transaction in self._reached:
            return self._reached[transaction]
        reader = LogReader(connection, SYSTEM_LOG)
        head = reader.head()
        if head.size > self._size:
            try:
                for low in range(self._size, head.size, RANGE):
                    self._read(reader, low, min(head.size, low + RANGE))
            except LedgerError as error:
                raise self._contradicted(error.message) from None
        if head.size == self._size and head.leaf_hash != self._last:
            raise self._contradicted("the head of the system log does not name its last entry")
        if isinstance(transaction, RootTransaction):
            self._reached[transaction] = head.size
        return head.size

    def _read(self, reader: LogReader, low: int, high: int) -> None:
        rows = reader.rows(low, high)
        if [index_of(pos) for pos, *_ in rows] != list(range(low, high)):
            raise IntegrityError(f"entries of the system log from {low} to {high - 1} are missing")
        last, found = self._last, []
        for pos, data, salt, body in rows:
            leaf, index = decode_leaf(data), index_of(pos)
            if leaf.index != index or leaf.prev != b64(last):
                raise IntegrityError(f"entry {index} of the system log does not continue its chain")
            last = leaf_hash(data)
            if leaf.kind not in _KINDS:
                continue
            if salt is None or body is None or b64(body_commitment(salt, body)) != leaf.body:
                raise IntegrityError(f"the body of entry {index} of the system log is not the one that was entered")
            found.append((index, leaf.kind, body))
        # Nothing of a range counts before all of it was read: a thread that failed leaves no half of it behind.
        for index, kind, body in found:
            self._enter(index, kind, _DECODER.decode(body))
        self._size, self._last = high, last

    def _enter(self, index: int, kind: str, said: _Said) -> None:
        if kind in _KEYS:
            self._keys.append(index)
        elif kind == "configuration":
            self._items[said.item] = (index, said.value)
        elif kind == "role-definition":
            self._definitions.setdefault(said.role or "", []).append((index, frozenset(said.scopes)))
        elif kind == "sign-in":
            if said.event in ("locked", "unlocked"):
                self._locks[said.account] = (index, said.event == "locked")
        else:
            for key, holds in _changes(kind, said):
                self._put(key, index, holds)
            if kind == "session-event" and said.event != "ended" and said.expires_at is not None:
                self._ends[said.session] = parse_utc(said.expires_at)
                self._let_go()

    def _put(self, key: _Key, index: int, holds: bool) -> None:
        earlier = self._now.pop(key, None)
        if earlier is not None:
            self._in_force.discard(earlier)
            self._over[earlier] = index
            if len(self._over) > RECENT:
                self._over.popitem(last=False)
        if holds:
            self._now[key] = index
            self._in_force.add(index)
        elif key[0] == _SESSION:
            self._ends.pop(key[1], None)

    def _let_go(self) -> None:
        """Sessions that nobody ended go once they have long expired: whoever asks for one is refused before."""
        if len(self._ends) < self._many:
            return
        limit = self._clock.now_us() - LONG_AGO_US
        for session in [one for one, ends in self._ends.items() if ends < limit]:
            del self._ends[session]
            index = self._now.pop((_SESSION, session), None)
            self._in_force.discard(-1 if index is None else index)
        self._many = max(FEW, 2 * len(self._ends))


_SESSION: Final = "session"


def _changes(kind: str, said: _Said) -> Iterator[tuple[_Key, bool]]:
    """Which rights an entry is the last word on, and whether one can rely on it."""
    match kind:
        case "account" | "grant" | "agent":
            # A deactivated account, or a revoked grant, is read as such: the entry says so itself.
            yield (kind, getattr(said, kind)), True
        case "credential":
            yield (kind, said.credential or ""), said.state == "set"
        case "delegation":
            yield (kind, said.delegation), said.state == "granted"
        case "qualification":
            yield (kind, said.qualification), said.holds
        case "terminal":
            yield (kind, said.terminal or ""), said.event in ("enrolled", "tested")
        case "session-event":
            if said.redeems is not None:
                yield (_SESSION, said.redeems), False
            yield (_SESSION, said.session), said.event != "ended"


_VIEWS: WeakKeyDictionary[Store, LogView] = WeakKeyDictionary()
_OPENING = threading.Lock()


def log_view(store: Store) -> LogView:
    """The view of this store's system log."""
    with _OPENING:
        found = _VIEWS.get(store)
        if found is None:
            found = _VIEWS[store] = LogView(store.clock)
        return found
