"""What stood before a change is what all records of its field say, however few of them are read for it."""

from random import Random

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.record import Change, Submission, Target
from ledger.core.times import Clock
from ledger.review.known import fields
from ledger.review.known.facts import Previous, Told
from ledger.review.known.order import Order
from ledger.review.known.reach import Reach
from ledger.review.known.records import Records
from ledger.review.known.steps import Steps, _Steps
from ledger.store.records import HOUR_US
from tests.support.ledgers import RECORDS, SOURCE, START_US, Ledger, source_time, submission
from tests.support.seeds import SEED

COUNT = 240
NEW = 40
CLOCKS = ((0, 0), (90_000_000, 5_000_000), (0, 400_000_000), (-2 * HOUR_US, 1_000_000))
"""Offset and uncertainty; the last only on the third day."""


def drawn(rng: Random, number: int) -> Submission:
    day = rng.randrange(5)
    at = START_US + day * 24 * HOUR_US + rng.choice((0, 1, 7)) * HOUR_US + rng.randrange(600) * 1_000_000
    offset, uncertainty = rng.choice(CLOCKS if day == 2 else CLOCKS[: 1 + day % 3])
    measured = Clock(offset_us=offset, uncertainty_us=uncertainty, method="test", measured_at=utc_text(START_US))
    one = submission(
        number,
        occurred_at=source_time(at),
        object=Target(type="tag", id=f"TIC{rng.randrange(3)}"),
        changes=tuple(Change(attribute=name, new=str(number)) for name in rng.sample("AB", rng.randrange(1, 3))),
    )
    return msgspec.structs.replace(one, clock=rng.choice((None, measured)))


def of_all(told: list[Told], order: Order) -> dict[int, list[Previous]]:
    """What stood before each change, by all records there are."""
    found: dict[int, list[Previous]] = {}
    for one in told:
        found[one.index] = []
        for change in one.record.changes:
            same = [
                other
                for other in told
                if other.record.object == one.record.object
                and any(its.attribute == change.attribute for its in other.record.changes)
            ]
            found[one.index].append(_Steps(order, same).previous(one, change.attribute))
    return found


@pytest.mark.parametrize(("back", "many", "whole"), [(48, 2, 4_000), (0, 8, 0)], ids=["together", "alone"])
def test_what_stood_before_is_that_of_all_records_and_what_new_ones_alter_is_named(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch, back: int, many: int, whole: int
) -> None:
    monkeypatch.setattr(fields, "_BACK", back)
    monkeypatch.setattr(fields, "_MANY", many)
    monkeypatch.setattr(fields, "_WHOLE", whole)
    rng = Random(f"{SEED}:fields")
    given = [drawn(rng, number) for number in range(COUNT)]
    receipt = sqlite_ledger.submit(given)
    order = Order(lambda told: None)
    with sqlite_ledger.store.reader(RECORDS) as reader:
        connection = reader.connection
        records = Records(connection, RECORDS)
        told = list(records.told(one.index for one in receipt.outcomes).values())
        assert len(told) == COUNT

        def steps(upto: int) -> Steps:
            reach = Reach({})
            reach.widen(told[:upto])
            return Steps(
                connection, RECORDS, told[upto - 1].index + 1, records, SOURCE, order, Reach(reach.stretches())
            )

        wanted, before = of_all(told, order), of_all(told[:-NEW], order)
        for at in range(0, COUNT, 60):
            assert steps(COUNT).before(told[at : at + 60]) == {
                one.index: wanted[one.index] for one in told[at : at + 60]
            }, (SEED, at)
        assert steps(COUNT - NEW).before(told[:-NEW]) == before
        altered = {index for index, previous in before.items() if previous != wanted[index]}
        assert len(altered) > NEW // 4
        assert altered <= set(steps(COUNT).touched(told[-NEW:])), SEED


def test_hours_of_which_nothing_is_told_are_kept_within_bounds(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each changes a tag of its own in an hour of its own: what stood before is looked for through all hours before.
    given = [
        submission(
            number,
            occurred_at=source_time(START_US + number * HOUR_US),
            object=Target(type="tag", id=f"TIC{number}"),
            changes=(Change(attribute="A", new="1"),),
        )
        for number in range(NEW)
    ]
    receipt = sqlite_ledger.submit(given)
    monkeypatch.setattr(fields, "_MANY", 1)
    sizes = []
    with sqlite_ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
        told = Records(reader.connection, RECORDS).told(one.index for one in receipt.outcomes).values()
        for most in (10**6, 2 * NEW):
            monkeypatch.setattr(fields, "_MOST", most)
            found = fields.Fields(reader.connection, RECORDS, size, SOURCE, Reach({}))
            for one in told:
                found.around(list(found.stretches([one])))
            sizes.append(len(found._held))
    # A look that is begun within bounds may go beyond them.
    assert sizes[0] > NEW**2 // 3
    assert sizes[1] < 4 * NEW, sizes
