"""Several sources read at once, each in a thread of its own: the work of an edge agent, and of `collect --follow`."""

import threading
from collections.abc import Callable
from functools import partial

import msgspec

from collectors.base import Collector, Sink
from collectors.runner import Patience, Progress, Runner
from ledger.core.clock import WallClock
from ledger.core.errors import LedgerError


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How one source fares: runs and records since the start, what it waits for."""

    source: str
    runs: int = 0
    records: int = 0
    rejected: int = 0
    trouble: str = ""


class _Follower(msgspec.Struct, frozen=True):
    thread: threading.Thread
    stop: threading.Event


class Followers:
    """Threads that follow sources into one sink. `begin` and `end` are for one thread to call."""

    def __init__(self, sink: Sink, clock: WallClock, patience: Patience) -> None:
        """`patience` is without end: a follower waits for its source as long as it has to."""
        self._sink = sink
        self._clock = clock
        self._patience = msgspec.structs.replace(patience, attempts=None)
        self._following: dict[str, _Follower] = {}
        self._states: dict[str, SourceStatus] = {}
        self.failure: BaseException | None = None
        """What a defect in a thread raised: whoever watches ends the process, so that it is started anew."""

    @property
    def statuses(self) -> tuple[SourceStatus, ...]:
        """How each source fares that is followed, in the order in which they were begun."""
        return tuple(self._states.values())

    def begin(self, source: str, opened: Callable[[], Collector], every_s: float) -> None:
        """Follows a source from now on, looking every so many seconds; what sends by itself is listened to."""
        stop = threading.Event()
        work = partial(self._guarded, source, opened, every_s, stop)
        thread = threading.Thread(target=work, name=f"collect from {source}", daemon=True)
        self._states[source] = SourceStatus(source=source)
        self._following[source] = _Follower(thread, stop)
        thread.start()

    def end(self, source: str) -> None:
        """Follows a source no longer; returns when its present run is over."""
        follower = self._following.pop(source)
        follower.stop.set()
        follower.thread.join()
        del self._states[source]

    def end_all(self) -> tuple[SourceStatus, ...]:
        """Ends all of them together; returns how they fared."""
        for follower in self._following.values():
            follower.stop.set()
        for follower in self._following.values():
            follower.thread.join()
        self._following.clear()
        return self.statuses

    def _guarded(self, source: str, opened: Callable[[], Collector], every_s: float, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                self._follow(source, opened, every_s, stop)
        except BaseException as error:
            self.failure = error

    def _follow(self, source: str, opened: Callable[[], Collector], every_s: float, stop: threading.Event) -> None:
        """Follows until stopped, or until a person is needed; then a while passes, in which one may have acted."""
        try:
            runner = Runner(
                opened(),
                self._sink,
                self._clock,
                stop=stop,
                patience=self._patience,
                progress=partial(self._note, source, self._states[source]),
            )
            runner.follow(every_s)
        except LedgerError as error:
            trouble = f"{error.message}. {error.advice}" if error.advice else error.message
            self._states[source] = msgspec.structs.replace(self._states[source], trouble=trouble)
            stop.wait(min(every_s, self._patience.longest))

    def _note(self, source: str, before: SourceStatus, now: Progress) -> None:
        self._states[source] = SourceStatus(
            source=source,
            runs=before.runs + now.runs,
            records=before.records + now.appended,
            rejected=before.rejected + now.quarantined,
            trouble=now.trouble,
        )
