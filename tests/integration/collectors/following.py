"""Follows a source from a thread of its own, as `serve` does, and waits for what must come."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from collectors.base import Collector, Sink
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock

PATIENT = Patience(attempts=None, first=0.1, longest=0.3)


class Following:
    """The collector runs while this is entered; what it raises is raised on leaving."""

    def __init__(self, collector: Collector, sink: Sink) -> None:
        self._stop = threading.Event()
        self._runner = Runner(collector, sink, SystemClock(), stop=self._stop, patience=PATIENT)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="following")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._runner.follow()
        except Exception as error:
            self._error = error


def wait_for(what: Callable[[], bool], seconds: float = 15.0) -> None:
    """Returns once it holds; fails the test when it does not in time."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come in time"
        time.sleep(0.05)
