"""D15: a run that belongs to no sample, or a result that no run stands behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Submission, Target
from ledger.core.rule_parameters import D15, Pattern
from ledger.core.system_class import SystemClass
from tests.support.ledgers import START_US, Ledger, new_ledger, submission
from tests.support.ruling import collect, connect, found, look, of, put

VALUE = D15(
    runs=(Pattern(object_type="injection", actions=(Action.EXECUTE,)),),
    tests=(Pattern(object_type="test"),),
    results=(Pattern(object_type="result"),),
    calibrations=(Pattern(object_type="injection", attribute="kind", values=("calibration",)),),
    back_s=5,
    grace_s=60,
)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    connect(ledger, cds=SystemClass.CHROMATOGRAPHY, lims=SystemClass.LIMS)
    for source in ("cds", "lims"):
        put(ledger, ParameterName.D15, VALUE, source=source)
    yield ledger
    ledger.close()


def told(number: int, source: str, type_: str, *samples: str, action: Action = Action.EXECUTE,
         kind: str = "") -> Submission:  # fmt: skip
    """At second `number` a system told of something of these samples."""
    links = tuple(Link(kind=LinkKind.SAMPLE, id=one, basis=LinkBasis.READ) for one in samples)
    changes = () if not kind else (Change(attribute="kind", new=kind),)
    return submission(number, source, object=Target(type=type_, id=f"{type_}-{number}"), action=action, links=links,
                      changes=changes)  # fmt: skip


def collected(ledger: Ledger, *records: Submission, until_s: int = 1_000, away: tuple[Interval, ...] = ()) -> None:
    for source in ("cds", "lims"):
        mine = [one for one in records if one.record.source == source]
        collect(ledger, mine, until_s, source=source, unreachable=away if source == "lims" else ())


def test_a_run_and_a_result_without_a_partner_are_found_and_a_calibration_is_explained(plant: Ledger) -> None:
    collected(
        plant,
        told(10, "lims", "test", "S1"),
        told(20, "cds", "injection", "S1"),
        told(30, "lims", "result", "S1"),
        told(40, "cds", "injection", "S2"),
        told(50, "cds", "injection"),
        told(60, "cds", "injection", "S3", kind="calibration"),
        told(70, "lims", "result", "S4"),
        told(80, "cds", "injection", "S5", action=Action.READ),
    )
    examined = of(look(plant), "D15")
    assert {(one.why, one.detail.split(":")[0]) for one in found(plant, "D15")} == {
        ("no-test", "injection-40"),
        ("no-sample", "injection-50"),
        ("no-raw-data", "result-70"),
    }
    assert (examined.examined, examined.clear, examined.explained, examined.findings) == (6, 2, 1, 3)


def test_it_waits_for_the_other_system_and_a_partner_that_comes_late_closes_it(plant: Ledger) -> None:
    collected(plant, told(100, "cds", "injection", "S1"), until_s=150)
    assert of(look(plant), "D15").pending == 1
    collected(plant, until_s=161)
    assert (of(look(plant), "D15").opened, [one.why for one in found(plant, "D15")]) == (1, ["no-test"])
    collected(plant, told(95, "lims", "test", "S1"))
    assert (of(look(plant), "D15").closed, found(plant, "D15")) == (1, [])


def test_where_the_other_system_was_away_or_nobody_said_what_a_run_is_it_cannot_be_said(plant: Ledger) -> None:
    connect(plant, balance=SystemClass.INSTRUMENT)
    collect(plant, [told(1, "balance", "weighing")], source="balance")
    away = Interval(after=utc_text(START_US + 97_000_000), before=utc_text(START_US + 98_000_000))
    collected(plant, told(100, "cds", "injection", "S1"), told(200, "cds", "injection", "S1"), away=(away,))
    examined = of(look(plant), "D15")
    assert [(one.input, one.records) for one in examined.lacking] == [("d15", 1), ("time-of-lims", 1)]
    assert len(found(plant, "D15")) == 1
