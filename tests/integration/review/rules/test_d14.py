"""D14: a result was processed too often, by hand until it passed, or by a method that was changed meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D14, Pattern, Specified
from ledger.core.system_class import SystemClass
from ledger.core.times import Clock
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, connect, found, look, of, put, standing
from tests.support.seeds import SEED

VALUE = D14(
    versions=(Pattern(object_type="result", attribute="version"),),
    most=2,
    manual=(Pattern(object_type="result", attribute="integration", values=("manual",)),),
    verdict="state",
    failed=("fail",),
    passed=("pass",),
    specified=(Specified(attribute="assay", low="95", high="105"),),
    inhibited=(Pattern(object_type="method", attribute="inhibit", values=("on",)),),
    methods=(Pattern(object_type="method", attribute="threshold"),),
    standards=(Pattern(object_type="injection", attribute="kind", values=("standard",)),),
    samples=(Pattern(object_type="injection", attribute="kind", values=("sample",)),),
    within_s=100,
    approved=(
        Pattern(object_type="method", actions=(Action.APPROVE,)),
        Pattern(object_type="deviation", actions=(Action.APPROVE,)),
    ),
    grace_s=60,
)
OFF = Clock(offset_us=0, uncertainty_us=30_000_000, method="test", measured_at=utc_text(START_US))


def prepared(ledger: Ledger) -> Ledger:
    connect(ledger, cds=SystemClass.CHROMATOGRAPHY, cds2=SystemClass.CHROMATOGRAPHY, qms=SystemClass.QUALITY_SYSTEM)
    for source in ("cds", "cds2"):
        put(ledger, ParameterName.D14, VALUE, source=source)
    return ledger


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = prepared(new_ledger(tmp_path / "ledger"))
    yield ledger
    ledger.close()


def told(number: int, type_: str, id_: str, action: Action = Action.UPDATE, source: str = "cds", on: str | None = None,
         deviation: str | None = None, **said: str | tuple[str, str]) -> Submission:  # fmt: skip
    """At second `number` a system gave attributes of an object values; of two the first is the one before."""
    pairs = (LinkKind.EQUIPMENT, on), (LinkKind.DEVIATION, deviation)
    links = tuple(Link(kind=kind, id=one, basis=LinkBasis.READ) for kind, one in pairs if one)
    changes = tuple(
        Change(attribute=name, new=value)
        if isinstance(value, str)
        else Change(attribute=name, old=value[0], new=value[1])
        for name, value in said.items()
    )
    return submission(number, source, object=Target(type=type_, id=id_), action=action, links=links, changes=changes)


def result(number: int, id_: str, **said: Any) -> Submission:
    return told(number, "result", id_, **said)


def method(number: int, id_: str = "M1", on: str | None = "HPLC-1", **said: Any) -> Submission:
    return told(number, "method", id_, on=on, **({"threshold": "0.1"} | said))


def approved(number: int, id_: str, type_: str = "deviation", source: str = "qms") -> Submission:
    return told(number, type_, id_, Action.APPROVE, source)


def injected(number: int, kind: str, on: str = "HPLC-1", source: str = "cds") -> Submission:
    return told(number, "injection", f"I-{number}", Action.EXECUTE, source, on, kind=kind)


def unsure(one: Submission) -> Submission:
    return msgspec.structs.replace(one, clock=OFF)


def collected(ledger: Ledger, *records: Submission, until_s: int = 1_000, away: tuple[Interval, ...] = ()) -> None:
    for source in ("qms", "cds2", "cds"):
        mine = [one for one in records if one.record.source == source]
        collect(ledger, mine, until_s, source=source, unreachable=away if source == "qms" else ())


def whys(ledger: Ledger) -> list[tuple[str, str]]:
    """What was found, and why."""
    return sorted((one.detail.split(":")[0], one.why) for one in found(ledger, "D14"))


def test_each_sort_is_found_on_either_database(ledger: Ledger) -> None:
    plant = prepared(ledger)
    collected(
        plant,
        *(result(number, "R1", version=str(number)) for number in (10, 11, 12, 13)),
        *(result(number, "R2", version=str(number)) for number in (10 + 100, 11 + 100)),
        result(20, "R3", assay="94"),
        result(21, "R3", integration="manual", assay="97"),
        result(22, "R4", integration="manual", state=("fail", "pass")),
        result(30, "R5", state="fail"),
        result(31, "R5", integration="manual"),
        result(32, "R5", state="pass"),
        method(40, "M9", on=None, threshold="1", inhibit="on"),
        injected(50, "standard"),
        injected(55, "sample"),
        method(60),
        injected(65, "sample"),
    )
    examined = of(look(plant), "D14")
    assert whys(plant) == [
        ("M1", "method-changed"),
        ("M9", "inhibited"),
        *(("R1", "too-many-versions"),) * 2,
        ("R3", "integrated-to-pass"),
        ("R4", "integrated-to-pass"),
        ("R5", "integrated-to-pass"),
    ]
    sizes = {one.detail.split(":")[0]: len(one.entries) for one in found(plant, "D14")}
    assert sizes == {"M1": 3, "M9": 1, "R1": 3, "R3": 2, "R4": 1, "R5": 3}
    assert (examined.examined, examined.clear, examined.findings) == (11, 4, 7)
    assert look(plant).entry is None, "nothing came since"


def test_what_passed_before_or_fails_after_and_methods_that_no_sample_followed_are_none(plant: Ledger) -> None:
    collected(
        plant,
        result(20, "R1", assay="96"),
        result(21, "R1", integration="manual", assay="97"),
        result(22, "R2", integration="manual", assay=("94", "94.5")),
        result(23, "R2", assay="97"),
        result(30, "R3", assay="94"),
        result(31, "R3", assay="96"),
        result(32, "R3", integration="manual", assay="97"),
        result(33, "R4", integration="manual", assay="97"),
        result(34, "R5", integration="automatic", assay=("94", "97")),
        injected(40, "standard"),
        method(50),
        injected(55, "standard"),
        injected(56, "sample"),
        injected(60, "standard", on="HPLC-2"),
        method(61, "M2", on="HPLC-2"),
        injected(62, "sample", on="HPLC-3"),
        injected(70, "sample", on="HPLC-4"),
        method(71, "M3", on="HPLC-4"),
        injected(72, "sample", on="HPLC-4"),
        injected(200, "standard", on="HPLC-5"),
        method(301, "M4", on="HPLC-5"),
        injected(302, "sample", on="HPLC-5"),
    )
    examined = of(look(plant), "D14")
    assert (examined.clear, whys(plant)) == (8, [])


def test_an_approval_that_was_there_before_explains_it(plant: Ledger) -> None:
    collected(
        plant,
        approved(5, "D-1"),
        *(result(number, "R1", version="1", deviation="D-1" if number == 12 else None) for number in (10, 11, 12, 13)),
        result(22, "R2", integration="manual", assay=("94", "97"), deviation="D-1"),
        result(23, "R3", integration="manual", assay=("94", "97"), deviation="D-2"),
        approved(24, "D-2"),
        injected(50, "standard"),
        method(60),
        told(62, "method", "M1", Action.APPROVE),
        injected(65, "sample"),
        injected(70, "standard", on="HPLC-2"),
        method(71, "M2", on="HPLC-2"),
        injected(72, "sample", on="HPLC-2"),
        told(73, "method", "M2", Action.APPROVE),
    )
    examined = of(look(plant), "D14")
    assert whys(plant) == [("M2", "method-changed"), ("R1", "too-many-versions"), ("R3", "integrated-to-pass")]
    assert (examined.explained, examined.findings) == (3, 3)


def test_what_comes_late_opens_and_closes_it(plant: Ledger) -> None:
    collected(plant, *(result(number, "R1", version="1") for number in (10, 12)),
              result(21, "R2", integration="manual", assay="97", deviation="D-1"),
              method(60), injected(65, "sample"))  # fmt: skip
    assert of(look(plant), "D14").clear == 4
    collected(plant, result(11, "R1", version="1"), result(20, "R2", assay="94"), injected(50, "standard"))
    assert of(look(plant), "D14").opened == 3
    collected(plant, approved(15, "D-1"), injected(61, "standard"))
    assert (of(look(plant), "D14").closed, whys(plant)) == (2, [("R1", "too-many-versions")])
    assert look(plant).entry is None


def test_it_waits_for_approvals_and_samples_and_where_a_system_was_away_it_cannot_be_said(plant: Ledger) -> None:
    collected(plant, injected(90, "standard"), method(100), until_s=150)
    collected(plant, result(110, "R1", integration="manual", assay=("94", "97"), deviation="D-1"), until_s=150)
    assert (of(look(plant), "D14").pending, whys(plant)) == (2, [])
    collected(plant, until_s=171)
    assert (of(look(plant), "D14").pending, whys(plant)) == (1, [("R1", "integrated-to-pass")])
    collected(plant, until_s=201)
    assert of(look(plant), "D14").clear == 1
    away = (Interval(after=utc_text(START_US + 305_000_000), before=utc_text(START_US + 306_000_000)),)
    collected(plant, result(300, "R2", integration="manual", assay=("94", "97"), deviation="D-2"), away=away)
    assert [(one.input, one.records) for one in of(look(plant), "D14").lacking] == [("time-of-qms", 1)]


def test_what_cannot_be_said(plant: Ledger) -> None:
    connect(plant, other=SystemClass.CHROMATOGRAPHY)
    collect(plant, [told(1, "result", "R1", source="other", version="1")], source="other")
    collected(plant, method(2, on=None))
    lacking = [(one.input, one.records) for one in of(look(plant), "D14").lacking]
    assert lacking == [("d14", 1), ("link-equipment", 1)]


def test_without_a_chromatography_system_it_says_so(tmp_path: Path) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    try:
        collect(ledger, [submission(1)])
        lacking = of(look(ledger), "D14").lacking
        assert [(one.input, one.records) for one in lacking] == [("no-chromatography", 0)]
    finally:
        ledger.close()


def test_clocks_that_overlap_put_nothing_in_order(plant: Ledger) -> None:
    collected(
        plant,
        injected(40, "standard"),
        unsure(injected(65, "sample", source="cds2")),
        method(60),
        result(200, "R1", assay="94"),
        unsure(result(210, "R1", integration="manual")),
        result(211, "R1", assay="97"),
        unsure(approved(290, "D-1")),
        result(300, "R2", integration="manual", assay=("94", "97"), deviation="D-1"),
    )
    assert (of(look(plant), "D14").unordered, whys(plant)) == (3, [])


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    records = [result(number, "R1", version="1") for number in range(10, 60, 10)]
    records += [method(number) for number in range(100, 300, 20)]
    records += [injected(95, "standard"), injected(150, "sample"), injected(235, "standard"), injected(290, "sample")]
    records += [result(number, "R2", assay=value) for number, value in ((305, "94"), (325, "97"), (345, "94"))]
    records += [result(number, "R2", integration="manual") for number in (310, 330, 350)]
    Random(f"{SEED}:{order}").shuffle(records)
    for begin in range(0, len(records), 5):
        collected(plant, *records[begin : begin + 5])
        look(plant)
    with plant.store.reader(1) as reader:
        bodies = [reader.entry(one.anchor).body or b"" for one in found(plant, "D14")]
    numbers = sorted(int(msgspec.json.decode(body)["record"]["source_record_id"]) for body in bodies)
    assert numbers == [30, 40, 50, 100, 120, 140, 240, 260, 280, 310]
    assert len(standing(plant, "D14")) == len(numbers)
