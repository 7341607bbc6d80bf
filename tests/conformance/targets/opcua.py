"""The demo's control system; operator1 writes the mode of a controller, and engineer1 once edited a history."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node

from collectors.demo.opcua import OpcUaServer
from collectors.demo.opcua_ids import named_id, ua_time
from collectors.demo.opcua_plant import NAMESPACE
from ledger.core.clock import SystemClock
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
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
        self._edited = False
        self.secrets = {"password": self._server.passwords["collector"]}
        options = {
            "url": self.through_cable(self._server.endpoint),
            "user": "collector",
            "batch": "REACTOR-1/Batch/Id = REACTOR-1",
            "values": "REACTOR-1/TIC101/Mode",
            "equipment": "REACTOR-1 = REACTOR-1, BUFFER-2 = BUFFER-2",
            "history": "REACTOR-1/PIC201/SP",
        }
        self.config = SourceConfig(id="dcs", type="opcua", title="DCS", options=options)

    def start(self) -> None:
        self._server.start()
        if not self._edited:
            self._edited = True
            asyncio.run(self._edit())

    def stop(self) -> None:
        self._server.stop()

    def work(self, texts: Sequence[str]) -> None:
        asyncio.run(self._write(texts))

    async def _write(self, texts: Sequence[str]) -> None:
        async with self._signed_in("operator1") as client:
            node = await self._tag(client, "REACTOR-1.TIC101.Mode")
            for text in texts:
                await node.write_value(ua.Variant(text, ua.VariantType.String))

    async def _edit(self) -> None:
        moment = ua_time(datetime.fromtimestamp(SystemClock().now_us() / 1e6, UTC) - timedelta(hours=1))
        value = ua.DataValue(ua.Variant(1.25), SourceTimestamp=moment, ServerTimestamp=moment)
        async with self._signed_in("engineer1") as client:
            node = (await self._tag(client, "REACTOR-1.PIC201.SP")).nodeid
            details = ua.UpdateDataDetails(
                NodeId=node, PerformInsertReplace=ua.PerformUpdateType.Insert, UpdateValues=[value]
            )
            wish = ua.HistoryUpdateParameters(HistoryUpdateDetails=[details])
            (result,) = await client.uaclient.history_update(wish)
            assert result.OperationResults[0].is_good()

    def _signed_in(self, user: str) -> Client:
        client = Client(self._server.endpoint)
        client.set_user(user)
        client.set_password(self._server.passwords[user])
        return client

    async def _tag(self, client: Client, name: str) -> Node:
        return client.get_node(named_id(name, await client.get_namespace_index(NAMESPACE)))


def make(factory: pytest.TempPathFactory) -> Target:
    return OpcUaTarget(factory)
