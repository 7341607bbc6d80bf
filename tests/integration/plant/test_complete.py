"""A plant's month in a ledger: coverage and the sources' own numbers are what the model knows of them."""

from collections import Counter, defaultdict
from itertools import pairwise
from random import Random

import pytest

from ledger.sources.covering import cover
from ledger.sources.sequences import gaps
from tests.integration.plant.entering import enter
from tests.plant import Plant
from tests.plant.model import END, START
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger
from tests.support.seeds import SEED

COUNT = 4_500


@pytest.fixture(scope="module")
def plant() -> Plant:
    return Plant(SEED, COUNT)


@pytest.fixture
def filled(sqlite_ledger: Ledger, plant: Plant) -> Ledger:
    enter(sqlite_ledger.service, plant, SEED, AUTHORITY)
    return sqlite_ledger


@pytest.mark.requirement("C08")
def test_coverage_and_numbers_are_those_of_the_model(filled: Ledger, plant: Plant) -> None:
    complete(filled, plant, SEED)


def complete(ledger: Ledger, plant: Plant, seed: int) -> None:
    """Holds coverage and numbers against the model: of the whole month, and of 20 intervals drawn by that seed."""
    chance, store = Random(seed), ledger.store
    spans = [(START - 1, END + 1), *(sorted(chance.sample(range(START, END), 2)) for _ in range(20))]
    parameters = ledger.service.record_log().parameters
    with store.reader(RECORDS) as reader:
        size = reader.head().size
        for system in plant.sources():
            for low, high in spans:
                found = cover(reader.connection, store.kinds, RECORDS, size, system.source, low, high)
                told = [(one.low_us, one.high_us, one.state.value) for one in found.stretches]
                assert told == [tuple(one) for one in plant.truth.coverage(system.source, low, high)], (
                    seed,
                    system.source,
                )
            # Records that no source dates happened when they were received: after the month, at the latest.
            report = gaps(reader.connection, parameters, RECORDS, size, system.source, START - 10**12, END + 10**14)
            numbers = defaultdict[str, list[tuple[int, int, int]]](list)
            for fact in plant.month.facts:
                if fact.source == system.source and fact.sequence is not None:
                    numbers[str(fact.series)].append((fact.moment, fact.number, fact.sequence))
            told_numbers = {one.series: (one.records, one.lacking, one.doubles) for one in report.series}
            wanted = {series: (len(of), *_numbered(of, system.wraps)) for series, of in numbers.items()}
            assert told_numbers == wanted, (seed, system.source)


def _numbered(facts: list[tuple[int, int, int]], wraps: int | None) -> tuple[int, int]:
    """How many numbers lack, and how many are there again: of a counter that begins again, one after the other in
    time.
    """
    if wraps is None:
        there = Counter(number for *_, number in facts)
        return len(set(range(min(there), max(there) + 1)) - set(there)), sum(times - 1 for times in there.values())
    steps = [(after - before) % wraps for (*_, before), (*_, after) in pairwise(sorted(facts))]
    return sum(step - 1 for step in steps if step), steps.count(0)
