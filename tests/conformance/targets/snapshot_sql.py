"""Recipe parameters in a real PostgreSQL that keeps no trail of them; an account that may only read them."""

import contextlib
from collections.abc import Iterator, Sequence

import psycopg
import pytest

from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.postgres import PostgresServer, temporary_postgres
from tests.support.tested import Tested

_TABLE = """
CREATE SCHEMA mes;
CREATE TABLE mes.parameter (
    recipe text, step integer, value text NOT NULL, changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    version integer NOT NULL DEFAULT 1, PRIMARY KEY (recipe, step)
);
CREATE ROLE collector LOGIN PASSWORD 'a-Secret-of-Tests-1';
GRANT USAGE ON SCHEMA mes TO collector;
GRANT SELECT ON mes.parameter TO collector;
"""
_ROW = "INSERT INTO mes.parameter (recipe, step, value) SELECT 'R/1', coalesce(max(step), 0) + 1, %s FROM mes.parameter"


class SnapshotSqlTarget(Target):
    tried = (
        Tested(
            system=SystemClass.MES,
            source="tables without an audit trail (snapshot and compare)",
            type="snapshot-sql",
            against="PostgreSQL 15, a real server; further tests on SQLite 3",
            holds="rows that came, changed and went, with old and new values and the interval; not who",
        ),
    )
    own_account = "collector"
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # PostgreSQL's text has no U+0000
    no_amending = "there is no trail in the table that could be changed"
    no_other_facts = ""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._server: PostgresServer = self._stack.enter_context(temporary_postgres())
        with psycopg.connect(self._server.admin_dsn(), autocommit=True) as admin:
            admin.execute(_TABLE)
        self.secrets = {"password": "a-Secret-of-Tests-1"}
        url = self.through_cable(f"postgresql://collector@127.0.0.1:{self._server.port}/postgres")
        options = {
            "url": url,
            "table": "mes.parameter",
            "key": "recipe, step",
            "modified": "changed_at",
            "count": "version",
            "baseline": "each",
        }
        self.config = SourceConfig(id="mes", type="snapshot-sql", title="MES", options=options)
        self._running = True

    def start(self) -> None:
        if not self._running:
            self._server.start()
            self._running = True

    def stop(self) -> None:
        self._server.stop()
        self._running = False

    def close(self) -> None:
        super().close()
        self._stack.close()

    def work(self, texts: Sequence[str]) -> None:
        with psycopg.connect(self._server.admin_dsn(), autocommit=True) as mes:
            for text in texts:
                mes.execute(_ROW, (text,))

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        with psycopg.connect(self._server.admin_dsn(), autocommit=True) as admin:
            admin.execute("ALTER TABLE mes.parameter ADD COLUMN shift text")
            try:
                yield "schema"
            finally:
                admin.execute("ALTER TABLE mes.parameter DROP COLUMN shift")


def make(_: pytest.TempPathFactory) -> Target:
    return SnapshotSqlTarget()
