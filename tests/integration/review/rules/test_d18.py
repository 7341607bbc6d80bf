"""D18: somebody approved what they did themselves."""

from typing import Any

import msgspec
import pytest

from ledger.core.record import Action, Actor, ActorKind, Submission, Target
from ledger.core.times import Clock
from tests.support.ledgers import Ledger, submission
from tests.support.ruling import account, collect, found, look, map_, of

pytestmark = pytest.mark.sampled


def did(number: int, who: str, action: Action, thing: str = "SOP-7", **members: Any) -> Submission:
    """At second `number` an account did something to a document."""
    actor = Actor(account=who, kind=members.pop("kind", ActorKind.PERSON))
    return submission(number, actor=actor, action=action, object=Target(type="document", id=thing), **members)


def test_the_same_person_by_another_account_is_found(ledger: Ledger) -> None:
    map_(ledger, account("anna", "P1"), account("anna.adm", "P1"), account("ben", "P2"))
    collect(
        ledger,
        [
            did(1, "anna", Action.CREATE),
            did(2, "ben", Action.UPDATE),
            did(3, "anna.adm", Action.APPROVE),
            did(4, "anna", Action.CREATE, "SOP-8"),
            did(5, "ben", Action.APPROVE, "SOP-8"),
        ],
    )
    examined = of(look(ledger), "D18")
    (one,) = found(ledger, "D18")
    assert (one.why, len(one.entries), one.anchor) == ("same-person", 2, max(one.entries))
    assert one.detail.startswith("SOP-7: entry ")
    assert (examined.examined, examined.clear, examined.findings) == (2, 1, 1)


def test_who_works_on_it_after_approving_and_what_a_service_did_is_no_finding(ledger: Ledger) -> None:
    map_(ledger, account("anna", "P1"), account("robot", "P1", ActorKind.SERVICE))
    collect(
        ledger,
        [
            did(1, "robot", Action.UPDATE, kind=ActorKind.SERVICE),
            did(2, "anna", Action.APPROVE),
            did(3, "anna", Action.UPDATE),
        ],
    )
    assert (of(look(ledger), "D18").clear, found(ledger, "D18")) == (1, [])


def test_work_that_comes_late_opens_it_and_a_map_that_is_corrected_closes_it(ledger: Ledger) -> None:
    map_(ledger, account("anna", "P1"), account("ben", "P1"))
    collect(ledger, [did(3, "anna", Action.APPROVE)])
    assert of(look(ledger), "D18").clear == 1
    collect(ledger, [did(1, "ben", Action.UPDATE)])
    assert (of(look(ledger), "D18").opened, len(found(ledger, "D18"))) == (1, 1)
    map_(ledger, account("ben", "P2"))
    assert (of(look(ledger), "D18").closed, found(ledger, "D18")) == (1, [])


def test_of_a_shared_account_and_of_clocks_that_overlap_it_cannot_be_said(ledger: Ledger) -> None:
    map_(ledger, account("anna", "P1"), account("team", None, shared=True))
    collect(ledger, [did(1, "anna", Action.UPDATE), did(2, "team", Action.APPROVE)])
    examined = of(look(ledger), "D18")
    assert [(one.input, one.records) for one in examined.lacking] == [("one-person", 1)]
    off = Clock(offset_us=0, uncertainty_us=60_000_000, method="test", measured_at="2026-11-25T07:00:00.000000Z")
    late = [did(11, "anna", Action.UPDATE, "SOP-9"), did(12, "anna", Action.APPROVE, "SOP-9")]
    collect(ledger, [msgspec.structs.replace(one, clock=off) for one in late])
    assert (of(look(ledger), "D18").unordered, found(ledger, "D18")) == (1, [])
