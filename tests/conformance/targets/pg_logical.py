"""A laboratory's table in a real PostgreSQL 15, its changes decoded by pgoutput; an analyst enters results."""

import contextlib
from collections.abc import Iterator, Sequence

import psycopg
import pytest

from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.postgres_wal import PASSWORD, logical_postgres
from tests.support.tested import Tested

_SET_UP = """
CREATE TABLE result (id serial PRIMARY KEY, note text);
ALTER TABLE result REPLICA IDENTITY FULL;
CREATE PUBLICATION trailseal FOR TABLE result;
"""


class PgLogicalTarget(Target):
    tried = (
        Tested(
            system=SystemClass.LIMS,
            source="rows of any application on PostgreSQL",
            type="pg-logical",
            against="PostgreSQL 15, a real server (pgoutput); further tests with wal2json",
            holds="inserts, updates, deletes, truncations with old and new values, when; who, where the application "
            "says it",
        ),
    )
    own_account = "collector"
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # PostgreSQL's text has no U+0000
    no_amending = "what stands in the write-ahead log is never changed afterwards"
    no_numbers = "places in the write-ahead log rise, but not one by one"
    no_other_facts = ""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._server = self._stack.enter_context(logical_postgres())
        with psycopg.connect(self._server.admin_dsn(), autocommit=True) as admin:
            admin.execute(_SET_UP)
            admin.execute("SELECT pg_create_logical_replication_slot('trailseal', 'pgoutput')")
        self.secrets = {"password": PASSWORD}
        url = self.through_cable(f"postgresql://collector@127.0.0.1:{self._server.port}/postgres")
        self.config = SourceConfig(
            id="lims",
            type="pg-logical",
            title="LIMS",
            options={"url": url},
            mapping=template("postgresql-rows").text,
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
                lims.execute("INSERT INTO result (note) VALUES (%s)", (text,))

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        with psycopg.connect(self._server.admin_dsn(), autocommit=True) as admin:
            admin.execute("ALTER TABLE result REPLICA IDENTITY DEFAULT")
            try:
                yield "audit_trail"
            finally:
                admin.execute("ALTER TABLE result REPLICA IDENTITY FULL")


def make(_: pytest.TempPathFactory) -> Target:
    return PgLogicalTarget()
