"""A plant's month in a ledger: every cell of the ALCOA+ assessment is what the model knows of that record."""

from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import Connection, select

from ledger.core.kinds import RECORD
from ledger.core.record import Original, Record, RecordBody
from ledger.review.alcoa.attributes import Check
from ledger.review.alcoa.facts import Told
from ledger.store import schema
from ledger.store.position import index_of
from ledger.store.reading import LogReader
from tests.integration.plant.entering import correct, enter
from tests.plant import Plant
from tests.plant.feed import derive
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger
from tests.support.seeds import SEED

COUNT = 4_500


def assessed(ledger: Ledger, size: int, least: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The cells of records as of a size, source by source, by their number in the plant; of `least` at least."""
    with ledger.store.reading() as connection:
        row = schema.record.c
        places = connection.scalars(select(row.pos).order_by(row.source, row.at_us)).all()
        assessor = ledger.service.quality.assessor(connection, RECORDS, size)
        # The plant's sources are of a type that nobody has installed: what reads their originals is the plant's own.
        assessor.means = msgspec.structs.replace(assessor.means, derive=_derive)
        step = max(1, len(places) // least)
        for at in range(0, len(places) if step == 1 else least * step, 500):
            part = [index_of(pos) for pos in places[at : at + 500 : step]]
            for one in assessor.assess(part):
                yield _number(connection, one.index), tuple(one.cells)


def _derive(told: Told, original: Original) -> Record | None:
    return derive(original)


def _number(connection: Connection, index: int) -> int:
    body = LogReader(connection, RECORDS).entry(index).body
    assert body is not None
    record = RECORD.decode(body)
    assert isinstance(record, RecordBody)
    return int(record.record.source_record_id)


@pytest.mark.requirement("C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09", "C10", "C13")
def test_every_cell_is_what_the_model_knows_whatever_the_order_of_arrival(ledger: Ledger) -> None:
    plant = Plant(SEED, COUNT)
    enter(ledger.service, plant, SEED + len(ledger.dialect), AUTHORITY)
    with ledger.store.reader(RECORDS) as reader:
        before = reader.head().size
    correct(ledger.service, plant, AUTHORITY)
    with ledger.store.reader(RECORDS) as reader:
        after = reader.head().size
    differing: Counter[tuple[str, ...]] = Counter()
    for size, truth, least in ((before, plant.truth_before, 300), (after, plant.truth, COUNT)):
        seen = set()
        for number, cells in assessed(ledger, size, least):
            seen.add(number)
            told = zip(Check, cells, truth.cells(number), strict=True)
            differing.update((check, one, known) for check, one, known in told if one != known)
        assert len(seen) >= least
    assert not differing, (SEED, differing)
