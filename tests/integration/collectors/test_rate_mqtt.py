"""A flood from a real broker: none lost, none doubled; a slow ledger makes the broker wait, and memory stays flat.

`-s` prints the rate that was reached.
"""

import json
import subprocess
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.base import Collector
from collectors.mapping.templates import template
from collectors.ot.mqtt import Mqtt
from ledger.core.clock import SystemClock
from ledger.core.run import RunBatch, RunReceipt, SourceState
from ledger.core.source import SourceConfig
from tests.integration.collectors.following import Following, wait_for
from tests.support.memory_sink import MemorySink
from tests.support.mosquitto import Mosquitto

MESSAGES = 10_000
FEWER = 2_000
TOPIC = "plant/site-a/area-1/line-1/reactor-1"


class CountingSink(MemorySink):
    """Keeps of each run the records' ids only, and is as slow as told."""

    def __init__(self, source: str, expected: int) -> None:
        super().__init__(source)
        self.done = threading.Event()
        self.ids: list[str] = []
        self.seconds = 0.0
        self.taken = 0
        self._expected = expected
        self._cursor: str | None = None

    def state(self, source_id: str) -> SourceState:
        return SourceState(source=source_id, cursor=self._cursor)

    def submit(self, batch: RunBatch) -> RunReceipt:
        time.sleep(self.seconds)
        assert batch.cursor_from == self._cursor
        assert not batch.rejected
        assert not batch.gaps
        assert len(batch.cursor_to or "") < 65_536
        self._cursor = batch.cursor_to
        self.taken += 1
        self.ids += [submission.record.source_record_id for submission in batch.submissions]
        if len(self.ids) >= self._expected:
            self.done.set()
        return RunReceipt(origin="memory.example/log", run=0)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path_factory.mktemp("mqtt"), ["max_inflight_messages 0"])
    broker.start()
    yield broker
    broker.stop()


def collector(broker: Mosquitto, name: str, **options: str) -> Collector:
    given = {"url": broker.url, "user": "collector", "topics": f"{name}/#", **options}
    mapping = template("unified-namespace-json").text
    config = SourceConfig(id=name, type="mqtt", title="UNS", options=given, mapping=mapping)
    return Mqtt(config, {"password": broker.passwords["collector"]}, SystemClock())


def lines(folder: Path, number: int) -> Path:
    path = folder / "messages"
    with path.open("w", encoding="utf-8") as file:
        for at in range(number):
            event: dict[str, object] = {
                "id": f"e-{at}",
                "timestamp": "2026-11-25T07:10:06.123456Z",
                "event": "update",
                "batch": "B-17",
            }
            event |= {"user": "operator1", "tag": "TIC101/SP", "old": 71.25, "new": at, "reason": "as ordered"}
            file.write(json.dumps(event) + "\n")
    return path


@contextmanager
def publishing(broker: Mosquitto, name: str, qos: int, path: Path) -> Iterator[None]:
    """Meanwhile a client of another make publishes each line of the file, as fast as the broker takes them."""
    command = [*broker.command("mosquitto_pub"), "-t", f"{name}/{TOPIC}", "-q", str(qos), "-l", "-V", "5"]
    with path.open("rb") as file:
        child = subprocess.Popen(command, stdin=file)
    try:
        yield
        assert child.wait(30) == 0
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize(
    ("version", "qos", "number"), [("5", 1, MESSAGES), ("5", 2, FEWER), ("5", 0, FEWER), ("3.1.1", 1, FEWER)]
)
def test_of_many_messages_none_is_lost_and_none_comes_twice(
    broker: Mosquitto, tmp_path: Path, version: str, qos: int, number: int
) -> None:
    name = f"flood-{version}-{qos}"
    path, sink = lines(tmp_path, number), CountingSink(name, number)
    with Following(collector(broker, name, qos=str(qos), protocol=version), sink):
        wait_for(lambda: sink.taken > 0)
        begun, used = time.perf_counter(), time.process_time()
        with publishing(broker, name, qos, path):
            assert sink.done.wait(60)
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    print(
        f"\nMQTT {version}, QoS {qos}: {number / seconds:.0f} records/s into a sink in memory, publisher and broker "
        f"on the same machine; {number / used:.0f} a second of the collector's CPU time"
    )
    assert sink.ids == [f"e-{at}" for at in range(number)]


@pytest.mark.parametrize("qos", [1, 0])
def test_a_slow_ledger_makes_the_broker_wait_and_memory_stays_flat(broker: Mosquitto, tmp_path: Path, qos: int) -> None:
    name, number = f"slow-{qos}", FEWER
    path, sink = lines(tmp_path, number), CountingSink(name, number)
    sink.seconds = 0.1
    tracemalloc.start()
    try:
        with Following(collector(broker, name, qos=str(qos)), sink):
            wait_for(lambda: sink.taken > 0)
            with publishing(broker, name, qos, path):
                assert sink.done.wait(60)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sink.ids == [f"e-{at}" for at in range(number)]
    assert most < 8_000_000, "a batch, what was read ahead and the ids, not the flood"
