"""The demo's control system; operator1 writes the mode of a controller."""

import asyncio
from collections.abc import Sequence

import pytest
from asyncua import ua
from asyncua.client.client import Client

from collectors.demo.opcua import OpcUaServer
from collectors.demo.opcua_ids import named_id
from collectors.demo.opcua_plant import NAMESPACE
from collectors.mapping.model import SystemClass
from ledger.core.source import SourceConfig
from tests.conformance.targets import Target
from tests.support.tested import Tested


class OpcUaTarget(Target):
    tried = (
        Tested(
            system=SystemClass.DCS,
            source="OPC UA server with auditing",
            type="opcua",
            against="asyncua 2.1, a real server with users and write auditing",
            holds="who, when, old and new value of writes; methods, alarms and their acknowledgement, value changes",
        ),
    )
    own_account = "collector"
    listen = 0.3

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._server = OpcUaServer(factory.mktemp("dcs"))
        self.secrets = {"password": self._server.passwords["collector"]}
        options = {
            "url": self.through_cable(self._server.endpoint),
            "user": "collector",
            "batch": "REACTOR-1/Batch/Id = REACTOR-1",
            "values": "REACTOR-1/TIC101/Mode",
            "equipment": "REACTOR-1 = REACTOR-1, BUFFER-2 = BUFFER-2",
        }
        self.config = SourceConfig(id="dcs", type="opcua", title="DCS", options=options)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def work(self, texts: Sequence[str]) -> None:
        asyncio.run(self._write(texts))

    async def _write(self, texts: Sequence[str]) -> None:
        client = Client(self._server.endpoint)
        client.set_user("operator1")
        client.set_password(self._server.passwords["operator1"])
        async with client:
            index = await client.get_namespace_index(NAMESPACE)
            node = client.get_node(named_id("REACTOR-1.TIC101.Mode", index))
            for text in texts:
                await node.write_value(ua.Variant(text, ua.VariantType.String))


def make(factory: pytest.TempPathFactory) -> Target:
    return OpcUaTarget(factory)
