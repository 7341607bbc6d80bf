"""`trailseal log move`: out of one folder, into a copy of it, by commands alone."""

import shutil
from pathlib import Path

from tests.cli.conftest import SOURCE, Site, filled, lines_of
from tests.cli.terminal import trailseal

WHY = ("--reason", "new hardware")


def test_a_ledger_leaves_one_folder_and_goes_on_in_another(tmp_path: Path) -> None:
    old = filled(tmp_path)
    vkey = old.made["vkey"]
    assert old("log", "move", "in", "--code", "a", "--place", "here", *WHY).code == 1
    left = old("log", "move", "out", "--to", "server 2", *WHY, "--json").json()
    new = Site(tmp_path / "carried", {}, old.file)
    shutil.copytree(old.folder, new.folder)
    old.file.write_bytes(lines_of(7))
    for site in (old, new):
        for arguments in (
            ("append", site.file, "--source", SOURCE),
            ("tiles", "export", "--out", tmp_path / "no"),
            ("serve", "--port", "0"),
            ("log", "move", "out", "--to", "server 3", *WHY),
        ):
            refused = site(*arguments)
            assert (refused.code, "moved to server 2" in refused.err) == (1, True), refused.err
        assert site("search").code == 0, "what is there can be read"
        moved = [one for one in site("doctor", "--json").json() if one["name"] == "place"]
        assert [one["ok"] for one in moved] == [False]
    arrived = new("log", "move", "in", "--code", left["code"], "--place", "server 2", *WHY)
    assert (arrived.code, "goes on here" in arrived.out) == (0, True)
    assert new("append", new.file, "--source", SOURCE).code == 0
    assert new("verify").code == 0
    assert new("tiles", "export", "--out", tmp_path / "tiles").code == 0
    assert trailseal("verify", "--tiles", tmp_path / "tiles", "--vkey", vkey).code == 0
    assert old("append", old.file, "--source", SOURCE).code == 1
