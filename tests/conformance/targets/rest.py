"""Redmine; an engineer gives an issue one subject after another."""

from collections.abc import Sequence

import pytest

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target
from tests.support.redmine.server import Engineer, RedmineServer
from tests.support.tested import Tested


class RedmineTarget(Target):
    tried = (
        Tested(
            system=SystemClass.QUALITY_SYSTEM,
            source="Redmine",
            type="rest",
            against="Redmine 5.0, a real server",
            holds="who, when, field, old and new value, notes; creations",
        ),
    )
    no_amending = "Redmine lets nobody change an entry's values; edited notes are tested in integration/collectors"
    no_numbers = "Redmine's numbers are shared by all projects, so those of what an account may not see are missing"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._server = RedmineServer(factory.mktemp("redmine"))
        self._issue = 0
        options = {"url": self.through_cable(self._server.url)}
        text = template("redmine-issue-journals").text
        self.secrets = {}
        self.config = SourceConfig(id="qms", type="rest", title="QMS", options=options, mapping=text)

    def start(self) -> None:
        """The first time the server, later the cable to it: Redmine takes many seconds to start."""
        assert self.cable is not None
        if self._issue:
            self.cable.plug()
            return
        self._server.start()
        self.secrets["password"] = self._server.keys["collector"]
        engineer = Engineer(self._server)
        self._issue = engineer.open("Raise the set point")
        engineer.close()

    def stop(self) -> None:
        assert self.cable is not None
        self.cable.pull()

    def close(self) -> None:
        self._server.stop()
        super().close()

    def work(self, texts: Sequence[str]) -> None:
        engineer = Engineer(self._server)
        for text in texts:
            engineer.change(self._issue, description=text)
        engineer.close()


def make(factory: pytest.TempPathFactory) -> Target:
    return RedmineTarget(factory)
