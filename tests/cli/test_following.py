"""`trailseal collect --follow` goes on by itself: with new lines, new sources, suspended ones and those in trouble."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Site
from tests.cli.test_sources import MAPPING
from tests.support.serving import Command

WAIT_SECONDS = 30.0


def wait_for(what: Callable[[], bool], command: Command) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not what():
        assert command.exit_code is None, command.tail()
        assert time.monotonic() < deadline, command.tail()
        time.sleep(0.1)


class Gate:
    """A source that reads a growing file."""

    def __init__(self, site: Site, folder: Path, name: str) -> None:
        self._site, self.name = site, name
        self.file, self.mapping = folder / f"{name}.jsonl", folder / "gate.toml"
        self.mapping.write_text(MAPPING)
        self.written = 0

    def add(self) -> None:
        with self.file.open("a") as file:
            file.write(f'{{"at": "2026-11-20T08:00:{self.written:02}Z", "event": "in", "user": "op1"}}\n')
        self.written += 1

    def register(self) -> None:
        options = ("--mapping", self.mapping, "--option", f"path={self.file}")
        added = self._site("source", "add", self.name, *options)
        assert added.code == 0, added.err

    def collected(self) -> int:
        total: int = self._site("search", "--source", self.name, "--limit", "1", "--json").json()["total"]
        return total


@pytest.fixture
def following(site: Site, tmp_path: Path) -> Iterator[Command]:
    command = Command(["collect", "--follow", "0.2", "--ledger", str(site.folder)], tmp_path / "collect.log")
    yield command
    command.kill()


def test_it_takes_up_sources_and_lets_go_of_them_while_it_runs(site: Site, tmp_path: Path, following: Command) -> None:
    first, second = Gate(site, tmp_path, "gate1"), Gate(site, tmp_path, "gate2")
    first.add()
    first.register()
    wait_for(lambda: first.collected() == 1, following)
    second.add()
    second.register()
    first.add()
    wait_for(lambda: (first.collected(), second.collected()) == (2, 1), following)
    assert site("source", "suspend", "gate1", "--reason", "the gate is painted").code == 0
    first.add()
    second.add()
    wait_for(lambda: second.collected() == 2, following)
    assert first.collected() == 2
    assert site("source", "resume", "gate1", "--reason", "the paint is dry").code == 0
    wait_for(lambda: first.collected() == 3, following)
    away = second.file.rename(second.file.with_suffix(".away"))
    wait_for(lambda: "▲ gate2" in following.tail(), following)
    away.rename(second.file)
    second.add()
    wait_for(lambda: second.collected() == 3 and "gate2: all is well again" in following.tail(), following)
    assert following.end() == 0, following.tail()
    assert "gate2: " in following.tail()
    assert site("verify").code == 0


def test_a_source_that_cannot_be_pulled_is_told_before_anything_starts(site: Site) -> None:
    answer = site("collect", "nothing", "--follow", "1")
    assert (answer.code, "nothing" in answer.err) == (1, True)
