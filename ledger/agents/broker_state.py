"""How the connection to the agents' broker fares, for people to see. Safe to use from any number of threads."""

import threading

import msgspec

from ledger.core.clock import WallClock, utc_text


class BrokerState(msgspec.Struct, frozen=True, kw_only=True):
    """`since`: since when it is connected, or is not; `trouble`: why not, empty while all is well.

    `answered` letters of agents, `refused` ones among them, and `unreadable` messages, since this process started.
    """

    url: str
    connected: bool
    since: str
    trouble: str = ""
    answered: int = 0
    refused: int = 0
    unreadable: int = 0


class BrokerWatch:
    """Holds the state; `now` is None where the settings name no broker."""

    def __init__(self, url: str | None, clock: WallClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._now = None if url is None else BrokerState(url=url, connected=False, since=utc_text(clock.now_us()))

    @property
    def now(self) -> BrokerState | None:
        return self._now

    def connected(self) -> None:
        self._change(connected=True, trouble="")

    def lost(self, trouble: str) -> None:
        self._change(connected=False, trouble=trouble)

    def count(self, *, refused: bool = False, unreadable: bool = False) -> None:
        """One message came: it was answered, and may have been refused, or could not be read."""
        with self._lock:
            if self._now is not None:
                self._now = msgspec.structs.replace(
                    self._now,
                    answered=self._now.answered + (not unreadable),
                    refused=self._now.refused + refused,
                    unreadable=self._now.unreadable + unreadable,
                )

    def _change(self, *, connected: bool, trouble: str) -> None:
        with self._lock:
            if self._now is not None:
                changed = self._now.connected != connected
                since = utc_text(self._clock.now_us()) if changed else self._now.since
                self._now = msgspec.structs.replace(self._now, connected=connected, since=since, trouble=trouble)
