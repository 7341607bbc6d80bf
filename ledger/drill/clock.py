"""The copy's clock: it goes on when it is looked at, or told to, so that nothing in a drill waits for time to pass."""

import threading

from ledger.core.clock import MICROSECONDS, WallClock


class DrillClock:
    """A millisecond later at each look, from the moment at which another clock stands now."""

    def __init__(self, clock: WallClock) -> None:
        self._now = clock.now_us()
        self._lock = threading.Lock()

    def now_us(self) -> int:
        with self._lock:
            self._now += 1000
            return self._now

    def pass_over(self, seconds: int) -> None:
        """Goes on by so much."""
        with self._lock:
            self._now += seconds * MICROSECONDS
