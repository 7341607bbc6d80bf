"""The access review: complete, by somebody else, acted upon in the same batch, and a finding when it is overdue."""

import pytest

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.errors import AccessDenied, Conflict, SchemaViolation
from ledger.people.reviews import Decision, Flag, OpenReview, ReviewLine
from ledger.people.roles import Role
from tests.api.world import World
from tests.support.staff import Staff
from tests.unit.people.test_persons import verified

DAY_S = 86_400


@pytest.fixture
def staff(world: World) -> Staff:
    made = Staff(world.service)
    made.person("officer1", Role.SECURITY_OFFICER)
    made.person("officer2", Role.SECURITY_OFFICER)
    made.person("reviewer1", Role.REVIEWER, Role.AUDITOR)
    return made


@pytest.fixture
def officer(staff: Staff) -> Authority:
    return staff.acting("officer1")


def decisions(opened: OpenReview, remove: str = "") -> list[Decision]:
    return [Decision(account=one.account, keep=one.account != remove) for one in opened.lines if not one.own]


def line_of(opened: OpenReview, account: str) -> ReviewLine:
    return next(one for one in opened.lines if one.account == account)


@pytest.mark.requirement("R28")
def test_the_list_names_each_account_its_roles_its_last_use_and_what_stands_out(
    world: World, staff: Staff, officer: Authority
) -> None:
    soon = utc_text(world.clock.now_us() + 5 * DAY_S * 1_000_000)
    staff.person("auditor1", Role.AUDITOR, expires_at=soon)
    staff.person("idle1")
    staff.session("reviewer1")
    staff.people.qualifications.identity("reviewer1", "passport", utc_text(world.clock.now_us())[:10], "why", officer)
    opened = staff.people.reviews.open("officer1")
    assert {one.account for one in opened.lines} == {one.account for one in staff.people.accounts()}
    reviewer = line_of(opened, "reviewer1")
    assert (reviewer.roles, reviewer.flags, reviewer.name) == ((Role.AUDITOR, Role.REVIEWER), (), "Name of reviewer1")
    assert reviewer.last_used is not None
    assert line_of(opened, "auditor1").flags == (Flag.NEVER_USED, Flag.EXPIRING, Flag.NO_IDENTITY)
    assert line_of(opened, "idle1").flags == (Flag.NEVER_USED, Flag.NO_RIGHTS, Flag.NO_IDENTITY)
    assert line_of(opened, "staff-office").flags == (Flag.USE_NOT_KEPT, Flag.ADMINISTERS)
    assert [one.account for one in opened.lines if one.own] == ["officer1"]
    world.clock.pass_seconds(91 * DAY_S)
    assert Flag.UNUSED in line_of(staff.people.reviews.open("officer1"), "reviewer1").flags


@pytest.mark.requirement("R47", "R28")
def test_a_review_is_an_entry_and_what_is_not_kept_is_revoked_with_it(
    world: World, staff: Staff, officer: Authority
) -> None:
    session = staff.session("reviewer1")
    opened = staff.people.reviews.open("officer1")
    done = staff.people.reviews.enter(opened.system_size, decisions(opened, "reviewer1"), "half-yearly", officer)
    assert staff.caller(session).roles == ()
    ended = [line.to_index for line in staff.people.register() if line.account == "reviewer1"]
    assert ended == [done.index + 1, done.index + 2]
    (entry,) = world.system_entries("access-review")
    assert {line["account"]: line["keep"] for line in entry["lines"]} == {
        one.account: one.account != "reviewer1" for one in opened.lines if not one.own
    }
    assert [one.review for one in staff.people.reviews.past()] == [done.review]
    assert done.address.endswith(f"#{done.index}")
    again = staff.people.reviews.open("officer2")
    assert line_of(again, "reviewer1").last_reviewed == done.at
    assert line_of(again, "officer1").last_reviewed is None, "their own line is still somebody else's to review"
    assert verified(world) == []


@pytest.mark.requirement("R47")
def test_nobody_reviews_their_own_line_and_no_line_is_left_out(staff: Staff, officer: Authority) -> None:
    opened = staff.people.reviews.open("officer1")
    good = decisions(opened)
    with pytest.raises(AccessDenied, match="own"):
        staff.people.reviews.enter(opened.system_size, [*good, Decision(account="officer1", keep=True)], "why", officer)
    for wrong in (good[1:], [*good, good[0]], [*good, Decision(account="ghost", keep=True)]):
        with pytest.raises(SchemaViolation):
            staff.people.reviews.enter(opened.system_size, wrong, "why", officer)
    by_reviewer = staff.people.reviews.open("reviewer1")
    with pytest.raises(AccessDenied, match="admin"):
        staff.people.reviews.enter(by_reviewer.system_size, decisions(by_reviewer), "why", staff.acting("reviewer1"))


@pytest.mark.requirement("R47")
def test_a_right_that_changed_since_the_list_was_opened_is_looked_at_again(staff: Staff, officer: Authority) -> None:
    opened = staff.people.reviews.open("officer1")
    staff.grant("reviewer1", Role.APPROVER)
    with pytest.raises(Conflict, match="changed since"):
        staff.people.reviews.enter(opened.system_size, decisions(opened), "why", officer)
    opened = staff.people.reviews.open("officer1")
    with pytest.raises(Conflict):
        staff.people.reviews.enter(opened.system_size + 1_000, decisions(opened), "why", officer)
    staff.people.reviews.enter(opened.system_size, decisions(opened), "why", officer)


@pytest.mark.requirement("R47")
def test_an_overdue_review_is_a_finding_once_for_each_time_that_it_is_due(world: World, staff: Staff) -> None:
    reviews = staff.people.reviews
    staff.people.profiles.set("access_review_days", 30, "policy", staff.admin)
    assert not reviews.judge()
    world.clock.pass_seconds(31 * DAY_S)
    assert reviews.open("officer1").overdue
    assert [reviews.judge(), reviews.judge()] == [True, False]
    opened = reviews.open("officer1")
    reviews.enter(opened.system_size, decisions(opened), "late", staff.acting("officer1"))
    assert not reviews.open("officer1").overdue
    assert not reviews.judge()
    world.clock.pass_seconds(31 * DAY_S)
    assert [reviews.judge(), reviews.judge()] == [True, False]
    found = world.system_entries("finding")
    assert [one["sort"] for one in found] == ["access-review-overdue"] * 2
    assert verified(world) == []
