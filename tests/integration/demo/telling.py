"""One telling of the demo's story for all its tests: what people did, what the servers kept, what was collected."""

import asyncio
from typing import Any

from collectors.base import Collector
from collectors.demo.erp import ErpServer
from collectors.demo.opcua import OpcUaServer
from collectors.demo.story import Story
from collectors.demo.story_facts import StoryFacts
from collectors.it.tryton import Tryton
from collectors.ot.opcua import OpcUa
from collectors.runner import Runner
from collectors.text import render
from ledger.core.clock import SystemClock
from ledger.core.record import Record
from ledger.core.source import SourceConfig
from tests.integration.collectors.following import Following, wait_for
from tests.integration.demo.listening import event_history
from tests.support.memory_sink import MemorySink

CREATED_MODELS = (
    "production",
    "production.bom",
    "production.bom.input",
    "production.bom.output",
    "stock.lot",
    "stock.move",
    "stock.shipment.in",
    "stock.shipment.internal",
    "stock.inventory",
    "stock.inventory.line",
    "product.template",
    "product.product",
    "res.user",
)
RESTART_BEFORE = "buffer level changed"
LOOK_AFTER = (
    "order planned",
    "order planned by mistake deleted",
    "materials received",
    "order rescheduled",
    "order set running",
    "order done",
)
CLOCK = SystemClock()


class Told:
    """What was told, and what both collectors handed over of it; the control system was restarted once in between."""

    def __init__(self, erp: ErpServer, dcs: OpcUaServer) -> None:
        self.erp, self.dcs = MemorySink("erp"), MemorySink("dcs")
        self.story = Story(erp, dcs)
        self.names: list[str] = []
        self.seconds = 0.0
        with Following(_opcua(dcs), self.dcs):
            wait_for(lambda: len(self.dcs.runs) > 0)
            self._look(erp)
            self._tell(erp, dcs)
            self._look(erp)
            self.facts: StoryFacts = self.story.facts
            last = self.facts.tag_writes[-1]
            wait_for(lambda: any(_tells(record, last.tag, last.new) for record in self.dcs.records))
        self.events = asyncio.run(event_history(dcs))
        with erp.session("admin") as admin:
            self.log: list[dict[str, Any]] = admin.call(
                "model.ir.model.log.search_read",
                [],
                0,
                None,
                [["id", "ASC"]],
                ["user.rec_name", "resource", "event", "target", "create_date"],
            )
            self.created = sum(
                admin.call(f"model.{model}.search_count", [["create_uid", "!=", 0]], 0, None)
                for model in CREATED_MODELS
            )

    def logged(self) -> set[tuple[str, str | None, str, str | None]]:
        return {(row["user."]["rec_name"], row["resource"], row["event"], row["target"]) for row in self.log}

    def _tell(self, erp: ErpServer, dcs: OpcUaServer) -> None:
        for step in self.story.steps():
            if step.name == RESTART_BEFORE:
                dcs.restart()
            self.names.append(step.name)
            began = CLOCK.now_us()
            step.act()
            self.seconds += (CLOCK.now_us() - began) / 1e6
            if step.name in LOOK_AFTER:
                self._look(erp)

    def _look(self, erp: ErpServer) -> None:
        Runner(_tryton(erp), self.erp, CLOCK).pull()


def path(tag: str) -> str:
    """How the collector names a tag."""
    return tag.replace(".", "/")


def _tells(record: Record, tag: str, new: float | str) -> bool:
    return record.object.name == path(tag) and any(change.new == render(new) for change in record.changes)


def _tryton(server: ErpServer) -> Collector:
    options = {"url": server.url, "user": "collector", "equipment": "PROD = REACTOR-1"}
    config = SourceConfig(id="erp", type="tryton", title="ERP", options=options)
    return Tryton(config, {"password": server.passwords["collector"]}, CLOCK)


def _opcua(server: OpcUaServer) -> Collector:
    options = {
        "url": server.endpoint,
        "user": "collector",
        "batch": "REACTOR-1/Batch/Id = REACTOR-1",
        "equipment": "REACTOR-1 = REACTOR-1, BUFFER-2 = BUFFER-2",
    }
    config = SourceConfig(id="dcs", type="opcua", title="DCS", options=options)
    return OpcUa(config, {"password": server.passwords["collector"]}, CLOCK)
