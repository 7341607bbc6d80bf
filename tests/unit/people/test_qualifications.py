"""Identity, accountability, training and devices: each recorded by somebody else, dated, and taken back by an entry."""

import pytest

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.errors import AccessDenied, Conflict, InvalidEntry, NotFound, SchemaViolation
from ledger.people.access import Scope
from ledger.people.person_kinds import QualificationSort
from ledger.people.roles import Role
from tests.api.world import ORIGIN, World
from tests.support.staff import Staff
from tests.unit.people.test_persons import verified


@pytest.fixture
def staff(world: World) -> Staff:
    made = Staff(world.service)
    made.person("officer1", Role.SECURITY_OFFICER)
    made.person("officer2", Role.SECURITY_OFFICER)
    made.person("reviewer1", Role.REVIEWER)
    return made


@pytest.fixture
def officer(staff: Staff) -> Authority:
    return staff.acting("officer1")


def day(world: World, days: int) -> str:
    return utc_text(world.clock.now_us() + days * 86_400_000_000)[:10]


@pytest.mark.requirement("R20")
def test_an_identity_counts_once_another_person_recorded_how_it_was_verified_and_when(
    world: World, staff: Staff, officer: Authority
) -> None:
    known = staff.people.qualifications
    assert not known.has_identity("reviewer1")
    index = known.identity("reviewer1", "passport, number seen", day(world, -3), "before the first signing", officer)
    assert known.has_identity("reviewer1")
    (one,) = known.of("reviewer1")
    assert (one.by, one.how, one.on, one.index) == ("officer1", "passport, number seen", day(world, -3), index)
    known.withdraw(one.qualification, "another passport", officer)
    assert not known.has_identity("reviewer1")
    assert verified(world) == []


@pytest.mark.requirement("R20")
def test_nobody_vouches_for_themselves_nor_does_a_token(world: World, staff: Staff, officer: Authority) -> None:
    known = staff.people.qualifications
    with pytest.raises(AccessDenied, match="somebody else"):
        known.identity("officer1", "passport", day(world, 0), "why", officer)
    with pytest.raises(AccessDenied, match="by a person"):
        known.identity("reviewer1", "passport", day(world, 0), "why", staff.admin)
    with pytest.raises(AccessDenied, match="admin"):
        known.identity("officer1", "passport", day(world, 0), "why", staff.acting("reviewer1"))
    known.identity("officer1", "passport", day(world, 0), "why", staff.acting("officer2"))
    (one,) = known.of("officer1")
    with pytest.raises(AccessDenied, match="themselves"):
        known.withdraw(one.qualification, "why", staff.acting("officer1"))


@pytest.mark.requirement("R20")
def test_a_check_gets_old_where_the_profile_says_so(world: World, staff: Staff, officer: Authority) -> None:
    staff.people.qualifications.identity("reviewer1", "passport", day(world, 0), "why", officer)
    staff.people.profiles.set("identity_check_days", 30, "policy", officer)
    world.clock.pass_seconds(30 * 86_400)
    assert staff.people.qualifications.has_identity("reviewer1")
    world.clock.pass_seconds(86_400)
    assert not staff.people.qualifications.has_identity("reviewer1")


@pytest.mark.requirement("R13")
def test_a_person_alone_accepts_accountability_and_the_text_version_is_kept(
    world: World, staff: Staff, officer: Authority
) -> None:
    known, address = staff.people.qualifications, f"{ORIGIN}/system#7"
    for authority in (officer, world.root):
        with pytest.raises(AccessDenied, match="somebody else"):
            known.accountability("reviewer1", "2", address, authority)
    own = staff.acting("reviewer1")
    with pytest.raises(InvalidEntry):
        known.accountability("reviewer1", "2", "nowhere", own)
    known.accountability("reviewer1", "2", address, own)
    assert known.accountable("reviewer1", "2")
    assert not known.accountable("reviewer1", "3")
    assert not known.accountable("officer1", "2")
    (one,) = known.of("reviewer1")
    assert (one.sort, one.text, one.signature) == (QualificationSort.ACCOUNTABILITY, "2", address)
    assert verified(world) == []


@pytest.mark.requirement("R31")
def test_tests_of_devices_are_kept_with_their_result(world: World, staff: Staff, officer: Authority) -> None:
    known = staff.people.qualifications
    known.device("reviewer1", "passkey-1", "signs and verifies", day(world, 0), "enrolment", officer)
    known.device("reviewer1", "passkey-1", "no answer", day(world, 0), "yearly", officer, passed=False)
    (standing,) = known.of("reviewer1")
    assert (standing.credential, standing.how) == ("passkey-1", "signs and verifies")
    kept = [(one["how"], one["holds"]) for one in world.system_entries("qualification")]
    assert kept == [("signs and verifies", True), ("no answer", False)]
    assert verified(world) == []


@pytest.mark.parametrize(
    ("on", "until"), [(2, None), (0, -1), ("2026-11-5", None), ("soon", None), (0, "later"), ("20261105", None)]
)
def test_days_that_are_none_or_out_of_order_are_refused(
    world: World, staff: Staff, officer: Authority, on: int | str, until: int | str | None
) -> None:
    days = [day(world, one) if isinstance(one, int) else one for one in (on, until)]
    with pytest.raises(SchemaViolation):
        staff.people.qualifications.training("reviewer1", Role.REVIEWER, "x", days[0] or "", days[1], "why", officer)


def test_nothing_is_established_of_accounts_that_are_not_there_or_not_active(
    world: World, staff: Staff, officer: Authority
) -> None:
    with pytest.raises(NotFound):
        staff.people.qualifications.identity("ghost", "passport", day(world, 0), "why", officer)
    staff.people.deactivate("reviewer1", "left", staff.admin)
    with pytest.raises(Conflict):
        staff.people.qualifications.identity("reviewer1", "passport", day(world, 0), "why", officer)
    assert Scope.ADMIN in staff.caller(staff.session("officer1")).scopes
