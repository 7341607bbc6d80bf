"""Runs one source: hands each run to the sink before the next is read, and carries on through trouble on either side.

- A source that can't be reached is tried again after a wait that grows (1 s, doubling, at most a minute, with random
  jitter so that many collectors do not come back at once). The time in which it could not be reached stands in the
  next run; when the runner gives up, in a run of its own, so that the attempt is on record.
- A sink that can't be reached gets the same run again; nothing new is read meanwhile.
- After any failure the source starts from where the *sink* says it stands: nothing is lost, nothing doubled.
- FatalSource, Conflict, AccessDenied and the like end it at once: a person is needed.
"""

import threading
from collections.abc import Callable, Iterator
from time import monotonic

import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type, retry_if_result
from tenacity.stop import stop_base
from tenacity.wait import wait_exponential_jitter

from collectors.base import Collector, Sink, Stop
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import RetriableSource
from ledger.core.record import Interval
from ledger.core.run import RunBatch, RunReceipt, SourceState, Status


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How to wait: `attempts` in a row before giving up (null: never), seconds of the first and of the longest wait."""

    attempts: int | None = 5
    first: float = 1.0
    longest: float = 60.0

    @property
    def wait(self) -> wait_exponential_jitter:
        """Doubles from the first wait to the longest; jitter of up to the first wait is added."""
        return wait_exponential_jitter(multiplier=self.first, max=self.longest, jitter=self.first)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a collection stands; `trouble` says what it is waiting for, and `waiting` how many seconds."""

    source: str
    runs: int = 0
    appended: int = 0
    duplicates: int = 0
    quarantined: int = 0
    gaps: int = 0
    trouble: str = ""
    waiting: float = 0.0


class Deadline:
    """A `Stop` that comes by itself after some seconds, or earlier with the stop that it is made from."""

    def __init__(self, seconds: float, stop: Stop) -> None:
        self._at = monotonic() + seconds
        self._stop = stop

    def is_set(self) -> bool:
        return self._stop.is_set() or monotonic() >= self._at

    def wait(self, timeout: float | None = None) -> bool:
        left = max(0.0, self._at - monotonic())
        self._stop.wait(left if timeout is None else min(timeout, left))
        return self.is_set()


class _Look(msgspec.Struct, frozen=True):
    """How one call of `collect` ended: null for an orderly end, else the source's trouble; and whether it gave runs."""

    trouble: RetriableSource | None
    moved: bool


class Runner:
    """Runs one source into one sink. Use from one thread; two runners of one source refuse each other by the cursor."""

    def __init__(
        self,
        collector: Collector,
        sink: Sink,
        clock: WallClock,
        *,
        stop: Stop | None = None,
        patience: Patience | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._collector = collector
        self._sink = sink
        self._clock = clock
        self._stop: Stop = stop or threading.Event()
        self._patience = patience or Patience()
        self._tell = progress or (lambda _: None)
        self._source = collector.config.id
        self._trouble_since: str | None = None
        self._heard_at: str | None = None
        self.progress = Progress(source=self._source)

    def pull(self, listen_seconds: float = 0.0) -> Progress:
        """Takes what is there, a streaming source for that many seconds; returns what became of it.

        Raises RetriableSource once patience is over, after a run that records the time without contact.
        """
        stop = Deadline(listen_seconds, self._stop) if self._collector.streaming else self._stop
        while not self._through_trouble(stop):
            pass
        return self.progress

    def follow(self, every_seconds: float = 60.0) -> Progress:
        """Runs until stopped: a streaming source all the time, another one at least that many seconds apart."""
        while not self._stop.is_set():
            finished = self._through_trouble(self._stop)
            if finished and not self._collector.streaming:
                self._stop.wait(every_seconds)
        return self.progress

    def _through_trouble(self, stop: Stop) -> bool:
        """Looks again until a look gives runs or ends in order; true for the latter."""
        looks = Retrying(
            retry=retry_if_result(lambda look: look.trouble is not None and not look.moved),
            wait=self._patience.wait,
            stop=_GiveUp(self._patience.attempts, self._stop),
            sleep=self._wait,
            before_sleep=self._report,
            retry_error_callback=_last_result,
        )
        look: _Look = looks(self._look, stop)
        if look.trouble is None:
            return True
        if not look.moved:
            self._record_absence()
            if not self._stop.is_set():
                raise look.trouble
        if self._stop.is_set():
            return True
        self._wait(self._patience.first)
        return False

    def _look(self, stop: Stop) -> _Look:
        moved = False
        began = utc_text(self._clock.now_us())
        batches = self._collector.collect(self._ask_state(), stop)
        try:
            while True:
                batch = _next(batches)
                if isinstance(batch, RetriableSource):
                    self._trouble_since = self._trouble_since or self._heard_at or began
                    return _Look(batch, moved)
                if batch is None:
                    return _Look(None, moved)
                self._hand_over(batch)
                # A run that brings nothing is no progress: who is away after it is away still.
                moved = moved or bool(batch.submissions or batch.rejected or batch.cursor_to != batch.cursor_from)
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()

    def _hand_over(self, batch: RunBatch) -> None:
        if self._trouble_since is not None:
            without = Interval(after=self._trouble_since, before=max(self._trouble_since, batch.started_at))
            batch = msgspec.structs.replace(batch, unreachable=(*batch.unreachable, without))
        receipt = self._submit(batch)
        self._trouble_since, self._heard_at = None, batch.ended_at
        self._count(batch, receipt)

    def _submit(self, batch: RunBatch) -> RunReceipt:
        return self._patiently()(self._sink.submit, batch)

    def _ask_state(self) -> SourceState:
        return self._patiently()(self._sink.state, self._source)

    def _patiently(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(RetriableSource),
            wait=self._patience.wait,
            stop=_GiveUp(self._patience.attempts, self._stop),
            sleep=self._wait,
            before_sleep=self._report,
            reraise=True,
        )

    def _record_absence(self) -> None:
        """A run with no records that says since when the source could not be reached."""
        now = utc_text(self._clock.now_us())
        state = self._ask_state()
        since = self._trouble_since or now
        mark = state.cursor
        self._hand_over(RunBatch(source=self._source, started_at=now, ended_at=now, cursor_from=mark, cursor_to=mark))
        self._trouble_since = since

    def _count(self, batch: RunBatch, receipt: RunReceipt) -> None:
        outcomes = [outcome.status for outcome in receipt.outcomes]
        so_far = self.progress
        self.progress = Progress(
            source=self._source,
            runs=so_far.runs + 1,
            appended=so_far.appended + outcomes.count(Status.APPENDED),
            duplicates=so_far.duplicates + outcomes.count(Status.DUPLICATE),
            quarantined=so_far.quarantined + outcomes.count(Status.QUARANTINED),
            gaps=so_far.gaps + len(batch.gaps),
        )
        self._tell(self.progress)

    def _report(self, state: RetryCallState) -> None:
        trouble = state.outcome.exception() if state.outcome and state.outcome.failed else None
        if trouble is None and state.outcome is not None:
            trouble = state.outcome.result().trouble
        waiting = state.next_action.sleep if state.next_action else 0.0
        self._tell(msgspec.structs.replace(self.progress, trouble=str(trouble), waiting=float(waiting)))

    def _wait(self, seconds: float) -> None:
        self._stop.wait(seconds)


class _GiveUp(stop_base):
    """No further attempt: there were enough, or it is time to stop."""

    def __init__(self, attempts: int | None, stop: Stop) -> None:
        self._attempts = attempts
        self._stop = stop

    def __call__(self, retry_state: RetryCallState) -> bool:
        enough = self._attempts is not None and retry_state.attempt_number >= self._attempts
        return enough or self._stop.is_set()


def _last_result(state: RetryCallState) -> _Look:
    assert state.outcome is not None, "tenacity calls back after an attempt"
    result: _Look = state.outcome.result()
    return result


def _next(batches: Iterator[RunBatch]) -> RunBatch | RetriableSource | None:
    """The next run, the trouble that came instead, or None at the end. Other errors pass through."""
    try:
        return next(batches, None)
    except RetriableSource as trouble:
        return trouble
