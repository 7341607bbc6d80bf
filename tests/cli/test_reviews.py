"""`trailseal review`: by somebody who signs in for it, with what is refused."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from ledger.core.clock import utc_text
from ledger.core.record import Change
from ledger.core.source import SourceConfig
from ledger.core.workflow import Step
from ledger.service import Service
from tests.cli.terminal import Answer, trailseal
from tests.support.changing import approve, set_route
from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.ledgers import AUTHORITY, START_US, batch, submission
from tests.support.signers import Plant

BEHIND_S = -15 * 60.0
WHY = "the controller was restored from a backup in the night"
BATCH = "B-2026-00042"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """Three records of a batch, of which a rule finds something about the last two."""
    made = founded(tmp_path_factory.mktemp("reviews") / "ledger", REVIEWER, APPROVER, ahead_s=BEHIND_S)
    made.service.sources.register(SourceConfig(id="erp", type="test", title="ERP"), AUTHORITY)
    changes = [Change(attribute="X", old=old, new=new) for old, new in (("1", "2"), ("2", "3"), ("9", "4"))]
    told = [submission(at, "erp", changes=(one,)) for at, one in enumerate(changes, start=1)]
    told.append(submission(4, "erp", changes=(Change(attribute="Y", old="1", new="2"),)))
    made.service.ingest.submit(batch(told, "erp", ended_at="2027-01-01T00:00:00.000000Z"), AUTHORITY)
    made.service.quality.rules.run(made.service.record_log().log, AUTHORITY)
    set_route(made, "review", Step(step="approve", role="approver", meaning="approved"))
    yield made
    made.close()


@pytest.fixture
def at(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs a command on the plant's ledger, by the plant's clock; whoever acts types what is theirs."""
    monkeypatch.setattr("ledger.cli.ledgers.Service", partial(Service, clock=plant.clock))

    def run(*arguments: Any, who: str | None = None) -> Answer:
        def typed(words: str, **_options: Any) -> str:
            signer = plant.people[who or ""]
            return signer.password if words.startswith("Password") else signer.code()

        monkeypatch.setattr("typer.prompt", typed)
        named = () if who is None else ("--as", who)
        return trailseal(*map(str, arguments), *named, "--ledger", plant.service.folder)

    return run


def refused(answer: Answer, said: str) -> bool:
    assert said in answer.err, answer.out + answer.err
    return answer.code == 1


def test_a_review_at_the_terminal_from_its_plan_to_the_answer(plant: Plant, at: Callable[..., Answer]) -> None:
    assert "no plan is set yet" in at("review", "plans").out
    assert "no list is set yet" in at("review", "contributing-lists").out
    assert "no review was opened" in at("review", "list").out
    unknown = at("review", "answer", "B-none")
    assert (unknown.code, "unknown" in unknown.out) == (1, True)
    plan = ("review", "plan", "batch", "--title", "Batch", "--scope", "batch", "--route", "review", "--reason", "SOP 7")
    assert refused(at(*plan, "--sample", "much", who="approver1"), "names no depth")
    made = at(*plan, "--sample", "1=1", "--change-request", "CR-1", "--json", who="approver1")
    assert made.code == 0, made.err
    approve(plant, made.json()["index"], "records")
    lines = ("review", "contributing", "MES", "--reason", "SOP 7", "--change-request", "CR-2", "--json")
    approve(plant, at(*lines, who="approver1").json()["index"], "records")
    assert "Batch: batch, signed by review; from risk 1 1" in at("review", "plans").out
    assert "all other products: MES" in at("review", "contributing-lists").out

    opening = ("review", "open", "batch", "--reason", "the batch is done")
    assert refused(at(*opening, "--batch", "B-none", who="reviewer1"), "there is nothing to review")
    assert refused(at(*opening, "--batch", BATCH, who="approver1"), "no grant with scope 'review'")
    opened = at(*opening, "--batch", BATCH, "--json", who="reviewer1")
    assert opened.code == 0, opened.err
    review = opened.json()["review"]
    assert f"batch {BATCH}, 4 records" in at("review", "list").out
    first, drawn = opened.json()["left"]
    assert f"to be looked at: {first}, {drawn}" in at("review", "list").out
    shown = at("review", "show", review).out
    assert "rests on no rule, as none is validated: each record is looked at" in shown
    assert "erp tag: 2 of 2 drawn (no risk is set: as the highest, 2 as no validated rule can judge them)" in shown
    conclude = ("review", "conclude", review, "--reason", "all of it was looked at")
    assert refused(at(*conclude, who="reviewer1"), "nobody has judged or deferred")
    (found,) = at("rules", "findings", "--rule", "D11", "--json").json()
    until = utc_text(START_US * 2)
    wait = ("review", "defer", found["key"], "--batch", BATCH, "--until", until, "--scope", WHY, "--risk", WHY)
    assert refused(at(*wait, who="reviewer1"), "is critical: it cannot be deferred")
    assert "nothing is deferred" in at("review", "deferrals").out
    judge = ("review", "judge", found["key"], "--reason", WHY, "--judgement", "explained")
    assert at(*judge, who="reviewer1").code == 0
    assert refused(at("review", "look", review, 0, "--reason", WHY, who="reviewer1"), "entry 0 is not of the sample")
    assert at("review", "look", review, first, "--reason", WHY, who="reviewer1").code == 0
    missed = at("review", "miss", review, drawn, "--what", "it names no recipe", "--rule", "D10", who="reviewer1")
    assert missed.code == 0, missed.err
    assert refused(at(*conclude, who="reviewer1"), "MES contributed nothing")
    reason = at("review", "reason", review, "MES", "--reason", "this route has no step in it", who="reviewer1")
    assert reason.code == 0, reason.err
    assert "concluded in entry" in at(*conclude, who="reviewer1").out
    assert refused(at(*conclude, who="reviewer1"), f"review {review} was concluded by entry")
    shown = at("review", "show", review).out
    assert "MES  not-connected: this route has no step in it" in shown
    assert ("D11  critical  explained" in shown, "is open" in shown) == (True, True)
    answer = at("review", "answer", BATCH)
    assert (answer.code, "open" in answer.out, "not-signed" in answer.out) == (1, True, True)
    late = at("review", "reconsider", review, "--reason", "the recipe is named on paper", who="reviewer1")
    assert refused(late, "nothing puts this review in question")


def test_a_finding_is_judged_by_who_may_and_what_was_said_before_is_shown(at: Callable[..., Answer]) -> None:
    (found,) = at("rules", "findings", "--rule", "D11", "--json").json()
    key = found["key"]
    assert key in at("rules", "findings", "--rule", "D11").out
    judge = ("review", "judge", key, "--reason", WHY, "--judgement")
    assert refused(at(*judge, "confirmed", who="officer1"), "no grant with scope 'review'")
    made = at(*judge, "confirmed", "--case", "restored", "--deviation", "DEV-7", "--json", who="reviewer1")
    assert made.code == 0, made.err
    assert made.json()["disposition"]["case"] == "restored"
    assert "explained  reviewer1" in at(*judge, "explained", who="reviewer1").out
    every = at("review", "judgements", "--finding", key).out
    assert "case restored, deviation DEV-7" in every
    assert every.count("(judged again since)") == every.count("reviewer1") - 1
    assert "confirmed" not in at("review", "judgements").out
    assert refused(at("review", "judge", "none", "--reason", WHY, "--judgement", "explained", who="reviewer1"), "none")
    raising = ("review", "raise", key, "--title", "Changed unseen", "--description", WHY)
    assert refused(at(*raising, who="reviewer1"), "no quality system is set")
    assert "no deviation was raised" in at("review", "deviations").out
