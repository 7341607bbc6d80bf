"""Records that are assessed by ALCOA+ a second, with a plant's maps and parameters: processor time of a thread."""

import time
from typing import Final

from ledger.review.alcoa.blocks import assess_block, every
from tests.bench.harness import AUTHORITY, LOG, Bench, Database, size
from tests.integration.plant.entering import enter
from tests.plant import Plant

RECORDS: Final = 10_000


def measure(bench: Bench, database: Database) -> None:
    """Gives a new ledger a month of a plant; adds alcoa.*.records_per_s. Time that the database's own processes take is
    not in it, and nothing is derived again, as no type of source is installed for the plant's.
    """
    with database.ledger() as service:
        enter(service, Plant(1, RECORDS), 1, AUTHORITY)
        with service.store.reading() as connection:
            assessor = service.quality.assessor(connection, LOG, size(service))
            places = every(connection, LOG, assessor.size)
            started = time.thread_time()
            records = sum(assess_block(assessor, place).records for place in places)
            spent = time.thread_time() - started
    bench.add(
        f"alcoa.{database.name}.records_per_s",
        records / spent,
        "reported",
        f"{records:,} records of a month in {len(places)} blocks",
    )
