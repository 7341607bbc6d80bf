"""An audit table in a real PostgreSQL, which its system numbers without gaps; an account that may only read it."""

import contextlib
from collections.abc import Iterator, Sequence

import psycopg
import pytest

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.postgres import PostgresServer, temporary_postgres
from tests.support.tested import Tested

_TABLE = """
CREATE SCHEMA lims;
CREATE TABLE lims.audit_trail (
    id bigint PRIMARY KEY, changed_at timestamptz NOT NULL DEFAULT now(), changed_by text NOT NULL,
    action text NOT NULL, table_name text NOT NULL, record_id text NOT NULL, field_name text,
    old_value text, new_value text, reason text
);
CREATE ROLE collector LOGIN PASSWORD 'a-Secret-of-Tests-1';
GRANT USAGE ON SCHEMA lims TO collector;
GRANT SELECT ON lims.audit_trail TO collector;
"""
_ROW = """
INSERT INTO lims.audit_trail (id, changed_by, action, table_name, record_id, field_name, old_value, new_value, reason)
SELECT coalesce(max(id), 0) + 1, 'analyst1', 'UPDATE', 'sample', 'S-1', 'result', '98.10', %s, 'typing error'
FROM lims.audit_trail
"""


class SqlTarget(Target):
    tried = (
        Tested(
            system=SystemClass.LIMS,
            source="audit table in a database",
            type="sql",
            against="PostgreSQL 15, a real server; further tests on MariaDB 10.11 and SQLite 3",
            holds="what the table says: who, when, field, old and new value, reason; amended and vanished rows; "
            "missing numbers",
        ),
    )
    own_account = "collector"
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # PostgreSQL's text has no U+0000
    no_amending = ""
    no_numbers = ""
    no_other_facts = ""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._server: PostgresServer = self._stack.enter_context(temporary_postgres())
        with psycopg.connect(self._server.admin_dsn(), autocommit=True) as admin:
            admin.execute(_TABLE)
        self.secrets = {"password": "a-Secret-of-Tests-1"}
        url = self.through_cable(f"postgresql://collector@127.0.0.1:{self._server.port}/postgres")
        self.config = SourceConfig(
            id="lims",
            type="sql",
            title="LIMS",
            options={"url": url, "table": "lims.audit_trail"},
            mapping=template("audit-table").text.replace("[record]", '[record]\nsequence = "row.id"'),
        )
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
        with psycopg.connect(self._server.admin_dsn(), autocommit=True) as lims:
            for text in texts:
                lims.execute(_ROW, (text,))

    def amend(self, text: str, other: str) -> None:
        with psycopg.connect(self._server.admin_dsn(), autocommit=True) as lims:
            lims.execute("UPDATE lims.audit_trail SET new_value = %s WHERE new_value = %s", (other, text))

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        with psycopg.connect(self._server.admin_dsn(), autocommit=True) as lims:
            lims.execute("ALTER TABLE lims.audit_trail ADD COLUMN shift text")
            try:
                yield "schema"
            finally:
                lims.execute("ALTER TABLE lims.audit_trail DROP COLUMN shift")

    def lose(self, texts: Sequence[str]) -> None:
        self.work(texts)
        with psycopg.connect(self._server.admin_dsn(), autocommit=True) as lims:
            for text in texts[1:-1]:
                lims.execute("DELETE FROM lims.audit_trail WHERE new_value = %s", (text,))


def make(_: pytest.TempPathFactory) -> Target:
    return SqlTarget()
