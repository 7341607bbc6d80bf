"""SAP CAP with change tracking; an engineer gives a material one name after another."""

from collections.abc import Sequence

import pytest

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target
from tests.support.cap.server import CapServer, Engineer
from tests.support.tested import Tested


class CapTarget(Target):
    """The server keeps all in memory, so it is away when its network is."""

    tried = (
        Tested(
            system=SystemClass.ERP,
            source="SAP CAP change tracking",
            type="odata",
            against="SAP CAP 9.9 with change-tracking 1.2, a real server",
            holds="who, when, entity, attribute, old and new value",
        ),
    )
    own_account = "collector"
    no_amending = "the service shows its changes for reading only, as SAP's template has it"
    no_numbers = "changes are numbered by UUIDs"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._server = CapServer(factory.mktemp("erp"))
        self._material = ""
        self.secrets = {"password": self._server.passwords["collector"]}
        options = {"url": self.through_cable(f"{self._server.url}/audit/"), "user": "collector"}
        text = template("sap-cap-changes").text
        self.config = SourceConfig(id="cap", type="odata", title="SAP", options=options, mapping=text)

    def start(self) -> None:
        if self._material:
            assert self.cable is not None
            self.cable.plug()
            return
        self._server.start()
        engineer = Engineer(self._server)
        self._material = engineer.add("Solvent", shelfLife=36)
        engineer.close()

    def stop(self) -> None:
        assert self.cable is not None
        self.cable.pull()

    def work(self, texts: Sequence[str]) -> None:
        engineer = Engineer(self._server)
        for text in texts:
            engineer.change(self._material, name=text)
        engineer.close()

    def close(self) -> None:
        super().close()
        self._server.stop()


def make(factory: pytest.TempPathFactory) -> Target:
    return CapTarget(factory)
