"""D04: a shared, generic or unknown account acted on critical equipment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.core.record import Action, Actor, ActorKind, Submission, Target
from tests.support.ledgers import Ledger, new_ledger, submission
from tests.support.ruling import account, collect, found, look, map_, of, place

TAG = "TIC101.SP"


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    yield ledger
    ledger.close()


def by(number: int, who: str | None, kind: ActorKind = ActorKind.PERSON, **members: Any) -> Submission:
    return submission(number, actor=Actor(account=who, kind=kind), **members)


def test_an_account_that_is_no_single_person_s_is_found_on_critical_equipment(alone: Ledger) -> None:
    map_(alone, account("anna", "P1"), account("console", None, shared=True), account("left", None), place(TAG, "R-1"))
    collect(alone, [by(1, "anna"), by(2, "console"), by(3, "left"), by(4, "nobody"), by(5, None, ActorKind.UNKNOWN)])
    examined = of(look(alone), "D04")
    told = [(one.why, one.detail.partition(", in entry")[0]) for one in found(alone, "D04")]
    assert told == [
        ("shared-account", "TIC101.SP: console is shared"),
        ("inactive", "TIC101.SP: left was nobody's then"),
        ("unmapped", "TIC101.SP: nobody is nobody's by the identity map"),
        ("unmapped", "TIC101.SP: no account is nobody's by the identity map"),
    ]
    assert (examined.examined, examined.clear) == (5, 1)


def test_a_service_with_a_purpose_explains_it_and_what_is_not_critical_or_only_looked_at_is_none(alone: Ledger) -> None:
    map_(alone, account("batch", "S1", ActorKind.SERVICE), place(TAG, "R-1"), place("X", "R-2", critical=False))
    elsewhere = Target(type="tag", id="X")
    collect(
        alone,
        [
            by(1, "batch", ActorKind.SERVICE),
            by(2, "nobody", action=Action.READ, changes=()),
            by(3, "nobody", object=elsewhere),
        ],
    )
    examined = of(look(alone), "D04")
    assert (examined.examined, examined.explained, examined.clear, found(alone, "D04")) == (2, 1, 1, [])


def test_a_line_of_the_map_that_comes_late_closes_it(alone: Ledger) -> None:
    map_(alone, account("ben", "P2"), place(TAG, "R-1"))
    collect(alone, [by(1, "anna")])
    assert of(look(alone), "D04").opened == 1
    map_(alone, account("anna", "P1"))
    assert (of(look(alone), "D04").closed, found(alone, "D04")) == (1, [])


def test_without_an_identity_map_of_the_source_nothing_can_be_said(alone: Ledger) -> None:
    map_(alone, place(TAG, "R-1"))
    collect(alone, [by(1, "console")])
    examined = of(look(alone), "D04")
    assert [(one.input, one.records) for one in examined.lacking] == [("identity-map", 1)]
