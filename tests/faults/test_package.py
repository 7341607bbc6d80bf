"""A package that could not be finished, for want of room or because it was killed, is not there: never a half one.

Of a whole one a bit that flips is noticed, by whoever verifies it.
"""

import os
import random
import re
import zipfile
import zlib
from pathlib import Path

import pytest

from reports.verify import verify_package
from tests.cli.conftest import Site, filled
from tests.cli.terminal import trailseal
from tests.support.disks import fill, make_room, mounted
from tests.support.serving import Command, StillRunning

LONGEST_S = 1.5
KILLS = 4
FLIPS = 2000 if "TRAILSEAL_SOAK" in os.environ else 16


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


def contents(package: Path) -> dict[str, bytes] | None:
    """What a zip holds, by name; None where that cannot be read."""
    try:
        with zipfile.ZipFile(package) as found:
            return {one.filename: found.read(one) for one in found.infolist()}
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, OSError, EOFError):
        return None


def test_a_bit_that_flips_in_a_package_is_noticed_or_changes_nothing_in_it(site: Site, tmp_path: Path) -> None:
    out, vkey = tmp_path / "package.zip", str(site.made["vkey"])
    assert site("package", "--out", out, "--batch", "B-2026-00042").code == 0
    good, before, dice = contents(out), out.read_bytes(), random.Random(20261129)
    assert verify_package(out, [vkey]).exit_code == 0
    noticed = 0
    for at in range(FLIPS):
        data = bytearray(before)
        # Half of them in the directory at the end, on which all that is read depends.
        low = 0 if at % 2 else data.rindex(b"PK\x05\x06") - 2000
        data[dice.randrange(low, len(data))] ^= 1 << dice.randrange(8)
        out.write_bytes(data)
        told = verify_package(out, [vkey])
        assert told.exit_code == 1 or contents(out) == good, told.lines()
        noticed += told.exit_code == 1
    assert noticed > FLIPS / 4
