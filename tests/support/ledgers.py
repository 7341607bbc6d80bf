"""Whole ledgers for tests, on either database: fresh, with one registered source, and removed at the end.

`ledger` gives each test one on SQLite and one on PostgreSQL; `sqlite_ledger` and `postgres_ledger` give one alone.
"""

import contextlib
import functools
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from ledger.core.authority import Authority
from ledger.core.clock import SystemClock, WallClock, utc_text
from ledger.core.record import Action, Actor, ActorKind, Change, Link, LinkBasis, LinkKind, Original, Record, Submission
from ledger.core.record import Target as Object
from ledger.core.run import RunBatch, RunReceipt
from ledger.core.source import SourceConfig
from ledger.core.times import Basis, Precision, SourceTime
from ledger.creating import create
from ledger.people.passwords import Effort
from ledger.service import Service
from ledger.settings import FILE_NAME, Settings
from ledger.settings import write as write_settings
from ledger.store.database import migrate
from ledger.store.engine import is_sqlite
from ledger.store.store import Store
from tests.support.postgres import PgDatabase, PostgresServer

AUTHORITY = Authority(actor="local:tester", authenticated=False)
ORIGIN = "plant.example/ledger"
SOURCE = "erp"
START_US = 1_790_000_000_000_000
RECORDS = 1
"""Number of the record log."""
LIGHT = Effort(rounds=1, memory_kib=8, refusal_s=0.0)
"""What a look at a password costs where its cost is not what is tested."""


class MovableClock:
    """A clock that stands where it is put."""

    def __init__(self, now_us: int = START_US) -> None:
        self.at_us = now_us

    def now_us(self) -> int:
        return self.at_us


class Ledger:
    """A ledger of a test. `service` is opened once; `open` gives a further one, as another process would have it."""

    def __init__(self, folder: Path, settings: Settings, clock: WallClock) -> None:
        """Opens the ledger in the folder if there is one, and makes it otherwise, with its source."""
        self.folder = folder
        self.settings = settings
        self.clock = clock
        if (folder / FILE_NAME).exists():
            self._opened = [Service(folder, clock, effort=LIGHT)]
        else:
            self._opened = [create(folder, settings, AUTHORITY, clock, LIGHT)]
            self.register()

    @property
    def service(self) -> Service:
        return self._opened[0]

    @property
    def store(self) -> Store:
        return self.service.store

    @property
    def dialect(self) -> str:
        return self.settings.database_url(self.folder).get_backend_name()

    @property
    def is_sqlite(self) -> bool:
        return self.dialect == "sqlite"

    @property
    def owner_url(self) -> str:
        return self.settings.owner_url(self.folder).render_as_string(hide_password=False)

    def open(self, clock: WallClock | None = None) -> Service:
        """The same ledger, opened once more; closed at the end of the test."""
        self._opened.append(Service(self.folder, clock or self.clock, effort=LIGHT))
        return self._opened[-1]

    @contextlib.contextmanager
    def administrator(self) -> Iterator[Connection]:
        """A transaction of whoever owns the database: no trigger refuses anything while it lasts."""
        engine = create_engine(make_url(self.owner_url))
        try:
            with engine.begin() as connection:
                triggers = _disarm(connection)
                yield connection
                for statement in triggers:
                    connection.exec_driver_sql(statement)
        finally:
            engine.dispose()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a query, as the service's role sees them."""
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def register(self, source: str = SOURCE, **options: Any) -> int:
        """Registers a source of the record log."""
        return self.service.sources.register(
            SourceConfig(id=source, type="test", title=f"Test source {source}", **options), AUTHORITY
        )

    def submit(self, submissions: Sequence[Submission], source: str = SOURCE, **run: Any) -> RunReceipt:
        """Submits a run that goes on where the source stands."""
        cursor = run.pop("cursor_from", self.service.ingest.state(source).cursor)
        return self.service.ingest.submit(batch(submissions, source, cursor_from=cursor, **run), AUTHORITY)

    def close(self) -> None:
        for opened in self._opened:
            opened.close()


def _disarm(connection: Connection) -> list[str]:
    """Takes every trigger of the database away; returns the statements that bring them back."""
    if is_sqlite(connection):
        found = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all()
        for name, _ in found:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return [sql for _, sql in found]
    tables = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").scalars().all()
    for table in tables:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    return [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables]


def record(number: int | str, source: str = SOURCE, **members: Any) -> Record:
    """A record of a source; `members` replace its usual ones."""
    instant = START_US + (number if isinstance(number, int) else 0) * 1_000_000
    usual: dict[str, Any] = {
        "action": Action.UPDATE,
        "occurred_at": source_time(instant),
        "actor": Actor(account="operator1", kind=ActorKind.PERSON, name="Operator One"),
        "object": Object(type="tag", id="TIC101.SP", name="Reactor temperature setpoint"),
        "changes": (Change(attribute="Value", old="50.0", new="55.5", unit="degC"),),
        "links": (Link(kind=LinkKind.BATCH, id="B-2026-00042", basis=LinkBasis.READ),),
        "reason": "as per change request",
    }
    return Record(source=source, source_record_id=str(number), **(usual | members))


def source_time(instant_us: int) -> SourceTime:
    """An instant as a source with a known zone gives it."""
    return SourceTime(
        text=utc_text(instant_us),
        precision=Precision.MICROSECOND,
        basis=Basis.SOURCE_ZONE,
        instant_us=instant_us,
        offset="+00:00",
    )


def submission(number: int | str, source: str = SOURCE, data: bytes | None = None, **members: Any) -> Submission:
    """A submission of `record`, received a second after the start; `data` are the bytes of its original."""
    original = None
    if data is not None:
        original = Original(data=data, media_type="application/json", parser="test", parser_version="1")
    return Submission(
        record=record(number, source, **members), received_at=utc_text(START_US + 1_000_000), original=original
    )


def batch(submissions: Sequence[Submission], source: str = SOURCE, **run: Any) -> RunBatch:
    """A run of a source; `run` replaces its usual members."""
    usual: dict[str, Any] = {
        "started_at": utc_text(START_US),
        "ended_at": utc_text(START_US + 2_000_000),
        "cursor_from": None,
        "cursor_to": None,
    }
    return RunBatch(source=source, submissions=tuple(submissions), **(usual | run))


@functools.cache
def _schema() -> bytes:
    """A SQLite file with the schema and nothing in it, as the migrations make it."""
    with tempfile.TemporaryDirectory(prefix="trailseal-schema-") as folder:
        file = Path(folder) / "ledger.db"
        migrate(f"sqlite:///{file}")
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return file.read_bytes()


def put_schema(folder: Path, settings: Settings) -> None:
    """Spares a ledger on SQLite that will be made there the tenth of a second that the migrations take."""
    file = Path(str(settings.database_url(folder).database))
    if settings.database_url(folder).get_backend_name() == "sqlite" and not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(_schema())


def new_ledger(folder: Path, database: PgDatabase | None = None, clock: WallClock | None = None) -> Ledger:
    """A fresh ledger on SQLite in its folder, or on that PostgreSQL database; the caller closes it."""
    chosen = Settings(origin=ORIGIN)
    if database is not None:
        chosen = Settings(origin=ORIGIN, database=database.runtime_url, owner_database=database.owner_url)
    put_schema(folder, chosen)
    return Ledger(folder, chosen, clock or SystemClock())


class Copies:
    """Copies of ledgers that were made once: to make one takes three times as long."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._databases: dict[Path, PgDatabase] = {}

    def sqlite(self, folder: Path, clock: WallClock) -> Ledger:
        """What `new_ledger` gives on SQLite."""
        made = self._folder / f"sqlite-{_beginning(clock)}"
        if not made.exists():
            new_ledger(made, None, clock).close()
        shutil.copytree(made, folder)
        return Ledger(folder, Settings(origin=ORIGIN), clock)

    @contextlib.contextmanager
    def postgres(
        self, folder: Path, clock: WallClock, server: PostgresServer, template: PgDatabase
    ) -> Iterator[Ledger]:
        """What `new_ledger` gives on a database made of `template`, which goes away at the end."""
        made = self._folder / f"postgresql-{_beginning(clock)}"
        if made not in self._databases:
            self._databases[made] = server.create_database(template)
            new_ledger(made, self._databases[made], clock).close()
        database = server.create_database(self._databases[made])
        chosen = Settings(origin=ORIGIN, database=database.runtime_url, owner_database=database.owner_url)
        shutil.copytree(made, folder)
        write_settings(folder, chosen)
        ledger = Ledger(folder, chosen, clock)
        try:
            yield ledger
        finally:
            ledger.close()
            server.discard(database)


def _beginning(clock: WallClock) -> str:
    """When a ledger on that clock was made: now, or where the clock stands."""
    return "now" if isinstance(clock, SystemClock) else str(clock.now_us())


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Copies:
    """What the ledgers of a process's tests are copied from."""
    return Copies(tmp_path_factory.mktemp("copies"))


@pytest.fixture
def clock() -> MovableClock:
    """The clock of a test's ledger, if the test asks for it by name."""
    return MovableClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A fresh ledger with the source `erp`, on either database; on the test's `clock` if it has one."""
    yield from _made(request, tmp_path, request.param)


@pytest.fixture
def sqlite_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """The same on SQLite alone."""
    yield from _made(request, tmp_path, "sqlite")


@pytest.fixture
def postgres_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """The same on PostgreSQL alone."""
    yield from _made(request, tmp_path, "postgresql")


def _made(request: pytest.FixtureRequest, folder: Path, database: str) -> Iterator[Ledger]:
    clock = request.getfixturevalue("clock") if "clock" in request.fixturenames else SystemClock()
    copies: Copies = request.getfixturevalue("copies")
    if database == "sqlite":
        with contextlib.closing(copies.sqlite(folder / "ledger", clock)) as ledger:
            yield ledger
    else:
        server, template = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_template")
        with copies.postgres(folder / "ledger", clock, server, template) as ledger:
            yield ledger
