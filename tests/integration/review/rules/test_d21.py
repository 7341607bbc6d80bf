"""D21: something was deleted."""

from typing import Any

import pytest

from ledger.core.clock import utc_text
from ledger.core.record import Action, Actor, ActorKind, Interval, Link, LinkBasis, LinkKind, Outcome, Submission
from ledger.core.system_class import SystemClass
from ledger.review.exceptions.reading import findings
from tests.support.ledgers import RECORDS, SOURCE, START_US, Ledger, submission
from tests.support.ruling import account, collect, connect, entered, found, look, map_, of

pytestmark = pytest.mark.sampled


def acted(number: int, action: Action, who: str, *requests: str, source: str = SOURCE, **members: Any) -> Submission:
    """At second `number` an account did something that names these change requests."""
    links = tuple(Link(kind=LinkKind.CHANGE_REQUEST, id=one, basis=LinkBasis.READ) for one in requests)
    actor = members.pop("actor", Actor(account=who, kind=ActorKind.PERSON))
    return submission(number, source, action=action, actor=actor, links=links, changes=(), **members)


def test_a_deletion_that_nobody_approved_is_found(ledger: Ledger) -> None:
    collect(
        ledger,
        [
            acted(1, Action.DELETE, "anna"),
            acted(2, Action.DELETE, "anna", "CR-1"),
            acted(3, Action.APPROVE, "anna", "CR-2"),
            acted(4, Action.DELETE, "anna", "CR-2"),
            acted(5, Action.DELETE, "anna", "CR-3"),
            acted(6, Action.APPROVE, "ben", "CR-3"),
            acted(7, Action.DELETE, "anna", outcome=Outcome.DENIED),
        ],
    )
    examined = of(look(ledger), "D21")
    assert [one.why for one in found(ledger, "D21")] == [
        "no-change-request", "not-approved", "not-approved", "approved-later",
    ]  # fmt: skip
    assert (examined.examined, examined.findings) == (4, 4)


def test_one_that_somebody_else_approved_before_is_explained(ledger: Ledger) -> None:
    collect(ledger, [acted(1, Action.APPROVE, "ben", "CR-1"), acted(2, Action.DELETE, "anna", "CR-1")])
    assert (of(look(ledger), "D21").explained, found(ledger, "D21")) == (1, [])


def test_an_approval_that_comes_late_closes_it(ledger: Ledger) -> None:
    collect(ledger, [acted(5, Action.DELETE, "anna", "CR-1")])
    assert of(look(ledger), "D21").opened == 1
    collect(ledger, [acted(1, Action.APPROVE, "ben", "CR-1")])
    ran = of(look(ledger), "D21")
    assert (ran.closed, ran.explained, found(ledger, "D21")) == (1, 1, [])


def test_one_that_stands_on_other_grounds_tells_these_by_another_entry_whatever_came_first(ledger: Ledger) -> None:
    deletion, approval = acted(5, Action.DELETE, "anna", "CR-1"), acted(9, Action.APPROVE, "ben", "CR-1")
    collect(ledger, [deletion])
    look(ledger)
    (before,) = found(ledger, "D21")
    with ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
    collect(ledger, [approval])
    ran = of(look(ledger), "D21")
    first, after = found(ledger, "D21")
    assert first == before
    assert (before.why, after.why, ran.opened, ran.closed) == ("not-approved", "approved-later", 0, 0)
    assert (after.key, after.anchor, after.entries) == (before.key, before.anchor, before.entries)
    assert "approved only afterwards" in after.detail
    with ledger.store.reader(RECORDS) as reader:
        then, now = (findings(reader.connection, RECORDS, at, "D21", at_us=0) for at in (size, reader.head().size))
    assert [[(one.key, one.why) for one in told] for told in (then, now)] == [
        [(after.key, "not-approved")], [(after.key, "approved-later")],
    ]  # fmt: skip

    collect(ledger, [deletion, approval, acted(11, Action.READ, "ben", "CR-1")])
    look(ledger)
    assert len([one for one in entered(ledger) if one.rule == "D21"]) == 2, "nothing is told again"
    collect(ledger, [acted(19, Action.APPROVE, "ben", "CR-2")])
    collect(ledger, [acted(15, Action.DELETE, "anna", "CR-2")])
    look(ledger)
    assert [one.why for one in found(ledger, "D21")] == ["not-approved", "approved-later", "approved-later"]

    collect(ledger, [acted(1, Action.APPROVE, "cora", "CR-1")])
    assert of(look(ledger), "D21").closed == 1
    assert [one.entries != after.entries for one in found(ledger, "D21")] == [True]


def test_at_one_moment_it_cannot_be_ordered(ledger: Ledger) -> None:
    collect(
        ledger,
        [
            acted(1, Action.DELETE, "anna", "CR-1"),
            submission(
                "other",
                action=Action.APPROVE,
                actor=Actor(account="ben", kind=ActorKind.PERSON),
                links=(Link(kind=LinkKind.CHANGE_REQUEST, id="CR-1", basis=LinkBasis.READ),),
                occurred_at=acted(1, Action.DELETE, "anna").record.occurred_at,
                changes=(),
            ),
        ],
    )
    assert (of(look(ledger), "D21").unordered, found(ledger, "D21")) == (1, [])


def test_another_account_of_the_same_person_is_not_somebody_else(ledger: Ledger) -> None:
    ledger.register("qms")
    map_(ledger, account("anna", "P1"), account("team", None, shared=True))
    map_(ledger, *(account(name, person, source="qms") for name, person in (("a.smith", "P1"), ("ben", "P2"))))
    robot = Actor(account="purge", kind=ActorKind.SERVICE)
    people = [Actor(account=name, kind=ActorKind.PERSON) for name in ("anna", "anna", "team")]
    collect(ledger, [acted(number, Action.DELETE, "", f"CR-{number}", actor=actor)
                     for number, actor in enumerate((*people, robot), 5)])  # fmt: skip
    collect(ledger, [acted(number, Action.APPROVE, who, f"CR-{number + 4}", source="qms")
                     for number, who in enumerate(("a.smith", "ben", "ben", "ben"), 1)], source="qms")  # fmt: skip
    examined = of(look(ledger), "D21")
    (one,) = found(ledger, "D21")
    assert (one.why, "was deleted by entry" in one.detail) == ("not-approved", True)
    assert examined.explained == 2, "of somebody else, and of a service"
    assert [(one.input, one.records) for one in examined.lacking] == [("one-person", 1)]
    map_(ledger, account("a.smith", "P3", source="qms"))
    assert (of(look(ledger), "D21").closed, found(ledger, "D21")) == (1, []), "the map was wrong"


def test_that_nobody_approved_it_is_said_once_that_can_be_known(ledger: Ledger) -> None:
    connect(ledger, qms=SystemClass.QUALITY_SYSTEM)
    collect(ledger, [acted(100, Action.DELETE, "anna", "CR-1"), acted(101, Action.DELETE, "anna")])
    collect(ledger, [], 50, source="qms")
    examined = of(look(ledger), "D21")
    assert (examined.pending, [one.why for one in found(ledger, "D21")]) == (1, ["no-change-request"])
    away = Interval(after=utc_text(START_US + 150_000_000), before=utc_text(START_US + 250_000_000))
    collect(ledger, [], 300, source="qms", unreachable=(away,))
    assert (of(look(ledger), "D21").opened, found(ledger, "D21")[-1].why) == (1, "not-approved")
    collect(ledger, [acted(200, Action.DELETE, "anna", "CR-2")])
    examined = of(look(ledger), "D21")
    assert [(one.input, one.records) for one in examined.lacking] == [("time-of-qms", 1)]
    assert examined.opened == 0
