"""At the terminal: a search for a person takes a purpose; reports, evaluations, erasures and notices are there."""

import csv
import io
from pathlib import Path

from tests.cli.conftest import filled


def test_a_search_for_a_person_takes_a_purpose_and_is_reported(tmp_path: Path) -> None:
    site = filled(tmp_path)
    refused = site("search", "--actor", "operator1", "--json")
    assert (refused.code, refused.out) == (1, "")
    assert "searches for a person" in refused.err
    assert "investigation" in refused.err
    assert site("trace", "person", "P-1").code == 1
    found = site("search", "--actor", "operator1", "--purpose", "investigation", "--json")
    assert found.code == 0
    assert site("trace", "person", "P-1", "--purpose", "own-request").code == 0
    report = site("privacy", "look-ups", "--json").json()
    assert [(one["purpose"], one["persons"]) for one in report] == [
        ("own-request", ["p-1"]),
        ("investigation", ["operator1"]),
    ]
    assert report[1]["count"] == len(found.json()["found"])
    assert "operator1 (Investigation;" in site("privacy", "look-ups", "--person", "Operator1").out
    assert site("verify").code == 0


def test_evaluations_are_listed_and_exported(tmp_path: Path) -> None:
    site = filled(tmp_path)
    listed = site("privacy", "evaluations", "--json").json()
    rows = list(csv.DictReader(io.StringIO(site("privacy", "evaluations", "--csv").out)))
    assert [row["evaluation"] for row in rows] == [one["evaluation"] for one in listed]
    assert [row["rule"] for row in rows] == [one["rule"] for one in listed]
    assert "lock-alert (on)" in site("privacy", "evaluations").out


def test_an_erasure_is_asked_for_at_the_terminal_and_its_answer_shown(tmp_path: Path) -> None:
    site = filled(tmp_path)
    assert site("privacy", "erasures", "--json").json() == []
    origin = site("show", "0", "--json").json()["address"].partition("#")[0]
    index = site("search", "--limit", "1", "--json").json()["found"][0]["index"]
    gone = site(
        *("privacy", "erase", f"{origin}#{index}", "object.name"),
        *("--ground", "objection", "--reason", "asked by letter"),
    )
    assert gone.code == 1
    assert "no sealed value" in gone.err
    assert site("privacy", "scrub").code == 0
    assert site("verify").code == 0


def test_notices_are_listed_and_nobody_is_told_who_is_not_there(tmp_path: Path) -> None:
    site = filled(tmp_path)
    assert site("notice", "list", "--json").json() == []
    assert site("notice", "key", "--json").json() == {"vkey": None}
    assert "nobody1" in site("notice", "test", "nobody1").err
