"""A flood from a real broker goes into the agent's spool: none lost, none doubled, each run signed and written through.

`-s` prints the rate that was reached.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from collectors.agent.spool import Spool
from ledger.core.batch import verify_batch
from ledger.core.run import RunBatch, RunReceipt, SourceState
from tests.integration.collectors.following import Following, wait_for
from tests.integration.collectors.test_rate_mqtt import collector, lines, publishing
from tests.support.mosquitto import Mosquitto
from tests.support.spooling import ORIGIN, Edge

MESSAGES = 10_000
NAME = "flood"


class Counted:
    """The spool, counting what it is given and the time that it takes."""

    def __init__(self, spool: Spool, expected: int) -> None:
        self.done = threading.Event()
        self.records = 0
        self.seconds = 0.0
        self._spool = spool
        self._expected = expected

    def state(self, source_id: str) -> SourceState:
        return self._spool.state(source_id)

    def submit(self, batch: RunBatch) -> RunReceipt:
        begun = time.perf_counter()
        receipt = self._spool.submit(batch)
        self.seconds += time.perf_counter() - begun
        self.records += len(batch.submissions)
        if self.records >= self._expected:
            self.done.set()
        return receipt


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    (tmp_path / "mqtt").mkdir()
    broker = Mosquitto(tmp_path / "mqtt", ["max_inflight_messages 0"])
    broker.start()
    yield broker
    broker.stop()


def test_a_flood_is_spooled_without_a_loss(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "edge1").mkdir()
    edge = Edge(tmp_path / "edge1")
    spool = edge.spool()
    spool.begin(SourceState(source=NAME))
    sink, path = Counted(spool, MESSAGES), lines(tmp_path, MESSAGES)
    with Following(collector(broker, NAME, qos="1", protocol="5"), sink):
        wait_for(lambda: spool.place.number > 0)
        begun, used = time.perf_counter(), time.process_time()
        with publishing(broker, NAME, 1, path):
            assert sink.done.wait(90)
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    print(
        f"\nMQTT into the spool: {MESSAGES / seconds:.0f} records/s, publisher and broker on the same machine; "
        f"{MESSAGES / used:.0f} a second of the agent's CPU time; the spool alone takes "
        f"{MESSAGES / sink.seconds:.0f}/s in {spool.place.number} batches"
    )
    ids: list[str] = []
    for number in range(1, spool.place.number + 1):
        made = spool.batch(number)
        assert made is not None
        verify_batch(made, ORIGIN, edge.identity.public_key)
        run = msgspec.json.decode(made.payload, type=RunBatch)
        assert not run.rejected
        assert not run.gaps
        ids += [submission.record.source_record_id for submission in run.submissions]
    assert ids == [f"e-{at}" for at in range(MESSAGES)]
    spool.close()
