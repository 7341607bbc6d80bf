"""Real servers that the conformance suite holds collectors against: one target a source type, registered in `TARGETS`.

A target starts and stops its server, and can make people do things there that carry given texts; each such text must
come back as a new value of a record.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import pytest
from asyncua import ua
from asyncua.client.client import Client

from collectors.demo.erp import ErpServer
from collectors.demo.opcua import OpcUaServer
from collectors.demo.opcua_ids import named_id
from collectors.demo.opcua_plant import NAMESPACE
from ledger.core.source import SourceConfig
from tests.support.erp_template import seeded_erp_folder


class Target(Protocol):
    """A source to collect from. `own_account` is the collector's; `listen` how long a streaming source needs."""

    config: SourceConfig
    secrets: dict[str, str]
    own_account: str
    listen: float

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def work(self, texts: Sequence[str]) -> None:
        """Somebody enters each text as the new value of something."""
        ...


class TrytonTarget:
    """The demo's ERP; people open lots."""

    own_account = "collector"
    listen = 0.0

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._server = ErpServer(seeded_erp_folder(factory, "conformance"))
        self.secrets = {"password": self._server.passwords[self.own_account]}
        options = {"url": self._server.url, "user": self.own_account}
        self.config = SourceConfig(id="erp", type="tryton", title="ERP", options=options)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def work(self, texts: Sequence[str]) -> None:
        with self._server.session("planner1") as planner:
            product = planner.find_one("product.product", ["template.name", "=", "Solvent"])
            for text in texts:
                planner.create("stock.lot", number=text, product=product)


class OpcUaTarget:
    """The demo's control system; operator1 writes the mode of a controller."""

    own_account = "collector"
    listen = 1.0

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._server = OpcUaServer(factory.mktemp("dcs"))
        self.secrets = {"password": self._server.passwords[self.own_account]}
        options = {
            "url": self._server.endpoint,
            "user": self.own_account,
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


TARGETS: Mapping[str, Callable[[pytest.TempPathFactory], Target]] = {"tryton": TrytonTarget, "opcua": OpcUaTarget}
