"""What is refused before a database is reached, and what its errors become: who must do what."""

import sqlite3
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import psycopg
import pytest

from collectors.it.sql import Sql
from collectors.it.sql_errors import explain
from collectors.it.sql_reader import Rows, read_row
from collectors.it.sql_value import Cell
from collectors.it.sql_window import Cursor, Window
from collectors.mapping.templates import template
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.run import SourceState
from ledger.core.source import SourceConfig

URL = "postgresql://reader@127.0.0.1:1/lims"


def sql(secrets: Any = None, name: str = "audit-table", **options: Any) -> Sql:
    config = SourceConfig(
        id="lims", type="sql", title="LIMS", options={"url": URL, **options}, mapping=template(name).text
    )
    return Sql(config, secrets or {}, SystemClock())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"url": "postgresql://reader:secret@127.0.0.1/lims"}, "holds a password"),
        ({"url": "postgresql://reader@127.0.0.1/lims?password=secret"}, "holds a password"),
        ({"url": "not an address"}, "no database address"),
        ({"url": "access://x@y/z"}, "no kind of database"),
        ({"table": "a", "query": "SELECT 1"}, "both"),
        ({"table": ""}, "neither"),
        ({"query": "DELETE FROM audit_trail"}, "not one SELECT"),
        ({"query": "SELECT 1; DROP TABLE audit_trail"}, "not one SELECT"),
        ({"names": "upper"}, "names"),
        ({"window_minutes": "-1"}, "window_minutes"),
        ({"window_rows": "1e9"}, "window_rows"),
    ],
)
def test_options_that_cannot_be_are_refused_and_never_repeat_a_password(options: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        sql(**options)
    assert "secret" not in f"{caught.value.message} {caught.value.advice}".replace("the secret `password`", "")


def test_a_table_of_the_site_takes_the_place_of_the_mapping_s_query() -> None:
    collector = sql(name="absence-presence", table="presence_view")
    assert collector._rows.label == "presence_view"
    assert sql(name="absence-presence")._rows.label == "query"


def test_a_driver_that_is_not_installed_is_named_with_its_package() -> None:
    for url, package in (("mssql://reader@127.0.0.1/lims", "pymssql"), ("oracle://reader@127.0.0.1/lims", "oracledb")):
        (check,) = sql({"password": "x"}, url=url).check().checks
        assert not check.ok
        assert package in check.advice


def test_a_cursor_of_another_order_is_not_used() -> None:
    state = SourceState(source="lims", cursor='{"order":["changed_at"]}')
    with pytest.raises(FatalSource, match="changed_at"):
        next(sql().collect(state, None))  # type: ignore[arg-type]
    with pytest.raises(FatalSource, match="snapshot"):
        next(sql().collect(SourceState(source="lims", snapshot=b"{}"), None))  # type: ignore[arg-type]


def error(kind: type[Exception], *args: object, **members: object) -> Exception:
    made = kind(*args)
    for name, value in members.items():
        setattr(made, name, value)
    return made


class OracleError(Exception):
    pass


class Code:
    def __init__(self, full_code: str) -> None:
        self.full_code = full_code

    def __str__(self) -> str:
        return f"{self.full_code}: said by Oracle"


@pytest.mark.parametrize(
    ("raised", "kind", "named"),
    [
        (psycopg.OperationalError('FATAL:  password authentication failed for user "reader"'), FatalSource, "refuses"),
        (psycopg.OperationalError('FATAL:  database "lims" does not exist'), FatalSource, "asked"),
        (psycopg.OperationalError("Connection refused"), RetriableSource, "did not answer"),
        (psycopg.errors.InsufficientPrivilege("permission denied for table x"), FatalSource, "does not let"),
        (psycopg.errors.UndefinedTable("no such"), FatalSource, "asked"),
        (psycopg.errors.QueryCanceled("statement timeout"), RetriableSource, "too long"),
        (psycopg.errors.AdminShutdown("terminating"), RetriableSource, "did not answer"),
        (psycopg.errors.ObjectInUse("slot is active"), RetriableSource, "somebody else"),
        (psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"), FatalSource, "asked"),
        (psycopg.errors.IdleInTransactionSessionTimeout("x"), RetriableSource, "did not answer"),
        (Exception(1045, "Access denied for user 'reader'"), FatalSource, "refuses"),
        (Exception(1142, "SELECT command denied"), FatalSource, "does not let"),
        (Exception(1146, "Table doesn't exist"), FatalSource, "asked"),
        (Exception(1969, "max_statement_time exceeded"), RetriableSource, "too long"),
        (Exception(2013, "Lost connection"), RetriableSource, "did not answer"),
        (Exception(18456, "Login failed for user 'reader'"), FatalSource, "refuses"),
        (OracleError(Code("ORA-01017")), FatalSource, "refuses"),
        (OracleError(Code("ORA-00942")), FatalSource, "does not let"),
        (OracleError(Code("DPY-6005")), RetriableSource, "did not answer"),
        (error(sqlite3.OperationalError, "no such table", sqlite_errorname="SQLITE_ERROR"), FatalSource, "asked"),
        (error(sqlite3.OperationalError, "locked", sqlite_errorname="SQLITE_BUSY"), RetriableSource, "did not answer"),
        (error(sqlite3.OperationalError, "x", sqlite_errorname="SQLITE_INTERRUPT"), RetriableSource, "too long"),
        (Exception(), RetriableSource, "Exception"),
    ],
)
def test_an_error_of_a_driver_says_place_account_and_what_to_do(
    raised: Exception, kind: type[Exception], named: str
) -> None:
    found = explain(raised, URL, "reader")
    assert type(found) is kind
    assert named in found.message
    assert URL in found.message
    assert found.advice
    if named in ("refuses", "does not let"):
        assert "'reader'" in found.message


@pytest.mark.parametrize("name", ["mssql", "oracle", "postgresql", "mysql", "sqlite"])
def test_a_page_can_be_written_for_every_kind_of_database(name: str) -> None:
    dialect = import_module(f"sqlalchemy.dialects.{name}").dialect()
    floor = (Cell("instant", "2026-03-01T08:15:00+00:00"), Cell("int", str(2**40)))
    for rows in (
        Rows("audit.TRAIL", "", ("at", "id")),
        Rows("", "SELECT at, id, '10:30' AS x FROM trail", ("at", "id")),
    ):
        text = str(rows.page(floor, 10).compile(dialect=dialect))
        assert "::" not in text.partition("ORDER BY")[0], "the column's own type decides"
        assert " >= " in text
        assert ("TOP" if name == "mssql" else "FETCH FIRST" if name == "oracle" else "LIMIT") in text


def test_more_rows_of_the_future_than_the_window_holds_do_not_hide_those_of_the_present() -> None:
    window = Window(Cursor(order=("at",)), {}, 2, 0)
    first, second, third = [read_row("t", ["at"], [datetime(2126, 1, day, tzinfo=UTC)], [0]) for day in (1, 2, 3)]
    for row in (first, second, third):
        window.fresh([row])
    window.taken(first)
    window.taken(second)
    with pytest.raises(FatalSource, match="future"):
        window.taken(third)
    assert window.last is None
