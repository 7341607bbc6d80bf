"""Attacks on who may do what: roles by SQL, rights brought back, ids issued again, rules bent by forged entries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import IntegrityError
from ledger.integrity.kinds import FaultFound
from ledger.people.access import Scope
from ledger.people.credentials import current, read_entry
from ledger.people.kinds import AccountEntry, AccountSort, AccountState, GrantEntry, GrantState, SessionEntry
from ledger.people.person_kinds import (
    AccessReviewEntry,
    QualificationEntry,
    QualificationSort,
    ReviewedAccount,
    ViewedEntry,
    Viewing,
)
from ledger.people.roles import SCOPES, Role
from ledger.people.tables import account as account_table
from ledger.people.tables import browser_session
from ledger.store.logs import SYSTEM_LOG
from tests.api.world import World
from tests.support.staff import Staff
from tests.unit.people.test_people import forge

FORGED = Authority(actor="local:root", authenticated=False)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "ledger")
    yield made
    made.close()


@pytest.fixture
def staff(world: World) -> Staff:
    made = Staff(world.service)
    made.person("officer1", Role.SECURITY_OFFICER)
    made.person("reviewer1", Role.REVIEWER)
    return made


def fault(world: World) -> FaultFound | None:
    """The first bad entry that level 2 names in the system log."""
    report = world.service.verifier.run(world.service.system, full=True, levels=(1, 2))
    return next((level.fault for level in report.result.levels if level.fault is not None), None)


def append(world: World, body: msgspec.Struct) -> int:
    """What who holds the folder can do with a program of their own: an entry without any of the door's questions."""
    return world.service.store.append_one(SYSTEM_LOG, draft(body)).index


def role_entry(account: str, role: Role, authority: Authority, **more: Any) -> GrantEntry:
    members: dict[str, Any] = {"grant": "f" * 16, "state": GrantState.GRANTED, "reason": "x", "role": role, **more}
    return GrantEntry(account=account, scopes=tuple(sorted(SCOPES[role])), authority=authority, **members)


@pytest.mark.requirement("R05", "R38")
def test_a_role_granted_by_sql_is_found_and_gives_no_right(world: World, staff: Staff) -> None:
    assert fault(world) is None
    session = staff.session("reviewer1")
    forge(
        world,
        "INSERT INTO access_grant SELECT log, 'deadbeef', from_index, NULL, 'reviewer1', state, '[\"approve\"]',"
        " sources, expires_us, 'approver', sites, from_us FROM access_grant WHERE account = 'officer1'",
    )
    with pytest.raises(Exception, match="contradicts"):
        staff.caller(session)
    found = fault(world)
    assert found is not None
    assert found.table == "access_grant"


@pytest.mark.requirement("R38")
def test_a_revoked_grant_that_sql_brings_back_is_found_and_so_is_what_was_done_with_it(
    world: World, staff: Staff
) -> None:
    (granted,) = staff.person("officer2", Role.SECURITY_OFFICER)
    staff.people.revoke(granted.grant, "moved", staff.admin)
    forge(world, "DELETE FROM access_grant WHERE key = :key AND state = 'revoked'", key=granted.grant)
    forge(world, "UPDATE access_grant SET to_index = NULL WHERE key = :key", key=granted.grant)
    session = staff.session("officer2")
    with pytest.raises(IntegrityError, match="took it back"):
        staff.caller(session)
    # Whoever controls the server as well leaves that question out; verification asks it again.
    made = append(world, _friend(staff, granted.index, session))
    found = fault(world)
    assert found is not None
    assert (found.table, found.index) == ("access_grant", granted.index)
    honest = "UPDATE access_grant SET to_index = :ended WHERE key = :key"
    forge(world, honest, key=granted.grant, ended=granted.index + 1)
    forge(
        world,
        "INSERT INTO access_grant SELECT log, key, to_index, NULL, account, 'revoked', scopes, sources, expires_us,"
        " role, sites, from_us FROM access_grant WHERE key = :key",
        key=granted.grant,
    )
    found = fault(world)
    assert found is not None
    assert (found.index, found.column, "superseded" in found.what) == (made, "authority", True)


def _friend(staff: Staff, grant: int, session: str) -> AccountEntry:
    """An account that an officer makes in that session, by that grant."""
    with staff.service.store.reading() as connection:
        account = current(connection, account_table, "officer2")
        begun = current(connection, browser_session, session.split("_")[1])
    assert account is not None
    assert begun is not None
    return AccountEntry(
        account="friend",
        sort=AccountSort.PERSON,
        state=AccountState.ACTIVE,
        title="Friend",
        reason="by a right that was over",
        authority=staff.people.directory.seen().authority("officer2", True, (account, begun, grant)),
    )


@pytest.mark.requirement("R19")
def test_an_id_that_is_issued_again_is_found(world: World, staff: Staff) -> None:
    staff.people.deactivate("reviewer1", "left", staff.admin)
    again = AccountEntry(
        account="reviewer1",
        sort=AccountSort.PERSON,
        state=AccountState.ACTIVE,
        title="Somebody Else",
        reason="x",
        authority=staff.admin,
    )
    index = append(world, again)
    found = fault(world)
    assert found is not None
    assert (found.index, "never issued again" in found.what) == (index, True)


@pytest.mark.requirement("R47")
def test_a_forged_entry_that_says_not_authenticated_makes_no_administrator(world: World, staff: Staff) -> None:
    staff.person("quality1")
    for body in (
        role_entry("quality1", Role.SECURITY_OFFICER, FORGED),
        role_entry("quality1", Role.APPROVER, staff.people.local("root")),
    ):
        index = append(world, body)
        found = fault(world)
        assert found is not None
        assert "first start was over" in found.what
        assert found.index <= index


@pytest.mark.requirement("R47")
@pytest.mark.parametrize("which", ["self-grant", "two roles", "deactivated", "own review", "vouching", "sort"])
def test_a_rule_that_a_forged_entry_breaks_is_named_by_level_2(world: World, staff: Staff, which: str) -> None:
    officer = staff.acting("officer1")
    staff.person("left1")
    staff.people.deactivate("left1", "left", staff.admin)
    today = utc_text(world.clock.now_us())[:10]
    bodies: dict[str, tuple[msgspec.Struct, str]] = {
        "self-grant": (role_entry("officer1", Role.SECURITY_OFFICER, officer), "granted to themselves"),
        "two roles": (role_entry("reviewer1", Role.OPERATOR, officer), "would be operator and reviewer"),
        "deactivated": (role_entry("left1", Role.REVIEWER, officer), "was not active"),
        "own review": (
            AccessReviewEntry(
                review="r1",
                system_size=5,
                lines=(ReviewedAccount(account="officer1", roles=(Role.SECURITY_OFFICER,), keep=True),),
                due_at=utc_text(world.clock.now_us()),
                reason="x",
                authority=officer,
            ),
            "reviewed their own rights",
        ),
        "vouching": (
            QualificationEntry(
                qualification="q1",
                account="officer1",
                sort=QualificationSort.IDENTITY,
                holds=True,
                how="passport",
                on=today,
                reason="x",
                authority=officer,
            ),
            "of themselves",
        ),
        "sort": (
            AccountEntry(
                account="reviewer1",
                sort=AccountSort.SERVICE,
                state=AccountState.ACTIVE,
                title="x",
                reason="x",
                authority=officer,
            ),
            "stood for something else",
        ),
    }
    body, said = bodies[which]
    assert fault(world) is None
    index = append(world, body)
    found = fault(world)
    assert found is not None
    assert (found.index, said in found.what) == (index, True), found.what


@pytest.mark.requirement("R10", "R47")
def test_an_officer_of_one_site_who_grants_for_all_is_found(world: World, staff: Staff) -> None:
    staff.person("officer2", Role.SECURITY_OFFICER, sites=["records"])
    authority = staff.acting("officer2")
    append(world, role_entry("reviewer1", Role.AUDITOR, authority, grant="a" * 16, sites=("records",)))
    assert fault(world) is None
    index = append(world, role_entry("reviewer1", Role.AUDITOR, authority))
    found = fault(world)
    assert found is not None
    assert (found.index, "beyond the record logs" in found.what) == (index, True)


@pytest.mark.requirement("R10", "R76")
def test_an_inspector_whose_time_is_over_and_who_holds_no_admin_does_nothing(world: World, staff: Staff) -> None:
    staff.inspector("inspector1", days=1)
    authority = staff.acting("inspector1")
    index = append(world, role_entry("reviewer1", Role.AUDITOR, authority))
    found = fault(world)
    assert found is not None
    assert (found.index, Scope.ADMIN.value in found.what) == (index, True)


@pytest.mark.requirement("R76")
def test_what_an_inspector_does_after_the_account_ended_is_found(world: World, staff: Staff) -> None:
    staff.inspector("inspector1", days=0.1)
    authority = staff.acting("inspector1")
    seen = ViewedEntry(account="inspector1", address="/", how=Viewing.SEEN, authority=authority)
    append(world, seen)
    assert fault(world) is None
    world.clock.pass_seconds(0.1 * 86_400 + 120)
    index = append(world, seen)
    found = fault(world)
    assert found is not None
    assert (found.index, "had expired" in found.what) == (index, True)


@pytest.mark.requirement("R31")
def test_a_session_that_says_a_terminal_that_was_not_in_use_is_found(world: World, staff: Staff) -> None:
    staff.session("reviewer1")
    begun = staff.people.sessions.of("reviewer1")[-1].entry
    with staff.service.store.reading() as connection:
        honest, _ = read_entry(staff.service.store, connection, begun, SessionEntry)
    assert fault(world) is None
    forged = msgspec.structs.replace(honest, session="f" * 16, terminal="0" * 16, secrets=())
    index = append(world, forged)
    found = fault(world)
    assert found is not None
    assert (found.index, "was not in use" in found.what) == (index, True)
