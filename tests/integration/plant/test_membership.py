"""A plant's month in a ledger: which records belong to which batch, and to none, is what the model knows of them."""

from collections.abc import Sequence, Set
from random import Random

import pytest

from ledger.core.record import LinkKind
from ledger.trace.assets import Assets
from ledger.trace.bodies import bodies
from ledger.trace.membership import Batches
from ledger.trace.orphans import orphans
from ledger.trace.partners import partners
from ledger.trace.selection import ByBatch, Chosen
from ledger.trace.windows import Phase
from tests.integration.plant.entering import correct, enter
from tests.plant import Plant
from tests.plant.model import DAY, END, START
from tests.plant.truth import Belongs, Truth
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger
from tests.support.sampled import one_in
from tests.support.seeds import SEED

COUNT = 4_500


@pytest.fixture(scope="module")
def plant() -> Plant:
    return Plant(SEED, COUNT)


@pytest.mark.requirement("R71", "C08", "C13")
def test_every_batch_has_the_records_that_the_model_gives_it_in_any_order_of_arrival(
    ledger: Ledger, plant: Plant
) -> None:
    service = ledger.service
    enter(service, plant, SEED + (not ledger.is_sqlite), AUTHORITY)
    before = size_of(ledger)
    correct(service, plant, AUTHORITY)
    belonging(ledger, plant, before, size_of(ledger), one_in(9, range(COUNT)))


def belonging(ledger: Ledger, plant: Plant, before: int, after: int, records: Sequence[int]) -> None:
    """Holds batches against the model as of both sizes; as of the second one also these records, those in no batch, and
    what is expected of each batch.
    """
    numbers = numbered(ledger)
    for size, truth in ((before, plant.truth_before), (after, plant.truth)):
        for batch in one_in(4, plant.month.batches):
            assert told(ledger, size, batch.id, numbers) == truth.membership(batch.id), (plant.seed, batch.id)
    of_records(ledger, after, plant.truth, numbers, set(records))
    in_no_batch(ledger, after, plant.truth, numbers, max(450, len(numbers) // 4))
    expected(ledger, after, plant, numbers)


def in_no_batch(ledger: Ledger, size: int, truth: Truth, numbers: dict[int, int], limit: int) -> None:
    """What critical equipment did that is in no batch, of all time and of a part of it, in pages of so many."""
    low, high = sorted(Random(SEED).sample(range(START, END), 2))
    for since, until in ((START - DAY, END + 900 * DAY), (low, high)):
        found: list[int] = []
        after: int | None = None
        with ledger.store.reading() as connection:
            while True:
                page = orphans(connection, RECORDS, size, since, until, after, limit)
                found += [numbers[one.index] for one in page.orphans]
                after = page.next_after
                if after is None:
                    break
        assert sorted(found) == sorted(truth.orphans(since, until)), (SEED, since, until)
        assert len(found) == len(set(found))


def expected(ledger: Ledger, size: int, plant: Plant, numbers: dict[int, int]) -> None:
    """What other systems should tell of each batch, and whether it is there."""
    for batch in one_in(4, plant.month.batches):
        with ledger.store.reading() as connection:
            chosen = Chosen(connection, RECORDS, size, ByBatch(kind=LinkKind.BATCH, id=batch.id))
            named = [one.index for one in chosen if one.why is None]
            found = partners(connection, ledger.store.kinds, RECORDS, size, bodies(connection, RECORDS, named))
        told = [
            (one.wanted.step, one.state.value, tuple(sorted(numbers[index] for index in one.records)))
            for one in found.partners
        ]
        assert told == [tuple(one) for one in plant.truth.partners(batch)], (SEED, batch.id)


def of_records(ledger: Ledger, size: int, truth: Truth, numbers: dict[int, int], records: Set[int]) -> None:
    """Asked by record, the answer is the same as by batch."""
    chosen = sorted(index for index, number in numbers.items() if number in records)
    with ledger.store.reading() as connection:
        batches = Batches(Assets(connection, RECORDS, size))
        for index, body in bodies(connection, RECORDS, chosen):
            found = {one.batch: one.why for one in batches.of(index, body)}
            number = numbers[index]
            assert sorted(found) == sorted(truth.batches(number)), (SEED, number)
            assert batches.has(body) is bool(found), (SEED, number)
            for batch, why in found.items():
                belongs = truth.membership(batch)[number]
                said = ("read", "during", True) if why is None else ("derived", why.phase.value, why.certain)
                assert said == belongs, (SEED, number, batch)


def told(ledger: Ledger, size: int, batch: str, numbers: dict[int, int]) -> dict[int, Belongs]:
    with ledger.store.reading() as connection:
        return {
            numbers[one.index]: Belongs("read", Phase.DURING.value, True)
            if one.why is None
            else Belongs("derived", one.why.phase.value, one.why.certain)
            for one in Chosen(connection, RECORDS, size, ByBatch(kind=LinkKind.BATCH, id=batch))
        }


def numbered(ledger: Ledger) -> dict[int, int]:
    """The plant's number of each record, by its entry."""
    with ledger.store.reader(RECORDS) as reader:
        entries = reader.entries(0, reader.head().size)
        kind = ledger.store.kinds["record"]
        return {
            one.index: int(kind.decode(one.body).record.source_record_id)  # type: ignore[attr-defined]
            for one in entries
            if one.body is not None and b'"schema":"record/' in one.body
        }


def size_of(ledger: Ledger) -> int:
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size
