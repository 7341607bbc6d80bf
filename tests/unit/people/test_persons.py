"""Persons: made by who may, deactivated with all they hold, names readable or sealed, and no id issued again."""

import pytest
from sqlalchemy import text

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import Entry, decode_leaf
from ledger.core.errors import AccessDenied, Conflict, NotAuthenticated, NotFound, SchemaViolation
from ledger.integrity.kinds import Verdict
from ledger.people.access import Scope
from ledger.people.kinds import AccountSort, AccountState
from ledger.people.names import opened, printed_name
from ledger.people.roles import Role
from tests.api.world import ORIGIN, World
from tests.support.staff import Staff

DAY_US = 86_400_000_000


@pytest.fixture
def staff(world: World) -> Staff:
    return Staff(world.service)


def entries(world: World) -> list[Entry]:
    """The system log, decoded."""
    kinds = world.service.store.kinds
    with world.service.store.reader(0) as reader:
        stored = list(reader.entries(0, reader.head().size))
    kind_of = [decode_leaf(one.leaf).kind for one in stored]
    return [
        Entry(log=0, index=one.index, kind=kind, logged_us=0, body=kinds[kind].decode(one.body or b""))
        for one, kind in zip(stored, kind_of, strict=True)
    ]


def verified(world: World) -> list[str]:
    """What levels 1 and 2 find in all logs; empty where everything holds."""
    found = []
    for log in world.service.logs.values():
        result = world.service.verifier.run(log, full=True, levels=(1, 2))
        found += [
            str(level) for level in result.result.levels if level.verdict is not Verdict.HOLDS and level.level in (1, 2)
        ]
    return found


@pytest.mark.requirement("R19", "R38")
def test_an_id_is_never_issued_again_to_a_person_or_a_service(world: World, staff: Staff) -> None:
    staff.person("reviewer1", Role.REVIEWER)
    staff.people.deactivate("reviewer1", "left", staff.admin)
    for create in (staff.people.persons.create, staff.people.create_account):
        with pytest.raises(Conflict, match="exists or existed"):
            create("reviewer1", "Another", "new", staff.admin)
    found = {one.account: one for one in staff.people.persons.everyone()}
    assert found["reviewer1"].state is AccountState.DEACTIVATED


@pytest.mark.requirement("R19", "R38")
def test_deactivating_revokes_every_grant_and_ends_every_session_in_the_same_batch(world: World, staff: Staff) -> None:
    staff.person("reviewer1", Role.REVIEWER, Role.APPROVER)
    sessions = [staff.session("reviewer1"), staff.session("reviewer1")]
    assert staff.caller(sessions[0]).roles == ("approver", "reviewer")
    index = staff.people.deactivate("reviewer1", "left", staff.admin)
    after = [entry for entry in entries(world) if entry.index >= index]
    assert [entry.kind for entry in after] == ["account", "grant", "grant", "session-event", "session-event"]
    assert len({entry.body.authority.actor for entry in after}) == 1
    for session in sessions:
        with pytest.raises(NotAuthenticated):
            staff.caller(session)
    assert staff.people.persons.show("reviewer1").roles == ()
    lines = [line for line in staff.people.register() if line.account == "reviewer1"]
    assert {line.to_index for line in lines} == {index + 1, index + 2}
    with pytest.raises(Conflict, match="not active"):
        staff.people.deactivate("reviewer1", "again", staff.admin)
    with pytest.raises(Conflict, match="deactivated"):
        staff.grant("reviewer1", Role.REVIEWER)
    assert verified(world) == []


def test_deactivating_a_service_account_ends_its_tokens_and_the_register_says_so(world: World) -> None:
    token = world.token(Scope.READ, "reader")
    index = world.people.deactivate("reader", "closed", world.root)
    (line,) = [line for line in world.people.register() if line.account == "reader"]
    assert (line.grant, line.to_index) == (token.grant, index + 1)
    assert verified(world) == []


@pytest.mark.requirement("R38")
def test_a_changed_name_is_a_new_entry_and_the_old_one_stays(world: World, staff: Staff) -> None:
    staff.people.persons.create("reviewer1", "First Name", "joins", staff.admin, email="one@plant.example")
    staff.people.persons.change("reviewer1", "married", staff.admin, name="Second Name")
    found = staff.people.persons.show("reviewer1")
    assert (found.name, found.email) == ("Second Name", "one@plant.example")
    said = [body["title"] for body in world.system_entries("account") if body["account"] == "reviewer1"]
    assert said == ["First Name", "Second Name"]
    with pytest.raises(SchemaViolation):
        staff.people.persons.change("reviewer1", "nothing", staff.admin)
    with pytest.raises(NotFound):
        staff.people.persons.change("ghost", "nobody", staff.admin, name="X")


def test_a_name_is_sealed_where_the_site_so_decides_and_level_2_checks_it(world: World, staff: Staff) -> None:
    world.people.profiles.set("seal_names", True, "works agreement", staff.admin)
    staff.people.persons.create("reviewer1", "Hidden Name", "joins", staff.admin, email="hidden@plant.example")
    staff.people.persons.change("reviewer1", "moved", staff.admin, email="new@plant.example")
    with world.service.store.reading() as connection:
        bodies = connection.execute(text("SELECT body FROM body")).scalars().all()
        assert not any(b"Hidden Name" in bytes(body) or b'plant.example"' in bytes(body) for body in bodies)
        made = [entry for entry in entries(world) if getattr(entry.body, "account", "") == "reviewer1"]
        assert [opened(connection, entry.body, entry.index, "title") for entry in made] == [
            "Hidden Name",
            "Hidden Name",
        ]
        assert printed_name(world.service.store, connection, "reviewer1") == "Hidden Name"
        assert printed_name(world.service.store, connection, "ghost") is None
    shown = staff.people.persons.show("reviewer1")
    assert (shown.name, shown.email) == ("Hidden Name", "new@plant.example")
    assert verified(world) == []
    with world.service.store.writing() as connection:
        for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        connection.execute(text("UPDATE sealed_value SET value = :other WHERE member = 'title'"), {"other": b'"Other"'})
    assert staff.people.persons.show("reviewer1").name is None, "a value that the entry does not commit to is not shown"
    assert verified(world)


@pytest.mark.requirement("R76")
def test_an_inspectors_account_ends_by_itself_and_lasts_at_most_90_days(world: World, staff: Staff) -> None:
    for days in (-1.0, 0.0, 90.5):
        with pytest.raises(SchemaViolation, match="cannot end"):
            staff.inspector(f"late{int(days)}", days=days)
    granted = staff.inspector("inspector1", days=2)
    found = staff.people.persons.show("inspector1")
    assert (found.sort, found.expires_at) == (AccountSort.INSPECTOR, granted.expires_at)
    session = staff.session("inspector1")
    assert staff.caller(session).watched
    world.clock.pass_seconds(2 * 86_400)
    with pytest.raises(NotAuthenticated):
        staff.caller(session)


class TestFirstStart:
    """Until two persons hold roles the folder's holder sets up accounts; from then on somebody who holds `admin`."""

    def test_it_ends_with_the_second_person_who_holds_a_role(self, world: World) -> None:
        local, people = world.people.local("root"), world.people
        people.persons.create("officer1", "Officer One", "first start", local)
        people.role_grants.grant("officer1", Role.SECURITY_OFFICER, "first start", local)
        people.persons.create("quality1", "Quality One", "first start", local)
        granted = people.role_grants.grant("quality1", Role.APPROVER, "first start", local)
        refused = (
            lambda: people.persons.create("third", "Third", "why", local),
            lambda: people.persons.change("quality1", "why", local, name="Other"),
            lambda: people.persons.deactivate("quality1", "why", local),
            lambda: people.role_grants.grant("quality1", Role.REVIEWER, "why", local),
            lambda: people.role_grants.revoke(granted.grant, "why", local),
            lambda: people.qualifications.identity("quality1", "passport", "2026-01-01", "why", local),
            lambda: people.grant(f"{Scope.READ.value}-{list(Scope).index(Scope.READ)}", [Scope.ADMIN], "why", local),
        )
        for attempt in refused:
            with pytest.raises(AccessDenied, match="first start is over"):
                attempt()
        assert people.create_account("collector", "Collector", "a service stays the operator's to make", local)
        assert verified(world) == []

    def test_should_rights_run_out_the_folders_holder_helps_again(self, world: World) -> None:
        local, people = world.people.local("root"), world.people
        until = utc_text(world.clock.now_us() + DAY_US)
        for account, role in (("officer1", Role.SECURITY_OFFICER), ("quality1", Role.APPROVER)):
            people.persons.create(account, account, "first start", local)
            people.role_grants.grant(account, role, "first start", local, expires_at=until)
        with pytest.raises(AccessDenied):
            people.persons.create("third", "Third", "why", local)
        world.clock.pass_seconds(86_400)
        people.persons.create("third", "Third", "nobody is left", people.local("root"))
        assert verified(world) == []

    def test_only_who_holds_admin_makes_persons(self, world: World, staff: Staff) -> None:
        staff.person("reviewer1", Role.REVIEWER)
        with pytest.raises(AccessDenied, match="admin"):
            staff.people.persons.create("friend", "Friend", "why", staff.acting("reviewer1"))
        borrowed = staff.acting("reviewer1")
        claimed = Authority(
            actor="reviewer1",
            authenticated=True,
            entries=(*borrowed.entries, f"{ORIGIN}/system#1"),
            system_size=borrowed.system_size,
            system_root=borrowed.system_root,
        )
        with pytest.raises(AccessDenied, match="admin"):
            staff.people.persons.create("friend", "Friend", "why", claimed)
