"""What was refused, counted: strangers can make noise, but not fill the ledger.

Refusals are counted in memory. The first after a quiet period is entered at once, all others of the period in one entry
at its end: at most one entry a period and process, of bounded size, however many calls there are.
"""

import threading
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import Final

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.people.kinds import SecurityCount, SecurityEntry, SecuritySort
from ledger.people.log_view import log_view
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

PERIOD_US: Final = 60_000_000
FAILURES: Final = 30
"""Failed credentials that one peer may show in a period; then it is answered without a look at them."""
MAX_PEERS: Final = 4096
MAX_COUNTS: Final = 256
MAX_SOURCE: Final = 200
"""Bounds of what is held in memory; beyond, counts of one sort run together."""

_Key = tuple[SecuritySort, str | None, str | None]


class Security:
    """Safe to use from any number of threads; `note` never blocks on the database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._counts: dict[_Key, int] = {}
        self._peers: set[str] = set()
        self._first_us = self._last_us = 0
        self._entered_us: int | None = None
        self._failures: OrderedDict[str, tuple[int, int]] = OrderedDict()
        log_view(store).listen(self.contradicted)

    def contradicted(self) -> None:
        """Counts that a table of rights contradicted the log."""
        self.note(SecuritySort.CONTRADICTED)

    def note(
        self, sort: SecuritySort, account: str | None = None, source: str | None = None, peer: str | None = None
    ) -> None:
        """Counts a refusal."""
        now = self._store.clock.now_us()
        with self._lock:
            key: _Key = (sort, account, None if source is None else source[:MAX_SOURCE])
            if key not in self._counts and len(self._counts) >= MAX_COUNTS:
                key = (sort, None, None)
            if not self._counts:
                self._first_us = now
            self._last_us = max(now, self._first_us)
            self._counts[key] = self._counts.get(key, 0) + 1
            if peer is not None and len(self._peers) < MAX_PEERS:
                self._peers.add(network_of(peer))

    def failed(self, peer: str) -> None:
        """A peer showed no valid credential."""
        self.note(SecuritySort.UNAUTHENTICATED, peer=peer)
        network, now = network_of(peer), self._store.clock.now_us()
        with self._lock:
            since, count = self._failures.pop(network, (now, 0))
            if not 0 <= now - since < PERIOD_US:
                since, count = now, 0
            self._failures[network] = (since, count + 1)
            if len(self._failures) > MAX_PEERS:
                self._failures.popitem(last=False)

    def blocked_us(self, peer: str) -> int:
        """For how many microseconds this peer's unknown credentials are refused unseen; 0: they are looked at.

        A credential that is known to be good is never refused for its peer: behind a proxy many share one.
        """
        with self._lock:
            since, count = self._failures.get(network_of(peer), (0, 0))
        left = since + PERIOD_US - self._store.clock.now_us()
        return left if count >= FAILURES and 0 < left <= PERIOD_US else 0

    def enter(self, final: bool = False) -> None:
        """Enters what was counted, if an entry is due (`final`: at shutdown, whatever is left)."""
        now = self._store.clock.now_us()
        with self._lock:
            quiet = self._entered_us is None or not 0 <= now - self._entered_us < PERIOD_US
            if not self._counts or not (quiet or final):
                return
            entry = SecurityEntry(
                first_at=utc_text(self._first_us),
                last_at=utc_text(self._last_us),
                peers=len(self._peers),
                counts=tuple(
                    SecurityCount(sort=sort, account=account, source=source, count=count)
                    for (sort, account, source), count in sorted(self._counts.items(), key=str)
                ),
            )
            counts, self._counts, self._peers, self._entered_us = self._counts, {}, set(), now
        try:
            self._store.append_one(SYSTEM_LOG, draft(entry))
        except Exception:
            with self._lock:
                for key, count in counts.items():
                    self._counts[key] = self._counts.get(key, 0) + count
            raise


def network_of(peer: str) -> str:
    """What counts as one peer: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer[:64]
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)
