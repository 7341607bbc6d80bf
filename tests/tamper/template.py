"""The ledger that is attacked: entries of every kind, so that every table has rows, whole tiles and checkpoints."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url

from ledger.core.address import LogId
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.hashing import ZERO_HASH, b64
from ledger.core.record import Link, LinkBasis, LinkKind
from ledger.core.run import Rejected
from ledger.findings.kinds import Finding, FindingSort, Incident
from ledger.integrity.fault import Fault, first
from ledger.integrity.level3 import log_keys
from ledger.integrity.run import Found, LogRun
from ledger.integrity.tasks import Here
from ledger.people.access import Scope
from ledger.people.kinds import SecurityCount, SecurityEntry, SecuritySort
from ledger.store.engine import is_sqlite
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store
from ledger.trace.kinds import PackageIssued
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger, new_ledger, submission
from tests.support.postgres import PgDatabase

_RECORDS_A_RUN = 120
_RUNS = 4


class Template:
    """A finished ledger; `attacking` gives a transaction of its owner in which nothing refuses anything."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.store: Store = ledger.store
        self.logs: list[LogId] = self.store.logs()
        self._owner = _owner_engine(ledger.owner_url)

    @contextmanager
    def attacking(self) -> Iterator[Connection]:
        """A transaction with all triggers off; it is rolled back, whatever was done in it."""
        with self._owner.connect() as connection, connection.begin() as transaction:
            _disarm(connection)
            try:
                yield connection
            finally:
                transaction.rollback()

    def verify(self, connection: Connection, levels: tuple[int, ...] = (1, 2, 3)) -> list[Found]:
        """What a full run of these levels over each log finds, in this very transaction."""

        @contextmanager
        def reading() -> Iterator[Connection]:
            yield connection

        store = self.store
        runner = Here(reading, store.kinds, store.projections)
        found = []
        for log in self.logs:
            run = LogRun(reading, runner, store.kinds, store.projections, log, lambda one: log_keys(one, store.kinds))
            found.append(run.verify(levels, None, None, False, lambda level, done, total: None, lambda stand: None))
        return found

    def first_fault(self, connection: Connection) -> Fault | None:
        """The first bad entry that the lowest failing level names."""
        for level in (1, 2, 3):
            fault = first(one.fault for found in self.verify(connection, (level,)) for one in found.levels)
            if fault is not None:
                return fault
        return None

    def close(self) -> None:
        self._owner.dispose()
        self._ledger.close()


def build(folder: Path, database: PgDatabase | None) -> Template:
    """Makes the ledger, on SQLite or on that PostgreSQL database."""
    ledger = new_ledger(folder, database)
    ledger.register("dcs", seal=("actor.name", "reason", "changes.Value"))
    ledger.register("dcs", seal=("actor.name",), owner="engineer1")
    for number in range(_RUNS):
        _run(ledger, "erp", number)
        _run(ledger, "dcs", number)
        _people(ledger, number)
        _words(ledger, number)
        ledger.service.publisher.publish_all()
        if number % 2:
            ledger.service.publisher.bind_system()
            for log in ledger.service.logs.values():
                ledger.service.verifier.run(log)
    ledger.service.publisher.publish_all()
    return Template(ledger)


def _run(ledger: Ledger, source: str, number: int) -> None:
    first_record = number * _RECORDS_A_RUN
    links = (
        Link(kind=LinkKind.BATCH, id=f"B-{number}", basis=LinkBasis.READ),
        Link(kind=LinkKind.EQUIPMENT, id="R-1", basis=LinkBasis.DERIVED if number % 2 else LinkBasis.READ),
    )
    submissions = [
        submission(
            one,
            source,
            data=b"row %d" % one if one % 3 == 0 else None,
            links=links[: one % 3],
            reason=f"change {one}" if one % 5 else None,
            source_recorded_at=None if one % 2 else submission(one + 1).record.occurred_at,
        )
        for one in range(first_record, first_record + (_RECORDS_A_RUN if source == "erp" else 20))
    ]
    rejected = (
        Rejected(
            data=b"\xff%d" % number, media_type="text/plain", reason=f"torn {number}", received_at=utc_text(START_US)
        ),
    )
    ledger.submit(
        submissions, source, cursor_to=f"{source}-{number}", rejected=rejected, snapshot=b"snapshot %d" % number
    )


def _people(ledger: Ledger, number: int) -> None:
    people = ledger.service.people
    account = f"collector{number}"
    people.create_account(account, f"Collector {number}", "set-up", AUTHORITY)
    kept = people.grant(account, [Scope.READ, Scope.VERIFY], "reads", AUTHORITY)
    people.grant(account, [Scope.INGEST], "collects", AUTHORITY, ["erp"], utc_text(START_US * 2 + number))
    people.sessions.issue_link(AUTHORITY)
    session = people.sessions.redeem(people.sessions.issue_link(AUTHORITY))
    if number % 2:
        people.revoke(kept.grant, "no longer needed", AUTHORITY)
        people.sessions.end(session, "signed out")
        people.deactivate(account, "replaced", AUTHORITY)


def _words(ledger: Ledger, number: int) -> None:
    """Entries of kinds that nothing above causes."""
    count = SecurityCount(sort=SecuritySort.NO_GRANT, account=f"collector{number}", source="erp", count=number + 2)
    security = SecurityEntry(
        counts=(count,), first_at=utc_text(START_US), last_at=utc_text(START_US + number), peers=number + 1
    )
    ledger.store.append_one(SYSTEM_LOG, draft(security))
    bodies: list[Any] = [
        Finding(
            sort=FindingSort.RECORD_CHANGED_AFTER_COLLECTION,
            source="erp" if number % 2 else "dcs",
            entries=(number,),
            detail=f"finding {number}",
        ),
        Incident(code=f"code_{number}", source="erp" if number % 2 else "dcs", detail=f"{number}", stopped="nothing"),
        PackageIssued(
            package=f"package-{number}",
            sha256=b64(bytes([number]) + ZERO_HASH[1:]),
            selection="{}",
            origin="plant.example/ledger/records",
            size=number + 1,
            records=number,
            disclosed=False,
            authority=msgspec.structs.replace(AUTHORITY, actor=f"local:engineer{number}"),
        ),
    ]
    for body in bodies:
        ledger.store.append_one(RECORDS, draft(body))


def _owner_engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), poolclass=NullPool)
    engine = create_engine(parsed, poolclass=NullPool)
    event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE") and None)
    return engine


def _disarm(connection: Connection) -> None:
    if is_sqlite(connection):
        for name in connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'trigger'").scalars().all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return
    for name in (
        connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").scalars().all()
    ):
        connection.exec_driver_sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
