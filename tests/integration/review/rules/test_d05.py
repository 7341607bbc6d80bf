"""D05: one person at two places that are further apart than the time between allows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName, Travel
from ledger.core.record import Actor, ActorKind, Submission
from ledger.core.rule_parameters import D05
from ledger.core.times import Clock
from tests.support.ledgers import SOURCE, START_US, Ledger, new_ledger, submission
from tests.support.ruling import account, collect, found, look, map_, of, put

CLOCK = Clock(offset_us=0, uncertainty_us=1_000_000, method="test", measured_at=utc_text(START_US))


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    ledger.register("mes")
    for source in (SOURCE, "mes"):
        put(ledger, ParameterName.TRAVEL, Travel(pairs=(("HALL-1", "HALL-2", 120),)), source=source)
    put(ledger, ParameterName.D05, D05(remote=("vpn",)))
    map_(ledger, account("anna", "P1"), account("a.berg", "P1", source="mes"), account("ben", "P2"),
         account("carl", "P3"), account("team", None, shared=True))  # fmt: skip
    yield ledger
    ledger.close()


def seen(
    number: int, who: str, where: str, source: str = SOURCE, clock: Clock | None = CLOCK, **actor: Any
) -> Submission:
    person = Actor(account=who, kind=ActorKind.PERSON, workstation=where, **actor)
    return msgspec.structs.replace(submission(number, source, actor=person), clock=clock)


def test_a_person_at_two_places_by_whichever_account_is_found_and_who_had_the_time_is_not(plant: Ledger) -> None:
    went = [seen(300, "ben", "HALL-1"), seen(420, "ben", "HALL-2"), seen(500, "ben", "ELSEWHERE")]
    collect(plant, [seen(10, "anna", "HALL-1"), seen(20, "anna", "HALL-1"), seen(430, "anna", "HALL-2"), *went])
    collect(plant, [seen(90, "a.berg", "HALL-2", "mes")], source="mes")
    examined = of(look(plant), "D05")
    (one,) = found(plant, "D05")
    assert (one.why, len(one.entries)) == ("two-places", 2)
    assert one.detail.startswith("a.berg was at HALL-1 by entry ")
    assert one.detail.endswith("at most 72 s later; the way takes 120 s")
    assert (examined.examined, examined.clear, examined.findings) == (7, 6, 1)


def test_work_from_afar_and_a_declared_delegation_explain_it(plant: Ledger) -> None:
    collect(plant, [seen(10, "anna", "HALL-1"), seen(20, "anna", "HALL-2", channel="vpn"),
                    seen(300, "ben", "HALL-1", on_behalf_of="carl"), seen(310, "ben", "HALL-2"),
                    seen(500, "carl", "HALL-1", channel="panel"), seen(510, "carl", "HALL-2")])  # fmt: skip
    examined = of(look(plant), "D05")
    assert (examined.explained, examined.findings) == (2, 1)


def test_what_comes_late_opens_it_and_a_map_that_is_corrected_closes_it(plant: Ledger) -> None:
    collect(plant, [seen(100, "anna", "HALL-1")])
    assert of(look(plant), "D05").clear == 1
    collect(plant, [seen(50, "a.berg", "HALL-2", "mes")], source="mes")
    assert (of(look(plant), "D05").opened, len(found(plant, "D05"))) == (1, 1)
    map_(plant, account("a.berg", "P9", source="mes"))
    assert (of(look(plant), "D05").closed, found(plant, "D05")) == (1, [])


def test_what_cannot_be_said(plant: Ledger) -> None:
    plant.register("lims")
    vague = msgspec.structs.replace(CLOCK, uncertainty_us=40_000_000)
    collect(plant, [seen(5, "team", "HALL-1"), seen(10, "anna", "HALL-1"), seen(300, "ben", "HALL-1"),
                    seen(400, "ben", "HALL-2", clock=vague)])  # fmt: skip
    collect(plant, [seen(50, "a.berg", "HALL-2", "mes", clock=None)], source="mes")
    collect(plant, [seen(5, "dora", "HALL-1", "lims")], source="lims")
    examined = of(look(plant), "D05")
    assert [(one.input, one.records) for one in examined.lacking] == [
        ("measured-clock", 1),
        ("one-person", 1),
        ("travel", 1),
    ]
    assert (examined.unordered, examined.findings) == (1, 0)
