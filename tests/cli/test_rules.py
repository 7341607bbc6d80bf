"""`trailseal rules`: listed, run, and what they found; in words and as JSON."""

from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import SOURCE, Site, filled
from tests.support.trying import cases


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return filled(tmp_path_factory.mktemp("rules"))


def test_rules_are_listed_and_run_and_a_second_run_has_nothing_new(site: Site) -> None:
    assert "D11  version 1  shadow     critical  Broken value continuity" in site("rules", "list").out
    listed = {one["about"]["id"]: one for one in site("rules", "list", "--json").json()["rules"]}
    assert "No schedule runs them: set rules_minutes" in site("rules", "list").out
    first = site("rules", "run", "--json").json()
    assert [one["rule"] for one in first["rules"]] == sorted(listed)
    examined = next(one for one in first["rules"] if one["rule"] == "D11")
    assert examined["examined"] == sum(examined[name] for name in ("clear", "explained", "findings", "pending"))
    assert "nothing is new" in site("rules", "run").out
    (run,) = site("rules", "runs", "--json").json()
    assert (run["entry"], run["run"]["size"]) == (first["entry"], first["size"])
    assert f"D11  {examined['examined']} examined" in site("rules", "runs").out
    found = site("rules", "findings", "--json", "--all").json()
    assert len(found) == first_opened(first)
    assert ("nothing stands" in site("rules", "findings").out) is (not found)


def test_findings_are_looked_past_until_an_instant(site: Site) -> None:
    scope = ("D11", "--source", SOURCE, "--reason", "replaced")
    assert "a suppression ends" in site("rules", "suppress", *scope).err
    assert "is in force from" in site("rules", "suppress", *scope, "--until", "2020-01-01T00:00:00Z").err
    assert "nothing is suppressed" in site("rules", "suppressions").out
    site("rules", "suppress", *scope, "--from", "2029-01-01T00:00:00Z", "--until", "2029-02-01T00:00:00Z")
    (one,) = site("rules", "suppressions", "--json").json()
    assert (
        f"{one['entry']}  D11  {SOURCE}, all types, all objects: from 2029-01-01" in site("rules", "suppressions").out
    )
    assert site("rules", "suppress", *scope, "--revoke").code == 0
    assert "nothing is suppressed" in site("rules", "suppressions").out
    assert "has that scope" in site("rules", "suppress", *scope, "--revoke").err


def test_a_rule_is_tried_on_cases_of_a_file_and_put_out_of_use(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "cases.json"
    given = msgspec.to_builtins(cases())
    file.write_bytes(msgspec.json.encode(given))
    out = site("rules", "challenge", "D11", file, "--reason", "on site").out
    assert "shows what it should; not signed" in out
    assert "ok     changed unseen: finding (value-differs), expected finding" in out
    (made,) = site("rules", "challenges", "--rule", "D11", "--json").json()
    assert f"trailseal sign entries {made['entry']} --action rule --meaning verified" in out
    refused = site("rules", "state", "D11", "validated", "--challenge", str(made["entry"]), "--reason", "so")
    assert "nobody signed" in refused.err
    given[0]["expected"] = "clear"
    file.write_bytes(msgspec.json.encode(given))
    wrong = site("rules", "challenge", "D11", file, "--reason", "on site")
    assert wrong.code == 1
    assert "WRONG  changed unseen: finding (value-differs), expected clear" in wrong.out
    file.write_text('[{"name": "x", "expected": "so"}]')
    unread = site("rules", "challenge", "D11", file, "--reason", "so")
    assert (unread.code, "Invalid enum value 'so' - at `$[0].expected`" in unread.err) == (1, True), unread.err
    assert "no rule 'D99'" in site("rules", "state", "D99", "draft", "--reason", "so").err
    site("rules", "state", "D11", "retired", "--reason", "not here")
    assert "D11  version 1  retired" in site("rules", "list").out
    assert "D11  did not run: retired" in site("rules", "run").out


def test_the_past_is_looked_at_with_other_parameters(site: Site) -> None:
    supposed = '[{"name": "limits", "value": {"late_s": 0}}]'
    found = site("rules", "back-test", "D08", "--suppose", supposed, "--json").json()
    assert (found["rule"], found["opened"], len(found["differences"])) == ("D08", found["opened"], found["opened"])
    out = site("rules", "back-test", "D08", "--suppose", supposed).out
    assert f"{found['opened']} findings would be opened, 0 closed, 0 stay the same" in out
    refused = site("rules", "back-test", "D08", "--suppose", '[{"name": "limits", "value": {"late_s": -1}}]')
    assert "Expected `int` >= 0 - at `$.late_s`" in refused.err
    assert "no rule 'D99'" in site("rules", "back-test", "D99").err
    assert "D08 does not go by parameter available" in (
        site("rules", "back-test", "D08", "--suppose", '[{"name": "available", "value": {"seconds": 1}}]').err
    )
    assert "--suppose" in site("rules", "back-test", "D08", "--suppose", "[{}]").err


def test_what_came_of_the_rules_is_counted(site: Site) -> None:
    site("rules", "run")
    found = site("rules", "statistics", "--json").json()
    listed = site("rules", "findings", "--all", "--json").json()
    assert sum(one["flagged"] for one in found) == len(listed)
    out = site("rules", "statistics", "--period", "month").out
    assert all(one["rule"] in out for one in found)
    assert "nothing was flagged" in site("rules", "statistics", "--rule", "D99").out
    assert "is no day" in site("rules", "statistics", "--from", "soon").err


def first_opened(run: dict[str, list[dict[str, int]]]) -> int:
    return sum(one["opened"] for one in run["rules"])
