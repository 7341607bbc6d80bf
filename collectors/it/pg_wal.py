"""A session of a PostgreSQL server that reads a logical replication slot by SQL, and confirms what it is told to.

It peeks: what was read stays in the slot until `confirm`. Everything else is read-only.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from collectors.clocks import clock_told
from collectors.it.sql_database import stays_here
from collectors.it.sql_errors import explain
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, FatalSource
from ledger.core.times import Clock

_FETCH = 50
_SETTINGS = (
    "SET default_transaction_read_only = on",
    "SET statement_timeout = '300s'",
    "SET lock_timeout = '10s'",
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO'",
    "SET IntervalStyle = 'iso_8601'",
    "SET bytea_output = 'hex'",
    "SET extra_float_digits = 1",
)
"""A value's text in the log is made by the session that reads it."""
_TIMEOUTS: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_OLDEST_WITH_MESSAGES = 140_000
_SLOT = """
SELECT plugin, slot_type, database, active_pid, confirmed_flush_lsn::text AS confirmed, wal_status,
    pg_wal_lsn_diff(pg_current_wal_flush_lsn(), restart_lsn)::bigint AS retained,
    pg_wal_lsn_diff(pg_current_wal_flush_lsn(), confirmed_flush_lsn)::bigint AS behind
FROM pg_replication_slots WHERE slot_name = %s
"""
_SERVER = """
SELECT (SELECT system_identifier::text FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint()),
    current_database(), current_user, current_setting('wal_level'), pg_is_in_recovery(),
    (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user)
"""
_KEY = """
SELECT a.attname FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, place) ON true
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
WHERE i.indisprimary AND n.nspname = %s AND c.relname = %s ORDER BY k.place
"""


class Server(msgspec.Struct, frozen=True, array_like=True):
    """The cluster and what the account may do in it. `system` and `timeline` tell one write-ahead log from another."""

    system: str
    timeline: int
    database: str
    account: str
    wal_level: str
    in_recovery: bool
    may_replicate: bool


class Slot(msgspec.Struct, frozen=True, array_like=True):
    """A slot as the server sees it. `retained` and `behind` are bytes of the log: kept for it, and not confirmed."""

    plugin: str | None
    slot_type: str
    database: str | None
    active_pid: int | None
    confirmed: str | None
    wal_status: str | None
    retained: int | None
    behind: int | None


def lsn_number(text: str) -> int:
    """A place in the log, `16/B374D848`, as a number; raises ValueError."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_text(number: int) -> str:
    """The other way round."""
    return f"{number >> 32:X}/{number & 0xFFFFFFFF:X}"


def check_url(source: str, url: str) -> str:
    """The account in a server's address; raises ConfigError for none, or one with a password."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise ConfigError(f"source {source!r}: option 'url' is no address of a PostgreSQL database", advice=_FORM)
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConfigError(f"source {source!r}: option 'url' is no database address", advice=_FORM) from None
    if parts.get("password") is not None or parts.get("sslpassword") is not None:
        raise ConfigError(
            f"source {source!r}: option 'url' holds a password",
            advice="Take it out and name it as the secret `password`.",
        )
    return str(parts.get("user") or "")


class WalSession:
    """One connection, in autocommit. What the library raises comes out of `connected` as one of our errors."""

    def __init__(self, connection: "psycopg.Connection[Any]", clock: WallClock, place: str) -> None:
        self._connection = connection
        self._clock = clock
        self.place = place
        self.source_clock = self._measure()
        row = connection.execute(_SERVER).fetchone()
        self.server = msgspec.convert(row, Server)
        self._keys: dict[tuple[str, str], tuple[str, ...]] = {}

    @property
    def version(self) -> int:
        return self._connection.info.server_version

    @property
    def product(self) -> str:
        """Name and version of the server."""
        return f"PostgreSQL {self.version // 10000}.{self.version % 10000}"

    @property
    def safe(self) -> bool:
        """Whether the connection is encrypted, or crosses no network."""
        return self._connection.pgconn.ssl_in_use or stays_here(self._connection.info.host)

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, parameters or None).fetchall()

    def slot(self, name: str) -> Slot | None:
        """The slot of that name, whatever it is; None where there is none."""
        found = self._connection.execute(_SLOT, (name,)).fetchone()
        return None if found is None else msgspec.convert(found, Slot)

    def flushed(self) -> str:
        """The end of what is durable in the log: whatever was committed until now stands before it."""
        return str(self.rows("SELECT pg_current_wal_flush_lsn()::text")[0][0])

    def confirm(self, slot: str, lsn: str) -> None:
        """Lets the server forget what was committed before that place."""
        self._connection.execute("SELECT pg_replication_slot_advance(%s, %s::pg_lsn)", (slot, lsn))

    def peek(
        self, slot: str, plugin: str, publication: str, tables: str, until: str, most: int
    ) -> Iterator[tuple[str, bytes]]:
        """Rows of the slot from what is confirmed on: where they stand in the log, and the plugin's message.

        Ends with the first commit at or after `until`, or once there are `most` rows, but never within a transaction.
        The server keeps the answer in a file of its own and no transaction stays open.
        """
        call, options = self._call(plugin, publication, tables)
        with self._connection.cursor(name="trailseal", withhold=True) as cursor:
            cursor.itersize = _FETCH
            cursor.execute(
                f"SELECT lsn::text, data FROM {call}(%s, %s::pg_lsn, %s, VARIADIC %s::text[])",
                (slot, until, most, options),
            )
            for lsn, data in cursor:
                yield lsn, data if isinstance(data, bytes) else str(data).encode("utf-8", "surrogatepass")

    def primary_key(self, schema: str, table: str) -> tuple[str, ...]:
        """The columns of a table's primary key as the catalog has it now; none where there is none."""
        if (schema, table) not in self._keys:
            self._keys[schema, table] = tuple(name for (name,) in self.rows(_KEY, schema, table))
        return self._keys[schema, table]

    def _call(self, plugin: str, publication: str, tables: str) -> tuple[str, list[str]]:
        if plugin == "pgoutput":
            options = {"proto_version": "1", "publication_names": _quoted(publication)}
            if self.version >= _OLDEST_WITH_MESSAGES:
                options["messages"] = "true"
            call = "pg_logical_slot_peek_binary_changes"
        else:
            options = {
                "format-version": "2",
                "include-lsn": "true",
                "include-timestamp": "true",
                "include-xids": "true",
                "include-pk": "true",
            }
            if tables:
                options["add-tables"] = tables
            call = "pg_logical_slot_peek_changes"
        return call, [part for pair in options.items() for part in pair]

    def _measure(self) -> Clock | None:
        asked_us = self._clock.now_us()
        row = self._connection.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").fetchone()
        answered_us = self._clock.now_us()
        if row is None:
            return None
        method = "SELECT clock_timestamp(); half the round trip as uncertainty"
        return clock_told(int(row[0]), asked_us, answered_us, method, resolution_us=1)


@contextmanager
def connected(url: str, account: str, password: str, clock: WallClock) -> Iterator[WalSession]:
    """A session, closed at the end; raises RetriableSource and FatalSource, for what is done with it, too."""
    try:
        with psycopg.connect(
            url,
            autocommit=True,
            application_name="trailseal",
            client_encoding="UTF8",
            password=password or None,
            **_TIMEOUTS,
        ) as connection:
            for statement in _SETTINGS:
                connection.execute(statement)
            yield WalSession(connection, clock, url)
    except psycopg.Error as error:
        raise explain(error, url, account) from None
    except msgspec.ValidationError as error:
        raise FatalSource(f"the database at {url} answers otherwise than PostgreSQL does: {error}") from None


_FORM = "Write postgresql://USER@HOST:PORT/DATABASE, without a password."


def _quoted(name: str) -> str:
    """A publication's name in the list of them that pgoutput takes."""
    return '"' + name.replace('"', '""') + '"'
