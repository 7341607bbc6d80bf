"""Opens a database for reading only, by SQLAlchemy: time-outs on everything, values as the server gave them.

PostgreSQL, MySQL, MariaDB and SQLite get a session that the server itself keeps from writing. SQL Server has no such
session, and Oracle only a transaction; there the account's rights are what keeps it from writing: give it SELECT alone.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import psycopg
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from collectors.clocks import clock_told
from collectors.it.pg_values import as_text_where_needed
from collectors.it.sql_errors import explain
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, FatalSource
from ledger.core.times import Clock

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MYSQL_TIMESTAMP = 7


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What is special about one kind of database."""

    driver: str
    """The driver that is used where the url names none; also the package that brings it."""
    package: str
    now: str | None
    """Asks the server's clock; null where there is no server."""
    read_only: str
    """In words, what keeps the session from writing."""
    arguments: Mapping[str, Any] = {}
    session: tuple[str, ...] = ()
    transaction: tuple[str, ...] = ()


_MYSQL = Kind(
    driver="pymysql",
    package="PyMySQL",
    now="SELECT utc_timestamp(6)",
    read_only="the session is read-only",
    arguments={"connect_timeout": CONNECT_SECONDS, "read_timeout": STATEMENT_SECONDS + 5, "write_timeout": 10},
    session=("SET SESSION TRANSACTION READ ONLY", "SET SESSION time_zone = '+00:00'"),
)
KINDS: Mapping[str, Kind] = {
    "postgresql": Kind(
        driver="psycopg",
        package="psycopg",
        now="SELECT clock_timestamp()",
        read_only="the session is read-only",
        arguments={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "trailseal",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        },
        session=(
            "SET default_transaction_read_only = on",
            f"SET statement_timeout = '{STATEMENT_SECONDS}s'",
            "SET TimeZone = 'UTC'",
            "SET DateStyle = 'ISO'",
            "SET IntervalStyle = 'iso_8601'",
        ),
    ),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "sqlite": Kind(
        driver="pysqlite",
        package="sqlite3",
        now=None,
        read_only="the file is opened for reading only",
        session=("PRAGMA query_only = ON", "PRAGMA trusted_schema = OFF"),
    ),
    "mssql": Kind(
        driver="pymssql",
        package="pymssql",
        now="SELECT SYSUTCDATETIME()",
        read_only="SQL Server has no read-only session: give the account SELECT alone",
        arguments={"login_timeout": CONNECT_SECONDS, "timeout": STATEMENT_SECONDS},
        session=("SET LOCK_TIMEOUT 10000",),
    ),
    "oracle": Kind(
        driver="oracledb",
        package="oracledb",
        now="SELECT SYS_EXTRACT_UTC(SYSTIMESTAMP) FROM dual",
        read_only="each transaction is read-only",
        arguments={"tcp_connect_timeout": CONNECT_SECONDS},
        transaction=("SET TRANSACTION READ ONLY",),
    ),
}
"""SQLAlchemy's name of a database → what is special about it. SQL Server and Oracle: documented, not run."""


class Database:
    """Where a source's rows are. Making one reaches for nothing."""

    def __init__(self, source: str, url: str, password: str) -> None:
        """Raises ConfigError for a text that is no address, holds a password, or names another kind of database."""
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise ConfigError(f"source {source!r}: option 'url' is no database address", advice=_FORM) from None
        if parsed.password is not None or {"password", "passwd", "sslpassword"} & {*parsed.query}:
            raise ConfigError(
                f"source {source!r}: option 'url' holds a password",
                advice="Take it out and name it as the secret `password`.",
            )
        backend = parsed.get_backend_name()
        if backend not in KINDS:
            raise ConfigError(f"source {source!r}: {backend!r} is no kind of database known here", advice=_FORM)
        self.kind = KINDS[backend]
        self.backend = backend
        self.place = url
        self.account = parsed.username or ""
        self.stays_here = backend == "sqlite" or stays_here(parsed.host)
        """Whether what is read crosses no network."""
        self._url = parsed if "+" in parsed.drivername else parsed.set(drivername=f"{backend}+{self.kind.driver}")
        self._password = password

    @contextmanager
    def session(self, clock: WallClock) -> Iterator["Session"]:
        """A connection, closed at the end. What a driver raises in between comes out as one of our errors."""
        try:
            engine = self._engine()
        except (ImportError, SQLAlchemyError):
            raise FatalSource(
                f"the driver for {self.place} is not installed", advice=f"Install the package {self.kind.package}."
            ) from None
        try:
            with engine.connect() as connection:
                yield Session(self, connection, clock)
        except DBAPIError as error:
            raise explain(error.orig or error, self.place, self.account) from None
        except SQLAlchemyError as error:
            raise explain(error, self.place, self.account) from None
        except UnicodeError as error:
            raise FatalSource(
                f"the driver for {self.place} cannot read a text: {error}",
                advice="Name a query that casts the column to bytes, or set the driver's character set in the url.",
            ) from None
        finally:
            engine.dispose()

    def _engine(self) -> Engine:
        url = self._url if not self._password else self._url.set(password=self._password)
        more: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
        if self.backend == "sqlite":
            path = url.database or ""
            engine = create_engine("sqlite://", creator=lambda: _open_file(Path(path)), **more)
        else:
            if self.backend == "postgresql" and url.drivername.endswith("psycopg"):
                more |= {"use_native_hstore": False, "native_inet_types": False}
            fitting = self.kind.arguments if url.drivername.endswith(self.kind.driver) else {}
            arguments = {name: value for name, value in fitting.items() if name not in url.query}
            engine = create_engine(url, connect_args=arguments, **more)
        _listen(engine, self.kind, self.backend, url)
        return engine


class Session:
    """A connection to one database. Each `read` is a transaction of its own, short and read-only."""

    def __init__(self, database: Database, connection: Connection, clock: WallClock) -> None:
        self.database = database
        self.connection = connection
        self._clock = clock
        self.source_clock = self._measure()

    @property
    def product(self) -> str:
        """Name and version, as the server says it."""
        dialect = self.connection.dialect
        version = ".".join(str(part) for part in dialect.server_version_info or ())
        name = "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name
        return f"{name} {version}".strip()

    def encrypted(self) -> bool | None:
        """Whether the connection is encrypted; null where that cannot be asked."""
        driver = self.connection.connection.driver_connection
        if isinstance(driver, psycopg.Connection):
            return bool(driver.pgconn.ssl_in_use)
        if self.database.backend in ("mysql", "mariadb"):
            row = self.connection.execute(text("SHOW STATUS LIKE 'Ssl_cipher'")).first()
            self.connection.rollback()
            return row is not None and bool(row[1])
        return None

    def _measure(self) -> Clock | None:
        if self.database.kind.now is None:
            self.connection.execute(text("SELECT 1 FROM sqlite_master LIMIT 1"))  # an empty look, to see that it opens
            self.connection.rollback()
            return None
        asked_us = self._clock.now_us()
        moment = self.connection.execute(text(self.database.kind.now)).scalar_one()
        answered_us = self._clock.now_us()
        self.connection.rollback()
        if not isinstance(moment, datetime):
            return None
        server = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        server_us = (server - _EPOCH) // timedelta(microseconds=1)
        method = f"{self.database.kind.now}; half the round trip as uncertainty"
        return clock_told(server_us, asked_us, answered_us, method, resolution_us=1)

    def utc_columns(self, types: Sequence[object]) -> tuple[int, ...]:
        """Places of the columns whose times are UTC although the driver gives them without a zone."""
        if self.database.backend not in ("mysql", "mariadb"):
            return ()
        return tuple(place for place, kind in enumerate(types) if kind == _MYSQL_TIMESTAMP)


def stays_here(host: str | None) -> bool:
    """Whether a host is this machine: none or a folder (a socket), a loopback address."""
    return not host or host == "localhost" or host.startswith(("/", "127.")) or host == "::1"


_FORM = (
    "Write postgresql://USER@HOST:PORT/DATABASE, mariadb://…, mysql://…, sqlite:////PATH, mssql://… or oracle://…, "
    "without a password."
)


def _listen(engine: Engine, kind: Kind, backend: str, url: URL) -> None:
    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        if backend == "postgresql" and url.drivername.endswith("psycopg"):
            as_text_where_needed(connection.adapters)
        cursor = connection.cursor()
        for statement in kind.session:
            cursor.execute(statement)
        if backend in ("mysql", "mariadb"):
            cursor.execute("SELECT version()")
            of_mariadb = "mariadb" in str(cursor.fetchone()).lower()
            limit = f"max_statement_time = {STATEMENT_SECONDS}" if of_mariadb else "max_execution_time = 60000"
            cursor.execute(f"SET SESSION {limit}")
        cursor.close()
        connection.commit()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        for statement in kind.transaction:
            connection.exec_driver_sql(statement)


def _open_file(path: Path) -> sqlite3.Connection:
    """A SQLite file for reading only; raises sqlite3.OperationalError where there is none."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=CONNECT_SECONDS, check_same_thread=False
    )
    connection.text_factory = _text
    deadline = _Deadline()
    connection.set_trace_callback(deadline.renew)
    connection.set_progress_handler(deadline.is_over, 100_000)
    return connection


def _text(data: bytes) -> str | bytes:
    """A text, or its bytes where it is not in UTF-8, which SQLite does not check."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


class _Deadline:
    """Ends a SQLite statement that takes too long."""

    def __init__(self) -> None:
        self._at = monotonic() + STATEMENT_SECONDS

    def renew(self, _: str) -> None:
        self._at = monotonic() + STATEMENT_SECONDS

    def is_over(self) -> bool:
        return monotonic() > self._at
