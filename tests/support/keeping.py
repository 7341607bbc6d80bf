"""A ledger whose records may be disposed of one day: batches with facts, people who approve, a time that is proven."""

import copy
import shutil
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from sqlalchemy import text

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.record import Actor, ActorKind, Link, LinkBasis, LinkKind, Target
from ledger.core.retention import RetentionClass, RetentionEvent, Subject, Term
from ledger.core.source import SourceConfig
from ledger.findings.incident_kinds import Cause
from ledger.people.roles import Role
from ledger.retention.disposal_kinds import DAY_US
from ledger.retention.holds import Scope
from ledger.retention.report import Disposal
from ledger.retention.rules import changed
from ledger.service import Service
from ledger.settings import write as write_settings
from ledger.store.logs import SYSTEM_LOG
from ledger.store.question import Query
from ledger.trust.kept_tokens import KeptTokens
from ledger.trust.stamping import Stamping
from tests.api.world import World
from tests.support.ledgers import LIGHT, batch, submission
from tests.support.postgres import PgDatabase, PostgresServer
from tests.support.staff import Staff
from tests.support.tsa import URL, Stamper, Stampers

MARKER = "Quarzbildung-Xylophon-4711"
"""Stands in every record of the old batch, and in no other file of this machine."""
OLD, NEW, MES = "B-OLD", "B-NEW", "mes"
YEAR_US = 366 * DAY_US


class Keeping:
    """Records of an old batch, of a new one and of both; the old one's facts are known, and its retention is over."""

    def __init__(
        self,
        folder: Path,
        postgres: PgDatabase | None = None,
        server: PostgresServer | None = None,
        stamped: bool = True,
    ) -> None:
        self.world = World(folder, postgres=postgres)
        self.database, self.server = postgres, server
        service = self.service = self.world.service
        self.staff = Staff(service)
        for account in ("qa1", "qa2", "qa3"):
            self.staff.person(account, Role.APPROVER)
        seal = ("actor.name", "object.name")
        service.sources.register(SourceConfig(id=MES, type="test", title="MES", seal=seal), self.world.root)
        made = [self.record(number, OLD) for number in range(4)]
        made += [self.record(4, OLD, NEW), self.record(5, NEW), self.record(6)]
        self.submitted = made
        receipt = service.ingest.submit(batch(made, MES, cursor_to="1"), self.world.root)
        self.indices = [outcome.index for outcome in receipt.outcomes]
        self.old, self.both, self.new, self.none = self.indices[:4], *self.indices[4:]
        self.log = service.log("records")
        self._stampers = Stampers(service.clock)
        if stamped:
            self.pin()
            self.stamp()
        self.fact(OLD, RetentionEvent.BATCH_EXPIRY, "2020-01-31")
        self.fact(OLD, RetentionEvent.CERTIFICATION, "2018-01-31")

    def copied(self, folder: Path, postgres: PgDatabase | None = None) -> "Keeping":
        """The same ledger once more in another folder, on `postgres` if that is a copy of its database.

        This one is closed already.
        """
        made = copy.copy(self)
        shutil.copytree(self.world.folder, folder)
        if postgres is not None:
            made.database = postgres
            urls = {"database": postgres.runtime_url, "owner_database": postgres.owner_url}
            write_settings(folder, msgspec.structs.replace(self.service.settings, **urls))
        made.world = copy.copy(self.world)
        made.world.folder, made.world.clock = folder, copy.copy(self.world.clock)
        made.service = made.world.service = Service(folder, made.world.clock, effort=LIGHT)
        made.world.people = made.service.people
        made.staff = copy.copy(self.staff)
        made.staff.service, made.staff.people = made.service, made.service.people
        made.staff._passwords = dict(self.staff._passwords)
        made._stampers = copy.copy(self._stampers)
        made._stampers.clock = made.world.clock
        return made

    @property
    def order(self) -> str:
        """The order that every record of the old batch alone is linked to."""
        return f"{MARKER}-order"

    def record(self, number: int, *batches: str, **more: Any) -> Any:
        mark = MARKER if OLD in batches and NEW not in batches else "unmarked"
        usual: dict[str, Any] = {
            "reason": f"{mark}.reason{number}",
            "object": Target(type="tag", id=f"{mark}.object", name=f"{mark} object name"),
            "actor": Actor(account=f"{mark}.user", kind=ActorKind.PERSON, name=f"{mark} person"),
            "links": (
                *(Link(kind=LinkKind.BATCH, id=one, basis=LinkBasis.READ) for one in batches),
                Link(kind=LinkKind.ORDER, id=f"{mark}-order", basis=LinkBasis.READ),
            ),
        }
        return submission(f"{mark}/id/{number}", MES, data=f"row {mark} {number}".encode(), **(usual | more))

    def rule(self, *terms: Term) -> int:
        """Sets the rule of batches as the effect of a change does; returns its entry."""
        made = changed(RetentionClass.BATCH, terms, "law", self.acting("qa1"))
        return self.service.store.append_one(SYSTEM_LOG, draft(made)).index

    def fact(self, batch_id: str, event: RetentionEvent, day: str | None) -> int:
        subject = Subject(kind=LinkKind.BATCH, id=batch_id)
        return self.service.retention.enter_fact(subject, event, day, "certificate", self.acting("qa3"))

    def acting(self, account: str) -> Authority:
        return self.staff.acting(account)

    def request(self, query: Query = Query(source=MES), by: str = "qa1", **more: Any) -> Disposal:  # noqa: B008 - frozen
        authority = self.acting(by)
        return self.service.disposals.request(
            self.log, query, "over", authority, person=True, **{"waits_days": 1} | more
        )

    def approve(self, disposal: str, by: str = "qa2") -> Disposal:
        return self.service.disposals.approve(disposal, "looked at", self.acting(by), person=True)

    def hold(self, hold: str, by: str = "qa3", **scope: Any) -> int:
        where = Scope(log="records", **scope)
        return self.service.holds.place(hold, where, "claim", self.acting(by), person=True)

    def incident(self, source: str = MES, by: str = "qa2") -> str:
        """An incident is opened: nothing that came from a source is certain. Returns the case."""
        cases, since = self.service.compromises, "2020-01-01T00:00:00.000000Z"
        case = cases.report(Cause.SOURCE, source, since, "its password was found", self.world.root)
        return cases.open(case.case, "agreed", self.acting(by)).case

    def wait(self, days: float = 1.01) -> None:
        """Time passes, and an authority proves that it has."""
        self.world.clock.ahead_us += int(days * DAY_US)
        self.stamp()

    def pin(self) -> None:
        """An authority of time, which one administrator proposes and another confirms."""
        stamper = self._stampers.stampers["own"] = Stamper(self.world.folder / "own")
        self.staff.person("officer1", Role.SECURITY_OFFICER)
        self.staff.person("officer2", Role.SECURITY_OFFICER)
        tsas = self.service.tsas
        tsas.propose("own", f"{URL}/own", (stamper.root,), "our authority of time", self.acting("officer1"))
        tsas.confirm("own", "seen", self.acting("officer2"))

    def stamp(self) -> None:
        """The authority says what time it is."""
        self.service.publisher.publish_all()
        Stamping(self.service.store, KeptTokens(self.world.folder), self._stampers).stamp()

    def dispose(self) -> Disposal:
        """The old batch's records, all the way."""
        asked = self.request()
        self.approve(asked.disposal)
        self.wait()
        return self.service.disposals.run(asked.disposal, self.world.root)

    def bodies(self) -> dict[int, bytes | None]:
        with self.service.store.reader(self.log.number) as reader:
            return {one.index: one.body for one in reader.chosen(self.indices)}

    def counts(self) -> dict[str, int]:
        """How many rows each projection of records has."""
        tables = ("record", "record_link", "source_key", "disposed_entry", "retention_fact", "disposal", "legal_hold")
        with self.service.store.reading() as connection:
            return {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables}

    def verify(self, *levels: int) -> list[tuple[str, int, str]]:
        """What fails, in any log: log, level, fault."""
        found = []
        for log in self.service.logs.values():
            self.service.publisher.publish_all()
            result = self.service.verifier.run(log, full=True, levels=levels or (1, 2, 3, 4)).result
            for one in result.levels:
                if one.fault is not None:
                    fault = one.fault
                    found.append((log.name, one.level, f"{fault.table}.{fault.column}#{fault.index}: {fault.what}"))
        return found

    def files(self) -> bytes:
        """All bytes of the database's files: SQLite's with its logs, PostgreSQL's tables as they are on disk."""
        if self.database is None:
            return b"".join(path.read_bytes() for path in self.world.folder.glob("ledger.sqlite*"))
        assert self.server is not None
        with psycopg.connect(self.server.admin_dsn(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
            row = connection.execute("SELECT oid FROM pg_database WHERE datname = %s", (self.database.name,)).fetchone()
        assert row is not None
        folder = self.server.directory / "data" / "base" / str(row[0])
        return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())

    def close(self) -> None:
        self.world.close()


def at(day: str) -> str:
    """Midnight of a day, as entries write it."""
    return f"{day}T00:00:00.000000Z"


__all__ = ["MARKER", "MES", "NEW", "OLD", "SYSTEM_LOG", "Keeping", "at", "utc_text"]
