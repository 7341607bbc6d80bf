"""At the terminal: rules, facts, holds and disposals are there; who decides signs in."""

from pathlib import Path

import pytest

from tests.cli.conftest import filled


def test_rules_facts_and_plans_are_shown_and_nothing_is_decided_by_access_to_the_folder(tmp_path: Path) -> None:
    site = filled(tmp_path)
    assert "5 years after the batch's certification (built in)" in site("retention", "rules").out
    entered = site(
        "retention", "fact", "batch", "B-1", "certification", "2018-01-31", "--reason", "certificate 7", "--json"
    )
    assert entered.json()["index"] > 0
    assert "batch B-1: certification 2018-01-31" in site("retention", "facts").out
    assert site("retention", "fact", "batch", "B-1", "equipment-retired", "2018-01-31", "--reason", "x").code == 1
    stated = ("retention", "copy", "nightly", "--reason", "plan 4")
    assert site(*stated, "--sort", "backup", "--where", "vault 1", "--keeps-days", "90").code == 0
    assert "nightly: backup, vault 1: each copy is gone 90 days" in site("retention", "copies").out
    assert site(*stated, "--where", "vault 1").code == 1
    assert site(*stated, "--gone").code == 0
    assert site("retention", "copies", "--json").json() == []
    index = site("search", "--limit", "1", "--json").json()["found"][0]["index"]
    assert "Class: batch" in site("retention", "show", str(index)).out
    assert "Kept for ever" in site("retention", "show", "0").out
    plan = site("dispose", "plan", "--json").json()
    assert plan["total"] == 0
    assert "No witness or time-stamp vouches for any time yet" in site("dispose", "plan").out
    for command in (
        ("hold", "place", "claim-1", "--reason", "claim"),
        ("hold", "release", "claim-1", "--reason", "settled"),
        ("dispose", "request", "--reason", "over"),
        ("dispose", "approve", "none", "--reason", "seen"),
    ):
        refused = site(*command)
        assert refused.code == 1, command
        assert "signed in" in refused.err, command
    rule = ("retention", "propose", "batch", "--term", "certification=30y", "--reason", "law")
    assert "change request" in site(*rule).err
    assert "somebody who is known" in site(*rule, "--change-request", "CR-1").err
    assert site("dispose", "run", "none").code == 1
    assert site("hold", "list", "--json").json() == []
    assert site("dispose", "list", "--json").json() == []
    assert site("verify").code == 0


@pytest.mark.parametrize("option", [("--term", "certification"), ("--term", "nothing=1y"), ("--term", "logged=")])
def test_a_term_that_says_nothing_is_refused(tmp_path: Path, option: tuple[str, str]) -> None:
    refused = filled(tmp_path)("retention", "propose", "batch", *option, "--reason", "law")
    assert (refused.code, "EVENT=PERIOD" in refused.err) == (1, True)
