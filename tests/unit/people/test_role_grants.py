"""Roles: who may grant what to whom, where, for how long; what excludes what; training that ends a role."""

import threading
from collections.abc import Callable

import pytest

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.errors import AccessDenied, Conflict, LedgerError, NotAuthenticated, NotFound, SchemaViolation
from ledger.people.access import Scope
from ledger.people.role_grants import Granted
from ledger.people.roles import ADMINISTRATIVE, GMP, Role
from tests.api.world import SOURCE, World
from tests.support.staff import Staff
from tests.unit.people.test_persons import verified

DAY_US = 86_400_000_000


@pytest.fixture
def staff(world: World) -> Staff:
    return Staff(world.service)


def day(world: World, days: int) -> str:
    """The day so many days from now (UTC)."""
    return utc_text(world.clock.now_us() + days * DAY_US)[:10]


@pytest.mark.requirement("R10", "R38")
def test_a_grant_makes_the_caller_that_it_says_and_the_entry_holds_the_role(world: World, staff: Staff) -> None:
    (granted,) = staff.person("owner1", Role.SOURCE_OWNER, sites=["records"], sources=[SOURCE])
    caller = staff.caller(staff.session("owner1"))
    assert (caller.person, caller.roles, caller.watched) == (True, ("source-owner",), False)
    assert caller.allows(Scope.CONFIGURE, "records", SOURCE)
    assert not caller.allows(Scope.CONFIGURE, "records", "dcs")
    assert not caller.allows(Scope.READ, "elsewhere")
    entry = world.system_entries("grant")[-1]
    assert (entry["role"], entry["grant"], entry["sites"]) == ("source-owner", granted.grant, ["records"])


@pytest.mark.requirement("R10")
def test_a_role_begins_and_ends_by_the_clock(world: World, staff: Staff) -> None:
    now = world.clock.now_us()
    staff.person("reviewer1", Role.REVIEWER, from_at=utc_text(now + 3_600_000_000), expires_at=utc_text(now + DAY_US))
    session = staff.session("reviewer1")
    assert staff.caller(session).roles == ()
    world.clock.pass_seconds(3_600)
    assert staff.caller(session).roles == ("reviewer",)
    world.clock.pass_seconds(22 * 3_600 + 3_500)
    session = staff.session("reviewer1")
    assert staff.caller(session).roles == ("reviewer",)
    world.clock.pass_seconds(100)
    assert staff.caller(session).roles == ()


@pytest.mark.requirement("R38")
def test_a_revoked_role_is_gone_at_once_and_is_revoked_once(world: World, staff: Staff) -> None:
    (granted,) = staff.person("reviewer1", Role.REVIEWER)
    session = staff.session("reviewer1")
    staff.people.revoke(granted.grant, "moved", staff.admin)
    assert staff.caller(session).roles == ()
    with pytest.raises(NotFound):
        staff.people.revoke(granted.grant, "again", staff.admin)
    assert verified(world) == []


@pytest.mark.requirement("R47", "R72")
@pytest.mark.parametrize(
    ("first", "second"), [(gmp, admin) for gmp in sorted(GMP) for admin in sorted(ADMINISTRATIVE)][::2]
)
def test_who_administers_holds_no_gmp_role(world: World, staff: Staff, first: Role, second: Role) -> None:
    staff.person("one", first)
    staff.person("two", second)
    for account, other in (("one", second), ("two", first)):
        with pytest.raises(Conflict, match="cannot be"):
            staff.grant(account, other)


@pytest.mark.requirement("R47")
def test_a_role_that_is_still_to_come_excludes_as_one_in_force_does_and_one_that_expired_does_not(
    world: World, staff: Staff
) -> None:
    now = world.clock.now_us()
    staff.person("one", Role.REVIEWER, from_at=utc_text(now + 5 * DAY_US), expires_at=utc_text(now + 6 * DAY_US))
    with pytest.raises(Conflict, match="cannot be"):
        staff.grant("one", Role.OPERATOR, expires_at=utc_text(now + DAY_US))
    world.clock.pass_seconds(6 * 86_400)
    staff.grant("one", Role.OPERATOR)


@pytest.mark.requirement("R47")
def test_of_two_conflicting_roles_granted_at_the_same_moment_one_is_refused(world: World, staff: Staff) -> None:
    staff.person("one")
    admin = staff.admin
    for _ in range(5):
        answers = at_once(
            lambda: staff.people.role_grants.grant("one", Role.REVIEWER, "why", admin),
            lambda: staff.people.role_grants.grant("one", Role.OPERATOR, "why", admin),
        )
        refused = [one for one in answers if isinstance(one, Conflict)]
        granted = [one for one in answers if isinstance(one, Granted)]
        assert (len(refused), len(granted)) == (1, 1)
        staff.people.revoke(granted[0].grant, "again", staff.admin)


def at_once(*works: Callable[[], object]) -> list[object]:
    """What these return or raise, all begun at the same moment: appends of one moment share a group commit."""
    answers: list[object] = [None] * len(works)
    gate = threading.Barrier(len(works))

    def run(at: int) -> None:
        gate.wait()
        try:
            answers[at] = works[at]()
        except LedgerError as error:
            answers[at] = error

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.requirement("R47")
def test_nobody_grants_to_themselves(world: World, staff: Staff) -> None:
    staff.person("officer1", Role.SECURITY_OFFICER)
    staff.person("officer2", Role.SECURITY_OFFICER)
    authority = staff.acting("officer1")
    with pytest.raises(AccessDenied, match="themselves"):
        staff.people.role_grants.grant("officer1", Role.SECURITY_OFFICER, "why", authority)
    staff.people.persons.create("reviewer1", "Reviewer", "joins", authority)
    staff.people.role_grants.grant("reviewer1", Role.REVIEWER, "why", authority)
    assert verified(world) == []


@pytest.mark.requirement("R10", "R47")
def test_an_officer_of_one_site_grants_for_that_site_alone(world: World, staff: Staff) -> None:
    staff.person("officer1", Role.SECURITY_OFFICER, sites=["records"])
    staff.person("quality1", Role.APPROVER)
    authority: Authority = staff.acting("officer1")
    staff.person("reviewer1")
    staff.people.role_grants.grant("reviewer1", Role.REVIEWER, "why", authority, sites=["records"])
    with pytest.raises(AccessDenied, match="admin"):
        staff.people.role_grants.grant("reviewer1", Role.AUDITOR, "why", authority)


@pytest.mark.parametrize(
    ("role", "where", "refusal"),
    [
        (Role.REVIEWER, {"sites": ["elsewhere"]}, NotFound),
        (Role.REVIEWER, {"sites": ["system"]}, NotFound),
        (Role.SOURCE_OWNER, {"sources": ["ghost"]}, NotFound),
        (Role.REVIEWER, {"sources": [SOURCE]}, SchemaViolation),
        (Role.REVIEWER, {"expires_at": "2020-01-01T00:00:00.000000Z"}, SchemaViolation),
        (
            Role.REVIEWER,
            {"from_at": "2090-01-01T00:00:00.000000Z", "expires_at": "2089-01-01T00:00:00.000000Z"},
            SchemaViolation,
        ),
        (Role.INSPECTOR, {}, SchemaViolation),
    ],
)
def test_a_grant_without_sense_is_refused(
    world: World, staff: Staff, role: Role, where: dict[str, object], refusal: type[LedgerError]
) -> None:
    staff.person("one")
    with pytest.raises(refusal):
        staff.grant("one", role, **where)


def test_a_person_gets_roles_and_a_service_account_scopes(world: World, staff: Staff) -> None:
    staff.person("one")
    staff.inspector("inspector1")
    with pytest.raises(SchemaViolation, match="roles, not scopes"):
        staff.people.grant("one", [Scope.READ], "why", staff.admin)
    with pytest.raises(SchemaViolation, match="scopes, not roles"):
        staff.grant("read-1", Role.REVIEWER)
    with pytest.raises(SchemaViolation, match="don't go together"):
        staff.grant("inspector1", Role.AUDITOR)
    with pytest.raises(NotFound):
        staff.grant("ghost", Role.REVIEWER)


class TestTraining:
    """21 CFR 11.10(i): a role that takes training is granted with it, and ends with it."""

    @pytest.fixture(autouse=True)
    def _trained(self, world: World, staff: Staff) -> None:
        world.people.profiles.set("trained_roles", ["reviewer"], "training plan", staff.admin)
        staff.person("one")

    @pytest.mark.requirement("R12")
    def test_without_training_in_force_the_role_is_refused(self, world: World, staff: Staff) -> None:
        with pytest.raises(Conflict, match="training"):
            staff.grant("one", Role.REVIEWER)
        qualify = staff.people.qualifications.training
        qualify("one", Role.AUDITOR, "course", day(world, -1), None, "plan", staff.admin)
        qualify("one", Role.REVIEWER, "course", day(world, -20), day(world, -1), "plan", staff.admin)
        with pytest.raises(Conflict, match="training"):
            staff.grant("one", Role.REVIEWER)
        staff.grant("one", Role.AUDITOR)

    @pytest.mark.requirement("R12")
    def test_the_role_ends_when_the_training_does(self, world: World, staff: Staff) -> None:
        last = day(world, 3)
        index = staff.people.qualifications.training(
            "one", Role.REVIEWER, "course", day(world, 0), last, "plan", staff.admin
        )
        granted = staff.grant("one", Role.REVIEWER, expires_at=utc_text(world.clock.now_us() + 30 * DAY_US))
        assert granted.expires_at == f"{day(world, 4)}T00:00:00.000000Z"
        assert (granted.training or "").endswith(f"#{index}")
        world.clock.pass_seconds(3 * 86_400 - 7_200)
        session = staff.session("one")
        assert staff.caller(session).roles == ("reviewer",)
        world.clock.pass_seconds(1.1 * 86_400)
        session = staff.session("one")
        assert staff.caller(session).roles == ()

    @pytest.mark.requirement("R12")
    def test_training_that_is_taken_back_takes_the_role_with_it(self, world: World, staff: Staff) -> None:
        staff.people.qualifications.training("one", Role.REVIEWER, "course", day(world, 0), None, "plan", staff.admin)
        staff.grant("one", Role.REVIEWER)
        staff.grant("one", Role.AUDITOR)
        (standing,) = staff.people.qualifications.of("one")
        session = staff.session("one")
        staff.people.qualifications.withdraw(standing.qualification, "not attended", staff.admin)
        assert staff.caller(session).roles == ("auditor",)
        assert staff.people.qualifications.of("one") == []
        with pytest.raises(NotFound):
            staff.people.qualifications.withdraw(standing.qualification, "again", staff.admin)
        assert verified(world) == []


def test_an_unknown_session_is_nobody(staff: Staff) -> None:
    with pytest.raises(NotAuthenticated):
        staff.caller("ss_" + "0" * 16 + "_" + "0" * 64)
