"""What a role may do at a site is narrowed by a change alone, for whoever holds it; nobody is locked out by one."""

from collections.abc import Iterable, Iterator

import pytest
from sqlalchemy import text

from ledger.core.entry import Entry, draft
from ledger.core.errors import AccessDenied, ChangeRequestRequired, SchemaViolation
from ledger.core.parameters import ParameterName
from ledger.integrity.authority import authority_fault
from ledger.integrity.separation import Separation
from ledger.people.access import Scope
from ledger.people.definition_kinds import RoleDefinition
from ledger.people.person_kinds import ViewedEntry, Viewing
from ledger.people.roles import KEPT, SCOPES, Role
from ledger.sources.parameter_kinds import Parameter
from ledger.store.logs import SYSTEM_LOG
from tests.support.changing import ENGINEER, NOBODY, Desk
from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.signers import Signer


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    plant = founded(tmp_path_factory.mktemp("roles") / "ledger", ENGINEER, REVIEWER, APPROVER)
    plant.clock.pass_seconds(120)
    yield Desk(plant)
    plant.close()


def definition(role: Role, *scopes: Scope) -> RoleDefinition:
    return RoleDefinition(role=role, scopes=scopes, reason="SOP-12", authority=NOBODY)


def define(desk: Desk, *definitions: RoleDefinition) -> int:
    """The entry of the first definition, once all of them were proposed by the officer, signed and brought about."""
    proposed = desk.propose(*definitions, log="system", by=desk.plant.officer)
    return desk.bring(proposed, desk.sign(proposed, log="system"), by=desk.quality, log="system") + 1


def scopes_of(who: Signer) -> frozenset[Scope]:
    return who.sign_in().scopes


def granted(desk: Desk, account: str) -> Iterable[Scope]:
    """The scopes that the entry of the latest grant of an account names."""
    lines = desk.plant.service.people.register()
    return next(line.scopes for line in reversed(lines) if line.account == account)


def named(desk: Desk, index: int) -> str:
    """What is wrong with an entry of the system log; empty: nothing."""
    service = desk.plant.service
    with service.store.reading() as connection:
        fault = authority_fault(connection, SYSTEM_LOG, index, index + 1, service.store.kinds, lambda _: None)
    return "" if fault is None else fault.what


def take_out(desk: Desk, who: Signer) -> int:
    """An entry that scope `export` alone allows, as somebody writes it into the log past the service."""
    by = who.sign_in().authority
    entry = ViewedEntry(account=who.account, how=Viewing.EXPORTED, address="/export", authority=by)
    return desk.plant.service.store.append_one(SYSTEM_LOG, draft(entry)).index


@pytest.mark.requirement("R05", "R10", "R14", "R37")
def test_a_role_is_narrowed_once_a_second_person_signed_and_given_back_by_grants_alone(desk: Desk) -> None:
    reviewer, service = desk.plant.people[REVIEWER.account], desk.plant.service
    narrow = definition(Role.REVIEWER, Scope.REVIEW, Scope.READ)
    proposed = desk.propose(narrow, log="system", by=desk.plant.officer)
    before = take_out(desk, reviewer)
    assert Scope.EXPORT in scopes_of(reviewer), "it is only proposed"
    read = desk.sign(proposed, by=reviewer, log="system", action="record", meaning="reviewed")
    with pytest.raises(AccessDenied):
        desk.bring(proposed, read, log="system")
    open_session = reviewer.caller
    index = desk.bring(proposed, desk.sign(proposed, log="system"), by=desk.quality, log="system") + 1
    assert Scope.EXPORT in open_session.scopes
    assert reviewer.caller.scopes == {Scope.READ, Scope.REVIEW}, "a session that is open has it no longer, at once"
    late = desk.plant.join("reviewer2", "Rolf Reviewer", Role.REVIEWER)
    assert set(granted(desk, "reviewer2")) == {Scope.READ, Scope.REVIEW}
    after = take_out(desk, reviewer)
    assert [named(desk, one) for one in (before, index)] == ["", ""]
    assert "holds scope 'export'" in named(desk, after)
    back = define(desk, definition(Role.REVIEWER, *SCOPES[Role.REVIEWER]))
    assert scopes_of(reviewer) == SCOPES[Role.REVIEWER]
    assert scopes_of(late) == {Scope.READ, Scope.REVIEW}, "it comes with a new grant"
    assert named(desk, take_out(desk, reviewer)) == ""
    versions = service.people.definitions.versions(Role.REVIEWER)
    assert [(one.index, one.current, one.withheld) for one in versions] == [
        (None, False, ()),
        (index, False, (Scope.ENTER, Scope.EXPORT)),
        (back, True, ()),
    ]
    assert (versions[1].reason, versions[1].by) == ("SOP-12", "quality1")


@pytest.mark.requirement("R14", "R37")
def test_a_definition_that_no_change_brought_is_named_and_one_that_locks_out_too(desk: Desk) -> None:
    store, officer = desk.plant.service.store, desk.plant.officer

    def forged(role: Role, *scopes: Scope) -> int:
        entry = RoleDefinition(role=role, scopes=scopes, reason="so", authority=officer.sign_in().authority)
        return store.append_one(SYSTEM_LOG, draft(entry)).index

    assert "no change that a second person signed" in named(desk, forged(Role.AUDITOR, Scope.READ))
    locked = definition(Role.OPERATOR, Scope.VERIFY)
    entry = Entry(log=SYSTEM_LOG, index=9, kind="role-definition", logged_us=0, body=locked)
    assert "'operate', which it is for" in Separation().broken(entry, locked)
    define(desk, definition(Role.AUDITOR, *SCOPES[Role.AUDITOR]))


@pytest.mark.requirement("R10", "R37")
@pytest.mark.parametrize("role", Role)
def test_no_definition_widens_a_role_or_takes_from_it_what_it_is_for(desk: Desk, role: Role) -> None:
    proposals, by = desk.quality_service.proposals, desk.plant.officer.sign_in().authority
    system = desk.plant.service.system
    wider = sorted(frozenset(Scope) - SCOPES[role])[0]
    wrong = [
        (definition(role, *SCOPES[role], wider), "narrows a role, and never widens it"),
        (definition(role), "cannot be so"),
    ]
    lacking = [SCOPES[role] - {kept} for kept in KEPT[role]]
    wrong += [(definition(role, *left), "which it is for") for left in lacking if left]
    for body, what in wrong:
        with pytest.raises(SchemaViolation, match=what):
            proposals.propose(system, (body,), "CR-1", "SOP-12", by)
    with pytest.raises(ChangeRequestRequired):
        proposals.propose(system, (definition(role, *KEPT[role]),), None, "SOP-12", by)
    assert KEPT[role] <= SCOPES[role]


@pytest.mark.requirement("R10", "R37")
def test_nobody_is_locked_out_when_every_role_is_as_narrow_as_it_gets(desk: Desk) -> None:
    """Who proposes, who signs and who grants are still there: all is as before once they have done so."""
    define(desk, *(definition(role, *KEPT[role]) for role in Role))
    for one in (ENGINEER, REVIEWER, APPROVER):
        assert scopes_of(desk.plant.people[one.account]) == KEPT[one.role]
    limits = Parameter(name=ParameterName.LIMITS, value='{"late_s":60}', reason="SOP-7", authority=NOBODY)
    desk.change(limits)
    desk.plant.join("approver9", "Ada Approver", Role.APPROVER)
    define(desk, *(definition(role, *SCOPES[role]) for role in Role))
    assert scopes_of(desk.quality) == SCOPES[Role.APPROVER]
    assert scopes_of(desk.plant.officer) == SCOPES[Role.SECURITY_OFFICER]


def test_a_definition_that_sql_takes_out_of_its_table_takes_nothing_back(desk: Desk) -> None:
    index = define(desk, definition(Role.REVIEWER, *KEPT[Role.REVIEWER]))
    store, reviewer = desk.plant.service.store, desk.plant.people[REVIEWER.account]
    with store.writing() as connection:
        for name in connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        gone = connection.execute(text("DELETE FROM role_definition WHERE from_index = :index"), {"index": index})
        assert gone.rowcount == 1
    assert scopes_of(reviewer) == KEPT[Role.REVIEWER]
