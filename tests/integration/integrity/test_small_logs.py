"""Logs of any small size verify: empty, of one entry, and around the size of a tile."""

import pytest
from sqlalchemy import Connection

from ledger.core.kinds import KindRegistry
from ledger.domains import assembly
from ledger.integrity.chain import RANGE
from ledger.integrity.edge import START, read_edge
from ledger.integrity.level1 import head_fault, verify_span
from ledger.integrity.run import LogRun
from ledger.integrity.tasks import Here
from ledger.integrity.whole import read_heads, structure_faults
from ledger.store.logs import begin
from ledger.store.projections import Projections
from tests.support.ledgers import RECORDS, Ledger, submission

pytestmark = pytest.mark.sampled

EMPTY_LOG = 2


def projections(ledger: Ledger) -> tuple[KindRegistry, Projections]:
    kinds, projectors = assembly(ledger.dialect)
    return kinds, Projections(projectors)


def test_a_log_without_entries_verifies(ledger: Ledger) -> None:
    with ledger.store.writing() as connection:
        begin(connection, EMPTY_LOG)
    kinds, registered = projections(ledger)
    with ledger.store.reading() as connection:
        live = registered.read_live(connection)
        span = verify_span(connection, EMPTY_LOG, 0, 0, kinds, live, True, lambda done: None)
        heads = read_heads(connection)
        assert span.fault is None
        assert head_fault(EMPTY_LOG, heads[EMPTY_LOG], span.after) is None
        assert not list(structure_faults(connection, heads))


def test_a_log_of_one_entry_verifies(ledger: Ledger) -> None:
    kinds, registered = projections(ledger)
    log = ledger.service.log()
    with ledger.store.reading() as connection:
        live = registered.read_live(connection)
        span = verify_span(connection, RECORDS, 0, 1, kinds, live, True, lambda done: None)
    assert span.fault is None
    assert (span.before, span.after.size) == (START, 1)
    assert ledger.service.verifier.run(log).holds


@pytest.mark.parametrize("size", [255, 256, 257, 511, 512, 513, RANGE + 1])
def test_a_log_around_the_size_of_a_tile_or_a_range_verifies_and_its_edge_is_the_one_that_the_tiles_give(
    ledger: Ledger, size: int
) -> None:
    with ledger.store.reader(RECORDS) as reader:
        more = size - reader.head().size - 1  # the run is an entry too
    ledger.submit([submission(number) for number in range(more)])
    kinds, registered = projections(ledger)

    def edge(connection: Connection, low: int) -> object:
        live = registered.read_live(connection)
        span = verify_span(connection, RECORDS, low, size, kinds, live, True, lambda done: None)
        assert span.fault is None
        return span.after

    with ledger.store.reader(RECORDS) as reader:
        head = reader.head()
        assert head.size == size
        whole = edge(reader.connection, 0)
        assert whole == edge(reader.connection, 256 if size > 256 else 0) == read_edge(reader.connection, RECORDS, size)
        assert read_edge(reader.connection, RECORDS, size).frontier().root() == head.root()


def test_a_run_over_a_log_that_lost_its_head_names_the_last_entry(ledger: Ledger) -> None:
    kinds, registered = projections(ledger)
    with ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
    with ledger.administrator() as connection:
        connection.exec_driver_sql(f"DELETE FROM head WHERE log = {RECORDS}")
    reading = ledger.store.reading
    run = LogRun(reading, Here(reading, kinds, registered), kinds, registered, ledger.service.log(), lambda _: {})
    found = run.verify((1, 2), None, None, False, lambda level, done, total: None, lambda stand: None)
    for level in found.levels:
        assert level.fault is not None
        assert (level.fault.table, level.fault.index) == ("head", size - 1)
