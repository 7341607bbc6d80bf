"""Bulk inserts: every row of a batch of any size is there, in order, and found by full text."""

import sqlite3
from typing import Any

import pytest

from ledger.integrity.fulltext import full_text_fault
from ledger.store import schema
from ledger.store.bulk import FEW_ROWS, ROWS_A_STATEMENT, Bulk
from ledger.store.position import pos_of
from tests.support.ledgers import RECORDS, Ledger

SIZES = (0, 1, FEW_ROWS, FEW_ROWS + 1, ROWS_A_STATEMENT - 1, ROWS_A_STATEMENT, 2 * ROWS_A_STATEMENT + 3)


def rows(ledger: Ledger, count: int) -> list[tuple[Any, ...]]:
    words = [[f"row-{n}", "row", str(n), "each"] for n in range(count)]
    return [
        (
            *(pos_of(RECORDS, 1000 + n), "erp", "update", "success", n, None, n, None, "tag", f"T{n}"),
            " ".join(found) if ledger.is_sqlite else found,
            *("HMI-1", None, f"reason {n}", 1, n, 0, None, n, n.to_bytes(16, "big")),
        )
        for n, found in enumerate(words)
    ]


@pytest.mark.parametrize("count", SIZES)
def test_all_rows_stand_and_are_found(ledger: Ledger, count: int) -> None:
    wanted = rows(ledger, count)
    with ledger.store.writing() as connection:
        Bulk(connection).insert(schema.record, iter(wanted), count)
    with ledger.store.reading() as connection:
        stored = [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM record ORDER BY pos")]
        assert stored == wanted
        assert full_text_fault(connection, "record", lambda _: None) is None


def test_a_row_that_is_refused_refuses_the_transaction(ledger: Ledger) -> None:
    wanted = rows(ledger, ROWS_A_STATEMENT + 5)
    with pytest.raises(Exception, match=r"(?i)unique"), ledger.store.writing() as connection:
        Bulk(connection).insert(schema.record, [*wanted, wanted[0]], len(wanted) + 1)
    assert ledger.query("SELECT count(*) FROM record") == [(0,)]


def test_the_full_text_index_of_a_batch_is_fed_by_few_statements(sqlite_ledger: Ledger) -> None:
    """A segment a row costs four times as much as all else that a search row needs."""
    statements: set[str] = set()
    with sqlite_ledger.store.writing() as connection:
        raw: Any = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_trace_callback(statements.add)
        Bulk(connection).insert(schema.record, rows(sqlite_ledger, 1000), 1000)
        raw.set_trace_callback(None)
    assert 0 < sum(one.startswith("INSERT INTO record ") for one in statements) <= 1000 / ROWS_A_STATEMENT + 1
