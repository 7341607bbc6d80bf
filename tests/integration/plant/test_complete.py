"""A plant's month in a ledger: coverage and the sources' own numbers are what the model knows of them."""

from collections import Counter, defaultdict
from random import Random

import pytest

from ledger.core.source import SourceConfig
from ledger.sources.covering import cover
from ledger.sources.sequences import gaps
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
    service = sqlite_ledger.service
    for system in plant.sources():
        service.sources.register(SourceConfig(id=system.source, type="test", title=system.title), AUTHORITY)
    for run in plant.runs(SEED):
        service.ingest.submit(run, AUTHORITY)
    return sqlite_ledger


@pytest.mark.requirement("C08")
def test_coverage_and_numbers_are_those_of_the_model(filled: Ledger, plant: Plant) -> None:
    chance, store = Random(SEED), filled.store
    spans = [(START - 1, END + 1), *(sorted(chance.sample(range(START, END), 2)) for _ in range(20))]
    parameters = filled.service.record_log().parameters
    with store.reader(RECORDS) as reader:
        size = reader.head().size
        for system in plant.sources():
            for low, high in spans:
                found = cover(reader.connection, store.kinds, RECORDS, size, system.source, low, high)
                told = [(one.low_us, one.high_us, one.state.value) for one in found.stretches]
                assert told == [tuple(one) for one in plant.truth.coverage(system.source, low, high)], (
                    SEED,
                    system.source,
                )
            # Records that no source dates happened when they were received: after the month, at the latest.
            report = gaps(reader.connection, parameters, RECORDS, size, system.source, START - 10**12, END + 10**14)
            numbers = defaultdict[str, list[int]](list)
            for fact in plant.month.facts:
                if fact.source == system.source and fact.sequence is not None:
                    numbers[str(fact.series)].append(fact.sequence)
            assert {one.series: one.records for one in report.series} == {
                series: len(of) for series, of in numbers.items()
            }
            for one in report.series:
                there = Counter(numbers[one.series])
                lacking = set(range(min(there), max(there) + 1)) - set(there)
                doubles = sum(times - 1 for times in there.values())
                assert (one.lacking, one.doubles) == (len(lacking), doubles), (SEED, system.source, one.series)
