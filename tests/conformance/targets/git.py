"""Git's own server over HTTP; people commit, and their texts are the messages."""

from collections.abc import Sequence

import pytest

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.git_server import PASSWORD, USER, GitServer, Repository
from tests.support.tested import Tested

MESSAGES = """
[[record.changes]]
attribute = { text = "message" }
new = "message"
"""


class GitTarget(Target):
    tried = (
        Tested(
            system=SystemClass.PLC,
            source="recipes and PLC programs in Git",
            type="git",
            against="git 2.39: a local repository, and its HTTP server",
            holds="who, when, why; changed files and their difference; signatures; tags; forced pushes as gaps",
        ),
    )
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # git itself refuses U+0000 in a message
    no_clock = "a commit's times are its author's machine's, and the server says none of its own"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        folder = factory.mktemp("git")
        self._repository = Repository(folder / "served")
        self._server = GitServer(folder / "served")
        self._files = 0
        self.secrets = {"password": PASSWORD}
        url = self.through_cable(f"http://127.0.0.1:{self._server.port}/recipes.git")
        options = {"url": url, "cache": str(folder / "cache"), "user": USER}
        self.own_account = USER
        mapping = template("git-commits").text + MESSAGES
        self.config = SourceConfig(id="recipes", type="git", title="Recipes", options=options, mapping=mapping)
        self.work(["The first recipe"])

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def work(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._files += 1
            self._repository.commit(text, {"recipe.txt": f"step {self._files}\n"})
        self._repository.push()


def make(factory: pytest.TempPathFactory) -> Target:
    return GitTarget(factory)
