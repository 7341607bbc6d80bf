"""mosquitto and an edge node; an operator enters texts at a device.

The node publishes with QoS 1: data of QoS 0, as the specification has it, is gone when nobody listens. That it is, and
is then stated as a gap, is shown in tests/integration/collectors/test_sparkplug.py.
"""

from collections.abc import Sequence

import pytest

from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target, listen_once
from tests.support.edge_node import EdgeNode, metric
from tests.support.mosquitto import Mosquitto
from tests.support.tested import Tested

DEVICE = "REACTOR-1"


class SparkplugTarget(Target):
    tried = (
        Tested(
            system=SystemClass.SCADA,
            source="Sparkplug B edge nodes",
            type="sparkplug",
            against="mosquitto 2.0 and an edge node by pysparkplug 0.6",
            holds="births, deaths, commands, old and new value of each metric, sequence gaps; not who commanded",
        ),
    )
    own_account = "collector"
    listen = 0.1
    no_clock = "MQTT has no way to ask a broker for its time"
    no_numbers = ""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._broker = Mosquitto(factory.mktemp("sparkplug"))
        self._node = EdgeNode(self._broker, "site-a", "line-1", qos=1)
        self.secrets = {"password": self._broker.passwords["collector"]}
        options = {
            "url": self.through_cable(self._broker.url),
            "user": "collector",
            "version_topic": "$SYS/broker/version",
        }
        self.config = SourceConfig(id="sparkplug", type="sparkplug", title="Line 1", options=options)
        self._born = False

    def start(self) -> None:
        self._broker.start()
        if not self._born:
            self._born = True
            listen_once(self.config, self.secrets)
            self._node.birth()
            self._node.device_birth(DEVICE, [metric("TIC101/Mode", "AUTO", alias=7)])

    def stop(self) -> None:
        self._broker.stop()

    def work(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._node.data([metric("TIC101/Mode", text)], DEVICE)

    def lose(self, texts: Sequence[str]) -> None:
        first, *lost, last = texts
        self.work([first])
        self._node.skip(len(lost))
        self.work([last])


def make(factory: pytest.TempPathFactory) -> Target:
    return SparkplugTarget(factory)
