"""A source is connected at the terminal: tried, shown, registered; a changed mapping is tried on what came before."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Site
from tests.cli.terminal import trailseal

MAPPING = """
name = "gate"
version = 1
title = "Gate log"
drivers = ["tail"]
lacks = ["reasons"]

[options]
format = "json"

[record]
id = { join = ["file.number", "file.offset"], by = "@" }
action = { path = "entry.event", map = { in = "login", out = "logout" } }
occurred_at = "entry.at"
actor = { account = "entry.user", kind = { text = "person" } }
object = { type = { text = "gate" }, id = { text = "north" } }
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "gate.jsonl"
    lines = [{"at": f"2026-11-2{day}T08:00:00Z", "event": "in", "user": f"op{day}"} for day in range(3)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "gate.toml"
    path.write_text(MAPPING)
    return path


def test_a_source_without_a_clock_is_shown_and_registered_by_its_mapping_alone(
    site: Site, log: Path, mapping: Path
) -> None:
    tried = site("source", "add", "gate1", "--mapping", mapping, "--option", f"path={log}", "--try")
    assert (tried.code, "Nothing was registered" in tried.out) == (0, True), tried.err
    assert "op2" in tried.out
    assert "cannot tell: reasons" in tried.out
    added = site("source", "add", "gate1", "--mapping", mapping, "--option", f"path={log}", "--json").json()
    unsaid = "its own version, schema or audit-trail setting: a change of it is not noticed"
    assert (added["lacks"], len(added["sample"]["submissions"])) == (["reasons", unsaid], 3)
    assert site("collect", "gate1", "--json").json()["collected"][0]["appended"] == 3
    assert site("verify").code == 0


def test_a_changed_mapping_is_tried_on_the_originals_that_the_ledger_holds(
    site: Site, log: Path, mapping: Path, tmp_path: Path
) -> None:
    assert site("source", "add", "gate2", "--mapping", mapping, "--option", f"path={log}").code == 0
    assert site("collect", "gate2").code == 0
    same = site("source", "try-mapping", "--source", "gate2", "--mapping", mapping, "--json").json()
    assert [one["same"] for one in same] == [True, True, True]
    other = tmp_path / "other.toml"
    other.write_text(MAPPING.replace("{ in = ", "{ never = ").replace("version = 1", "version = 2"))
    answer = site("source", "try-mapping", "--source", "gate2", "--mapping", other)
    assert (answer.code, answer.out.count("▲")) == (1, 3)
    line = tmp_path / "one.json"
    line.write_bytes(b'{"nothing": 1}')
    told = site("source", "try-mapping", "--type", "tail", "--mapping", mapping, "--file", line, "--json")
    assert (told.code, "reason" in told.json()[0]) == (1, True)


def test_templates_are_listed_and_shown() -> None:
    rows = {row["name"]: row for row in trailseal("source", "templates", "--json").json()}
    assert rows["redmine-issue-journals"]["was_run"]
    assert not rows["jira-changelog"]["was_run"]
    shown = trailseal("source", "templates", "redmine-issue-journals").out
    assert 'name = "redmine-issue-journals"' in shown
    assert trailseal("source", "templates", "nothing-such").code == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--mapping", "nothing-such"), "nothing-such"),
        ((), "--type"),
        (("--type", "tail", "--option", "path=/x"), "--mapping"),
        (("--type", "tryton", "--mapping", "redmine-issue-journals"), "Leave the mapping out"),
    ],
)
def test_what_is_missing_is_named(site: Site, arguments: tuple[str, ...], named: str) -> None:
    answer = site("source", "add", "gate3", *arguments)
    assert (answer.code, named in answer.err) == (1, True), answer.err
