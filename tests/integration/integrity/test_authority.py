"""Entries caused under a right that the log does not bear out are found, however the tables look afterwards."""

import pytest
from sqlalchemy import delete, insert, select, update

from ledger.core.address import parse_address
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.errors import IntegrityError
from ledger.core.run import RunBatch
from ledger.integrity.verifier import VerificationReport
from ledger.people.access import Scope
from ledger.people.tables import access_grant
from ledger.service import Service
from ledger.store.schema import secret
from tests.support.ledgers import AUTHORITY, SOURCE, Ledger

pytestmark = pytest.mark.sampled


def verified(service: Service) -> VerificationReport:
    return service.verifier.run(service.log("records"), levels=(1, 2))


def ingest(service: Service, authority: Authority) -> int:
    """One empty run on this authority; returns the run's entry."""
    now = utc_text(service.clock.now_us())
    cursor = service.ingest.state(SOURCE).cursor
    batch = RunBatch(source=SOURCE, started_at=now, ended_at=now, cursor_from=cursor, cursor_to=cursor)
    return service.ingest.submit(batch, authority).run


def granted(service: Service) -> tuple[str, str]:
    service.people.create_account("agent1", "Agent", "test", AUTHORITY)
    token = service.people.grant("agent1", [Scope.INGEST], "test", AUTHORITY, sources=[SOURCE])
    return token.grant, token.token


def test_a_run_under_a_grant_in_force_verifies(ledger: Ledger) -> None:
    grant, token = granted(ledger.service)
    ingest(ledger.service, ledger.service.people.directory.find(token).caller.authority)
    ledger.service.people.revoke(grant, "test", AUTHORITY)
    report = verified(ledger.service)
    assert report.holds, report.summary


def test_a_revoked_grant_revived_by_sql_used_and_removed_again_is_found(ledger: Ledger) -> None:
    service = ledger.service
    grant, token = granted(service)
    relied = [parse_address(one).index for one in service.people.directory.find(token).caller.authority.entries]
    with service.store.reading() as connection:
        kept_grant = connection.execute(select(access_grant).where(access_grant.c.key == grant)).one()
        kept_secret = connection.execute(select(secret).order_by(secret.c.pos.desc()).limit(1)).one()
    service.people.revoke(grant, "test", AUTHORITY)
    with service.store.reading() as connection:
        revoked = connection.execute(select(access_grant).where(access_grant.c.key == grant)).all()

    with ledger.administrator() as connection:
        connection.execute(delete(access_grant).where(access_grant.c.key == grant))
        connection.execute(insert(access_grant).values(**kept_grant._mapping))
        connection.execute(insert(secret).values(**kept_secret._mapping))
    service.people.directory.forget()
    with pytest.raises(IntegrityError, match="took it back"):
        service.people.directory.find(token)
    # Whoever controls the server as well leaves that question out; verification asks it again.
    run = ingest(service, service.people.directory.seen().authority("agent1", True, relied))
    with ledger.administrator() as connection:
        connection.execute(delete(access_grant).where(access_grant.c.key == grant))
        for row in revoked:
            connection.execute(insert(access_grant).values(**row._mapping))
        connection.execute(delete(secret).where(secret.c.pos == kept_secret.pos))

    report = verified(service)
    assert not report.holds
    fault = report.fault
    assert fault is not None
    assert (fault.index, fault.column) == (run, "authority")
    assert "superseded" in fault.what


def test_a_grant_stretched_to_another_source_by_sql_is_found(ledger: Ledger) -> None:
    """The caller's sources are read from the entry, so the row alone opens nothing; the row itself is found too."""
    service = ledger.service
    grant, _ = granted(service)
    with ledger.administrator() as connection:
        connection.execute(update(access_grant).where(access_grant.c.key == grant).values(sources='["other"]'))
    report = service.verifier.run(service.system, levels=(1, 2))
    assert not report.holds
    assert report.fault is not None
    assert report.fault.table == "access_grant"


def test_what_the_site_says_of_its_systems_under_a_right_to_read_is_found(ledger: Ledger) -> None:
    service = ledger.service
    service.people.create_account("viewer", "Viewer", "test", AUTHORITY)
    token = service.people.grant("viewer", [Scope.READ], "test", AUTHORITY).token
    authority = service.people.directory.find(token).caller.authority
    index = service.record_log().lives.suspend(SOURCE, "past the interface", authority)
    report = verified(service)
    assert report.fault is not None
    assert (report.fault.index, report.fault.column) == (index, "authority")
    assert "'configure'" in report.fault.what
