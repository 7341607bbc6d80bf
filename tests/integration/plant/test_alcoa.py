"""A plant's month in a ledger: every cell of the ALCOA+ assessment is what the model knows of that record."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

import msgspec
import pytest
from sqlalchemy import Connection, select

from ledger.core.kinds import RECORD
from ledger.core.record import Original, Record, RecordBody
from ledger.core.run import RunBatch
from ledger.retention.copy_kinds import CopySort
from ledger.review.alcoa.assess import Assessor
from ledger.review.alcoa.attributes import Check
from ledger.review.alcoa.cells import read
from ledger.review.alcoa.runs import Assessments
from ledger.review.known.facts import Told
from ledger.store import schema
from ledger.store.position import index_of
from ledger.store.reading import LogReader, VaultReader
from tests.integration.plant.entering import correct, enter
from tests.plant import Plant
from tests.plant.feed import derive
from tests.plant.model import HOUR
from tests.plant.truth import Lasting, Truth
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, MovableClock
from tests.support.seeds import SEED
from tests.support.witness import Trust, two_witnesses

COUNT = 4_500


def assessed(ledger: Ledger, size: int, least: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The cells of records as of a size, source by source, by their number in the plant; of `least` at least."""
    with ledger.store.reading() as connection:
        row = schema.record.c
        places = connection.scalars(select(row.pos).order_by(row.source, row.at_us)).all()
        assessor, step = opened(ledger, connection, RECORDS, size), max(1, len(places) // least)
        for at in range(0, len(places) if step == 1 else least * step, 500):
            part = [index_of(pos) for pos in places[at : at + 500 : step]]
            for one in assessor.assess(part):
                yield _number(connection, one.index), tuple(one.cells)


def run(ledger: Ledger) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The cells of all records as a run enters them, by their number in the plant."""
    opens = partial(opened, ledger)
    made = Assessments(ledger.store, opens).run(ledger.service.record_log().log, True, AUTHORITY)
    with ledger.store.reading() as connection:
        vault = VaultReader(connection)
        for entry in made.entries:
            kept = vault.original(RECORDS, entry)
            for vector in (one for block in read(kept.value if kept else b"") for one in block.vectors):
                for index in vector.members:
                    yield _number(connection, index), tuple(vector.cells)


def size_of(ledger: Ledger) -> int:
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size


def opened(ledger: Ledger, connection: Connection, log: int, size: int) -> Assessor:
    assessor = ledger.service.quality.assessor(connection, log, size)
    # The plant's sources are of a type that nobody has installed: what reads their originals is the plant's own.
    assessor.means = msgspec.structs.replace(assessor.means, derive=_derive)
    return assessor


def _derive(told: Told, original: Original) -> Record | None:
    return derive(original)


def _number(connection: Connection, index: int) -> int:
    body = LogReader(connection, RECORDS).entry(index).body
    assert body is not None
    record = RECORD.decode(body)
    assert isinstance(record, RecordBody)
    return int(record.record.source_record_id)


class Outsiders:
    """Others who vouch for what is entered: for the first third late, for the second at once, not for the last yet."""

    LATE_H, SOON_H = 30, 1

    def __init__(self, ledger: Ledger, clock: MovableClock, runs: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._trust = Trust(ledger, *two_witnesses(ledger))
        self._trust.policy()
        self._marks = {runs // 3: self.LATE_H, runs * 2 // 3: self.SOON_H}
        self._runs = 0
        self._entered: list[int] = []
        self._vouched: dict[int, float] = {}

    def before(self, run: RunBatch) -> None:
        """Hears of each run before it is entered."""
        hours = self._marks.get(self._runs)
        if hours is not None:
            self._clock.at_us += hours * HOUR
            self._trust.publisher.publish_all()
            self._vouched |= {number: hours for number in self._entered if number not in self._vouched}
        self._runs += 1
        self._entered += [int(one.record.source_record_id) for one in run.submissions]

    def lasting(self, copies: int) -> Lasting:
        """Has what was vouched for known to the log, all that is there verified, and so many copies stated."""
        service = self._ledger.service
        service.verifier.run(service.record_log().log, levels=(1,))
        for number in range(copies):
            service.copies.state(f"vault {number}", CopySort.BACKUP, "a vault", "restored", AUTHORITY, keeps_days=90)
        self._trust.publisher.bind_system()
        return Lasting(self._vouched, frozenset(self._entered), copies, 0)


@pytest.mark.requirement("C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09", "C10", "C11", "C12", "C13")
def test_every_cell_is_what_the_model_knows_whatever_the_order_of_arrival(ledger: Ledger, clock: MovableClock) -> None:
    plant, order = Plant(SEED, COUNT), SEED + len(ledger.dialect)
    outsiders = Outsiders(ledger, clock, len(plant.month.runs))
    enter(ledger.service, plant, order, AUTHORITY, outsiders.before)
    before, told = size_of(ledger), outsiders.lasting(0)
    every_cell(ledger, before, plant.truth_before, 300)
    every_cell(ledger, size_of(ledger), Truth(plant.month, corrected=False, lasting=told), 300)
    correct(ledger.service, plant, AUTHORITY)
    truth = Truth(plant.month, fetched=True, lasting=outsiders.lasting(2))
    assert {"P", "F:not-anchored", "N:no-anchor"} <= {truth.cell(number, "C11") for number in range(COUNT)}
    held(run(ledger), truth, COUNT)


def every_cell(ledger: Ledger, size: int, truth: Truth, least: int) -> int:
    """Holds the cells of so many records, at least, against what the model knows as of that size; returns of how
    many."""
    return held(assessed(ledger, size, least), truth, least)


def held(found: Iterable[tuple[int, tuple[str, ...]]], truth: Truth, least: int) -> int:
    """Holds the cells of records against what the model knows of them; returns of how many."""
    differing: Counter[tuple[str, ...]] = Counter()
    seen = set()
    for number, cells in found:
        seen.add(number)
        told = zip(Check, cells, truth.cells(number), strict=True)
        differing.update((check, one, known) for check, one, known in told if one != known)
    assert len(seen) >= least
    assert not differing, (SEED, differing)
    return len(seen)
