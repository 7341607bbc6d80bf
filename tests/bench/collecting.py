"""A process that does nothing but collect, for `tests.bench.drivers`: what it uses is what collecting costs.

It reads a `Task` and then a `Look` a line from standard input, and answers each look with a `Told` on standard output.
"""

import resource
import sys
import threading
import time

import msgspec

from collectors.registry import collector_type
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.run import RecordOutcome, RunBatch, RunReceipt, SourceState, Status
from ledger.core.source import SourceConfig

MARK = "B-"
"""How each text begins that is waited for; its number follows."""
_SECONDS = 60.0
_PATIENCE = Patience(attempts=20, first=0.05, longest=0.5)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is collected, and how long a streaming source is listened to at least."""

    config: SourceConfig
    secrets: dict[str, str]
    listen: float


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Collect until each text from number `low` up to `high` has come; once where that is none."""

    low: int
    high: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a look: records and rejected, texts of the look that did not come, seconds, seconds of CPU."""

    events: int
    rejected: int
    missing: int
    seconds: float
    cpu: float


class CountingSink:
    """Takes the runs of one source and keeps none of them; `done` is set once the texts that were waited for are in."""

    def __init__(self, source: str) -> None:
        self.done = threading.Event()
        self.events = 0
        self.rejected = 0
        self.wanted: set[object] = set()
        self.told_at = (0.0, 0.0)
        self._state = SourceState(source=source)
        self._runs = 0

    def expect(self, look: Look) -> None:
        self.done.clear()
        self.events = self.rejected = 0
        self.wanted = {f"{MARK}{number}" for number in range(look.low, look.high)}

    def state(self, source_id: str) -> SourceState:
        assert source_id == self._state.source
        return self._state

    def submit(self, batch: RunBatch) -> RunReceipt:
        assert batch.cursor_from == self._state.cursor
        self._state = SourceState(
            source=batch.source,
            cursor=batch.cursor_to,
            snapshot=self._state.snapshot if batch.snapshot is None else batch.snapshot,
            last_run=self._runs,
            last_run_ended_at=batch.ended_at,
        )
        self.events += len(batch.submissions)
        self.rejected += len(batch.rejected)
        for submission in batch.submissions:
            for change in submission.record.changes:
                self.wanted.discard(change.new)
        if not self.wanted:
            self.told_at = (time.perf_counter(), cpu())
            self.done.set()
        self._runs += 1
        outcomes = [RecordOutcome(status=Status.APPENDED, index=0) for _ in batch.submissions]
        outcomes += [RecordOutcome(status=Status.QUARANTINED, index=0, reason=one.reason) for one in batch.rejected]
        return RunReceipt(origin="bench.example/log", run=self._runs - 1, outcomes=tuple(outcomes))


def cpu() -> float:
    """Seconds of CPU, of user and system, of this process and of the programs that it ran and that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    task = msgspec.json.decode(sys.stdin.readline(), type=Task)
    collector = collector_type(task.config.type)(task.config, task.secrets, SystemClock())
    sink = CountingSink(task.config.id)
    for line in sys.stdin:
        look = msgspec.json.decode(line, type=Look)
        sink.expect(look)
        begun, used = time.perf_counter(), cpu()
        while True:
            stop = sink.done if look.high > look.low else threading.Event()
            listen = _SECONDS if collector.streaming and sink.wanted else task.listen
            Runner(
                collector,
                sink,
                SystemClock(),
                stop=stop if collector.streaming else None,
                patience=_PATIENCE,
            ).pull(listen)
            if not sink.wanted or time.perf_counter() - begun > _SECONDS:
                break
        # A source that streams ends its call at leisure; one that is asked is done when it has answered.
        ended, spent = sink.told_at if collector.streaming and sink.done.is_set() else (time.perf_counter(), cpu())
        told = Told(
            events=sink.events,
            rejected=sink.rejected,
            missing=len(sink.wanted),
            seconds=ended - begun,
            cpu=spent - used,
        )
        print(msgspec.json.encode(told).decode(), flush=True)


if __name__ == "__main__":
    main()
