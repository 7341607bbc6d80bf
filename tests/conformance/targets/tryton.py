"""The demo's ERP; people open lots."""

from collections.abc import Sequence

import pytest

from collectors.demo.erp import ErpServer
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target
from tests.support.erp_template import seeded_erp_folder
from tests.support.tested import Tested


class TrytonTarget(Target):
    tried = (
        Tested(
            system=SystemClass.ERP,
            source="Tryton",
            type="tryton",
            against="Tryton 8.2, a real server",
            holds="who, when, what; old and new values inferred from two looks; creations, writes, deletions, buttons",
        ),
    )
    own_account = "collector"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._server = ErpServer(seeded_erp_folder(factory, "conformance"))
        self.secrets = {"password": self._server.passwords["collector"]}
        options = {"url": self.through_cable(self._server.url), "user": "collector"}
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


def make(factory: pytest.TempPathFactory) -> Target:
    return TrytonTarget(factory)
