"""How long a record is kept, from events alone: the longest of its subjects, for ever while a fact is missing."""

from datetime import UTC, datetime

import pytest

from ledger.core.record import LinkKind
from ledger.core.retention import (
    BUILT_IN,
    Fact,
    RetentionClass,
    RetentionEvent,
    Rule,
    Subject,
    Term,
    after,
    retained,
    rule_of,
    subjects_of,
)
from ledger.domains import assembly
from ledger.retention.kinds import end_of_day

A, B = Subject(kind=LinkKind.BATCH, id="A"), Subject(kind=LinkKind.BATCH, id="B")
EXPIRY, CERTIFIED = RetentionEvent.BATCH_EXPIRY, RetentionEvent.CERTIFICATION
BATCH = rule_of(RetentionClass.BATCH, {})


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def facts(**days: str) -> dict[tuple[Subject, RetentionEvent], Fact]:
    """`A_expiry="2026-01-31"`, …"""
    found = {}
    for entry, (name, day) in enumerate(days.items()):
        batch, event = name.split("_")
        subject = Subject(kind=LinkKind.BATCH, id=batch)
        found[subject, EXPIRY if event == "expiry" else CERTIFIED] = Fact(at_us=end_of_day(day), entry=entry)
    return found


@pytest.mark.parametrize(
    ("expiry", "certified", "until"),
    [("2030-03-31", "2026-01-15", "2031-04-01"), ("2026-06-30", "2026-01-15", "2031-01-16")],
)
def test_a_batch_is_kept_past_expiry_and_certification(expiry: str, certified: str, until: str) -> None:
    found = retained(BATCH, 0, [A], facts(A_expiry=expiry, A_certified=certified))
    assert found.until_us == us(until)
    assert found.facts == (0, 1)
    assert found.over(us(until))
    assert not found.over(us(until) - 1)
    assert not found.over(None), "no time is proven: nothing is over"


def test_a_record_of_several_batches_takes_the_longest() -> None:
    known = facts(A_expiry="2026-01-31", A_certified="2020-01-31", B_expiry="2029-01-31", B_certified="2020-01-31")
    assert retained(BATCH, 0, [A, B], known).until_us == us("2030-02-01")


def test_with_a_fact_missing_it_is_kept_whatever_else_is_known() -> None:
    known = facts(A_expiry="2001-01-31", A_certified="2001-01-31", B_expiry="2001-01-31")
    found = retained(BATCH, 0, [A, B], known)
    assert found.until_us is None
    assert [(one.event, one.subject) for one in found.missing] == [(CERTIFIED, B)]
    assert not found.over(2**62)
    alone = retained(BATCH, 0, [], known)
    assert alone.until_us is None, "a record of no batch has no fact to count from"
    assert {one.subject for one in alone.missing} == {None}


def test_what_has_no_terms_is_kept_for_ever() -> None:
    permanent = rule_of(RetentionClass.PERMANENT, {RetentionClass.PERMANENT: BATCH})
    assert retained(permanent, 0, [A], facts(A_expiry="2001-01-31", A_certified="2001-01-31")).until_us is None


def test_the_rule_confirmed_takes_the_place_of_the_built_in_one() -> None:
    own = Rule(retention=RetentionClass.OPERATIONAL, terms=(Term(event=RetentionEvent.LOGGED, years=2),), entry=7)
    assert rule_of(RetentionClass.OPERATIONAL, {RetentionClass.OPERATIONAL: own}) is own
    assert retained(own, us("2024-02-29"), [], {}).until_us == us("2026-02-28")
    assert rule_of(RetentionClass.OPERATIONAL, {}).terms == BUILT_IN[RetentionClass.OPERATIONAL]


def test_only_links_that_a_rule_counts_from_are_subjects() -> None:
    links = [(LinkKind.BATCH, "A"), (LinkKind.PERSON, "P"), (LinkKind.BATCH, "A"), (LinkKind.LOT, "L")]
    assert subjects_of(BATCH, links) == (A, Subject(kind=LinkKind.LOT, id="L"))


def test_a_period_beyond_the_calendar_ends_at_its_end() -> None:
    assert after(us("2026-01-31"), Term(event=EXPIRY, years=200, months=2400, days=73_000)) > us("2600-01-01")
    assert after(us("9998-12-31"), Term(event=EXPIRY, years=200)) >= us("9999-12-31")
    assert after(us("2026-01-31"), Term(event=EXPIRY, months=1)) == us("2026-02-28")


@pytest.mark.requirement("R08")
def test_every_kind_but_records_is_permanent() -> None:
    kinds, _ = assembly("sqlite")
    assert {kind.name for kind in kinds if kind.retention is not RetentionClass.PERMANENT} == {"record"}
