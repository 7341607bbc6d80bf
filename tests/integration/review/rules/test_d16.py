"""D16: a signature is earlier than the event that it attests, or of an event that never was."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D16, Attestation, Pattern
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, connect, found, look, map_, of, place, put, standing
from tests.support.seeds import SEED

SIGNED = D16(
    attestations=(
        Attestation(
            signed=(Pattern(object_type="clearance", actions=(Action.APPROVE,)),),
            event=(Pattern(object_type="cleaning", actions=(Action.EXECUTE,)),),
            since=(Pattern(object_type="step", actions=(Action.START,)),),
        ),
        Attestation(
            signed=(Pattern(object_type="step", actions=(Action.SIGN,)),),
            event=(Pattern(object_type="phase", actions=(Action.STOP,)),),
            link=LinkKind.ORDER,
        ),
    ),
    within_s=100,
    grace_s=60,
)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    connect(ledger, erp=SystemClass.MES, plc=SystemClass.PLC)
    put(ledger, ParameterName.D16, SIGNED)
    map_(ledger, place("R-1", "R-1"), place("R-1", "R-1", source="plc"), place("R-2", "R-2", source="plc"))
    yield ledger
    ledger.close()


def did(number: int, type_: str, action: Action, id_: str = "R-1", order: str | None = None) -> Submission:
    """At second `number` the execution system told of it, or of a cleaning or a phase the controller."""
    source = "plc" if type_ in ("cleaning", "phase") else "erp"
    links = () if order is None else (Link(kind=LinkKind.ORDER, id=order, basis=LinkBasis.READ),)
    return submission(number, source, object=Target(type=type_, id=id_), action=action, changes=(), links=links)


def cleaned(number: int, id_: str = "R-1") -> Submission:
    return did(number, "cleaning", Action.EXECUTE, id_)


def cleared(number: int, id_: str = "R-1") -> Submission:
    return did(number, "clearance", Action.APPROVE, id_)


def collected(ledger: Ledger, *told: Submission, until_s: int = 1_000, **run: Any) -> None:
    """What each system told; `run` is that of the controller."""
    for source in ("plc", "erp"):
        of_it = [one for one in told if one.record.source == source]
        collect(ledger, of_it, until_s, source=source, **(run if source == "plc" else {}))


def test_what_was_signed_too_early_or_never_happened_is_found_with_what_it_rests_on(plant: Ledger) -> None:
    collected(plant, cleared(200), cleaned(230), cleared(400), cleaned(410, "R-2"), cleaned(550), cleared(640))
    examined = of(look(plant), "D16")
    early, never = found(plant, "D16")
    assert (early.why, len(early.entries), early.anchor) == ("signed-before", 2, max(early.entries))
    assert (never.why, never.entries) == ("never-happened", (never.anchor,))
    assert never.detail == f"clearance R-1: what entry {never.anchor} signs never happened"
    assert (examined.examined, examined.clear, examined.findings) == (3, 1, 2)


def test_what_happened_long_before_or_before_it_was_used_again_does_not_count(plant: Ledger) -> None:
    collected(
        plant, cleaned(200), cleared(299), cleared(301), did(350, "step", Action.START), cleaned(340), cleared(360)
    )
    assert of(look(plant), "D16").clear == 1
    assert [one.why for one in found(plant, "D16")] == ["signed-before", "never-happened"]


def test_what_both_are_of_may_be_an_order(plant: Ledger) -> None:
    signed, done = ("step", Action.SIGN, "S-1"), ("phase", Action.STOP, "P-1")
    collected(plant, did(200, *done, "O-1"), did(210, *signed, "O-1"), did(220, *signed, "O-2"), did(230, *signed))
    examined = of(look(plant), "D16")
    assert (examined.clear, examined.findings) == (1, 1)
    assert [(one.input, one.records) for one in examined.lacking] == [("link-order", 1)]


def test_an_event_that_comes_late_closes_it_and_a_use_that_comes_late_opens_it(plant: Ledger) -> None:
    collected(plant, cleared(200))
    assert of(look(plant), "D16").opened == 1
    collected(plant, cleaned(150))
    assert of(look(plant), "D16").closed == 1
    collected(plant, did(180, "step", Action.START))
    assert (of(look(plant), "D16").opened, len(standing(plant, "D16"))) == (1, 1)


def test_clocks_that_overlap_put_nothing_in_order(plant: Ledger) -> None:
    off = Clock(offset_us=0, uncertainty_us=30_000_000, method="test", measured_at=utc_text(START_US))
    use = did(380, "step", Action.START)
    collected(plant, cleared(200), msgspec.structs.replace(cleaned(220), clock=off))
    collected(plant, cleaned(370), msgspec.structs.replace(use, clock=off), cleared(450))
    assert (of(look(plant), "D16").unordered, found(plant, "D16")) == (2, [])


def test_it_waits_for_the_controller_and_where_that_was_away_it_cannot_be_said(plant: Ledger) -> None:
    collected(plant, cleared(200), until_s=250)
    assert (of(look(plant), "D16").pending, found(plant, "D16")) == (1, []), "the grace is not over"
    collected(plant, until_s=261)
    assert of(look(plant), "D16").opened == 1
    away = Interval(after=utc_text(START_US + 300_000_000), before=utc_text(START_US + 310_000_000))
    collected(plant, cleared(405), unreachable=(away,))
    examined = of(look(plant), "D16")
    assert [(one.input, one.records) for one in examined.lacking] == [("time-of-plc", 1)]


def test_what_is_lacking_is_named(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        connect(ledger, erp=SystemClass.MES, plc=SystemClass.PLC)
        collect(ledger, [cleared(200), did(210, "order", Action.UPDATE)])
        assert [(one.input, one.records) for one in of(look(ledger), "D16").lacking] == [("d16", 1)]
        put(ledger, ParameterName.D16, SIGNED)
        assert [(one.input, one.records) for one in of(look(ledger), "D16").lacking] == [("asset-map", 1)]
    finally:
        ledger.close()


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    told = [cleared(number) for number in range(200, 800, 50)] + [cleaned(number) for number in (190, 420, 580, 630)]
    told += [did(number, "step", Action.START) for number in (230, 460, 590)]
    by_hand = {200, 450, 650, 700}
    Random(f"{SEED}:{order}").shuffle(told)
    for at in range(0, len(told), 5):
        collected(plant, *told[at : at + 5])
        look(plant)
    with plant.store.reader(1) as reader:
        bodies = [reader.entry(anchor).body or b"" for anchor in {one.anchor for one in found(plant, "D16")}]
    numbers = {int(msgspec.json.decode(body)["record"]["source_record_id"]) for body in bodies}
    assert numbers == set(range(200, 800, 50)) - by_hand
    assert len(standing(plant, "D16")) == len(numbers)
