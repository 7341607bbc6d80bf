"""Exports against the raw driver reading the same rows: who did what to what and when, of the search's own table; all
columns of that table; and the page's own, for which each entry is read.
"""

import statistics
import time
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

from ledger.service import Service
from ledger.store.bulk import Bulk
from ledger.store.ordering import Sort
from ledger.store.position import pos_of
from ledger.store.search import Query
from ledger.trace.columns import COLUMNS, Column, chosen
from ledger.trace.exporting import Table, chunks
from reports.exports import Format, Source, pieces
from tests.bench.growing import grow
from tests.bench.harness import LOG, Bench, Database

ROWS: Final = 100_000
TURNS: Final = 3
OF_THE_TABLE: Final = tuple(column for column in COLUMNS.values() if not column.body and not column.leaf)
WHO_WHAT_WHEN: Final = chosen("index,occurred_at_utc,source,action,outcome,account,object_type,object_id")
SETS: Final = (
    (WHO_WHAT_WHEN, "", "≥ 0.5"),
    (OF_THE_TABLE, "_table", "reported"),
    (chosen(None), "_default", "reported"),
)
SOURCE: Final = Source(origin="", size=ROWS, root="", checkpoint=None, asked="", order="", zone="UTC")


def measure(bench: Bench, database: Database, service: Service) -> None:
    """Adds export.*.csv and .jsonl, and the same of the other sets of columns."""
    grow(service, ROWS)
    for columns, name, wanted in SETS:
        ways: dict[str, Callable[[], object]] = {"raw": lambda columns=columns: _raw(service, columns)}  # type: ignore[misc]
        for format_ in (Format.CSV, Format.JSONL):
            ways[format_] = lambda columns=columns, format_=format_: _export(service, columns, format_)  # type: ignore[misc]
        spent: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(TURNS):
            for way, work in ways.items():
                started = time.perf_counter()
                work()
                spent[way].append(time.perf_counter() - started)
        raw, *others = ((way, statistics.median(times)) for way, times in spent.items())
        for way, seconds in others:
            bench.add(
                f"export.{database.name}.{way}{name}",
                raw[1] / seconds,
                wanted,
                f"{ROWS / seconds:,.0f} records/s, {ROWS / raw[1]:,.0f} by the driver, {len(columns)} columns",
            )


def _table(columns: tuple[Column, ...]) -> Table:
    return Table(columns=columns, zone=ZoneInfo("Europe/Berlin"), old=frozenset())


def _export(service: Service, columns: tuple[Column, ...], format_: Format) -> None:
    found = chunks(service.store, LOG, ROWS, Query(), Sort(), _table(columns))
    assert sum(map(len, pieces(format_, columns, found, SOURCE))) > ROWS


def _raw(service: Service, columns: tuple[Column, ...]) -> None:
    reads = "".join(f", record.{name}" for name in _table(columns).reads())
    entry = any(column.body for column in columns)
    sql = f"SELECT record.pos{reads}{', leaf.data, body.salt, body.body' if entry else ''} FROM record"
    sql += " JOIN leaf ON leaf.pos = record.pos JOIN body ON body.pos = record.pos" if entry else ""
    sql += " WHERE record.pos >= ? AND record.pos < ? ORDER BY record.pos DESC"
    with service.store.reading() as connection:
        rows = Bulk(connection).all(sql, (pos_of(LOG, 0), pos_of(LOG, ROWS)))
    assert len(rows) > ROWS * 9 // 10
