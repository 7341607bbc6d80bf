"""A broker of the Kafka protocol: librdkafka's own mock cluster, in a process of its own, behind a cable.

It keeps messages in memory, each partition at most some megabytes: older ones are deleted, as by a retention. A Kafka
client goes to the address that the broker tells, so the cable writes its own port into the broker's answers.
"""

import subprocess
import sys
from collections.abc import Sequence

from confluent_kafka import Message, Producer

from tests.support.cable import Cable

PARTITIONS = 4
_SECONDS = 15.0
_PROGRAM = """
import sys
from confluent_kafka import Producer
cluster = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0})
(broker,) = cluster.list_topics(timeout=10).brokers.values()
print(broker.port, flush=True)
sys.stdin.read()
"""


class KafkaMock:
    """One broker while entered; `brokers` goes through `cable`, what is produced does not."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._child.stdout is not None
        self._port = int(self._child.stdout.readline())
        self.cable = Cable(self._port)
        self.cable.__enter__()
        self.cable.rewrite = (_address(self._port), _address(self.cable.port))
        self._producer = Producer({"bootstrap.servers": f"127.0.0.1:{self._port}", "log_level": 0, "linger.ms": 0})

    @property
    def brokers(self) -> str:
        return f"127.0.0.1:{self.cable.port}"

    def make_topic(self, name: str) -> None:
        """The broker makes a topic when it is asked about it."""
        self._producer.list_topics(name, timeout=_SECONDS)

    def produce(
        self,
        topic: str,
        values: Sequence[bytes | None],
        *,
        key: bytes | None = None,
        partition: int = 0,
        headers: Sequence[tuple[str, bytes | None]] = (),
        time_ms: int = 0,
    ) -> None:
        """Returns once the broker has all of them."""
        failed: list[object] = []

        def note(error: object, _: Message) -> None:
            if error is not None:
                failed.append(error)

        for value in values:
            self._producer.produce(
                topic, value, key, partition, on_delivery=note, timestamp=time_ms, headers=list(headers)
            )
            self._producer.poll(0)
        assert self._producer.flush(_SECONDS) == 0
        assert not failed

    def forget(self, topic: str, partition: int) -> None:
        """Makes the broker delete what it has of a partition, by more than it keeps: tombstones with large headers."""
        for _ in range(8):
            self.produce(topic, [None] * 10, partition=partition, headers=[("filler", b"x" * 90_000)])

    def close(self) -> None:
        self._producer.flush(1)
        self.cable.__exit__(None, None, None)
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(10)


def _address(port: int) -> bytes:
    """How an answer of the protocol tells a broker's address: text without its length, and port."""
    return b"127.0.0.1" + port.to_bytes(4)
