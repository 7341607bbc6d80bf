"""`trailseal log watch`: an enterprise's ledger enters what a site's log shows, by commands alone."""

import shutil
from pathlib import Path

from tests.cli.conftest import SOURCE, Site, filled, lines_of
from tests.cli.terminal import trailseal


def grown(site: Site, tiles: Path, *numbers: int) -> None:
    """The site takes records in, and exports its tiles anew."""
    site.file.write_bytes(lines_of(*numbers))
    assert site("append", site.file, "--source", SOURCE).code == 0
    assert site("tiles", "export", "--out", tiles).code == 0


def test_an_enterprise_watches_a_site_that_then_forks(tmp_path: Path) -> None:
    for name in ("site", "enterprise"):
        (tmp_path / name).mkdir()
    site, tiles = filled(tmp_path / "site"), tmp_path / "tiles"
    enterprise = Site(tmp_path / "enterprise/ledger", {}, site.file)
    assert trailseal("init", enterprise.folder, "--origin", "enterprise.example/all").code == 0
    grown(site, tiles, 10)
    origin, vkey = site.made["vkey"].partition("+")[0], site.made["vkey"]
    watched = ("log", "watch", "add", "--origin", origin, "--tiles", tiles, "--reason", "our site")
    assert enterprise(*watched, "--vkey", "no key").code == 1
    assert enterprise(*watched).code == 1
    assert enterprise(*watched, "--vkey", vkey).code == 0
    assert enterprise("log", "watch", "now").code == 0
    before = tmp_path / "before"
    shutil.copytree(site.folder, before)
    grown(site, tiles, 11, 12)
    assert [look["came"] for look in enterprise("log", "watch", "now", "--json").json()] == ["entered"]
    # The site's administrator puts the old database back, with its keys and the state of its signer, and goes on.
    other = Site(before, {}, site.file)
    shutil.rmtree(tiles)
    grown(other, tiles, 13, 14, 15)
    now = enterprise("log", "watch", "now")
    assert (now.code, "another root" in now.out) == (1, True)
    (listed,) = enterprise("log", "watch", "list", "--json").json()
    assert [fault["sort"] for fault in listed["faults"]] == ["forked"]
    assert "▲" in enterprise("log", "watch", "list").out
    entry = enterprise("show", str(listed["entry"] + 1), "--log", "system", "--json")
    assert entry.code == 0
    assert enterprise("verify").code == 0
    assert enterprise("log", "watch", "remove", "--origin", origin, "--reason", "sold").code == 0
    assert enterprise("log", "watch", "list", "--json").json() == []
    assert enterprise("verify").code == 0
