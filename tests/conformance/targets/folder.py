"""A folder on this machine into which people's programs drop files of JSON, by renaming."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from unittest.mock import patch

import pytest

from collectors.infra import drop_folder
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target
from tests.support.tested import Tested

MAPPING = """
name = "dropped-results"
version = 1
title = "Results, dropped as JSON"
drivers = ["folder"]
[options]
format = "json"
items = "results"
names = "*.json"
[record]
id = { join = ["file.name", "file.item"], by = "/" }
action = { text = "create" }
occurred_at = "entry.at"
object = { type = { text = "result" }, id = "file.name" }
actor.account = "entry.by"
[[record.changes]]
attribute = { text = "result" }
new = "entry.result"
"""


class FolderTarget(Target):
    tried = (
        Tested(
            system=SystemClass.INSTRUMENT,
            source="files dropped into a folder (CSV, JSON, XML, text)",
            type="folder",
            against="files written and renamed on ext4 or overlay file systems",
            holds="what the files say",
        ),
    )
    credential = None
    no_credential = "a folder is read with the rights of the collector's own account"
    no_clock = "a file does not say what time its writer has"
    no_amending = ""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        folder = factory.mktemp("folder")
        self._drop, self._away = folder / "drop", folder / "away"
        self._drop.mkdir()
        self.place, self.secrets = str(self._drop), {}
        self._numbers = count(1)
        options = {"path": self.place, "settle_seconds": "0.02"}
        self.config = SourceConfig(id="drop", type="folder", title="Drop", options=options, mapping=MAPPING)
        self.work(["the first result"])

    def start(self) -> None:
        if self._away.exists():
            self._away.rename(self._drop)

    def stop(self) -> None:
        self._drop.rename(self._away)

    def work(self, texts: Sequence[str]) -> None:
        self._put(f"run-{next(self._numbers)}.json", _document(texts))

    def amend(self, text: str, other: str) -> None:
        (name,) = [path.name for path in self._drop.iterdir() if json.dumps(text) in path.read_text()]
        self._put(name, (self._drop / name).read_text().replace(json.dumps(text), json.dumps(other)))

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """A share that answers late."""
        real = drop_folder._read

        def late(*arguments: object) -> object:
            time.sleep(0.3)
            return real(*arguments)  # type: ignore[arg-type]

        with patch.object(drop_folder, "_read", late):
            yield

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        """Somebody writes the file in place, with a pause in the middle."""
        path, document = self._drop / f"run-{next(self._numbers)}.json", _document([text])
        path.write_text(document[: int(len(document) * share)])
        yield
        path.write_text(document)

    def _put(self, name: str, document: str) -> None:
        part = self._drop / f"{name}.part"
        part.write_text(document)
        part.replace(self._drop / name)


def _document(texts: Sequence[str]) -> str:
    now = datetime.now(UTC).isoformat()
    return json.dumps({"results": [{"at": now, "by": "analyst1", "result": text} for text in texts]})


def make(factory: pytest.TempPathFactory) -> Target:
    return FolderTarget(factory)
