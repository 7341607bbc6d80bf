"""D13: a test failed and then passed, and no investigation was opened before."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D13, Pattern, Replicates, Specified
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, connect, found, look, of, put, standing
from tests.support.seeds import SEED

VALUE = D13(
    results=(Pattern(object_type="result", actions=(Action.CREATE,)),),
    opened=(Pattern(object_type="oos", actions=(Action.CREATE,)),),
    closed=(Pattern(object_type="oos", attribute="state", values=("closed",)),),
    verdict="state",
    failed=("OOS",),
    passed=("pass",),
    specified=(Specified(attribute="assay", low="95", high="105"), Specified(attribute="purity", low="99")),
    investigated_test="of",
    replicates=(Replicates(test="purity", many=3),),
    back_s=400,
    grace_s=60,
)
OFF = Clock(offset_us=0, uncertainty_us=30_000_000, method="test", measured_at=utc_text(START_US))


def prepared(ledger: Ledger) -> Ledger:
    connect(ledger, cds=SystemClass.CHROMATOGRAPHY, lims=SystemClass.LIMS, qms=SystemClass.QUALITY_SYSTEM)
    for source in ("cds", "lims"):
        put(ledger, ParameterName.D13, VALUE, source=source)
    return ledger


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = prepared(new_ledger(tmp_path / "ledger"))
    yield ledger
    ledger.close()


def result(number: int, lot: str, value: str, test: str = "assay", source: str = "lims", **members: Any) -> Submission:
    """At second `number` a test of a lot had that result, of a sample of its own."""
    links = tuple(
        Link(kind=kind, id=id_, basis=LinkBasis.READ)
        for kind, id_ in ((LinkKind.BATCH, lot), (LinkKind.DEVIATION, members.pop("deviation", None)))
        if id_
    )
    usual: dict[str, Any] = {"object": Target(type="result", id=f"{source}-{number}"), "action": Action.CREATE,
                             "changes": (Change(attribute=test, new=value),), "links": links}  # fmt: skip
    return submission(number, source, **(usual | members))


def oos(number: int, id_: str, lot: str | None = None, action: Action = Action.CREATE, **said: str) -> Submission:
    """At second `number` the quality system told of an investigation."""
    links = () if lot is None else (Link(kind=LinkKind.BATCH, id=lot, basis=LinkBasis.READ),)
    changes = tuple(Change(attribute=name, new=value) for name, value in said.items())
    return submission(number, "qms", object=Target(type="oos", id=id_), action=action, links=links, changes=changes)


def collected(ledger: Ledger, *told: Submission, until_s: int = 1_000, away: tuple[Interval, ...] = ()) -> None:
    for source in ("qms", "cds", "lims"):
        mine = [one for one in told if one.record.source == source]
        collect(ledger, mine, until_s, source=source, unreachable=away if source == "qms" else ())


def retested(ledger: Ledger) -> set[str]:
    """The lots of which a test was found to have passed after it failed."""
    return {one.detail.partition(":")[0] for one in found(ledger, "D13")}


def test_a_pass_after_a_failure_is_found_with_both_on_either_database(ledger: Ledger) -> None:
    plant = prepared(ledger)
    collected(
        plant,
        result(10, "A", "94.9"),
        result(20, "A", "97"),
        result(30, "A", "98"),
        result(40, "B", "106", source="cds"),
        result(50, "B", "101"),
        result(60, "C", "OOS", "state"),
        result(70, "C", "pass", "state"),
        result(80, "D", "94"),
    )
    examined = of(look(plant), "D13")
    told = found(plant, "D13")
    assert {(one.detail[0], one.why, len(one.entries)) for one in told} == {(lot, "retested", 2) for lot in "ABC"}
    assert told[0].detail.startswith("A: assay failed by entry ")
    assert (examined.examined, examined.clear, examined.findings) == (4, 1, 3), "of A the second pass follows a pass"
    assert look(plant).entry is None, "nothing came since"


def test_other_lots_other_tests_the_same_result_and_what_is_long_ago_are_none(plant: Ledger) -> None:
    same: dict[str, Any] = {"object": Target(type="result", id="lims-30")}
    collected(
        plant,
        result(10, "A", "94"),
        result(20, "B", "97"),
        result(25, "A", "99.5", "purity"),
        result(30, "C", "94"),
        result(40, "C", "97", **same),
        result(50, "D", "94"),
        result(451, "D", "97"),
        result(60, "E", "94"),
        result(460, "E", "97"),
        result(70, "F", "94"),
        result(80, "F", "97", action=Action.READ),
    )
    examined = of(look(plant), "D13")
    assert (examined.clear, examined.findings, retested(plant)) == (4, 1, {"E"})


def test_replicates_that_the_method_takes_together_explain_it(plant: Ledger) -> None:
    told = [result(number, "A", value, "purity") for number, value in ((10, "98"), (20, "99"), (30, "98"), (40, "99"))]
    collected(plant, *told, *(result(number, "A", "97", "purity", "cds") for number in (15, 16)))
    examined = of(look(plant), "D13")
    (one,) = found(plant, "D13")
    assert (examined.explained, examined.findings) == (1, 1)
    assert f"passed by entry {one.anchor};" in one.detail


def test_an_investigation_that_was_opened_before_explains_it(plant: Ledger) -> None:
    collected(
        plant,
        result(10, "A", "94"),
        oos(15, "O-A", "A"),
        result(20, "A", "97"),
        result(10, "B", "94", source="cds"),
        oos(25, "O-B", "B"),
        result(20, "B", "97"),
        oos(5, "O-C", "C"),
        oos(8, "O-C", action=Action.UPDATE, state="closed"),
        result(11, "C", "94"),
        result(21, "C", "97"),
        result(12, "D", "94"),
        oos(15, "O-D"),
        result(22, "D", "97", deviation="O-D"),
        result(13, "E", "94"),
        oos(15, "O-E", "E", of="purity"),
        result(23, "E", "97"),
        result(14, "F", "94"),
        oos(16, "O-F", "F", of="assay"),
        oos(17, "O-F", action=Action.UPDATE, state="closed"),
        result(24, "F", "97"),
        oos(5, "O-G", "G"),
        result(19, "G", "94"),
        result(29, "G", "97"),
    )
    examined = of(look(plant), "D13")
    assert retested(plant) == {"B", "C", "E"}, "too late; closed before it failed; of another test"
    assert (examined.explained, examined.findings) == (4, 3)


def test_a_failure_that_comes_late_opens_it_and_an_investigation_or_a_pass_that_comes_late_closes_it(
    plant: Ledger,
) -> None:
    collected(plant, result(50, "A", "97"), result(60, "B", "97"))
    assert of(look(plant), "D13").clear == 2
    collected(plant, result(20, "A", "94", source="cds"), result(30, "B", "94"))
    assert (of(look(plant), "D13").opened, retested(plant)) == (2, {"A", "B"})
    collected(plant, oos(25, "O-A", "A"))
    assert (of(look(plant), "D13").closed, retested(plant)) == (1, {"B"})
    collected(plant, result(40, "B", "98"))
    examined = of(look(plant), "D13")
    assert (examined.closed, examined.opened, retested(plant)) == (1, 1, {"B"}), "the pass before is the one"
    assert look(plant).entry is None


def test_an_end_of_an_investigation_that_comes_late_opens_it(plant: Ledger) -> None:
    collected(plant, oos(10, "O-A", "A"), result(20, "A", "94"), result(30, "A", "97"))
    assert (of(look(plant), "D13").explained, retested(plant)) == (1, set())
    collected(plant, oos(15, "O-A", action=Action.UPDATE, state="closed"))
    assert (of(look(plant), "D13").opened, retested(plant)) == (1, {"A"})


def test_it_waits_for_the_quality_system_and_where_that_was_away_it_cannot_be_said(plant: Ledger) -> None:
    collected(plant, result(100, "A", "94"), result(110, "A", "97"), until_s=165)
    assert (of(look(plant), "D13").pending, found(plant, "D13")) == (1, [])
    collected(plant, until_s=171)
    assert of(look(plant), "D13").opened == 1
    away = Interval(after=utc_text(START_US + 305_000_000), before=utc_text(START_US + 306_000_000))
    collected(plant, result(300, "B", "94"), result(310, "B", "97"), away=(away,))
    assert [(one.input, one.records) for one in of(look(plant), "D13").lacking] == [("time-of-qms", 1)]


def test_what_names_no_lot_or_what_nobody_said_of_is_not_assessable(plant: Ledger) -> None:
    connect(plant, lab=SystemClass.LIMS)
    collect(plant, [result(1, "A", "97", source="lab")], source="lab")
    put(plant, ParameterName.D13, msgspec.structs.replace(VALUE, test="name"), source="cds")
    collected(plant, result(2, "", "97"), result(3, "A", "97", source="cds"))
    lacking = [(one.input, one.records) for one in of(look(plant), "D13").lacking]
    assert lacking == [("d13", 1), ("link-batch", 1), ("test", 1)]


def test_without_a_quality_system_it_says_so(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        connect(ledger, cds=SystemClass.CHROMATOGRAPHY, lims=SystemClass.LIMS)
        put(ledger, ParameterName.D13, VALUE, source="lims")
        collect(ledger, [result(1, "A", "94"), result(2, "A", "97")], source="lims")
        lacking = of(look(ledger), "D13").lacking
        assert [(one.input, one.records) for one in lacking] == [("no-quality-system", 1)]
    finally:
        ledger.close()


def test_clocks_that_overlap_put_nothing_in_order(plant: Ledger) -> None:
    collected(
        plant,
        result(100, "A", "94"),
        msgspec.structs.replace(result(110, "A", "97", source="cds"), clock=OFF),
        result(200, "B", "94"),
        msgspec.structs.replace(oos(290, "O-B", "B"), clock=OFF),
        result(300, "B", "97"),
        msgspec.structs.replace(result(500, "C", "98", "purity"), clock=OFF),
        *(result(number, "C", value, "purity") for number, value in ((480, "98"), (501, "98"), (502, "99"))),
    )
    assert (of(look(plant), "D13").unordered, found(plant, "D13")) == (3, [])


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    told = [result(number, "A", "94") for number in range(10, 300, 40)]
    told += [result(number, "A", "97") for number in range(20, 300, 20)]
    told += [oos(15, "O-1", "A"), oos(135, "O-2", "A"), oos(185, "O-1", action=Action.UPDATE, state="closed"),
             oos(205, "O-2", action=Action.UPDATE, state="closed")]  # fmt: skip
    Random(f"{SEED}:{order}").shuffle(told)
    for at in range(0, len(told), 4):
        collected(plant, *told[at : at + 4])
        look(plant)
    with plant.store.reader(1) as reader:
        bodies = [reader.entry(one.anchor).body or b"" for one in found(plant, "D13")]
    numbers = sorted(int(msgspec.json.decode(body)["record"]["source_record_id"]) for body in bodies)
    assert numbers == [220, 260], "until then one of the two was open"
    assert len(standing(plant, "D13")) == len(numbers)
