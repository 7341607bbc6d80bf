"""What a database puts together column by column is what its rows hold, value by value and in their order."""

import pytest
from sqlalchemy import select

from ledger.store import schema
from ledger.store.bulk import Bulk
from ledger.store.by_column import by_column
from ledger.store.position import pos_of
from tests.support.ledgers import RECORDS, Ledger

TEXTS = (
    *("", "null", "12", "1e400", "[,]", 'say "no"', "back\\slash \\u0041", "\x01\x7f\t\r\n"),
    *("Zoë \u2028 \U0001f9ea \ufffe", "x" * 5_000),
)
SETS = {
    "plain": TEXTS,
    "what stands between two": (*TEXTS[:5], "\x1f", *TEXTS[5:], "a\x1fb"),
    "what stands for none": (*TEXTS[:5], "\x1e", *TEXTS[6:], "\x1e"),
}
LEAST, MOST = -(2**63), 2**63 - 1
RECORD = schema.record.c


@pytest.fixture(params=SETS)
def filled(ledger: Ledger, request: pytest.FixtureRequest) -> Ledger:
    """Each text stands beside none, and beside the ends of what a number can be."""
    rows = [
        (
            *(pos_of(RECORDS, at), "erp", "update", "success", (LEAST, MOST, 0, None)[at % 4], None, at),
            *(text if at % 2 else None, "tag", text, "" if ledger.is_sqlite else []),
            *(None, None, None, None, None, None, None, None, None),
        )
        for at, text in enumerate(SETS[request.param])
    ]
    with ledger.store.writing() as connection:
        Bulk(connection).insert(schema.record, rows, len(rows))
    return ledger


def test_columns_hold_what_rows_hold_in_the_order_asked_for(filled: Ledger) -> None:
    columns = (RECORD.object_id, RECORD.occurred_us, RECORD.pos, RECORD.actor, RECORD.object_id)
    newest = select(RECORD.pos).order_by(RECORD.pos.desc()).limit(7)
    with filled.store.reading() as connection:
        rows = [tuple(row) for row in connection.execute(newest.with_only_columns(*columns[:-1]))]
        found = by_column(connection, newest, columns)
    assert len(rows) == 7
    assert list(zip(*found, strict=True)) == [(*row, row[0]) for row in rows]
    assert found[2] == sorted(found[2], reverse=True)
    assert {type(one) for one in found[1]} == {int, type(None)}


def test_no_rows_are_columns_of_nothing(filled: Ledger) -> None:
    with filled.store.reading() as connection:
        assert by_column(connection, select(RECORD.pos).where(RECORD.pos < 0), (RECORD.pos, RECORD.actor)) == [[], []]
