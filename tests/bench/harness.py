"""Ledgers to measure with, raw rows to measure against, and the table at the end."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Table, func, select

from ledger.core.authority import Authority
from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.service import Service
from ledger.settings import Settings
from ledger.sources.prepare import Preparer
from ledger.store import schema
from ledger.store.position import pos_of
from tests.support.postgres import SERVER_CONF, PgDatabase, PostgresServer, temporary_postgres

LOG = 1
ORIGIN = "plant.example/bench"
AUTHORITY = Authority(actor="local:bench", authenticated=False)
RECORD_TABLES = ("leaf", "body", "original", "sealed_value", "record", "record_link", "source_key", "record_change")
"""What one record is written to; the raw driver writes the same rows to the same tables."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One measured ratio: what it is of, the figures behind it, and the least that is asked for."""

    name: str
    ratio: float
    wanted: str
    says: str


class Bench(msgspec.Struct):
    """One run: what was measured so far."""

    results: list[Result]
    facts: list[tuple[str, str]]
    failures: list[tuple[str, str]]

    def add(self, name: str, ratio: float, wanted: str, says: str) -> None:
        """Takes a result and shows it at once."""
        self.results.append(Result(name=name, ratio=round(ratio, 3), wanted=wanted, says=says))
        print(f"  {name:36} {ratio:10,.3f}  (wanted {wanted})  {says}", flush=True)

    def fact(self, name: str, says: str) -> None:
        """Takes a fact that is no ratio."""
        self.facts.append((name, says))
        print(f"  {name:36} {says}", flush=True)

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Tells how long a part of the run took."""
        started = time.monotonic()
        yield
        self.fact(f"part {name}", f"{time.monotonic() - started:.0f} s")

    def failed(self, name: str, why: str) -> None:
        """Takes what could not be measured: the rest goes on, and the run ends as failed."""
        self.failures.append((name, why))
        print(f"  {name:36} could not be measured: {why}", flush=True)


class Database:
    """One of the two databases: makes fresh ledgers on it."""

    def __init__(self, name: str, folder: Path, server: PostgresServer | None) -> None:
        self.name = name
        self._folder = folder
        self._server = server
        self._count = 0

    def place(self) -> tuple[Path, PgDatabase | None]:
        """A folder that is not there yet, and a new database of the server, where there is one."""
        self._count += 1
        database = None if self._server is None else self._server.create_database()
        return self._folder / f"{self.name}-{self._count}", database

    @contextlib.contextmanager
    def ledger(self) -> Iterator[Service]:
        """A fresh ledger with the source `bench` registered, closed at the end."""
        folder, database = self.place()
        settings = Settings(origin=ORIGIN)
        if database is not None:
            settings = Settings(origin=ORIGIN, database=database.runtime_url, owner_database=database.owner_url)
        service = create(folder, settings, AUTHORITY)
        service.sources.register(SourceConfig(id="bench", type="push", title="Bench"), AUTHORITY)
        try:
            yield service
        finally:
            service.close()


@contextlib.contextmanager
def databases(chosen: Sequence[str]) -> Iterator[list[Database]]:
    """SQLite and PostgreSQL, set as in production, in a folder on disk that goes away at the end."""
    with contextlib.ExitStack() as stack:
        (Path(__file__).parents[2] / ".bench").mkdir(exist_ok=True)
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="trailseal-bench-", dir=Path(__file__).parents[2] / ".bench")
            )
        )
        found = []
        for name in chosen:
            server = stack.enter_context(temporary_postgres(_sized(folder))) if name == "postgresql" else None
            found.append(Database(name, folder, server))
        yield found


def _sized(folder: Path) -> Path:
    """The deployed settings of PostgreSQL, with a quarter of this machine's memory, as they say of a larger one."""
    quarter = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4 // 2**20
    settings = folder / "server.conf"
    settings.write_text(f"{SERVER_CONF.read_text()}\nshared_buffers = {max(1024, quarter)}MB\n")
    return settings


def preparer(service: Service) -> Preparer:
    """Prepares submissions of `bench` as ingest does."""
    return Preparer("bench", frozenset({"actor.name"}), service.keys.digests())


def size(service: Service) -> int:
    """How many entries the log has."""
    with service.store.reader(LOG) as reader:
        return reader.head().size


def stored_rows(service: Service, low: int, high: int) -> dict[Table, list[tuple[Any, ...]]]:
    """The rows that the entries of a range were written to, table by table, as they stand."""
    rows: dict[Table, list[tuple[Any, ...]]] = {}
    with service.store.reading() as connection:
        for name in RECORD_TABLES:
            table = schema.metadata.tables[name]
            found = connection.execute(
                table.select()
                .where(table.c.pos >= pos_of(LOG, low), table.c.pos < pos_of(LOG, high))
                .order_by(table.c.pos)
            ).all()
            if found:
                rows[table] = [tuple(row) for row in found]
    return rows


def row_count(service: Service) -> int:
    """Rows in all tables that a record is written to."""
    with service.store.reading() as connection:
        return sum(
            connection.scalar(select(func.count()).select_from(schema.metadata.tables[name])) or 0
            for name in RECORD_TABLES
        )
