"""A process that does nothing but collect, for `drivers` and `agent`: what it uses is what collecting costs.

It reads a `Task` and then a `Look` a line from standard input, and answers each look with a `Told` on standard output.
"""

import resource
import sys
import threading
import time
from pathlib import Path
from typing import Literal

import msgspec

from collectors.agent.broker_link import BrokerLink
from collectors.agent.config import AgentConfig
from collectors.agent.identity import Identity
from collectors.agent.link import HttpLink, Link
from collectors.agent.push import Pusher
from collectors.agent.spool import Spool
from collectors.base import Collector, Sink
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
    """What is collected, and how long a streaming source is listened to at least.

    `agent`: the folder of an enrolled agent, into whose spool it goes; the ledger knows the source. `server`: where the
    agent hands it over, and `broker` the same by way of one.
    """

    config: SourceConfig
    secrets: dict[str, str]
    listen: float
    agent: str | None = None
    server: str = ""
    broker: AgentConfig | None = None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Collect until each text from number `low` up to `high` has come; once where that is none.

    `deliver`: hand over a part of the batches in the spool instead, the first `1 / deliver` of them, over `way`.
    """

    low: int = 0
    high: int = 0
    deliver: int = 0
    way: Literal["server", "broker"] = "server"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a look: records and rejected, texts of the look that did not come, seconds, seconds of CPU."""

    events: int
    rejected: int
    missing: int
    seconds: float
    cpu: float


class Counter:
    """A sink before another one: counts; `done` is set once the texts that were waited for are taken."""

    def __init__(self, sink: Sink) -> None:
        self.done = threading.Event()
        self.events = 0
        self.rejected = 0
        self.wanted: set[object] = set()
        self.told_at = (0.0, 0.0)
        self._sink = sink

    def expect(self, look: Look) -> None:
        self.done.clear()
        self.events = self.rejected = 0
        self.wanted = {f"{MARK}{number}" for number in range(look.low, look.high)}

    def state(self, source_id: str) -> SourceState:
        return self._sink.state(source_id)

    def submit(self, batch: RunBatch) -> RunReceipt:
        receipt = self._sink.submit(batch)
        self.events += len(batch.submissions)
        self.rejected += len(batch.rejected)
        for submission in batch.submissions:
            for change in submission.record.changes:
                self.wanted.discard(change.new)
        if not self.wanted:
            self.told_at = (time.perf_counter(), cpu())
            self.done.set()
        return receipt


class Nowhere:
    """A sink that keeps of the runs of one source nothing but where the source stands."""

    def __init__(self, source: str) -> None:
        self._state = SourceState(source=source)
        self._runs = 0

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
        self._runs += 1
        outcomes = [RecordOutcome(status=Status.APPENDED, index=0) for _ in batch.submissions]
        outcomes += [RecordOutcome(status=Status.QUARANTINED, index=0, reason=one.reason) for one in batch.rejected]
        return RunReceipt(origin="bench.example/log", run=self._runs - 1, outcomes=tuple(outcomes))


def cpu() -> float:
    """Seconds of CPU, of user and system, of this process and of the programs that it ran and that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class Until:
    """Stops a round once batch `number` is delivered."""

    def __init__(self, spool: Spool, number: int) -> None:
        self._spool = spool
        self._number = number

    def is_set(self) -> bool:
        return self._spool.place.delivered >= self._number

    def wait(self, timeout: float | None = None) -> bool:
        time.sleep(timeout or 0)
        return self.is_set()


class Edge:
    """The agent's own parts: its spool, and what hands it over."""

    def __init__(self, task: Task) -> None:
        identity, clock = Identity(Path(task.agent or "")), SystemClock()
        self.spool = Spool(identity, clock)
        self.spool.begin(SourceState(source=task.config.id))
        links: dict[str, Link] = {"server": HttpLink(task.server, identity, clock)}
        if task.broker is not None:
            links["broker"] = BrokerLink(task.broker, identity, clock)
        self._pushers = {
            way: Pusher(self.spool, link, identity, clock, [task.config.id]) for way, link in links.items()
        }

    def deliver(self, look: Look) -> Told:
        """Hands over what the look says; the connection is made in its time."""
        place = self.spool.place
        last = place.delivered + -(-(place.number - place.delivered) // look.deliver)
        before, begun, used = self._waiting(), time.perf_counter(), cpu()
        self._pushers[look.way].round(Until(self.spool, last))
        ended, spent = time.perf_counter(), cpu()
        missing = self._waiting(last)
        events = before - self._waiting()
        return Told(events=events, rejected=0, missing=missing, seconds=ended - begun, cpu=spent - used)

    def _waiting(self, last: int | None = None) -> int:
        """Events in batches that are not delivered, up to batch `last`."""
        place = self.spool.place
        up_to = place.number if last is None else last
        batches = [self.spool.batch(number) for number in range(place.delivered + 1, up_to + 1)]
        return sum(batch.header.count for batch in batches if batch is not None)


def main() -> None:
    task = msgspec.json.decode(sys.stdin.readline(), type=Task)
    edge = None if task.agent is None else Edge(task)
    collector = collector_type(task.config.type)(task.config, task.secrets, SystemClock())
    counter = Counter(Nowhere(task.config.id) if edge is None else edge.spool)
    for line in sys.stdin:
        look = msgspec.json.decode(line, type=Look)
        told = edge.deliver(look) if edge is not None and look.deliver else _look(collector, counter, look, task.listen)
        print(msgspec.json.encode(told).decode(), flush=True)


def _look(collector: Collector, counter: Counter, look: Look, listen: float) -> Told:
    counter.expect(look)
    awaited = collector.streaming and look.high > look.low
    begun, used = time.perf_counter(), cpu()
    while True:
        stop = counter.done if awaited else None
        runner = Runner(collector, counter, SystemClock(), stop=stop, patience=_PATIENCE)
        runner.pull(_SECONDS if awaited else listen)
        if not counter.wanted or time.perf_counter() - begun > _SECONDS:
            break
    # A source that streams ends its call at leisure; one that is asked is done when it has answered.
    ended, spent = counter.told_at if awaited and counter.done.is_set() else (time.perf_counter(), cpu())
    return Told(
        events=counter.events,
        rejected=counter.rejected,
        missing=len(counter.wanted),
        seconds=ended - begun,
        cpu=spent - used,
    )


if __name__ == "__main__":
    main()
