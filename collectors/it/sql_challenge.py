"""Plants a challenge in a database: one declared statement changes one test row, as an account of its own."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, TextClause, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from collectors.base import Option, Secret
from collectors.challenge import Planter
from collectors.it.sql_database import CONNECT_SECONDS, Database
from collectors.it.sql_errors import explain
from collectors.text import render
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource

_CHANGES = re.compile(r"\s*(update|insert)\b", re.IGNORECASE)
_READS = re.compile(r"\s*select\b", re.IGNORECASE)


class SqlPlanter(Planter):
    """See the module. A statement that would touch any other number of rows than one is rolled back."""

    type = "sql"
    title = "changes a test row of a database by one statement"
    options = (
        Option(name="url", meaning="the database, as of a source of type sql: another account", required=True),
        Option(
            name="statement",
            meaning="one UPDATE or INSERT of one row, with :new (and :old), as "
            "UPDATE sample SET note = :new WHERE id = 'TEST'",
            required=True,
        ),
        Option(name="read", meaning="a SELECT that gives the one value that is there now"),
    )
    secrets = (Secret(name="password", meaning="the account's password; a file has none", required=False),)

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        super().__init__(challenge, options, secrets, clock)
        self._database = Database(challenge, self.option("url"), self.secret("password"))
        self._statement = self._read_statement("statement", _CHANGES, "an UPDATE or INSERT")
        if "new" not in self._statement.compile().params:
            raise ConfigError(f"challenge {challenge!r}: option 'statement' does not hold :new", advice="Name it.")
        self._select = self._read_statement("read", _READS, "a SELECT") if self.option("read") else None

    def read(self) -> str | None:
        with self._connected() as connection:
            if self._select is None:
                return None
            row = connection.execute(self._select).first()
            if row is None:
                raise FatalSource(f"there is no row to challenge: {self._select}", advice="Make the test row first.")
            value = render(row[0])
            return None if value is None else str(value)

    def plant(self, old: str | None, new: str) -> None:
        given = {"new": new, "old": old}
        values = {name: given[name] for name in self._statement.compile().params}
        with self._connected() as connection:
            changed = connection.execute(self._statement, values).rowcount
            if changed != 1:
                connection.rollback()
                raise FatalSource(
                    f"the statement would change {changed} rows and not one: nothing was changed",
                    advice="Let its WHERE name the one test row.",
                )
            try:
                connection.commit()
            except DBAPIError as error:
                raise RetriableSource(f"whether the row was changed is not known: {error.orig}") from None

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        database, kind = self._database, self._database.kind
        url = make_url(self.option("url"))
        url = url if "+" in url.drivername else url.set(drivername=f"{database.backend}+{kind.driver}")
        more: dict[str, Any] = {"poolclass": NullPool, "hide_parameters": True}
        if database.backend == "sqlite":
            more["creator"] = lambda: _open_file(Path(url.database or ""))
        elif url.drivername.endswith(kind.driver):
            more["connect_args"] = dict(kind.arguments)
        try:
            engine = create_engine(url.set(password=self.secret("password") or None), **more)
        except (ImportError, SQLAlchemyError):
            raise FatalSource(
                f"the driver for {database.place} is not installed", advice=f"Install the package {kind.package}."
            ) from None
        try:
            with engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
            told = explain(cause, database.place, database.account)
            if isinstance(told, FatalSource):
                told.advice = (
                    "Give the account the right to read and change the one test row; correct url and statement."
                )
            raise told from None
        finally:
            engine.dispose()

    def _read_statement(self, name: str, form: re.Pattern[str], what: str) -> TextClause:
        statement = self.option(name).strip().rstrip(";")
        if not form.match(statement) or ";" in statement:
            raise ConfigError(
                f"challenge {self.challenge!r}: option {name!r} is not one statement, {what}", advice="Write only that."
            )
        found = text(statement)
        if unknown := sorted({*found.compile().params} - {"new", "old"}):
            raise ConfigError(
                f"challenge {self.challenge!r}: option {name!r} names :{unknown[0]}", advice="There are :new and :old."
            )
        return found


def _open_file(path: Path) -> sqlite3.Connection:
    """A SQLite file that is there; a missing one is not made."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=CONNECT_SECONDS)
