"""A package that could not be finished, for want of room or because it was killed, is not there: never a half one."""

import random
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Site, filled
from tests.cli.terminal import trailseal
from tests.support.disks import fill, make_room, mounted
from tests.support.serving import Command, StillRunning

LONGEST_S = 1.5
KILLS = 4


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return filled(tmp_path_factory.mktemp("packed"))


def package(site: Site, out: Path) -> tuple[str, ...]:
    return ("package", "--out", str(out), "--batch", "B-2026-00042", "--ledger", str(site.folder))


def test_a_package_without_room_is_not_there_and_the_message_says_why(site: Site, tmp_path: Path) -> None:
    with mounted(tmp_path, "32m"):
        out = tmp_path / "package.zip"
        fill(tmp_path, 40_000)
        full = site("package", "--out", out, "--batch", "B-2026-00042")
        assert full.code == 1
        assert re.search("No space left on device|is full", full.err)
        assert "Make room" in full.err
        assert [path.name for path in tmp_path.iterdir()] == ["ballast"], "a part of it was left"
        make_room(tmp_path)
        again = site("package", "--out", out, "--batch", "B-2026-00042")
        assert (again.code, again.err) == (0, "")
        assert out.exists()


def test_a_package_that_was_killed_is_whole_or_not_there(site: Site, tmp_path: Path) -> None:
    dice = random.Random(20261129)
    for number in range(KILLS):
        out = tmp_path / f"{number}.zip"
        command = Command(package(site, out), tmp_path / "package.log")
        try:
            command.wait(dice.uniform(0.1, LONGEST_S))
        except StillRunning:
            command.kill()
        assert not out.exists() or trailseal("verify", out, "--vkey", site.made["vkey"]).code == 0
    assert site("verify").code == 0
