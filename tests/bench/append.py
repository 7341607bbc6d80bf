"""Append in batches of 1000, 100 and 1, against the raw driver that writes the same rows to the same tables.

Ours begins with what a collector hands over (a `Submission`) and ends with the durable commit: it encodes, digests,
commits, hashes, chains and projects. The raw driver is given the finished rows: `executemany` on SQLite, binary COPY on
PostgreSQL (INSERT where a commit has few rows). Rounds of both alternate.
"""

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table

from ledger.core.record import Submission
from ledger.service import Service
from ledger.store.append import Batch
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite
from ledger.store.position import index_of
from tests.bench.corpus import submissions
from tests.bench.harness import LOG, Bench, Database, preparer, row_count, size, stored_rows

WANTED = {
    ("sqlite", 1000): 0.60,
    ("sqlite", 100): 0.60,
    ("sqlite", 1): 0.55,
    ("postgresql", 1000): 0.55,
    ("postgresql", 100): 0.50,
    ("postgresql", 1): 0.45,
}
GROUP_WANTED = {"sqlite": 2.5, "postgresql": 4.0}
ROUNDS = 6
PER_ROUND = {1000: 4000, 100: 2000, 1: 150}
THREADS = 64

Rows = dict[Table, list[tuple[Any, ...]]]


def measure(bench: Bench, database: Database) -> float:
    """Adds append.* and group64; returns the seconds of one raw commit of one record."""
    source = submissions(10_000_000, seed=3)
    single = 0.0
    with database.ledger() as ours, database.ledger() as raw:
        _warm_up(ours, raw, source)
        for batch, per_round in PER_ROUND.items():
            spent: dict[str, float] = defaultdict(float)
            cpu = 0.0
            for _ in range(ROUNDS):
                chosen = list(itertools.islice(source, per_round))
                low = size(ours)
                started, used = time.perf_counter(), time.process_time()
                append(ours, chosen, batch)
                spent["ours"] += time.perf_counter() - started
                cpu += time.process_time() - used
                spent["raw"] += _write_raw(raw, stored_rows(ours, low, size(ours)), low, batch, per_round)
            records = per_round * ROUNDS
            bench.add(
                f"append.{database.name}.{batch}",
                spent["raw"] / spent["ours"],
                f"≥ {WANTED[database.name, batch]}",
                f"{records / spent['ours']:,.0f} records/s against {records / spent['raw']:,.0f} raw; "
                f"{cpu / records * 1e6:.0f} µs CPU a record",
            )
            single = spent["raw"] / records
        _facts(bench, database, ours)
        seconds = _threads(ours, source)
    bench.add(
        f"group64.{database.name}",
        single / seconds,
        f"≥ {GROUP_WANTED[database.name]}",
        f"{1 / seconds:,.0f} records/s from {THREADS} threads against {1 / single:,.0f} raw commits/s",
    )
    return single


def _warm_up(ours: Service, raw: Service, source: Iterator[Submission]) -> None:
    low = size(ours)
    append(ours, list(itertools.islice(source, 2000)), 1000)
    _write_raw(raw, stored_rows(ours, low, size(ours)), low, 1000, 2000)


def append(service: Service, chosen: list[Submission], batch: int) -> None:
    """Makes entries of what a collector handed over, so many a commit."""
    prepare = preparer(service).prepare
    for at in range(0, len(chosen), batch):
        drafts = [prepare(one) for one in chosen[at : at + batch]]
        service.store.append(LOG, Batch(drafts))  # type: ignore[arg-type] # none of these is rejected


def _write_raw(service: Service, rows: Rows, low: int, batch: int, count: int) -> float:
    """Writes finished rows by the driver, committing every `batch` records; returns the seconds it took."""
    groups = _grouped(rows, low, batch, count)
    with service.store.writer.connect() as connection:
        started = time.perf_counter()
        for group in groups:
            _commit(connection, group)
        return time.perf_counter() - started


def _commit(connection: Connection, group: Rows) -> None:
    with connection.begin():
        driver: Any = connection.connection.driver_connection
        for table, rows in group.items():
            if is_sqlite(connection):
                driver.executemany(f"INSERT INTO {table.name} VALUES ({','.join('?' * len(table.columns))})", rows)
            else:
                Bulk(connection).insert(table, rows, len(rows))


def _grouped(rows: Rows, low: int, batch: int, count: int) -> list[Rows]:
    groups: list[Rows] = [{} for _ in range(0, count, batch)]
    for table, found in rows.items():
        at = list(table.c.keys()).index("pos")
        for row in found:
            groups[(index_of(row[at]) - low) // batch].setdefault(table, []).append(row)
    return groups


def _threads(service: Service, source: Iterator[Submission], each: int = 40) -> float:
    """Seconds a record, with 64 threads that append one record at a time."""
    prepare = preparer(service).prepare
    work = [list(itertools.islice(source, each)) for _ in range(THREADS)]
    gate = threading.Barrier(THREADS + 1)

    def run(mine: list[Submission]) -> None:
        gate.wait()
        for one in mine:
            service.store.append(LOG, Batch([prepare(one)]))  # type: ignore[list-item] # none is rejected

    threads = [threading.Thread(target=run, args=(mine,)) for mine in work]
    for thread in threads:
        thread.start()
    gate.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - started) / (THREADS * each)


def _facts(bench: Bench, database: Database, service: Service) -> None:
    entries = size(service)
    with service.store.reader(LOG) as reader:
        bodies = [len(body) for _, _, _, body in reader.rows(10, min(entries, 2010)) if body is not None]
    bench.fact(f"rows an entry, {database.name}", f"{row_count(service) / entries:.2f} (full-text index not counted)")
    bench.fact(f"body, {database.name}", f"{sum(bodies) / len(bodies):.0f} bytes in the mean")
    bench.fact(f"disk an entry, {database.name}", f"{disk_bytes(service) / entries:,.0f} bytes")


def disk_bytes(service: Service) -> int:
    """Bytes that the database takes, indexes included."""
    with service.store.reading() as connection:
        if connection.dialect.name == "postgresql":
            return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
        return pages * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
