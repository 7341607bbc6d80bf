"""borg backs up data; people's texts are the comments of its archives."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from unittest.mock import patch

import pytest

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.backups import PASSWORD, BorgRepository
from tests.support.tested import Tested


class BackupTarget(Target):
    tried = (
        Tested(
            system=SystemClass.BACKUP,
            source="borg",
            type="backup",
            against="borg 1.2 on its own repository",
            holds="archives made and removed (by whom: unknown), comments, commands, results of checks",
        ),
    )
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # no argument of a program holds U+0000
    no_clock = "a repository does not say what time the machines have that write to it"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._folder = factory.mktemp("backup")
        self._repository = BorgRepository(self._folder / "plant")
        self.place = str(self._repository.place)
        self._away = self._repository.place.with_name("away")
        self._slow = self._folder / "slow"
        self._slow.mkdir()
        (self._slow / "borg").write_text(f'#!/bin/sh\nsleep 0.5\nexec {shutil.which("borg")} "$@"\n')
        (self._slow / "borg").chmod(0o755)
        self.secrets = {"password": PASSWORD}
        options = {"repository": self.place, "cache": str(self._folder / "cache")}
        mapping = template("borg-repository").text
        self.config = SourceConfig(id="backups", type="backup", title="Backups", options=options, mapping=mapping)
        self.work(["The first backup"])

    def start(self) -> None:
        if self._away.exists():
            self._away.rename(self._repository.place)

    def stop(self) -> None:
        self._repository.place.rename(self._away)

    def work(self, texts: Sequence[str]) -> None:
        self._repository.backup(texts)

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """A repository whose program takes its time."""
        with patch.dict(os.environ, {"PATH": f"{self._slow}:{os.environ['PATH']}"}):
            yield

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        """An archive that borg is still writing: the first part of its last file is there, its index is not."""
        place, whole = self._repository.place, self._folder / "whole"
        before = self._folder / "before"
        shutil.copytree(place, before)
        self.work([text])
        place.rename(whole)
        before.rename(place)
        new = [path for path in (whole / "data" / "0").iterdir() if not (place / "data" / "0" / path.name).exists()]
        written = [(path, path.read_bytes()) for path in sorted(new, key=lambda one: int(one.name))]
        left = int(sum(len(data) for _, data in written) * share)
        for path, data in written:
            (place / "data" / "0" / path.name).write_bytes(data[:left])
            left = max(0, left - len(data))
        yield
        shutil.rmtree(place)
        whole.rename(place)


def make(factory: pytest.TempPathFactory) -> Target:
    return BackupTarget(factory)
