"""Methods of an instrument, as a list over HTTP; people add them."""

import contextlib
from collections.abc import Iterator, Sequence

import pytest

from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target
from tests.support.list_server import ListServer
from tests.support.tested import Tested

_TOKEN = "a-Secret-of-Tests-2"


class SnapshotRestTarget(Target):
    tried = (
        Tested(
            system=SystemClass.INSTRUMENT,
            source="lists over HTTP without an audit trail (snapshot and compare)",
            type="snapshot-rest",
            against="a small HTTP server, with a token and pages",
            holds="items that came, changed and went, with old and new values and the interval; not who",
        ),
    )
    no_amending = "there is no trail behind the list that could be changed"
    no_other_facts = ""

    def __init__(self) -> None:
        self._server = ListServer(_TOKEN)
        self.secrets = {"password": _TOKEN}
        options = {
            "url": self.through_cable(self._server.url),
            "path": "methods",
            "items": "methods",
            "key": "id",
            "object": "method",
            "ignore": "seen",
            "modified": "changedAt",
            "count": "version",
            "paging": "offset",
            "total": "total",
            "page_size": "7",
            "auth": "bearer",
            "baseline": "each",
        }
        self.config = SourceConfig(id="hplc", type="snapshot-rest", title="HPLC", options=options)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def work(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._server.add(text)

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        self._server.items[0]["column"] = "C18"
        yield "schema"
        del self._server.items[0]["column"]


def make(_: pytest.TempPathFactory) -> Target:
    return SnapshotRestTarget()
