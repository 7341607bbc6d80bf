"""D12: a result was changed after it was out of specification, verified, or released."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D12, Attributes, Pattern, Specified
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, connect, found, look, of, put, standing
from tests.support.seeds import SEED

RESULTS = D12(
    results=(Attributes(object_type="result", attributes=("assay",)),),
    verified=(Pattern(object_type="result", actions=(Action.APPROVE,)),),
    reopened=(Pattern(object_type="result", actions=(Action.REJECT,)),),
    out=(Pattern(object_type="result", attribute="status", values=("OOS",)),),
    specified=(Specified(attribute="assay", low="95", high="105"),),
    released=(Pattern(object_type="release", actions=(Action.APPROVE,)),),
    investigated=(Pattern(object_type="deviation", attribute="state", values=("approved",)),),
    grace_s=60,
)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    connect(ledger, erp=SystemClass.ERP, lims=SystemClass.LIMS, qms=SystemClass.QUALITY_SYSTEM)
    put(ledger, ParameterName.D12, RESULTS, source="lims")
    yield ledger
    ledger.close()


def linked(kind: LinkKind, *ids: str) -> tuple[Link, ...]:
    return tuple(Link(kind=kind, id=id_, basis=LinkBasis.READ) for id_ in ids)


def result(number: int, id_: str, new: str | None, old: str | None = None, action: Action = Action.UPDATE,
           **members: Any) -> Submission:  # fmt: skip
    """At second `number` the laboratory gave a result a value, or did something to it."""
    changes = () if new is None else (Change(attribute="assay", old=old, new=new),)
    links = members.pop("links", linked(LinkKind.BATCH, f"B-{id_}"))
    usual = {"object": Target(type="result", id=id_), "changes": changes, "links": links, "action": action}
    return submission(number, "lims", **(usual | members))


def release(number: int, batch: str) -> Submission:
    return submission(number, object=Target(type="release", id=batch), action=Action.APPROVE, changes=(),
                      links=linked(LinkKind.BATCH, batch))  # fmt: skip


def deviation(number: int, id_: str, state: str = "approved") -> Submission:
    return submission(number, "qms", object=Target(type="deviation", id=id_), links=(),
                      changes=(Change(attribute="state", new=state),))  # fmt: skip


def collected(ledger: Ledger, *told: Submission, until_s: int = 1_000, **run: Any) -> None:
    """What each system told; `run` is that of the quality system and of the ERP."""
    for source in ("qms", "erp", "lims"):
        of_it = [one for one in told if one.record.source == source]
        collect(ledger, of_it, until_s, source=source, **(run if source != "lims" else {}))


def test_what_was_changed_too_late_is_found_with_what_says_so(plant: Ledger) -> None:
    collected(
        plant,
        result(10, "A", "94.9", action=Action.CREATE),
        result(11, "A", "95", "94.9"),
        result(20, "B", "97", action=Action.CREATE),
        result(21, "B", None, action=Action.APPROVE),
        result(22, "B", "98", "97"),
        result(30, "C", "97", action=Action.CREATE),
        release(31, "B-C"),
        result(32, "C", "98", "97"),
        result(40, "D", None, changes=(Change(attribute="status", new="OOS"),)),
        result(41, "D", "99", "98"),
        result(50, "E", "99", "106"),
    )
    examined = of(look(plant), "D12")
    told = found(plant, "D12")
    assert [(one.detail[0], one.why, len(one.entries)) for one in told] == [
        ("A", "after-out", 2),
        ("B", "after-verification", 2),
        ("C", "after-release", 2),
        ("D", "after-out", 2),
        ("E", "after-out", 1),
    ]
    assert (examined.examined, examined.findings) == (5, 5)
    assert told[0].detail.startswith(f"A was changed by entry {told[0].anchor} after it was out of specification by")


def test_a_first_value_a_result_that_is_open_again_and_one_of_another_batch_are_none(plant: Ledger) -> None:
    collected(
        plant,
        result(10, "A", None, action=Action.APPROVE),
        result(11, "A", None, action=Action.REJECT),
        result(12, "A", "98", "97"),
        result(20, "B", None, action=Action.APPROVE),
        result(21, "B", "98"),
        release(30, "B-Z"),
        result(31, "C", "98", "97"),
        result(32, "C", None, action=Action.APPROVE),
        result(33, "C", None, changes=(Change(attribute="note", old="a", new="b"),)),
    )
    examined = of(look(plant), "D12")
    assert (examined.examined, examined.clear, found(plant, "D12")) == (2, 2, [])


def test_an_investigation_that_was_approved_before_explains_what_names_it(plant: Ledger) -> None:
    named: dict[str, Any] = {"links": linked(LinkKind.DEVIATION, "D-1")}
    collected(
        plant,
        deviation(10, "D-1", "open"),
        result(20, "A", "98", "90", **named),
        deviation(30, "D-1"),
        result(40, "A", "99", "90", **named),
        result(50, "A", "99", "90"),
    )
    examined = of(look(plant), "D12")
    assert (examined.explained, examined.findings) == (1, 2)


def test_a_verification_that_comes_late_opens_it_and_an_investigation_that_comes_late_closes_it(plant: Ledger) -> None:
    collected(plant, result(40, "A", "99", "98", links=linked(LinkKind.DEVIATION, "D-1")))
    assert of(look(plant), "D12").clear == 1
    collected(plant, result(20, "A", None, action=Action.APPROVE))
    assert of(look(plant), "D12").opened == 1
    collected(plant, deviation(30, "D-1"))
    assert (of(look(plant), "D12").closed, standing(plant, "D12")) == (1, set())


def test_a_release_that_comes_late_opens_it(plant: Ledger) -> None:
    collected(plant, result(40, "A", "99", "98"))
    assert of(look(plant), "D12").clear == 1
    collected(plant, release(30, "B-A"))
    assert of(look(plant), "D12").opened == 1


def test_it_waits_for_the_other_systems_and_where_one_was_away_it_cannot_be_said(plant: Ledger) -> None:
    named = linked(LinkKind.DEVIATION, "D-1")
    collected(plant, result(100, "A", "98", "90", links=named), result(110, "B", "98", "97"), until_s=105)
    collected(plant, result(111, "F", "98", "90"), until_s=105)
    examined = of(look(plant), "D12")
    assert (examined.pending, examined.findings) == (2, 1), "what names no deviation waits for nothing"
    collected(plant, until_s=161)
    examined = of(look(plant), "D12")
    assert (examined.clear, examined.opened) == (1, 1)
    away = Interval(after=utc_text(START_US + 295_000_000), before=utc_text(START_US + 310_000_000))
    collected(plant, result(300, "C", "98", "90", links=named), result(301, "D", "98", "97"), unreachable=(away,))
    examined = of(look(plant), "D12")
    assert [(one.input, one.records) for one in examined.lacking] == [("time-of-erp", 1), ("time-of-qms", 1)]


def test_clocks_that_overlap_put_nothing_in_order(plant: Ledger) -> None:
    off = Clock(offset_us=0, uncertainty_us=30_000_000, method="test", measured_at=utc_text(START_US))
    told = [
        msgspec.structs.replace(release(110, "B-A"), clock=off),
        result(100, "A", "98", "97"),
        result(200, "B", "98", "90", links=linked(LinkKind.DEVIATION, "D-1")),
        msgspec.structs.replace(deviation(210, "D-1"), clock=off),
    ]
    collected(plant, *told)
    assert (of(look(plant), "D12").unordered, found(plant, "D12")) == (2, [])


def test_without_the_parameter_nothing_can_be_said(plant: Ledger) -> None:
    connect(plant, lab=SystemClass.CHROMATOGRAPHY)
    collect(plant, [submission(1, "lab")], source="lab")
    assert [(one.input, one.records) for one in of(look(plant), "D12").lacking] == [("d12", 1)]


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    told = [result(number, "A", "97", "98") for number in range(10, 300, 20)]
    told += [result(number, "A", None, action=Action.APPROVE) for number in (55, 205)]
    told += [result(105, "A", None, action=Action.REJECT), release(265, "B-A")]
    Random(f"{SEED}:{order}").shuffle(told)
    for at in range(0, len(told), 4):
        collected(plant, *told[at : at + 4])
        look(plant)
    with plant.store.reader(1) as reader:
        bodies = [reader.entry(anchor).body or b"" for anchor in {one.anchor for one in found(plant, "D12")}]
    numbers = {int(msgspec.json.decode(body)["record"]["source_record_id"]) for body in bodies}
    assert numbers == {70, 90, *range(210, 300, 20)}
    assert len(standing(plant, "D12")) == len(numbers)
