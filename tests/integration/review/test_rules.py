"""Runs of the rules: what they find depends on what the log has, not on the order in which it came."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core import canonical
from ledger.core.clock import utc_text
from ledger.core.errors import Conflict
from ledger.core.hashing import b64
from ledger.core.record import Interval, Submission
from ledger.core.run import Gap
from ledger.core.times import Clock
from ledger.findings.kinds import RuleEvent
from ledger.review.exceptions.left import newest
from ledger.review.known.reach import LEAST_US, Reach
from ledger.store.rebuild import rebuild
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger
from tests.support.ruling import change, collect, entered, look, of, standing
from tests.support.sampled import one_in
from tests.support.seeds import SEED

pytestmark = pytest.mark.sampled


def test_a_value_that_changed_unseen_is_found_with_both_records_and_once(ledger: Ledger) -> None:
    collect(ledger, [change(1, "50", "51"), change(2, "51", "52"), change(3, "58", "53")])
    ran = look(ledger)
    (found,) = entered(ledger)
    assert (found.rule, found.event, found.why, len(found.entries)) == ("D11", RuleEvent.OPENED, "value-differs", 2)
    assert found.detail.startswith("TIC101.SP Value: was 58 by entry")
    assert found.anchor == max(found.entries)
    d11 = of(ran, "D11")
    assert (d11.examined, d11.clear, d11.findings, d11.opened) == (3, 2, 1, 1)
    assert look(ledger).entry is None, "nothing came since"
    collect(ledger, [change(4, "53", "54")])
    assert (of(look(ledger), "D11").opened, len(entered(ledger))) == (0, 1), "and it is not found anew"
    assert ledger.service.verifier.run(ledger.service.record_log().log, full=True).holds


@pytest.mark.parametrize(
    ("last", "run"),
    [
        (change(3, "58", "53", gap=True), {}),
        (
            change(3, "58", "53"),
            {
                "gaps": (
                    Gap(
                        subject="TIC101.SP",
                        reason="its memory was full",
                        between=Interval(after=utc_text(START_US + 1_500_000), before=utc_text(START_US + 1_800_000)),
                    ),
                )
            },
        ),
    ],
    ids=["between the looks", "in the collection"],
)
def test_a_gap_that_is_on_record_explains_it(ledger: Ledger, last: Submission, run: dict[str, Any]) -> None:
    collect(ledger, [change(1, "50", "51"), last], **run)
    d11 = of(look(ledger), "D11")
    assert (d11.explained, d11.findings) == (1, 0)
    assert entered(ledger) == []


def test_what_comes_late_closes_it(ledger: Ledger) -> None:
    collect(ledger, [change(1, "50", "51"), change(3, "52", "53")])
    look(ledger)
    (opened,) = entered(ledger)
    collect(ledger, [change(2, "51", "52")])
    ran = look(ledger)
    assert [(one.event, one.key) for one in entered(ledger)] == [
        (RuleEvent.OPENED, opened.key),
        (RuleEvent.CLOSED, opened.key),
    ]
    assert (of(ran, "D11").closed, standing(ledger, "D11")) == (1, set())


def test_what_comes_late_opens_one_at_a_record_that_was_clear(ledger: Ledger) -> None:
    collect(ledger, [change(1, "50", "51"), change(3, "51", "53")])
    assert (of(look(ledger), "D11").clear, entered(ledger)) == (2, [])
    collect(ledger, [change(2, "51", "60")])
    assert of(look(ledger), "D11").opened == 1
    (opened,) = entered(ledger)
    assert "was 51 by entry" in opened.detail
    assert opened.anchor == min(opened.entries), "what was there already, not what came late"


def test_what_cannot_be_compared_is_counted_with_what_is_lacking(ledger: Ledger) -> None:
    collect(ledger, [change(1, "50", msgspec.UNSET), change(2, "51", "52")])
    d11 = of(look(ledger), "D11")
    assert [(one.input, one.records) for one in d11.lacking] == [("previous-value", 1)]
    assert (d11.examined, d11.clear, d11.findings) == (2, 1, 0)


def test_what_a_source_did_not_reach_yet_waits_and_is_said_once_it_does(ledger: Ledger) -> None:
    collect(ledger, [change(1, "50", "51"), change(9, "58", "59")], until_s=5)
    assert (of(look(ledger), "D11").pending, entered(ledger)) == (1, [])
    collect(ledger, [], until_s=8)
    assert (of(look(ledger), "D11").pending, entered(ledger)) == (1, []), "it does not reach it yet"
    collect(ledger, [], until_s=20)
    ran = look(ledger)
    assert (of(ran, "D11").opened, len(entered(ledger))) == (1, 1)


def test_how_far_a_clock_may_be_off_is_left_to_the_runs_after(ledger: Ledger) -> None:
    vague = Clock(offset_us=0, uncertainty_us=7_200_000_000, method="test", measured_at=utc_text(START_US))
    collect(ledger, [msgspec.structs.replace(change(9_000, "50", "51"), clock=vague)], 20_000)
    assert of(look(ledger), "D11").clear == 1
    collect(ledger, [change(2_000, "51", "52")], 20_000)
    assert of(look(ledger), "D11").unordered == 2, "either may have been first"
    with ledger.store.reading() as connection:
        reach = Reach(newest(connection, RECORDS).reach)
    day = 86_400_000_000
    assert 7_200_000_000 <= reach.over(SOURCE, START_US, START_US) <= 2 * 7_200_000_000, "of both runs"
    assert reach.over(SOURCE, START_US + 3 * day, START_US + 3 * day) == LEAST_US


def orders(count: int) -> Iterable[int]:
    return one_in(4, range(count))


@pytest.mark.parametrize("order", orders(12))
def test_the_same_is_found_in_any_order_of_arrival_and_nothing_twice(ledger: Ledger, order: int) -> None:
    rng, value, steps, broken = Random(f"{SEED}:steps"), 0, [], 0
    for number in range(1, 40):
        old = value
        if rng.random() < 0.2:
            old, broken = value + 100, broken + (number > 1)
        value = number
        steps.append(change(number, str(old), str(value)))
    Random(f"{SEED}:{order}").shuffle(steps)
    parts = Random(order).choice((1, 3, 13))
    for at in range(0, len(steps), -(-len(steps) // parts)):
        collect(ledger, steps[at : at + -(-len(steps) // parts)])
        if order % 2:
            look(ledger)
    look(ledger)
    found = standing(ledger, "D11")
    assert len(found) == broken > 3
    opened = {one.key for one in entered(ledger) if one.event is RuleEvent.OPENED}
    assert found <= opened
    assert found == by_hand(steps), (SEED, order)
    rebuild(ledger.store, ledger.owner_url, ["rule-finding", "rule-run"])
    assert standing(ledger, "D11") == found


def by_hand(steps: Sequence[Submission]) -> set[str]:
    """What the rule would name, made by hand."""
    found, before = set(), None
    for one in sorted(steps, key=lambda step: int(step.record.source_record_id)):
        if before is not None and one.record.changes[0].old != before.record.changes[0].new:
            ids = sorted([record.source, record.source_record_id] for record in (before.record, one.record))
            found.add(b64(sha256(canonical.dumps(["D11", 1, ids])).digest()))
        before = one
    return found


def test_of_two_runs_at_once_one_is_entered(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    collect(ledger, [change(1, "50", "51"), change(2, "60", "61")])
    rules, appended = ledger.service.quality.rules, ledger.store.append
    log = ledger.service.record_log().log

    def other_first(number: int, batch: Any) -> Any:
        monkeypatch.undo()
        rules.run(log, AUTHORITY)
        return appended(number, batch)

    monkeypatch.setattr(ledger.store, "append", other_first)
    with pytest.raises(Conflict, match="meanwhile"):
        rules.run(log, AUTHORITY)
    assert len(entered(ledger)) == 1
