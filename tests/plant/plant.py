"""A plant's month: the same seed and number of records give the same one, byte for byte."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from random import Random

from ledger.core.run import RunBatch
from tests.plant.counts import counts
from tests.plant.faults import FAULTS
from tests.plant.feed import mixed, schedule
from tests.plant.model import Fact, Maps, Month, Parameter
from tests.plant.rules import maps, parameters
from tests.plant.systems import SYSTEMS
from tests.plant.systems.base import System
from tests.plant.telling import finish, told
from tests.plant.truth import Truth
from tests.plant.world import Site


class Plant:
    """A month of `records` records, some 4,000 at least."""

    def __init__(self, seed: int, records: int) -> None:
        self.seed = seed
        with _collector_at_rest():
            site = Site(seed, records)
            self.draft = told(site, seed, records)
            self.planted: dict[str, list[Fact]] = {
                fault.name: list(fault.plant(self.draft, Random(f"{seed}:{fault.name}"))) for fault in FAULTS
            }
            """The facts that each fault altered."""
            facts = finish(self.draft)
            runs = schedule(self.draft, seed)
            self.month = Month(
                facts, runs, site.batches, maps(site, seed), parameters(), counts(facts, seed), copied="training"
            )

    def maps(self) -> Maps:
        """The maps as entered at first, and what corrects them later."""
        return self.month.maps

    def parameters(self) -> list[Parameter]:
        """By what records are judged."""
        return list(self.month.parameters)

    def sources(self) -> tuple[System, ...]:
        """The systems, by name."""
        return SYSTEMS

    def runs(self, order_seed: int) -> Iterator[RunBatch]:
        """All runs, the sources mixed in an order of that seed; each source's runs follow each other."""
        return mixed(self.month.runs, {system.source: system for system in SYSTEMS}, order_seed)

    @cached_property
    def truth(self) -> Truth:
        """What can be known of the month, with the maps as corrected."""
        return Truth(self.month)

    @cached_property
    def truth_before(self) -> Truth:
        """What could be known before the maps were corrected."""
        return Truth(self.month, corrected=False)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Nothing here refers to itself; a million objects would be walked again and again."""
    active = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if active:
            gc.enable()
