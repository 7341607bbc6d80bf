"""The ledger that is attacked: entries of every kind, so that every table has rows, whole tiles and checkpoints."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, make_url

from ledger.core.address import LogId
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.hashing import ZERO_HASH, b64
from ledger.core.record import (
    Action,
    Actor,
    ActorKind,
    Change,
    Interval,
    Link,
    LinkBasis,
    LinkKind,
    Outcome,
    Submission,
    Target,
)
from ledger.core.run import Gap, Rejected, SourceFacts
from ledger.core.source import ARCHIVE, SourceConfig
from ledger.findings.kinds import Finding, FindingSort, Incident
from ledger.integrity.fault import Fault, first
from ledger.integrity.kinds import FaultFound, LevelVerdict, Verdict, Verification
from ledger.integrity.level3 import log_keys
from ledger.integrity.run import Found, LogRun
from ledger.integrity.tasks import Here
from ledger.people.access import Scope
from ledger.people.kinds import SecurityCount, SecurityEntry, SecuritySort
from ledger.sources import import_kinds
from ledger.sources.challenge_kinds import BY_HAND, Challenge, ChallengeRun, Expected, Planting, RunState
from ledger.sources.kinds import SourceRegistered
from ledger.sources.life_kinds import Criticality, SystemListed, Trail
from ledger.store.engine import PREPARED, is_sqlite
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store
from ledger.trace.kinds import PackageIssued
from ledger.trust.kinds import KeyEvent, KeyEventSort, KeyPurpose
from tests.api.world import MovableClock
from tests.support.devices import Device
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger, new_ledger, source_time, submission
from tests.support.postgres import PgDatabase
from tests.tamper.assessments import assessments
from tests.tamper.changes import changes
from tests.tamper.completeness import saved, statements
from tests.tamper.hands import by_hand
from tests.tamper.incidents import incidents
from tests.tamper.maps import maps, parameters
from tests.tamper.notices import notices
from tests.tamper.outside import outside
from tests.tamper.persons import persons
from tests.tamper.privacy import privacy
from tests.tamper.provider import provider
from tests.tamper.resets import resets
from tests.tamper.retention import dispose, retention
from tests.tamper.reviews import reviews
from tests.tamper.rules import ruled
from tests.tamper.signed import signed
from tests.tamper.stamps import Stamps
from tests.tamper.terminals import terminals
from tests.tamper.watched import watched
from tests.tamper.witnesses import witnesses
from tests.tamper.workflows import workflows

_OTHER_SOURCE = SourceConfig(id="historian", type="other", title="Historian")
_RECORDS_A_RUN = 60
_RUNS = 4
DAY_S = 86_400


class Template:
    """A finished ledger; `attacking` gives a transaction of its owner in which nothing refuses anything."""

    def __init__(self, ledger: Ledger, administrator: str | None) -> None:
        self._ledger = ledger
        self.store: Store = ledger.store
        self.logs: list[LogId] = self.store.logs()
        self._owner = _owner_engine(administrator or ledger.owner_url)

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


def build(folder: Path, database: PgDatabase | None, administrator: str | None = None) -> Template:
    """Makes the ledger, on SQLite or on that PostgreSQL database, whose server the `administrator` may do all with."""
    clock = MovableClock()
    ledger = new_ledger(folder, database, clock)
    ledger.register("dcs", seal=("actor.name", "reason", "changes.Value"))
    ledger.register("erp", owner="engineer1")
    ledger.store.append_one(RECORDS, draft(SourceRegistered.of(_OTHER_SOURCE, AUTHORITY)))
    trust = witnesses(ledger)
    stamps = Stamps(ledger)
    for number in range(_RUNS):
        _run(ledger, "erp", number)
        _run(ledger, "dcs", number)
        _people(ledger, number)
        persons(ledger, number)
        provider(ledger, number)
        resets(ledger, number)
        terminals(ledger, number)
        signed(ledger, number)
        outside(ledger, number)
        stamps.stamp(number)
        workflows(ledger, number)
        notices(ledger, number)
        privacy(ledger, number)
        watched(ledger, number)
        incidents(ledger, number)
        retention(ledger, number)
        _words(ledger, number)
        maps(ledger, number)
        parameters(ledger, number)
        _agents(ledger, number)
        _life(ledger, number)
        _imports(ledger, number)
        statements(ledger, number)
        assessments(ledger, number)
        ruled(ledger, number)
        reviews(ledger, number)
        changes(ledger, number)
        saved(ledger, number)
        by_hand(ledger, number)
        _challenges(ledger, number)
        trust.publisher.publish_all()
        if number % 2:
            trust.publisher.bind_system()
            for log in ledger.service.logs.values():
                ledger.service.verifier.run(log, full=number < 2, levels=(1, 2) if number < 2 else (1, 2, 3))
    clock.pass_seconds(2 * DAY_S)
    dispose(ledger)
    trust.publisher.publish_all()
    return Template(ledger, administrator)


def _run(ledger: Ledger, source: str, number: int) -> None:
    first_record = number * _RECORDS_A_RUN
    count = _RECORDS_A_RUN if source == "erp" else 20
    submissions = [_submission(one, source, number) for one in range(first_record, first_record + count)]
    if number:
        submissions += submissions[:number]  # the same records again: duplicates
    torn = [
        Rejected(
            data=b"\xff%d" % number,
            media_type="text/plain",
            reason=f"torn {number}.{one}",
            received_at=utc_text(START_US + number + one),
        )
        for one in range(number + 1)
    ]
    between = Interval(after=utc_text(START_US), before=utc_text(START_US + number + 1))
    ledger.submit(
        submissions,
        source,
        started_at=utc_text(START_US + number),
        ended_at=utc_text(START_US + 60_000_000 + number),
        cursor_to=f"{source}-{number}",
        rejected=tuple(torn),
        unreachable=(between,) * number,
        gaps=(Gap(subject="TIC101.SP", reason="overwritten", between=between),) * number,
        snapshot=b"snapshot %d" % number,
    )


def _submission(one: int, source: str, number: int) -> Submission:
    """A record whose every member differs from that of some other."""
    links = (
        Link(kind=LinkKind.BATCH, id=f"B-{number}", basis=LinkBasis.READ),
        Link(kind=LinkKind.EQUIPMENT, id="R-1", basis=LinkBasis.DERIVED if number % 2 else LinkBasis.READ),
    )
    made = submission(
        one,
        source,
        data=b"row %d" % one if one % 3 == 0 else None,
        action=Action.UPDATE if one % 2 else Action.EXECUTE,
        outcome=Outcome.SUCCESS if one % 4 else Outcome.DENIED,
        actor=Actor(account=f"operator{one % 5}", kind=ActorKind.PERSON, name=f"Operator {one % 5}"),
        object=Target(type="tag" if one % 3 else "recipe", id=f"TIC{one % 7}.SP", name="Setpoint"),
        changes=(Change(attribute="Value" if one % 2 else "Limit", old=f"{one}.0", new=f"{one}.5", unit="degC"),),
        links=links[: one % 3],
        reason=f"change {one}" if one % 5 else None,
        source_recorded_at=source_time(START_US + one) if one % 2 else None,
    )
    return msgspec.structs.replace(made, received_at=utc_text(START_US + 1_000_000 + one % 11))


def _people(ledger: Ledger, number: int) -> None:
    people = ledger.service.people
    account = f"collector{number}"
    people.create_account(account, f"Collector {number}", "set-up", AUTHORITY)
    kept = people.grant(account, [Scope.READ, Scope.VERIFY], "reads", AUTHORITY)
    people.grant(account, [Scope.INGEST], "collects", AUTHORITY, ["erp"], utc_text(START_US * 2 + number))
    people.sessions.issue_link(AUTHORITY)
    session = people.sessions.redeem(people.sessions.issue_link(people.local(f"engineer{number}")))
    if number % 2:
        people.revoke(kept.grant, "no longer needed", AUTHORITY)
        people.sessions.end(session, "signed out")
        people.deactivate(account, "replaced", AUTHORITY)


def _agents(ledger: Ledger, number: int) -> None:
    """An agent that delivers in two epochs, and one that was only invited; other entries stand in between."""
    agents = ledger.service.agents
    device = Device(f"edge{number}")

    def between() -> None:
        ledger.service.people.sessions.issue_link(AUTHORITY)

    device.enrol(ledger, ("erp", f"dcs{number}"), between)
    for epoch in (1, 2):
        for count in (number + 1, number + 2):
            device.cursor = ledger.service.ingest.state("erp").cursor
            first = 10_000 + 1000 * number + 100 * epoch + 10 * count
            made = device.make(*range(first, first + count))
            ledger.service.record_log().take(made)
            device.sent(made)
        between()
        agents.approve_epoch(device.name, f"epoch {epoch + 1}, {number}", AUTHORITY)
        between()
        device.epoch, device.number, device.previous = epoch + 1, 0, None
    agents.invite(f"spare{number}", [f"erp{number}"], f"zone {number}", "spare", AUTHORITY)


def _life(ledger: Ledger, number: int) -> None:
    """What a source tells of itself, what people decide about it, and systems of the inventory."""
    log = ledger.service.record_log()
    for source in ("erp", "dcs"):
        facts = SourceFacts(version=f"{number}.0", schema=f"schema {number}")
        ledger.submit([], source, cursor_to=f"told {number}", facts=facts)
        ledger.service.people.sessions.issue_link(AUTHORITY)
        if number % 2:
            log.lives.suspend(source, f"moved {number}", AUTHORITY)
            ledger.store.append_one(RECORDS, draft(Incident(code="pause", source=source, detail="", stopped="nothing")))
            log.lives.resume(source, f"back {number}", AUTHORITY)
    for name in ("mes", "scale"):
        log.systems.put(
            SystemListed(
                system=f"{name}{number % 2}",
                title=f"System {number}",
                system_class="mes",
                owner=f"owner {number}",
                criticality=Criticality.HIGH if number % 3 else Criticality.LOW,
                trail=Trail.ON if number % 3 else Trail.NONE,
                source=("erp", "dcs", None)[number % 3],
                reviewed=None if number % 3 else f"on paper {number}",
                why=None,
                retired=False,
                reason=f"inventory {number}",
                authority=AUTHORITY,
            )
        )


def _challenges(ledger: Ledger, number: int) -> None:
    """Challenges of both sources, set anew each time; plantings that were judged, and one that still is to be."""
    challenges = ledger.service.record_log().challenges
    for at, source in enumerate(("erp", "dcs")):
        name = f"weekly{at}"
        definition = challenges.put(
            Challenge(
                challenge=name,
                source=source if number % 2 else "erp",
                planting=Planting(by=BY_HAND, options=(), secrets=(), value="{nonce}"),
                expected=Expected(
                    object_type="tag", object_id="T1", attribute="Value", account=None, action=None, old=True,
                    tolerance_us=1_000_000,
                ),
                limit_s=60,
                cron=None,
                zone="UTC",
                every_s=None,
                retired=False,
                reason=f"challenge {number}",
                authority=AUTHORITY,
            )
        )  # fmt: skip
        ledger.service.people.sessions.issue_link(AUTHORITY)
        due = utc_text(START_US + number)
        run = ChallengeRun(
            challenge=name,
            source=source if number % 2 else "erp",
            definition=definition,
            due=due,
            state=RunState.BEGUN,
            old=None,
            new=f"value {number}",
            begun_at=due,
            planted_at=None,
            deadline=utc_text(START_US + 1 + number),
            detail="",
            authority=AUTHORITY,
        )
        challenges.begin(run)
        ledger.store.append_one(RECORDS, draft(Incident(code="pause", source=source, detail="", stopped="nothing")))
        state = RunState.PLANTED if number % 2 else RunState.UNCERTAIN
        challenges.go_on(msgspec.structs.replace(run, state=state, planted_at=due), RunState.BEGUN)
        if number % 2 or at:
            for past in challenges.pending():
                challenges.judge(past, START_US * 2)


def _imports(ledger: Ledger, number: int) -> None:
    """Imports of an old audit trail: begun, ended as open or reconciled, some of them stated to be a true copy."""
    log = ledger.service.record_log()
    for name in ("old-lims", "old-mes"):
        config = SourceConfig(id=name, type=ARCHIVE, title=name, mapping="version = 1")
        log.sources.register(config, AUTHORITY)
        file = import_kinds.ImportedFile(
            name=f"{name}-{number}.csv",
            sha256=b64(sha256(f"{name} {number}".encode()).digest()),
            size=number,
            stated=True,
        )
        wanted = import_kinds.Expected(rows=2)
        begun = log.imports.begin(name, file, f"{name}@{number}", wanted, f"import {number}", AUTHORITY)
        ledger.service.people.sessions.issue_link(AUTHORITY)
        first, count = 10 * number, 2 + number % 2
        found = ledger.submit([_submission(one, name, number) for one in range(first, first + count)], name)
        log.imports.finish(begun.last.id, f"read {number}", AUTHORITY)
        ledger.store.append_one(RECORDS, draft(Incident(code="pause", source=name, detail="", stopped="nothing")))
        if number % 2 == 0:
            other = msgspec.structs.replace(AUTHORITY, actor=f"local:quality{number}")
            log.imports.state_true_copy(begun.last.id, [found.outcomes[0].index], {}, f"checked {number}", other)


def _words(ledger: Ledger, number: int) -> None:
    """Entries of kinds that nothing above causes."""
    sort = SecuritySort.NO_GRANT if number % 2 else SecuritySort.WRONG_SOURCE
    count = SecurityCount(sort=sort, account=f"collector{number}", source=f"source{number}", count=number + 2)
    security = SecurityEntry(
        counts=(count,), first_at=utc_text(START_US), last_at=utc_text(START_US + number), peers=number + 1
    )
    ledger.store.append_one(SYSTEM_LOG, draft(security))
    failed = Verification(
        log=RECORDS,
        low=number,
        size=number + 1,
        root=None,
        started_at=utc_text(START_US + number),
        ended_at=utc_text(START_US + 9_000_000 + number),
        levels=(
            LevelVerdict(
                level=1,
                verdict=Verdict.FAILS,
                entries=1,
                micros=1,
                open="",
                fault=FaultFound(log=RECORDS, index=number, table="leaf", column="data", what="an earlier drill"),
            ),
        ),
        authority=AUTHORITY,
    )
    bodies: list[Any] = [
        failed,
        KeyEvent(event=KeyEventSort.RETIRED, purpose=KeyPurpose.DIGEST, key=f"key{number}", authority=AUTHORITY),
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
    """One connection for all attacks: a new one would have everything to read and to prepare again."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        engine = create_engine(parsed.set(drivername="postgresql+psycopg"), pool_size=1)
        event.listen(engine, "connect", lambda raw, _: setattr(raw, "prepared_max", PREPARED))
        return engine
    engine = create_engine(parsed, poolclass=QueuePool, pool_size=1, connect_args={"cached_statements": PREPARED})
    event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE") and None)
    return engine


def _disarm(connection: Connection) -> None:
    if not is_sqlite(connection):
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no trigger of a user's fires
        return
    for name in connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'trigger'").scalars().all():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
