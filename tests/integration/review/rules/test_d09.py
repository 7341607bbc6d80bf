"""D09: a historian's archive was edited after the fact, or filled in bulk with old times."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import Occupation, ParameterName
from ledger.core.record import Action, Change, Interval, Link, LinkBasis, LinkKind, Maybe, Submission, Target
from ledger.core.rule_parameters import D09, Pattern, Specified
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from tests.support.ledgers import START_US, Ledger, new_ledger, source_time, submission
from tests.support.ruling import collect, connect, found, look, map_, of, place, put, standing
from tests.support.seeds import SEED

ARCHIVE = D09(
    edited=(Pattern(object_type="archive", actions=(Action.UPDATE, Action.DELETE)),),
    inserted=(Pattern(object_type="value"),),
    many=3,
    late_s=100,
    within_s=5,
    replay="replay",
    replayed=(Pattern(object_type="buffer", actions=(Action.EXECUTE,)),),
    value_time="time",
    released=(Pattern(object_type="release", actions=(Action.APPROVE,)),),
    specified=(Specified(attribute="Value", high="80"),),
    grace_s=60,
)
FIRST_S = 500
"""When what is filled in late is written."""


def at(number: int) -> str:
    return utc_text(START_US + number * 1_000_000)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    connect(ledger, erp=SystemClass.MES, pi=SystemClass.HISTORIAN)
    put(ledger, ParameterName.D09, ARCHIVE, source="pi")
    map_(ledger, place("TI-1", "R-1", source="pi"))
    yield ledger
    ledger.close()


def edit(
    number: int, old: Maybe, new: Maybe, *, tag: str = "TI-1", action: Action = Action.UPDATE, **said: str
) -> Submission:
    """At second `number` an archived value was changed; `said`: further attributes of the record."""
    more = (Change(attribute=name, new=text) for name, text in said.items())
    changes = (Change(attribute="Value", old=old, new=new), *more)
    return submission(number, "pi", object=Target(type="archive", id=tag), changes=changes, links=(), action=action)


def filled(number: int, after_s: int, **said: str) -> Submission:
    """The value of second `number` was written so much later."""
    changes = (Change(attribute="Value", new="20"), *(Change(attribute=name, new=text) for name, text in said.items()))
    written = source_time(START_US + (number + after_s) * 1_000_000)
    return submission(number, "pi", object=Target(type="value", id="TI-1"), changes=changes, links=(),
                      source_recorded_at=written)  # fmt: skip


def replayed(number: int, id_: str) -> Submission:
    return submission(number, "pi", object=Target(type="buffer", id=id_), action=Action.EXECUTE, changes=(), links=())


def batch(number: int, action: Action, type_: str = "step") -> Submission:
    """At second `number` the batch began or ended with the reactor, or was released."""
    links = [Link(kind=LinkKind.BATCH, id="B-1", basis=LinkBasis.READ)]
    if type_ == "step":
        links.append(Link(kind=LinkKind.EQUIPMENT, id="R-1", basis=LinkBasis.READ))
    return submission(number, object=Target(type=type_, id="B-1"), action=action, changes=(), links=tuple(links))


def collected(ledger: Ledger, *told: Submission, until_s: int = 1_000, **run: Any) -> None:
    """What each system told; `run` is that of the historian."""
    for source in ("erp", "pi"):
        of_it = [one for one in told if one.record.source == source]
        collect(ledger, of_it, until_s, source=source, **(run if source == "pi" else {}))


def test_edits_are_found_and_matter_more_in_a_released_batch_and_where_an_excursion_is_gone(plant: Ledger) -> None:
    # What belongs to a batch of the time after it had the reactor is not the time in which it had it.
    put(plant, ParameterName.OCCUPATION, Occupation(tail_s=50))
    collected(
        plant,
        edit(10, "20", "21"),
        edit(11, "81", "79"),
        edit(12, "81", None, action=Action.DELETE),
        edit(13, "20", "21", time=at(110)),
        edit(14, "20", "21", time=at(210)),
        edit(15, "20", "21", tag="TI-2", time=at(110)),
        batch(100, Action.START),
        batch(200, Action.STOP),
        batch(300, Action.APPROVE, "release"),
    )
    told = found(plant, "D09") if look(plant).entry else []
    severities = [(one.why, one.severity, len(one.entries)) for one in told]
    assert severities == [
        ("edited", Severity.HIGH, 1),
        ("edited", Severity.CRITICAL, 1),
        ("deleted", Severity.CRITICAL, 1),
        ("edited", Severity.CRITICAL, 2),
        ("edited", Severity.HIGH, 1),
        ("edited", Severity.HIGH, 1),
    ]
    assert told[1].detail.endswith("; an excursion is gone")
    assert "; of a batch that entry" in told[3].detail


def test_a_bulk_is_found_once_by_its_first_and_last_and_what_is_late_alone_is_none(plant: Ledger) -> None:
    bulk = [filled(number, FIRST_S - number + (number - 10) // 2) for number in (10, 20, 30, 40)]
    collected(plant, *bulk, filled(300, 99), filled(301, 101), filled(302, 120), batch(5, Action.START))
    collected(plant, batch(300, Action.APPROVE, "release"))
    examined = of(look(plant), "D09")
    (one,) = found(plant, "D09")
    assert (one.why, one.severity, len(one.entries)) == ("bulk-insert", Severity.CRITICAL, 3)
    assert one.detail.startswith("TI-1: 4 values were filled in late")
    assert (examined.examined, examined.clear) == (6, 5)


def test_a_replay_that_is_logged_explains_it(plant: Ledger) -> None:
    begun = submission(401, "pi", object=Target(type="buffer", id="BUF-2"), action=Action.START, changes=(), links=())
    collected(
        plant, begun, replayed(400, "BUF-1"), edit(10, "20", "21", replay="BUF-1"), edit(11, "20", "21", replay="BUF-2")
    )
    collected(plant, *(filled(number, FIRST_S - number, replay="BUF-1") for number in (20, 21, 22)))
    examined = of(look(plant), "D09")
    assert (examined.explained, examined.findings, len(found(plant, "D09"))) == (2, 1, 1)


def test_what_comes_late_makes_it_a_bulk_and_a_replay_that_comes_late_closes_it(plant: Ledger) -> None:
    collected(plant, *(filled(number, FIRST_S - number, replay="BUF-1") for number in (10, 30)))
    assert of(look(plant), "D09").clear == 2
    collected(plant, filled(20, FIRST_S - 20, replay="BUF-1"))
    assert of(look(plant), "D09").opened == 1
    collected(plant, replayed(400, "BUF-1"))
    assert (of(look(plant), "D09").closed, standing(plant, "D09")) == (1, set())


def test_a_release_that_comes_late_makes_it_matter_more(plant: Ledger) -> None:
    collected(plant, edit(150, "20", "21"), batch(100, Action.START), batch(160, Action.REJECT, "release"))
    look(plant)
    assert [one.severity for one in found(plant, "D09")] == [Severity.HIGH]
    collected(plant, batch(200, Action.APPROVE, "release"))
    examined = of(look(plant), "D09")
    assert (examined.closed, examined.opened) == (1, 1)
    assert [one.severity for one in found(plant, "D09")] == [Severity.CRITICAL]


def test_it_waits_for_a_replay_that_is_named_and_where_the_collector_was_away_it_cannot_be_said(plant: Ledger) -> None:
    collected(plant, edit(100, "20", "21", replay="BUF-1"), until_s=150)
    assert (of(look(plant), "D09").pending, standing(plant, "D09")) == (1, set())
    away = Interval(after=at(290), before=at(310))
    collected(plant, edit(250, "20", "21", replay="BUF-1"), edit(251, "20", "21"), unreachable=(away,))
    examined = of(look(plant), "D09")
    assert [(one.input, one.records) for one in examined.lacking] == [("time-of-pi", 1)]
    assert examined.findings == 2


def test_without_the_parameter_nothing_can_be_said(plant: Ledger) -> None:
    connect(plant, archive=SystemClass.HISTORIAN)
    collect(plant, [submission(1, "archive"), submission(2, "archive", action=Action.READ)], source="archive")
    assert [(one.input, one.records) for one in of(look(plant), "D09").lacking] == [("d09", 1)]


@pytest.mark.parametrize("order", range(2))
def test_the_same_is_found_in_any_order_of_arrival(plant: Ledger, order: int) -> None:
    told = [filled(number, FIRST_S - number + 4 * number) for number in range(10, 60)]
    told.append(filled(9, FIRST_S + 1))
    told += [filled(number, 1_300 + 3 * number) for number in range(100, 110)]
    told += [edit(number, "20", "21", time=at(110)) for number in (200, 210)]
    told += [batch(105, Action.START), batch(120, Action.STOP), batch(300, Action.APPROVE, "release")]
    Random(f"{SEED}:{order}").shuffle(told)
    for start in range(0, len(told), 20):
        collected(plant, *told[start : start + 20])
        look(plant)
    keys = standing(plant, "D09")
    kept = {one.key: one for one in found(plant, "D09") if one.key in keys}
    with plant.store.reader(1) as reader:
        ids = [
            [
                msgspec.json.decode(reader.entry(entry).body or b"")["record"]["source_record_id"]
                for entry in one.entries
            ]
            for one in kept.values()
        ]
    assert sorted(map(sorted, ids)) == [["10", "59"], ["100", "109", "300"], ["200", "300"], ["210", "300"]]
