"""The regulation map at the terminal, without any ledger."""

import pytest

from ledger.regulation.reading import clauses
from tests.cli.terminal import trailseal


def test_the_map_lists_every_clause_with_its_standing_and_how_its_text_is_known() -> None:
    said = trailseal("doctor", "--regulation")
    assert (said.code, said.err) == (0, "")
    for clause in clauses():
        assert f" {clause.id} · " in said.out
        assert clause.text in said.out
    assert "not met yet" in said.out
    assert "its text was not read" in said.out
    assert "Text read on " in said.out


@pytest.mark.requirement("R02")
def test_the_map_is_one_document_of_json() -> None:
    answer = trailseal("doctor", "--regulation", "--json").json()
    listed = [one for document in answer["documents"] for one in document["clauses"]]
    assert [one["id"] for one in listed] == [one.id for one in clauses()]
    assert sum(answer["totals"].values()) == len(listed)
    assert {one["standing"] for one in listed} == answer["totals"].keys()


def test_one_clause_is_shown_by_its_id_or_its_number() -> None:
    answer = trailseal("doctor", "--regulation", "--clause", "R51", "--json").json()
    assert [(one["id"], len(one["clauses"])) for one in answer["documents"]] == [("annex-11-draft", 1)]
    said = trailseal("doctor", "--regulation", "--clause", "11.10(e)")
    assert [line.split(" · ")[0] for line in said.out.splitlines() if " · " in line] == ["▲ R06", "● R07", "● R08"]


def test_what_cannot_be_asked_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAILSEAL_LEDGER", raising=False)
    unknown = trailseal("doctor", "--regulation", "--clause", "R99")
    assert (unknown.code, unknown.out) == (1, "")
    assert "no clause 'R99'" in unknown.err
    alone = trailseal("doctor", "--clause", "R51")
    assert alone.code == 1
    assert "without --regulation" in alone.err
    nothing = trailseal("doctor")
    assert nothing.code == 1
    assert "--ledger DIR" in nothing.err
