"""`trailseal map`: lists come in whole or not at all, and the maps answer for a moment."""

from pathlib import Path

import pytest

from tests.cli.conftest import Site

IDENTITIES = """source,account,person,kind,valid_from,valid_to
dcs,op1,P-1,person,2026-01-01T00:00:00Z,2026-06-01T00:00:00Z
dcs,op1,P-2,,2026-06-01 02:00,
dcs,svc,,service,2026-01-01T00:00:00Z,
"""
ASSETS = """source,tag,site,unit,gxp,valid_from
dcs,"TIC101.SP, heater",S1,R-1,no,2026-01-01T00:00:00Z
"""


def test_a_list_of_accounts_answers_whose_one_was(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "accounts.csv"
    file.write_text(IDENTITIES, encoding="utf-8-sig")
    taken = site("map", "import", "identities", file, "--zone", "Europe/Berlin", "--reason", "list 7", "--json")
    assert (taken.code, len(taken.json()["entries"])) == (0, 3), taken.err
    for at, person in (("2026-05-31T23:59:59Z", "P-1"), ("2026-06-01T00:00:00Z", "P-2")):
        assert site("map", "who", "dcs", "op1", "--at", at, "--json").json()["person"] == person
    assert site("map", "who", "dcs", "nobody").code == 1
    corrected = site("map", "identity", "dcs", "op1", "--person", "P-3", "--from", "2026-06-01T00:00:00Z", "--json")
    assert site("map", "who", "dcs", "op1", "--json").json()["person"] == "P-3"
    (size,) = corrected.json()["entries"]
    assert site("map", "who", "dcs", "op1", "--size", str(size), "--json").json()["person"] == "P-2"
    assert len(site("map", "list", "identities", "--json").json()) == 3
    assert "list 7" in site("show", str(size - 1)).out
    assert site("verify").code == 0


def test_a_list_of_tags_answers_where_one_stood(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "tags.csv"
    file.write_text(ASSETS)
    assert site("map", "import", "assets", file).code == 0
    told = site("map", "where", "dcs", "TIC101.SP, heater", "--json").json()
    assert (told["site"], told["unit"], told["gxp"], told["area"]) == ("S1", "R-1", False, None)
    assert "No calendars" in site("map", "list", "calendars").out


@pytest.mark.requirement("R61")
def test_an_account_is_shared_and_an_asset_has_a_class(site: Site, tmp_path: Path) -> None:
    since = ("--from", "2026-01-01T00:00:00Z")
    assert site("map", "identity", "dcs", "line2", "--shared", *since).code == 0
    assert site("map", "who", "dcs", "line2", "--json").json()["shared"] is True
    refused = site("map", "identity", "dcs", "line3", "--shared", "--person", "P-1", *since)
    assert (refused.code, "'line3' of 'dcs' is shared" in refused.err) == (1, True)
    assert site("map", "asset", "dcs", "R-7", "--class", "reactor", "--critical", *since).code == 0
    told = site("map", "where", "dcs", "R-7", "--json").json()
    assert (told["asset_class"], told["critical"]) == ("reactor", True)
    file = tmp_path / "lists.csv"
    file.write_text("source,account,person,shared,valid_from\ndcs,line4,,yes,2026-01-01T00:00:00Z\n")
    assert site("map", "import", "identities", file).code == 0
    assert site("map", "who", "dcs", "line4", "--json").json()["shared"] is True
    file.write_text("source,account,person,shared,valid_from\ndcs,line5,P-1,yes,2026-01-01T00:00:00Z\n")
    assert "line 2, person: account 'line5' of 'dcs' is shared" in site("map", "import", "identities", file).err
    file.write_text("source,tag,asset_class,critical,valid_from\ndcs,R-8,reactor,y,2026-01-01T00:00:00Z\n")
    assert site("map", "import", "assets", file).code == 0
    told = site("map", "where", "dcs", "R-8", "--json").json()
    assert (told["asset_class"], told["critical"], told["gxp"]) == ("reactor", True, True)


def test_a_calendar_comes_from_a_file(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "shifts.toml"
    file.write_text(
        'calendar = "site"\nzone = "Europe/Berlin"\nclosed = ["2026-05-01"]\n'
        '[[shifts]]\nname = "early"\ndays = [1, 2]\nstart = "06:00"\nend = "14:00"\n'
    )
    assert site("map", "calendar", file, "--from", "2026-01-01T00:00:00Z").code == 0
    assert [one["calendar"] for one in site("map", "list", "calendars", "--json").json()] == ["site"]
    file.write_text("calendar = [")
    assert "no calendar" in site("map", "calendar", file, "--from", "2026-01-01T00:00:00Z").err


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("source,account\n", "valid_from"),
        ("source,account,valid_from,colour\n", "colour"),
        ("source,account,valid_from\ndcs,op1,2026-01-01T00:00:00Z\ndcs,,2026-01-01T00:00:00Z\n", "line 3"),
        ("source,account,valid_from\ndcs,op1,soon\n", "soon"),
        ("source,account,valid_from\ndcs,op1,2026-01-01T00:00:00Z,x\n", "line 2"),
        ("source,account,valid_from,kind\ndcs,op1,2026-01-01T00:00:00Z,robot\n", "robot"),
        ('source,account,valid_from\ndcs,"op1', "CSV"),
        ("", "source"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_of_the_list_is_stored(
    site: Site, tmp_path: Path, text: str, named: str
) -> None:
    before = len(site("map", "list", "identities", "--json").json())
    file = tmp_path / "accounts.csv"
    file.write_text(text)
    answer = site("map", "import", "identities", file)
    assert (answer.code, named in answer.err) == (1, True), answer.err
    assert len(site("map", "list", "identities", "--json").json()) == before
