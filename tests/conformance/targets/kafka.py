"""librdkafka's mock cluster; a connector writes a database's changed rows into a topic, in Debezium's envelope."""

import json
import time
from collections.abc import Sequence
from itertools import count

import pytest

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target
from tests.support.kafka_mock import KafkaMock
from tests.support.tested import Tested

TOPIC = "lims.public.result"
_KEPT, _FORGOTTEN = 1, 0


class KafkaTarget(Target):
    tried = (
        Tested(
            system=SystemClass.SERVERS,
            source="Kafka topics",
            type="kafka",
            against="librdkafka's mock cluster, a broker of the protocol in memory",
            holds="messages by offset, key, headers and broker time; what they say is the mapping's",
        ),
    )
    listen = 0.1
    credential = None
    no_credential = "librdkafka's mock cluster knows no accounts"
    no_clock = "the Kafka protocol has no way to ask a broker for its time"
    no_numbers = ""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        del factory
        self._broker = KafkaMock()
        self.cable = self._broker.cable
        self.place = self._broker.brokers
        self.secrets = {}
        self._rows = count(1)
        self._broker.make_topic(TOPIC)
        self.config = SourceConfig(
            id="cdc",
            type="kafka",
            title="LIMS rows",
            options={"brokers": self._broker.brokers, "topics": TOPIC},
            mapping=template("cdc-rows").text,
        )

    def start(self) -> None:
        self._broker.cable.plug()

    def stop(self) -> None:
        self._broker.cable.pull()

    def close(self) -> None:
        self._broker.close()

    def work(self, texts: Sequence[str]) -> None:
        self._write(texts, _KEPT)

    def _write(self, texts: Sequence[str], partition: int) -> None:
        for text in texts:
            row, now = next(self._rows), time.time_ns() // 1_000_000
            event = {
                "before": {"id": row, "value": "-"},
                "after": {"id": row, "value": text},
                "source": {"connector": "postgresql", "db": "lims", "table": "result", "ts_ms": now},
                "op": "u",
                "ts_ms": now,
            }
            key = json.dumps({"id": row}).encode()
            self._broker.produce(TOPIC, [json.dumps(event).encode()], key=key, partition=partition)

    def lose(self, texts: Sequence[str]) -> None:
        first, *lost, last = texts
        self._write([first, last], _KEPT)
        self._write(lost, _FORGOTTEN)
        self._broker.forget(TOPIC, _FORGOTTEN)


def make(factory: pytest.TempPathFactory) -> Target:
    return KafkaTarget(factory)
