"""nats-server with JetStream; an edge application writes what operators enter into a stream."""

import contextlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from nats.js.api import StreamConfig

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target
from tests.support.nats_server import NatsServer
from tests.support.tested import Tested

STREAM = "AUDIT"


class NatsTarget(Target):
    tried = (
        Tested(
            system=SystemClass.SERVERS,
            source="NATS JetStream",
            type="nats",
            against="nats-server 2.9, a real server with accounts and files",
            holds="messages by gap-free stream sequence; what they say is the mapping's",
        ),
    )
    own_account = "collector"
    listen = 0.1
    no_numbers = ""
    no_other_facts = ""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._server = NatsServer(factory.mktemp("nats"))
        self.secrets = {"password": self._server.passwords["collector"]}
        options = {"url": self.through_cable(self._server.url), "user": "collector", "stream": STREAM}
        self.config = SourceConfig(
            id="edge", type="nats", title="Edge", options=options, mapping=template("edge-events").text
        )
        self._made = False

    def start(self) -> None:
        self._server.start()
        if not self._made:
            self._made = True
            self._server.make(_stream())

    def stop(self) -> None:
        self._server.stop()

    def work(self, texts: Sequence[str]) -> None:
        self._publish(texts)

    def _publish(self, texts: Sequence[str]) -> list[int]:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        events = [
            {
                "id": str(uuid4()),
                "time": now,
                "user": "operator1",
                "object": "TIC101",
                "changes": [{"attribute": "Mode", "old": "AUTO", "new": text}],
            }
            for text in texts
        ]
        return self._server.publish([("audit.line1", json.dumps(event).encode()) for event in events])

    def lose(self, texts: Sequence[str]) -> None:
        numbers = self._publish(texts)
        for number in numbers[1:-1]:
            self._server.act(lambda jetstream, number=number: jetstream.delete_msg(STREAM, number))  # type: ignore[misc]

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        self._server.act(lambda jetstream: jetstream.update_stream(_stream(max_msg_size=4096)))
        yield "schema"
        self._server.act(lambda jetstream: jetstream.update_stream(_stream()))


def _stream(**more: int) -> StreamConfig:
    return StreamConfig(name=STREAM, subjects=["audit.>"], **more)  # type: ignore[arg-type]


def make(factory: pytest.TempPathFactory) -> Target:
    return NatsTarget(factory)
