"""Tries a table: can it be read, is the session read-only, what are its columns, does its order name every row."""

import warnings
from collections.abc import Sequence
from hashlib import sha256

from sqlalchemy import inspect
from sqlalchemy.exc import NoSuchTableError, SAWarning
from sqlalchemy.sql.selectable import TableClause

from collectors.base import Check, CheckReport, judge_clock
from collectors.it.sql_database import Database, Session
from collectors.it.sql_reader import Rows
from ledger.core.clock import WallClock
from ledger.core.errors import CollectorError, FatalSource

_AUTUMN_US = 75 * 60_000_000
"""A local time goes back an hour in autumn; a window must be longer than that."""


def check_table(database: Database, rows: Rows, window_us: int, wanted: str, clock: WallClock) -> CheckReport:
    """Never raises for what the database does; the report says it."""
    checks: list[Check] = []
    measured = None
    try:
        with database.session(clock) as session:
            whose = database.account or "no account"
            checks.append(Check(name="connection", ok=True, says=f"{session.product} answers {whose}"))
            checks.append(Check(name="read-only", ok=True, says=database.kind.read_only))
            checks.append(judge_encryption(database.stays_here or session.encrypted()))
            checks.append(_schema(session, rows, wanted))
            checks.append(_order(session, rows, window_us))
            checks.append(_index(session, rows))
            measured = session.source_clock
    except CollectorError as error:
        name = "read" if checks else "connection"
        checks.append(Check(name=name, ok=False, says=error.message, advice=error.advice))
    else:
        checks.append(judge_clock(measured))
    return CheckReport(checks=tuple(checks), clock=measured)


def shape(session: Session, rows: Rows) -> str:
    """The columns in order, each with its type, as the database says them; of a query as its driver does."""
    if isinstance(rows.source, TableClause):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SAWarning)  # of a type that SQLAlchemy has no class for
                found = inspect(session.connection).get_columns(rows.source.name, schema=rows.source.schema)
        except NoSuchTableError:
            raise FatalSource(
                f"there is no table or view {rows.label} at {session.database.place}",
                advice="Write its name as the database has it, with its schema: SCHEMA.NAME.",
            ) from None
        finally:
            session.connection.rollback()
        return ", ".join(f"{one['name']} {one['type']}" for one in found)
    with session.connection.begin():
        result = session.connection.execute(rows.select().limit(0))
        assert result.cursor is not None, "a SELECT gives a cursor"
        return ", ".join(f"{one[0]} {one[1]}" for one in result.cursor.description)


def fingerprint(columns: str) -> str:
    """Tells one shape from another: 128 bits of SHA-256, hexadecimal."""
    return sha256(columns.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def judge_encryption(safe: bool | None) -> Check:
    """Whether what is read can be read on the way, or changed; null: not known."""
    if safe:
        return Check(name="encryption", ok=True, says="the connection is encrypted, or stays on this machine")
    return Check(
        name="encryption",
        ok=safe is None,
        says="the connection is not encrypted" if safe is False else "whether the connection is encrypted is not known",
        advice="Ask for it in the url: ?sslmode=verify-full&sslrootcert=FILE (PostgreSQL), "
        "?ssl_ca=FILE&ssl_verify_identity=true (MySQL, MariaDB), or what the driver has for it.",
    )


def _schema(session: Session, rows: Rows, wanted: str) -> Check:
    columns = shape(session, rows)
    found = fingerprint(columns)
    says = f"the columns of {rows.label} have fingerprint {found}: {columns}"
    if wanted and wanted != found:
        return Check(
            name="columns",
            ok=False,
            says=f"{says}; the option `fingerprint` says {wanted}",
            advice="See whether the mapping still fits, then set the option to the new fingerprint.",
        )
    return Check(name="columns", ok=True, says=says)


def _order(session: Session, rows: Rows, window_us: int) -> Check:
    names = ", ".join(rows.order)
    with session.connection.begin():
        lacking = rows.select().where(rows.without_position()).limit(1)
        if session.connection.execute(lacking).first() is not None:
            return Check(
                name="order",
                ok=False,
                says=f"{rows.label} has rows without a value in {names}: they are never collected",
                advice="Name columns in `order` that every row has.",
            )
    first = rows.last(session)
    if first is not None and first.sort == "datetime" and window_us < _AUTUMN_US:
        return Check(
            name="order",
            ok=False,
            says=f"{rows.order[0]} is a time without a zone: where it goes back an hour in autumn, rows are lost",
            advice="Order by a number, or set `window_minutes` to 75 or more.",
        )
    return Check(name="order", ok=True, says=f"every row of {rows.label} has a place in the order of {names}")


def _index(session: Session, rows: Rows) -> Check:
    """Says only what can be seen; a view or query may well use an index of its tables."""
    first = rows.order[0]
    if not isinstance(rows.source, TableClause):
        return Check(name="index", ok=True, says="a query: see that its order columns have an index")
    looker = inspect(session.connection)
    name, schema = rows.source.name, rows.source.schema
    try:
        keys: list[Sequence[str | None]] = [looker.get_pk_constraint(name, schema=schema)["constrained_columns"]]
        keys += [index["column_names"] for index in looker.get_indexes(name, schema=schema)]
        keys += [unique["column_names"] for unique in looker.get_unique_constraints(name, schema=schema)]
    except (NoSuchTableError, NotImplementedError):
        keys = []
    finally:
        session.connection.rollback()
    if any(key and (key[0] or "").lower() == first.lower() for key in keys):
        return Check(name="index", ok=True, says=f"an index begins with {first}: a run reads only what it needs")
    return Check(
        name="index",
        ok=True,
        says=f"no index of {rows.label} is seen to begin with {first}: each run may read the whole of it",
        advice=f"Where it is large, let its owner put an index on {', '.join(rows.order)}.",
    )
