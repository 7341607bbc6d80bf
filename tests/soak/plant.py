"""A plant's whole month against its truth: loaded in an order that the seed draws, then all that is told of it is held
against what the model knows.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from tests.integration.plant.entering import correct, enter
from tests.integration.plant.test_alcoa import every_cell
from tests.integration.plant.test_complete import complete
from tests.integration.plant.test_membership import belonging, size_of
from tests.integration.plant.test_state import states
from tests.plant import Plant
from tests.support.ledgers import AUTHORITY, new_ledger
from tests.support.postgres import PostgresServer

BY_RECORD: Final = 5_000
"""Records that are asked in which batches they are; by batch, every one is held against the model."""
BEFORE: Final = 100_000
"""Records whose cells are held against the model as the maps were before they were corrected; afterwards all are."""


def run(records: int, seed: int, server: PostgresServer | None = None) -> str:
    """What was compared, and how long each took; raises AssertionError, naming the seed, for what differs."""
    plant = Plant(seed, records)
    took: list[str] = []
    differ: list[str] = []

    def timed(name: str, work: Callable[[], object]) -> None:
        started = time.monotonic()
        try:
            work()
        except AssertionError as error:
            # The rest is held against the model all the same: a month takes long to load.
            differ.append(f"{name}: {str(error)[:2000]}")
        took.append(f"{name} {time.monotonic() - started:.0f} s")
        print(f"    {took[-1]}", flush=True)

    database = None if server is None else server.create_database()
    with tempfile.TemporaryDirectory(prefix="trailseal-plant-") as folder:
        ledger = new_ledger(Path(folder) / "ledger", database)
        try:
            timed("loading", lambda: enter(ledger.service, plant, seed, AUTHORITY))
            before = size_of(ledger)
            correct(ledger.service, plant, AUTHORITY)
            after = size_of(ledger)
            chosen = Random(seed).sample(range(records), min(BY_RECORD, records))
            timed("coverage and numbers", lambda: complete(ledger, plant, seed))
            timed("state", lambda: states(ledger, plant, seed))
            timed("batches", lambda: belonging(ledger, plant, before, after, chosen))
            timed("cells before", lambda: every_cell(ledger, before, plant.truth_before, min(BEFORE, records)))
            timed("cells", lambda: every_cell(ledger, after, plant.truth, records))
        finally:
            ledger.close()
    assert not differ, "\n".join(differ)
    return f"{after:,} entries, {len(plant.month.batches)} batches, seed {seed}: equal; {', '.join(took)}"
