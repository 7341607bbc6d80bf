"""D07: a clock was set, or ran backwards while the source's own numbers went on."""

from typing import Any

import pytest

from ledger.core.parameters import Limits, ParameterName, SequencePolicy
from ledger.core.parameters import Sequence as Numbering
from ledger.core.record import Action, Actor, ActorKind, Submission
from ledger.core.times import Basis, Precision, SourceTime
from tests.support.ledgers import START_US, Ledger, source_time, submission
from tests.support.ruling import collect, found, look, of, put

pytestmark = pytest.mark.sampled


def numbered(number: int, second: float, **members: Any) -> Submission:
    """The source's record of that number, written down at that second by its clock."""
    at = source_time(START_US + int(second * 1_000_000))
    return submission(number, source_sequence=f"A-{number}", source_recorded_at=at, **members)


def test_a_clock_that_ran_backwards_or_was_set_is_found(ledger: Ledger) -> None:
    by_hand = submission("set", action=Action.TIME_CHANGE, changes=())
    collect(ledger, [numbered(1, 10), numbered(2, 20), numbered(3, 15.5), numbered(4, 16), by_hand])
    examined = of(look(ledger), "D07")
    backwards, was_set = found(ledger, "D07")
    assert (backwards.why, len(backwards.entries), was_set.why) == ("runs-backwards", 2, "clock-set")
    assert "number 3, entry" in backwards.detail
    assert "4.500 s before that of number 2" in backwards.detail
    assert (examined.examined, examined.findings) == (5, 2)


def test_time_synchronisation_tolerance_and_a_counter_that_begins_again_are_none(ledger: Ledger) -> None:
    service = Actor(account="ntp", kind=ActorKind.SERVICE)
    put(ledger, ParameterName.LIMITS, Limits(late_s=60, clock_tolerance_ms=2_000))
    collect(ledger, [numbered(1, 10), numbered(2, 8.5), submission("sync", action=Action.TIME_CHANGE, actor=service)])
    examined = of(look(ledger), "D07")
    assert (examined.explained, examined.clear, found(ledger, "D07")) == (1, 2, [])
    put(ledger, ParameterName.SEQUENCE, Numbering(policy=SequencePolicy.EVERY, wraps=256))
    collect(ledger, [numbered(3, 1)])
    assert (of(look(ledger), "D07").findings, found(ledger, "D07")) == (0, [])


def test_a_number_that_comes_late_opens_one_and_closes_another(ledger: Ledger) -> None:
    collect(ledger, [numbered(1, 10), numbered(3, 5)])
    look(ledger)
    (first,) = found(ledger, "D07")
    collect(ledger, [numbered(2, 4)])
    ran = of(look(ledger), "D07")
    (second,) = found(ledger, "D07")
    assert (ran.opened, ran.closed, first.key != second.key) == (1, 1, True)
    assert "number 2, entry" in second.detail


def test_a_number_that_comes_late_opens_one_at_the_number_after_it(ledger: Ledger) -> None:
    collect(ledger, [numbered(1, 10), numbered(3, 12)])
    assert (of(look(ledger), "D07").clear, found(ledger, "D07")) == (2, [])
    collect(ledger, [numbered(2, 15)])
    assert of(look(ledger), "D07").opened == 1
    (one,) = found(ledger, "D07")
    assert "number 3, entry" in one.detail


def test_what_bears_no_number_is_not_examined(ledger: Ledger) -> None:
    collect(ledger, [submission(1), submission(2, source_recorded_at=source_time(START_US))])
    assert of(look(ledger), "D07").examined == 0


def test_of_a_number_whose_time_names_no_instant_it_cannot_be_said(ledger: Ledger) -> None:
    local = SourceTime(text="2026-10-25 02:30", precision=Precision.MINUTE, basis=Basis.NONE)
    unread = submission(2, source_sequence="A-2", occurred_at=local)
    collect(ledger, [numbered(1, 20), unread, numbered(3, 10), numbered(4, 11)])
    examined = of(look(ledger), "D07")
    assert [(one.input, one.records) for one in examined.lacking] == [("occurred-time", 2)], "and of the next one"
    assert (examined.clear, examined.findings) == (2, 0)
