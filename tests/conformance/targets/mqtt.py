"""mosquitto; a control system publishes its operators' changes into a unified namespace."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target, listen_once
from tests.support.mosquitto import Mosquitto
from tests.support.tested import Tested


class MqttTarget(Target):
    tried = (
        Tested(
            system=SystemClass.SCADA,
            source="MQTT topics (unified namespace)",
            type="mqtt",
            against="mosquitto 2.0, a real broker with accounts and persistence",
            holds="messages once each, topic and properties; what they say is the mapping's; not who published",
        ),
    )
    own_account = "collector"
    listen = 0.1
    no_clock = "MQTT has no way to ask a broker for its time"
    no_numbers = "MQTT numbers nothing"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._broker = Mosquitto(factory.mktemp("mqtt"))
        self.secrets = {"password": self._broker.passwords["collector"]}
        options = {
            "url": self.through_cable(self._broker.url),
            "user": "collector",
            "topics": "plant/#",
            "version_topic": "$SYS/broker/version",
        }
        self._known = False
        mapping = template("unified-namespace-json").text
        self.config = SourceConfig(id="uns", type="mqtt", title="UNS", options=options, mapping=mapping)

    def start(self) -> None:
        self._broker.start()
        if not self._known:
            self._known = True
            listen_once(self.config, self.secrets)

    def stop(self) -> None:
        self._broker.stop()

    def work(self, texts: Sequence[str]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        made = [
            {"id": str(uuid4()), "timestamp": now, "user": "operator1", "tag": "TIC101", "old": "AUTO", "new": text}
            for text in texts
        ]
        self._broker.publish([("plant/site-a/area-1/line-1/reactor-1", json.dumps(one).encode()) for one in made])


def make(factory: pytest.TempPathFactory) -> Target:
    return MqttTarget(factory)
