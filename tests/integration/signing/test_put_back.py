"""What was taken back, and somebody puts back by SQL, gives no right for a moment: the log has it, and is asked at use.

Whoever owns the database takes every trigger away and changes what they like; the service goes on beside them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Table, create_engine, delete, insert, make_url, select, update

from ledger.core.errors import IntegrityError, NotAuthenticated, NotSignatory
from ledger.people import tables
from ledger.people.access import Caller, Scope
from ledger.people.door import Visit
from ledger.people.enrolment import Set
from ledger.people.log_view import log_view
from ledger.people.roles import Role
from ledger.signing.route_tables import delegation
from ledger.signing.tables import key_binding
from ledger.store import schema
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.store import Store
from tests.support.founded import founded
from tests.support.ledgers import _disarm
from tests.support.signers import HERE, Plant, Signer

pytestmark = pytest.mark.sampled

CONTRADICTS = "took it back|contradicts"


class Administrator:
    """Owns the database, keeps what stands in it, and puts it back later; triggers stay off for good."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.store: Store = plant.service.store
        self._engine = create_engine(make_url(plant.service.settings.owner_url(plant.service.folder)))
        with self._engine.begin() as connection:
            _disarm(connection)

    @contextmanager
    def sql(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection
        self.plant.service.people.directory.forget()

    @contextmanager
    def undoing(self, *of: Table) -> Iterator[None]:
        """What is done meanwhile is undone in these tables, and in the vault; the log keeps it."""
        chosen = (*of, schema.secret)
        with self._engine.connect() as connection:
            before = {table: [dict(row) for row in connection.execute(select(table)).mappings()] for table in chosen}
        yield
        with self.sql() as connection:
            self.after = {
                table: [dict(row) for row in connection.execute(select(table)).mappings()] for table in chosen
            }
            _put(connection, before)

    def make_good(self) -> None:
        """Leaves the tables as the log has them."""
        with self.sql() as connection:
            _put(connection, self.after)

    def close(self) -> None:
        self._engine.dispose()


def _put(connection: Connection, rows: dict[Table, list[dict[str, Any]]]) -> None:
    for table, kept in rows.items():
        connection.execute(delete(table))
        if kept:
            connection.execute(insert(table), kept)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = founded(tmp_path_factory.mktemp("put-back") / "ledger", request=request)
    yield made
    made.close()


@pytest.fixture(scope="module")
def administrator(plant: Plant) -> Iterator[Administrator]:
    made = Administrator(plant)
    yield made
    made.close()


_names = iter(range(1000))


@pytest.fixture
def reviewer(plant: Plant) -> Signer:
    """Somebody new who can sign."""
    number = next(_names)
    return plant.join(f"reviewer{number}", f"Reviewer {number}", Role.REVIEWER)


@pytest.fixture(autouse=True)
def signed_in(plant: Plant) -> None:
    plant.officer.sign_in()


def refused(work: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError, match=CONTRADICTS):
        work()


def contradictions(plant: Plant) -> int:
    """How often it was counted that a table contradicted the log."""
    counts = plant.service.people.security._counts
    return sum(count for (sort, _, _), count in counts.items() if sort.value == "contradicted")


@pytest.mark.requirement("R10", "R38")
def test_a_revoked_role_that_is_put_back_signs_nothing_and_is_counted(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    (entry,) = plant.records(1)
    put = reviewer.prepare(entry, meaning="reviewed")
    caller = reviewer.caller
    shown = reviewer.shown(put)
    people, before = plant.service.people, contradictions(plant)
    (grant,) = [right.grant for right in caller.rights]
    with administrator.undoing(tables.access_grant):
        people.revoke(grant, "moved to another department", plant.officer.caller.authority)
    refused(lambda: reviewer.caller)
    refused(lambda: reviewer.plant.signing.signatures.complete(put.id, put.digest, shown, caller=caller, network=HERE))
    refused(lambda: people.role_grants.grant("quality1", Role.AUDITOR, "x", caller.authority))
    assert contradictions(plant) > before
    administrator.make_good()
    with pytest.raises(NotSignatory, match="may not see"):
        reviewer.prepare(entry, meaning="reviewed")


@pytest.mark.requirement("R38")
def test_a_revoked_token_that_is_put_back_opens_nothing(plant: Plant, administrator: Administrator) -> None:
    people = plant.service.people
    by = plant.officer.caller.authority
    people.create_account(f"robot{next(_names)}", "Robot", "for the test", by)
    account = people.accounts()[-1].account
    token = people.grant(account, [Scope.ADMIN], "for the test", by)
    assert people.directory.find(token.token).caller.account == account
    with administrator.undoing(tables.access_grant):
        people.revoke(token.grant, "over", by)
    refused(lambda: people.directory.find(token.token))
    administrator.make_good()
    with pytest.raises(NotAuthenticated):
        people.directory.find(token.token)


@pytest.mark.requirement("R19", "R38")
def test_a_deactivated_account_that_is_put_back_does_nothing(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    door = plant.service.entrance.door
    with administrator.undoing(tables.account, tables.access_grant, tables.browser_session, tables.credential):
        plant.service.people.deactivate(reviewer.account, "left", plant.officer.caller.authority)
    refused(lambda: reviewer.caller)
    refused(lambda: door.show_password(reviewer.account, reviewer.password, Visit(peer=HERE)))
    administrator.make_good()


@pytest.mark.requirement("R25", "R29")
def test_a_password_that_was_reset_and_is_put_back_opens_nothing(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    own = plant.service.entrance.own
    with administrator.undoing(tables.credential):
        own.change_password(reviewer.caller, reviewer.password, "nine quiet lanterns in the rain", HERE)
    refused(lambda: plant.service.entrance.door.show_password(reviewer.account, reviewer.password, Visit(peer=HERE)))
    administrator.make_good()


def test_a_session_that_ended_and_is_put_back_is_none(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    sessions = plant.service.people.sessions
    with administrator.undoing(tables.browser_session):
        sessions.end(reviewer.session, "signed out")
    refused(lambda: sessions.find(reviewer.session))
    administrator.make_good()


@pytest.mark.requirement("R20")
def test_a_check_of_identity_that_was_taken_back_and_is_put_back_lets_nobody_sign(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    (entry,) = plant.records(1)
    known = plant.service.people.qualifications
    identity = next(one for one in known.of(reviewer.account) if one.sort.value == "identity")
    with administrator.undoing(tables.qualification):
        known.withdraw(identity.qualification, "the passport was forged", plant.officer.caller.authority)
    refused(lambda: reviewer.prepare(entry, meaning="reviewed"))
    administrator.make_good()
    with pytest.raises(NotSignatory, match="identity"):
        reviewer.prepare(entry, meaning="reviewed")


@pytest.mark.requirement("R29")
def test_a_signing_key_that_was_revoked_and_is_put_back_signs_nothing(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    (entry,) = plant.records(1)
    with administrator.undoing(key_binding):
        plant.signing.bindings.revoke(reviewer.key_id, "lost", reviewer.caller.authority, reviewer.caller)
    refused(lambda: reviewer.prepare(entry, meaning="reviewed"))
    administrator.make_good()
    with pytest.raises(NotSignatory, match="no signing key"):
        reviewer.prepare(entry, meaning="reviewed")


def test_a_delegation_that_ended_and_is_put_back_lends_nothing(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    other = plant.join(f"deputy{next(_names)}", "Deputy", Role.REVIEWER)
    delegations, now = plant.service.workflows.delegations, plant.clock.now_us()
    given = delegations.give(other.account, now, now + 10**12, "on leave", reviewer.caller.authority)
    with administrator.undoing(delegation):
        delegations.end(given.delegation.delegation, "back again", reviewer.caller.authority)
    refused(lambda: delegations.of(other.account))
    administrator.make_good()
    assert delegations.of(other.account) == []


@pytest.mark.requirement("R30")
def test_a_lock_whose_row_is_taken_out_stays_a_lock(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    door = plant.service.entrance.door
    with administrator.undoing(tables.sign_in):
        for _ in range(5):
            with pytest.raises(NotAuthenticated):
                door.show_password(reviewer.account, "wrong", Visit(peer=HERE))
    assert not plant.service.entrance.attempts.standing(reviewer.account).locked
    with pytest.raises(NotAuthenticated):
        door.show_password(reviewer.account, reviewer.password, Visit(peer=HERE))
    administrator.make_good()


@pytest.mark.requirement("R30", "R55")
def test_a_profile_that_sql_eases_lets_nobody_in_and_nobody_sign(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    profiles, by = plant.service.people.profiles, plant.officer.caller.authority
    profiles.set("failures_before_lock", 4, "as agreed", by)
    with administrator.sql() as connection:
        item = tables.profile_item
        connection.execute(update(item).where(item.c.key == "failures_before_lock").values(value="20"))
    refused(lambda: plant.service.entrance.door.show_password(reviewer.account, reviewer.password, Visit(peer=HERE)))
    with administrator.sql() as connection:
        connection.execute(update(item).where(item.c.key == "failures_before_lock").values(value="4"))
    assert reviewer.sign_in().account == reviewer.account


@pytest.mark.requirement("R01")
def test_a_revocation_that_is_taken_out_of_the_log_itself_lets_nobody_in(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    """A process that starts afterwards cannot have read it: the chain shows that something is missing or altered."""
    people = plant.service.people
    (grant,) = [right.grant for right in reviewer.caller.rights]
    session = reviewer.session
    with administrator.undoing(tables.access_grant):
        index = people.revoke(grant, "moved", plant.officer.caller.authority)
    leaf, body = schema.leaf, schema.body
    pos = pos_of(SYSTEM_LOG, index)
    with administrator.sql() as connection:
        kept = connection.execute(select(leaf.c.data).where(leaf.c.pos == pos)).scalar_one()
        text = connection.execute(select(body.c.body).where(body.c.pos == pos)).scalar_one()
    lies: list[tuple[Table, str, bytes]] = [
        (leaf, "data", bytes(kept).replace(b'"kind":"grant"', b'"kind":"notice"')),
        (body, "body", bytes(text).replace(b'"revoked"', b'"granted"')),
    ]
    for table, column, lie in lies:
        good = kept if table is leaf else text
        with administrator.sql() as connection:
            connection.execute(update(table).where(table.c.pos == pos).values({column: lie}))
        anew = plant.reopened()
        with pytest.raises(IntegrityError):
            anew.people.directory.find(session)
        anew.close()
        with administrator.sql() as connection:
            connection.execute(update(table).where(table.c.pos == pos).values({column: good}))
    administrator.make_good()
    anew = plant.reopened()
    found: Caller = anew.people.directory.find(session).caller
    assert found.rights == ()
    anew.close()


@pytest.mark.requirement("R25")
def test_a_used_code_that_is_put_back_sets_no_password(
    plant: Plant, administrator: Administrator, reviewer: Signer
) -> None:
    enrolment = plant.service.entrance.enrolment
    account = f"newcomer{next(_names)}"
    plant.service.people.persons.create(account, "Newcomer", "joins", plant.officer.caller.authority)
    code = enrolment.issue(account, "to begin", plant.officer.caller.authority).code
    with administrator.undoing(tables.credential):
        begun = enrolment.begin(code)
        made = Signer(plant, account, "Newcomer")
        made.device = begun.secret or ""
        enrolment.finish(begun.state, Set(password=made.password, code=made.code()), HERE)
    refused(lambda: enrolment.begin(code))
    administrator.make_good()


def test_entries_of_one_group_and_snapshots_of_before_are_no_contradiction(plant: Plant, reviewer: Signer) -> None:
    """A snapshot that is older than what the view has read is answered as of its own size."""
    store = plant.service.store
    (grant,) = reviewer.caller.rights
    with store.reading() as connection:
        connection.execute(select(tables.account.c.key).limit(1)).all()
        plant.service.people.revoke(grant.grant, "moved", plant.officer.caller.authority)
        with store.reading() as later:
            log_view(store).require(later, ())
        log_view(store).require(connection, [grant.index or 0])
    with store.reading() as later, pytest.raises(IntegrityError, match="took it back"):
        log_view(store).require(later, [grant.index or 0])


@pytest.fixture(scope="module", autouse=True)
def holds_at_the_end(plant: Plant, administrator: Administrator) -> Iterator[None]:
    """What every test left behind is the ledger as it was: nothing above was found for another reason."""
    yield
    report = plant.service.verifier.run(plant.service.system, full=True, levels=(1, 2))
    assert report.holds, report.summary
