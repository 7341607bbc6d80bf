"""D21: something was deleted."""

from typing import Any

import pytest

from ledger.core.record import Action, Actor, ActorKind, Link, LinkBasis, LinkKind, Outcome, Submission
from tests.support.ledgers import Ledger, submission
from tests.support.ruling import collect, found, look, of

pytestmark = pytest.mark.sampled


def acted(number: int, action: Action, who: str, *requests: str, **members: Any) -> Submission:
    """At second `number` an account did something that names these change requests."""
    links = tuple(Link(kind=LinkKind.CHANGE_REQUEST, id=one, basis=LinkBasis.READ) for one in requests)
    actor = Actor(account=who, kind=ActorKind.PERSON)
    return submission(number, action=action, actor=actor, links=links, changes=(), **members)


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
