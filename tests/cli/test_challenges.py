"""Challenges at the terminal: set, planted, judged, told; by a statement on a database, and by hand."""

import sqlite3
from contextlib import closing

import msgspec
import pytest

from ledger.core.clock import SystemClock, utc_text
from tests.cli.conftest import SOURCE, Site, filled
from tests.cli.terminal import trailseal
from tests.support.ledgers import record, source_time

TABLES = """
CREATE TABLE sample (id TEXT PRIMARY KEY, note TEXT);
INSERT INTO sample VALUES ('TEST', 'as made');
CREATE TABLE audit_trail (
    id INTEGER PRIMARY KEY, changed_at TEXT, changed_by TEXT, action TEXT, table_name TEXT, record_id TEXT,
    field_name TEXT, old_value TEXT, new_value TEXT, reason TEXT
);
CREATE TRIGGER audit AFTER UPDATE ON sample BEGIN
    INSERT INTO audit_trail (changed_at, changed_by, action, table_name, record_id, field_name, old_value, new_value)
    VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'challenger', 'UPDATE', 'sample', NEW.id, 'note', OLD.note,
        NEW.note);
END;
"""
CHANGE = "UPDATE sample SET note = :new WHERE id = 'TEST'"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    place = tmp_path_factory.mktemp("challenges")
    with closing(sqlite3.connect(place / "lims.db")) as lims:
        lims.executescript(TABLES)
    made = filled(place)
    added = made(
        *("source", "add", "lims", "--mapping", "audit-table", "--option", f"url=sqlite:///{place / 'lims.db'}"),
        *("--option", "table=audit_trail", "--yes"),
    )
    assert added.code == 0, added.err
    return made


def _add(site: Site, *more: str, name: str = "weekly", statement: str = CHANGE) -> tuple[str, ...]:
    place = site.folder.parent / "lims.db"
    return (
        *("challenge", "add", name, "--source", "lims", "--by", "sql", "--reason", "proof of the trail"),
        *("--option", f"url=sqlite:///{place}", "--option", f"statement={statement}"),
        *("--option", "read=SELECT note FROM sample WHERE id = 'TEST'"),
        *("--object-type", "sample", "--object-id", "TEST", "--attribute", "note", "--account", "challenger"),
        *("--action", "update", *more),
    )


def test_a_challenge_is_set_planted_and_told_with_what_arrived(site: Site) -> None:
    assert "No challenge" in site("challenge", "list").out
    assert "Never challenged" in site("source", "statement", "lims").out
    wrong = site(*_add(site, statement="DELETE FROM sample"))
    assert (wrong.code, "UPDATE or INSERT" in wrong.err) == (1, True)
    assert site(*_add(site, "--cron", "0 3 * * someday")).code == 1
    assert site(*_add(site, "--limit", "soon")).code == 1
    assert site(*_add(site, "--every", "7d", "--json")).code == 0
    (listed,) = site("challenge", "list", "--json").json()
    assert (listed["challenge"]["every_s"], listed["last"]) == (7 * 86_400, None)
    planted = site("challenge", "run", "weekly", "--json")
    assert planted.code == 0, planted.err
    (run,) = planted.json()["planted"]
    assert (run["run"]["state"], run["run"]["old"]) == ("planted", "as made")
    assert site("collect", "lims").code == 0
    judged = site("challenge", "run", "--json")
    assert judged.code == 0
    (result,) = judged.json()["results"]
    assert (result["state"], all(one["holds"] for one in result["compared"])) == ("arrived", True)
    assert "arrived" in site("challenge", "history", "weekly").out
    for command in ("statement", "life"):
        assert "Last challenge: ●" in site("source", command, "lims").out
        assert site("source", command, "lims", "--json").json()["challenge"]["state"] == "arrived"
    assert site("challenge", "retire", "weekly", "--reason", "done").code == 0
    gone = site("challenge", "run", "weekly")
    assert (gone.code, "no challenge" in gone.err) == (1, True)
    assert site("verify").code == 0


def test_a_challenge_that_is_missed_or_refused_ends_with_1(site: Site) -> None:
    assert site(*_add(site, "--limit", "1s", name="missed")).code == 0
    missed = site("challenge", "run", "missed", "--wait", "--json")
    assert missed.code == 1
    assert [one["state"] for one in missed.json()["results"]] == ["missed"]
    assert "▲" in site("challenge", "history", "missed").out
    assert site(*_add(site, name="refused", statement="UPDATE sample SET note = :new WHERE id = 'NOBODY'")).code == 0
    refused = site("challenge", "run", "refused")
    assert (refused.code, "0 rows" in refused.out) == (1, True)


def test_by_hand_somebody_says_what_was_planted(site: Site) -> None:
    added = site(
        *("challenge", "add", "by-hand", "--source", SOURCE, "--reason", "a controller", "--every", "7d"),
        *("--object-id", "TEST", "--attribute", "Value", "--account", "operator1"),
    )
    assert added.code == 0, added.err
    assert "by hand" in site("challenge", "run", "by-hand").err
    now_us = SystemClock().now_us()
    target = {"type": "tag", "id": "TEST"}
    change = {"attribute": "Value", "old": "41", "new": "42"}
    told = msgspec.to_builtins(record("hand", SOURCE, occurred_at=source_time(now_us))) | {
        "object": target,
        "changes": [change],
    }
    site.file.write_bytes(msgspec.json.encode(told) + b"\n")
    assert site("append", site.file, "--source", SOURCE).code == 0
    said = site("challenge", "planted", "by-hand", "--new", "42", "--old", "41", "--at", utc_text(now_us))
    assert said.code == 0, said.err
    judged = site("challenge", "run", "--json")
    assert [one["state"] for one in judged.json()["results"] if one["challenge"] == "by-hand"] == ["arrived"]


def test_planters_are_told_and_there_is_none_for_controllers(site: Site) -> None:
    told = {one["type"] for one in trailseal("challenge", "planters", "--json").json()}
    assert {"opcua", "sql", "rest", "mqtt", "syslog", "folder"} <= told
    assert not {"modbus", "s7", "enip"} & told
    unknown = site(*(word.replace("sql", "modbus", 1) if word == "sql" else word for word in _add(site)))
    assert (unknown.code, "no planter 'modbus'" in unknown.err) == (1, True)
