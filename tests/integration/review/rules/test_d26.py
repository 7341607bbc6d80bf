"""D26: somebody failed to sign in or to sign too often, or got in from a new place after failing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Actor, ActorKind, Outcome, Submission, Target
from ledger.core.rule_parameters import D26
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, found, look, of, put

OFF = Clock(offset_us=0, uncertainty_us=120_000_000, method="test", measured_at=utc_text(START_US))


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    put(ledger, ParameterName.D26, D26(failures=4, within_s=60, guesses=2))
    yield ledger
    ledger.close()


def door(number: int, who: str, action: Action = Action.LOGIN_FAILED, at: str = "HMI-1", **members: Any) -> Submission:
    """At second `number` an account stood before a terminal."""
    actor = Actor(account=who, kind=ActorKind.PERSON, workstation=at)
    usual: dict[str, Any] = {
        "actor": actor,
        "action": action,
        "object": Target(type="session", id=who),
        "changes": (),
        "links": (),
    }
    return submission(number, **(usual | members))


def test_too_many_failures_in_a_time_are_found_once_however_long_they_go_on(plant: Ledger) -> None:
    failed = [door(number, "anna") for number in (10, 20, 30, 40, 50, 60)]
    signing = [door(number, "ben", Action.SIGN, outcome=Outcome.FAILURE) for number in (101, 102, 103, 104)]
    slow = [door(number, "carl") for number in (200, 221, 242, 263, 284)]
    two = [door(number, who) for number, who in enumerate(("dora", "dora", "emil", "emil", "emil"), 300)]
    collect(plant, [*failed, *signing, *slow, *two])
    examined = of(look(plant), "D26")
    told = found(plant, "D26")
    assert [(one.why, len(one.entries), one.detail.split(" within")[0]) for one in told] == [
        ("repeated", 4, "anna failed 4 times"),
        ("repeated", 4, "ben failed 4 times"),
    ]
    assert (examined.examined, examined.findings, examined.clear) == (20, 2, 18)


def test_who_got_in_from_a_new_place_after_failing_is_found_and_who_was_there_before_is_not(plant: Ledger) -> None:
    before = [door(number, who, Action.LOGIN) for number, who in ((1, "anna"), (2, "ben"), (3, "carl"))]
    failed = [door(number, who) for who, number in (("anna", 20), ("anna", 21), ("ben", 30), ("carl", 41), ("dora", 50),
                                                    ("ben", 31), ("dora", 51))]  # fmt: skip
    after = [
        door(22, "anna", Action.LOGIN, at="OFFICE-9"),
        door(32, "ben", Action.LOGIN),
        door(42, "carl", Action.LOGIN, at="OFFICE-9"),
        door(52, "dora", Action.LOGIN),
        door(90, "anna", Action.LOGIN, at="OFFICE-9"),
    ]
    collect(plant, [*before, *failed, *after])
    examined = of(look(plant), "D26")
    (one,) = found(plant, "D26")
    assert (one.why, len(one.entries), one.anchor) == ("new-place", 3, max(one.entries))
    assert one.detail.startswith("anna failed 2 times and then signed in from OFFICE-9, new to it, by entry ")
    assert [(one.input, one.records) for one in examined.lacking] == [("earlier-sign-in", 1)], "dora was never there"


def test_what_comes_late_opens_and_closes_it(plant: Ledger) -> None:
    collect(plant, [door(10, "anna"), door(12, "anna"), door(13, "anna"), door(20, "ben"), door(21, "ben"),
                    door(22, "ben", Action.LOGIN, at="OFFICE-9")])  # fmt: skip
    assert (of(look(plant), "D26").findings, found(plant, "D26")) == (0, [])
    collect(plant, [door(11, "anna"), door(1, "ben", Action.LOGIN)])
    look(plant)
    assert [(one.why, one.detail.split(" ")[0]) for one in found(plant, "D26")] == [
        ("repeated", "anna"),
        ("new-place", "ben"),
    ]
    collect(plant, [door(2, "ben", Action.LOGIN, at="OFFICE-9")])
    assert (of(look(plant), "D26").closed, [one.why for one in found(plant, "D26")]) == (1, ["repeated"])


def test_a_denied_signature_is_found_and_without_the_parameter_or_with_clocks_that_overlap_nothing_is_said(
    plant: Ledger,
) -> None:
    unsure = [door(number, "anna") for number in (10, 11, 12, 13)]
    unsure[::2] = [msgspec.structs.replace(one, clock=OFF) for one in unsure[::2]]
    collect(plant, [*unsure, door(30, "ben", Action.APPROVE, outcome=Outcome.DENIED)])
    plant.register("dcs")
    other = door(1, "carl")
    collect(plant, [msgspec.structs.replace(other, record=msgspec.structs.replace(other.record, source="dcs"))],
            source="dcs")  # fmt: skip
    examined = of(look(plant), "D26")
    (one,) = found(plant, "D26")
    assert (one.why, one.detail.startswith("ben: ben was denied a signature")) == ("denied-signature", True)
    assert examined.unordered == 1
    assert [(one.input, one.records) for one in examined.lacking] == [("d26", 1)]
