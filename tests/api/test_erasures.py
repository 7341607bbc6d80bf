"""A personal value goes where nothing covers it, after two people approved: it is in no file, its proofs hold."""

import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from litestar.testing import TestClient
from sqlalchemy.exc import DatabaseError

from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation
from ledger.core.record import Action, Actor, ActorKind
from ledger.core.run import Rejected
from ledger.core.source import SourceConfig
from ledger.findings.incident_kinds import Cause
from ledger.packages import issue
from ledger.people.access import Scope
from ledger.people.kinds import AccountEntry, AccountSort, AccountState
from ledger.people.names import account_draft
from ledger.people.profile import Profiles
from ledger.people.roles import Role
from ledger.privacy.erasure_kinds import CoverSort, ErasureEvent, Ground
from ledger.retention.holds import Scope as HoldScope
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.question import Query
from ledger.store.reading import VaultReader
from ledger.trace.selection import BySearch
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.api.world import World
from tests.support.application import app_of
from tests.support.ledgers import batch, submission
from tests.support.postgres import PgDatabase, PostgresServer
from tests.support.staff import Staff

pytestmark = pytest.mark.sampled

PATIENT = "Zwiebelfisch-Okonkwo 4711"
"""Whom the records of the trial source name; in no other file of this machine."""
TRIAL, ERP = "trial", "erp"
SOME = Ground.NO_LONGER_NECESSARY


class Site:
    """A ledger with a GMP source and one that is none, staff, and records that name somebody."""

    def __init__(self, folder: Path, postgres: PgDatabase | None, server: PostgresServer | None) -> None:
        self.world = World(folder, postgres=postgres)
        self.database = postgres
        self.server = server
        service = self.world.service
        self.erasures = service.erasures
        seal = ("actor.name", "object.name", "reason")
        service.sources.register(SourceConfig(id=TRIAL, type="test", title="Trial", seal=seal), self.world.root)
        service.sources.register(SourceConfig(id=ERP, type="test", title="ERP", seal=seal), self.world.root)
        self.staff = Staff(service)
        for account, role in (("qa1", Role.APPROVER), ("qa2", Role.APPROVER), ("qa3", Role.APPROVER)):
            self.staff.person(account, role)
        for source in (TRIAL, ERP):
            made = [
                submission(
                    one,
                    source,
                    data=f"row {one}: {PATIENT if source == TRIAL and one else 'nobody'}".encode(),
                    reason=f"visit of {PATIENT}" if source == TRIAL else "charge",
                    actor=Actor(account="nurse1", kind=ActorKind.PERSON, name="Nurse One"),
                )
                for one in range(3)
            ]
            torn = [
                Rejected(
                    data=f'{{"who": "visit of {PATIENT}", torn'.encode(),
                    media_type="application/json",
                    reason="torn",
                    received_at="2026-11-25T07:10:06.123456Z",
                )
            ]
            cursor = service.ingest.state(source).cursor
            rejected = tuple(torn) if source == TRIAL else ()
            run = batch(made, source, cursor_from=cursor, cursor_to="1", rejected=rejected)
            self.receipt = service.ingest.submit(run, self.world.root)
            if source == TRIAL:
                self.trial = [outcome.index for outcome in self.receipt.outcomes][:3]
            else:
                self.erp = [outcome.index for outcome in self.receipt.outcomes][:3]
        self.origin = service.log("records").origin

    def use(self, item: str, value: object) -> None:
        Profiles(self.world.service.store).set(item, value, "set up", self.world.root)

    def address(self, index: int, log: str = "records") -> str:
        return f"{self.world.service.log(log).origin}#{index}"

    def approve(self, erasure: str, account: str) -> Any:
        return self.erasures.approve(erasure, "checked", self.staff.acting(account), person=True)

    def originals(self) -> set[int]:
        with self.world.service.store.reading() as connection:
            reader = VaultReader(connection)
            return {index for index in range(40) if reader.original(1, index) is not None}

    def levels(self, log: str) -> list[tuple[int, str, str]]:
        service = self.world.service
        found = service.verifier.run(service.log(log), full=True, levels=(1, 2, 3))
        return [(one.level, one.verdict.value, one.open) for one in found.result.levels]

    def faults(self, log: str) -> list[object]:
        service = self.world.service
        return [one.fault for one in service.verifier.run(service.log(log), full=True).result.levels]

    def files(self) -> bytes:
        """All bytes of the database's files: SQLite's with its logs, PostgreSQL's heap as it is on disk."""
        if self.database is None:
            return b"".join(path.read_bytes() for path in self.world.folder.glob("ledger.sqlite*"))
        assert self.server is not None
        with psycopg.connect(self.server.admin_dsn(), autocommit=True) as connection:
            row = connection.execute("SELECT oid FROM pg_database WHERE datname = %s", (self.database.name,)).fetchone()
        assert row is not None
        folder = self.server.directory / "data" / "base" / str(row[0])
        return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    postgres, server = None, None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        postgres = request.getfixturevalue("migrated_postgres")
    made = Site(tmp_path / "ledger", postgres, server)
    yield made
    made.world.close()


def checkpointed(site: Site) -> None:
    """PostgreSQL writes its buffers to its files."""
    if site.server is not None:
        with psycopg.connect(site.server.admin_dsn(), autocommit=True) as connection:
            connection.execute("CHECKPOINT")


def test_a_value_that_nothing_covers_goes_from_every_file_and_every_proof_still_holds(site: Site) -> None:
    site.use("sources_without_gmp", [TRIAL])
    site.world.service.publisher.publish_all()
    target = site.address(site.trial[1])
    assert f"visit of {PATIENT}".encode() in site.files() or site.database is not None
    asked = site.erasures.request(target, "reason", SOME, "asked by the person", site.staff.admin)
    assert asked.state is ErasureEvent.REQUESTED
    named = {(row.sort, row.index) for row in asked.rows}
    quarantined = set(site.originals()) - set(site.trial) - set(site.erp)
    assert ("sealed", site.trial[1]) in named
    assert ("original", site.trial[1]) in named, "the record's own original goes with it"
    assert {index for sort, index in named if sort == "original"} >= quarantined, "and each input that holds it"
    assert site.approve(asked.erasure, "qa1").state is ErasureEvent.APPROVED
    assert site.trial[1] in site.originals(), "one approval is not enough"
    done = site.approve(asked.erasure, "qa2")
    assert (done.state, done.approved_by) == (ErasureEvent.ERASED, ("qa1", "qa2"))
    assert not quarantined & site.originals()
    assert site.trial[1] not in site.originals()
    assert set(site.erp) <= site.originals(), "what does not hold it stays"
    for name in ("records", "system"):
        site.world.service.publisher.publish_all()
        assert [verdict for _, verdict, _ in site.levels(name)][:3] == ["holds"] * 3, site.faults(name)
    assert "erased" in site.levels("records")[1][2]
    package, log = site.world.folder / "package.zip", site.world.service.log("records")
    for disclose in (True, False):
        selection = BySearch(query=Query(source=TRIAL))
        issued = issue(site.world.service, log, selection, package, site.world.root, disclose=disclose)
        assert issued.records == 3
        assert verify_package(package, [site.world.service.vkey(log)]).exit_code is ExitCode.HOLDS
        with zipfile.ZipFile(package) as opened:
            (name,) = [one for one in opened.namelist() if one.endswith("/records.jsonl")]
            lines = [msgspec.json.decode(line) for line in opened.read(name).splitlines()]
        states = {line["index"]: (line["original"], line.get("withheld", [])) for line in lines}
        assert states[site.trial[1]][0] == "erased"
        assert "reason" in states[site.trial[1]][1]
        package.unlink()
    with pytest.raises(NotFound, match="no sealed value"):
        site.erasures.request(target, "reason", SOME, "again", site.staff.admin)


def test_no_file_of_the_database_holds_the_value_afterwards(site: Site) -> None:
    site.use("sources_without_gmp", [TRIAL])
    checkpointed(site)
    assert PATIENT.encode() in site.files(), "the test looks where it stands"
    for index in site.trial:
        asked = site.erasures.request(site.address(index), "reason", SOME, "asked", site.staff.admin)
        site.approve(asked.erasure, "qa1")
        site.approve(asked.erasure, "qa2")
    # Of two records the original holds the name alone, without the words of the reason.
    service = site.world.service
    with service.store.reading() as connection:
        left = [index for index in site.trial if VaultReader(connection).original(1, index) is not None]
    assert left == []
    service.erasures.scrub(service.settings.owner_url(service.folder))
    checkpointed(site)
    held = site.files()
    assert PATIENT.encode() not in held
    assert PATIENT.encode("utf-16-le") not in held
    assert b"Nurse One" in held, "what was not erased is there"


def test_gmp_retention_refuses_with_an_answer_that_can_be_given_to_the_person(site: Site) -> None:
    performer = site.erasures.request(site.address(site.erp[0]), "actor.name", SOME, "asked", site.staff.admin)
    assert (performer.state, performer.cover) == (ErasureEvent.REFUSED, CoverSort.PERFORMER)
    assert "2016/679" in (performer.answer or "")
    other = site.erasures.request(site.address(site.erp[0]), "reason", SOME, "asked", site.staff.admin)
    assert (other.state, other.cover) == (ErasureEvent.REFUSED, CoverSort.RETENTION)
    assert "2056-" in (other.answer or "") or "2020-" not in (other.answer or "")
    for one in (performer, other):
        with pytest.raises(Conflict, match="refused"):
            site.approve(one.erasure, "qa1")
    assert set(site.erp) <= site.originals()
    last = site.world.system_entries("erasure")[-1]
    assert (last["event"], last["answer"]) == ("refused", other.answer)


def test_a_value_whose_original_holds_a_covered_record_too_is_refused(site: Site) -> None:
    """The reason of the trial's records stands in an original of the GMP source as well."""
    site.use("sources_without_gmp", [TRIAL])
    run = batch(
        [submission(9, ERP, data=f"visit of {PATIENT}".encode())],
        ERP,
        cursor_from=site.world.service.ingest.state(ERP).cursor,
        cursor_to="2",
    )
    site.world.service.ingest.submit(run, site.world.root)
    asked = site.erasures.request(site.address(site.trial[1]), "reason", SOME, "asked", site.staff.admin)
    assert (asked.state, asked.cover) == (ErasureEvent.REFUSED, CoverSort.RETENTION)


def test_a_legal_hold_refuses_also_between_the_two_approvals(site: Site) -> None:
    site.use("sources_without_gmp", [TRIAL])
    asked = site.erasures.request(site.address(site.trial[1]), "reason", SOME, "asked", site.staff.admin)
    site.approve(asked.erasure, "qa1")
    holds, scope = site.world.service.holds, HoldScope(log="records", source=TRIAL)
    holds.place("claim-1", scope, "claim", site.staff.acting("qa1"), person=True)
    with pytest.raises(Conflict, match="claim-1"):
        site.approve(asked.erasure, "qa2")
    held = site.erasures.request(site.address(site.trial[0]), "reason", SOME, "asked", site.staff.admin)
    assert (held.state, held.cover) == (ErasureEvent.REFUSED, CoverSort.HOLD)
    with pytest.raises(Conflict, match="already"):
        holds.place("claim-1", scope, "claim", site.staff.acting("qa1"), person=True)
    with pytest.raises(AccessDenied, match="second person"):
        holds.release("claim-1", "settled", site.staff.acting("qa1"), person=True)
    holds.release("claim-1", "settled", site.staff.acting("qa3"), person=True)
    assert site.approve(asked.erasure, "qa2").state is ErasureEvent.ERASED


def test_evidence_of_an_open_incident_is_not_erased(site: Site) -> None:
    site.use("sources_without_gmp", [TRIAL])
    asked = site.erasures.request(site.address(site.trial[1]), "reason", SOME, "asked", site.staff.admin)
    site.approve(asked.erasure, "qa1")
    cases, since = site.world.service.compromises, "2020-01-01T00:00:00.000000Z"
    case = cases.report(Cause.SOURCE, TRIAL, since, "its password was found", site.world.root).case
    cases.open(case, "agreed", site.staff.acting("qa1"))
    with pytest.raises(Conflict, match=case):
        site.approve(asked.erasure, "qa2")
    held = site.erasures.request(site.address(site.trial[0]), "reason", SOME, "asked", site.staff.admin)
    assert (held.state, held.cover) == (ErasureEvent.REFUSED, CoverSort.INCIDENT)
    assert case in (held.answer or "")


def test_nobody_approves_what_they_asked_for_twice_or_of_themselves(site: Site) -> None:
    site.use("sources_without_gmp", [TRIAL])
    asked = site.erasures.request(site.address(site.trial[1]), "reason", SOME, "asked", site.staff.acting("qa3"))
    with pytest.raises(AccessDenied):
        site.approve(asked.erasure, "qa3")
    site.approve(asked.erasure, "qa1")
    with pytest.raises(AccessDenied):
        site.approve(asked.erasure, "qa1")
    with pytest.raises(AccessDenied, match="signed in"):
        site.erasures.approve(asked.erasure, "x", site.world.root, person=False)
    with pytest.raises(SchemaViolation, match="no token holds scope approve"):
        site.world.token(Scope.APPROVE)
    token = site.world.tokens[Scope.ADMIN]
    with TestClient(app_of(site.world.service)) as client:
        answer = client.post(
            f"/api/v1/erasures/{asked.erasure}/approvals",
            json={"reason": "by a program"},
            headers={"Authorization": f"Bearer {token.token}"},
        )
    assert answer.status_code == 403


def test_names_of_signatories_stay_and_other_names_go_once_the_account_is_deactivated(site: Site) -> None:
    store = site.world.service.store

    def make(account: str) -> str:
        entry = AccountEntry(
            account=account,
            sort=AccountSort.PERSON,
            state=AccountState.ACTIVE,
            title=f"{PATIENT} {account}",
            reason="joins",
            authority=site.staff.admin,
            email=f"{account}@plant.example",
        )
        return site.address(store.append_one(SYSTEM_LOG, account_draft(entry, True)).index, "system")

    plain, signer = make("visitor"), make("reviewer9")
    site.staff.grant("reviewer9", Role.REVIEWER)
    used = site.erasures.request(plain, "title", SOME, "asked", site.staff.admin)
    assert used.cover is CoverSort.IN_USE
    site.world.people.deactivate("visitor", "left", site.staff.admin)
    site.world.people.deactivate("reviewer9", "left", site.staff.admin)
    name = site.erasures.request(signer, "title", SOME, "asked", site.staff.admin)
    assert (name.state, name.cover) == (ErasureEvent.REFUSED, CoverSort.SIGNATORY)
    assert "11.50" in (name.answer or "")
    asked = site.erasures.request(plain, "title", SOME, "asked", site.staff.admin)
    assert asked.state is ErasureEvent.REQUESTED


def test_the_database_lets_no_other_row_of_the_vault_go(site: Site) -> None:
    site.use("sources_without_gmp", [TRIAL])
    asked = site.erasures.request(site.address(site.trial[1]), "reason", SOME, "asked", site.staff.admin)
    store = site.world.service.store
    with pytest.raises(DatabaseError), store.writing() as connection:
        connection.exec_driver_sql(f"DELETE FROM original WHERE pos = {pos_of(1, site.trial[1])}")
    if site.database is not None:
        with pytest.raises(DatabaseError, match="append-only"), store.writing() as connection:
            connection.exec_driver_sql(f"SELECT trailseal_erase({pos_of(1, site.trial[1])}, 'original', 0::smallint)")
    site.approve(asked.erasure, "qa1")
    site.approve(asked.erasure, "qa2")
    for table in ("original", "sealed_value"):
        with pytest.raises(DatabaseError), store.writing() as connection:
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE pos = {pos_of(1, site.erp[0])}")


@pytest.mark.requirement("R16")
def test_a_package_that_hides_a_signers_name_says_that_it_does_not_meet_11_50(site: Site, tmp_path: Path) -> None:
    service = site.world.service
    signed = submission(
        20, ERP, action=Action.SIGN, actor=Actor(account="nurse1", kind=ActorKind.PERSON, name="Nurse One"), changes=()
    )
    cursor = service.ingest.state(ERP).cursor
    service.ingest.submit(batch([signed], ERP, cursor_from=cursor, cursor_to="20"), site.world.root)
    log, selection = service.log("records"), BySearch(query=Query(source=ERP))
    for disclose, hidden in ((True, 0), (False, 1)):
        out = tmp_path / f"{disclose}.zip"
        issued = issue(service, log, selection, out, site.world.root, disclose=disclose)
        assert issued.signers_hidden == hidden
        with zipfile.ZipFile(out) as opened:
            (name,) = [one for one in opened.namelist() if one.endswith("report.pdf")]
            (tmp_path / "report.pdf").write_bytes(opened.read(name))
        text = subprocess.run(
            ["pdftotext", "-layout", tmp_path / "report.pdf", "-"], capture_output=True, text=True, check=True
        ).stdout
        said = "it does not meet 21 CFR 11.50" in " ".join(text.split())
        assert said is bool(hidden)
        assert verify_package(out, [service.vkey(log)]).exit_code is ExitCode.HOLDS
