"""Which batches rest on records: also those that a tag, a room, an order or the time before puts into them."""

from collections.abc import Iterator

import pytest

from ledger.core.members import Members
from ledger.core.record import Action, LinkKind
from ledger.findings.impact import Reading
from ledger.trace.impact import impact
from tests.unit.trace.small import Small, clock, said, small
from tests.unit.trace.test_windows import mapped, of, rule

START, STOP = Action.START, Action.STOP


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    with small(tmp_path_factory.mktemp("impact") / "ledger") as made:
        made.service.record_log().parameters.put(made.log.number, [rule("reactor")])
        yield made


def touched(ledger: Small, *numbers: int) -> set[str]:
    """The batches, orders and lots that rest on the records of these numbers, as `kind:id`."""
    members = Members.of(ledger.index[number] for number in numbers)
    with ledger.service.store.reading() as connection:
        reading = Reading(connection, ledger.service.store.kinds, {ledger.log.number: ledger.log.origin})
        found = impact(reading, {ledger.log.number: members})
        return {f"{one.sort.removeprefix('link:')}:{one.id}" for one in found}


@pytest.mark.requirement("R71")
def test_a_tag_and_a_room_of_equipment_lead_to_the_batch_that_had_it_and_only_while_they_stood_for_it(
    ledger: Small,
) -> None:
    mapped(ledger, "TIC-9", "V-9", until=500)
    mapped(ledger, "ROOM-9", "V-9")
    ledger.collect(
        [
            said(1, 0, START, batch="TAGS", equipment="V-9"),
            of(said(2, 50, equipment=None), "tag", "TIC-9"),
            of(said(3, 60, equipment=None), "door", "D", (LinkKind.LOCATION, "ROOM-9")),
            of(said(4, 600, equipment=None), "tag", "TIC-9"),
            of(said(5, 60, equipment=None), "tag", "elsewhere"),
            said(6, 1000, STOP, batch="TAGS", equipment="V-9"),
        ]
    )
    assert touched(ledger, 2) == touched(ledger, 3) == {"batch:TAGS"}
    assert touched(ledger, 4) == touched(ledger, 5) == set()


def test_the_time_that_a_rule_adds_and_uncertain_clocks_lead_to_the_batch_too(ledger: Small) -> None:
    mapped(ledger, "TIC-8", "V-8")
    ledger.collect(
        [
            said(11, 100, START, batch="LEAD", equipment="V-8"),
            said(12, 200, STOP, batch="LEAD", equipment="V-8"),
            of(said(13, 96, equipment=None), "tag", "TIC-8"),
            of(said(14, 90, equipment=None), "tag", "TIC-8"),
            of(said(15, 90, equipment=None, source_clock=clock(0, 6_000_000)), "tag", "TIC-8"),
            of(said(16, None, equipment=None), "tag", "TIC-8"),
        ]
    )
    assert touched(ledger, 13) == {"batch:LEAD"}, "five seconds before belong by the rule"
    assert touched(ledger, 14) == set()
    assert touched(ledger, 15) == {"batch:LEAD"}
    assert touched(ledger, 16) == {"batch:LEAD"}, "what nothing dates may have happened then"


def test_an_order_had_the_equipment_for_its_batch(ledger: Small) -> None:
    order = (LinkKind.ORDER, "O-7")
    ledger.collect(
        [
            of(said(21, 0, batch="ORDERED", equipment=None), "order", "O-7", order),
            of(said(22, 10, START, equipment="V-7"), "order", "O-7", order),
            said(23, 20, equipment="V-7"),
            of(said(24, 30, STOP, equipment="V-7"), "order", "O-7", order),
            said(25, 40, equipment="V-7"),
        ]
    )
    assert touched(ledger, 23) == {"order:O-7", "batch:ORDERED"}
    assert touched(ledger, 25) == set()
