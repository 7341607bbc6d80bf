"""A folder of recipes; people write them."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from itertools import count
from unittest.mock import patch

import pytest

from collectors.infra import snapshot_files
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.tested import Tested


class FilesTarget(Target):
    tried = (
        Tested(
            system=SystemClass.INSTRUMENT,
            source="folders of files (snapshot and compare)",
            type="snapshot-files",
            against="a folder on ext4 or the like, written to meanwhile",
            holds="what came, changed and went: digest, size, time of change, lines of texts; not who",
        ),
    )
    credential = None
    no_credential = "a folder is read with the rights of the collector's own account"
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # a file with U+0000 is no text
    no_clock = "a folder does not say what time its machine has"
    no_amending = "there is no trail in a folder that could be changed"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        parent = factory.mktemp("files")
        self._folder, self._away = parent / "recipes", parent / "away"
        self._folder.mkdir()
        self._numbers = count(1)
        self.place = str(self._folder)
        self.secrets = {}
        options = {"folder": self.place, "baseline": "each"}
        self.config = SourceConfig(id="recipes", type="snapshot-files", title="Recipes", options=options)

    def start(self) -> None:
        if self._away.exists():
            self._away.rename(self._folder)

    def stop(self) -> None:
        self._folder.rename(self._away)

    def work(self, texts: Sequence[str]) -> None:
        folder = self._folder if self._folder.exists() else self._away
        for text in texts:
            (folder / f"recipe-{next(self._numbers)}.txt").write_text(text, encoding="utf-8", newline="")

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """A file share that answers late, and with less than was asked for."""

        def read(descriptor: int, size: int) -> bytes:
            time.sleep(0.01)
            return os.read(descriptor, min(size, 200))

        with patch.object(snapshot_files, "read", read):
            yield

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        path = self._folder / f"recipe-{next(self._numbers)}.txt"
        path.write_text(text[: int(len(text) * share)], encoding="utf-8")
        yield
        path.write_text(text, encoding="utf-8")


def make(factory: pytest.TempPathFactory) -> Target:
    return FilesTarget(factory)
