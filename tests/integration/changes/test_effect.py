"""A change of configuration takes effect by the signature of a second person over exactly it, or not at all."""

from collections.abc import Iterator

import msgspec
import pytest

from ledger.changes.effect import Overtaken
from ledger.changes.proposing import Proposed
from ledger.changes.shown import shown, shown_lines
from ledger.core.change import ChangeEntry, ChangeEvent, ChangeState
from ledger.core.errors import AccessDenied, ChangeRequestRequired, Conflict, NotSignatory, SchemaViolation
from ledger.core.parameters import ParameterName
from ledger.core.retention import RetentionClass, RetentionEvent, Term
from ledger.core.workflow import RouteEntry, Stage, Step
from ledger.people.credentials import read_grants
from ledger.people.roles import Role
from ledger.retention.kinds import RuleEntry, RuleEvent
from ledger.retention.rules import changed
from ledger.signing.kinds import SigningListEntry
from ledger.sources.parameter_kinds import Parameter
from tests.support.changing import ENGINEER, NOBODY, Desk, account
from tests.support.founded import REVIEWER, Joins, founded

SECOND = Joins("approver2", "Arno Approver", Role.APPROVER)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    plant = founded(tmp_path_factory.mktemp("changes") / "ledger", ENGINEER, REVIEWER, SECOND)
    yield Desk(plant)
    plant.close()


def whose(desk: Desk, name: str) -> str | None:
    found = desk.plant.service.record_log().maps.person("erp", name, desk.plant.clock.now_us())
    return None if found is None else found.person


def events(desk: Desk, proposed: Proposed) -> list[tuple[ChangeEvent, str]]:
    """What happened to a change, in the order of the log."""
    store = desk.plant.service.store
    with store.reader(desk.log.number) as reader:
        stored = [one.body or b"{}" for one in reader.entries(0, reader.head().size)]
    bodies = [store.kinds["change"].decode(one) for one in stored if b'"schema":"change/1"' in one]
    return [(one.event, one.reason) for one in bodies if isinstance(one, ChangeEntry) and one.change == proposed.change]


@pytest.mark.requirement("R14", "R37")
def test_what_is_signed_is_entered_in_one_go_and_nothing_before(desk: Desk) -> None:
    late = Parameter(name=ParameterName.LIMITS, value='{"late_s":60}', reason="CR-0042", authority=NOBODY)
    proposed = desk.propose(account("op1", "P-1"), account("op2", "P-2"), late)
    assert whose(desk, "op1") is None
    effective = desk.bring(proposed, desk.sign(proposed))
    assert (whose(desk, "op1"), whose(desk, "op2")) == ("P-1", "P-2")
    log = desk.plant.service.record_log()
    assert [one.entry for one in log.maps.identities("erp")] == [effective + 1, effective + 2]
    assert [one.entry for one in log.parameters.listed(log.log.number)] == [effective + 3]
    standing = desk.quality_service.proposals.get(desk.log, proposed.change)
    assert (standing.change.state, standing.change.ended) == (ChangeState.EFFECTIVE, effective)
    with pytest.raises(Conflict, match="effective already"):
        desk.bring(proposed, desk.sign(proposed, by=desk.plant.people[SECOND.account]))


def test_the_service_brings_about_what_was_signed_and_nothing_else(desk: Desk) -> None:
    signed, waits = desk.propose(account("op3", "P-3")), desk.propose(account("op4", "P-4"))
    effects = desk.quality_service.effects
    assert not effects.work()
    desk.sign(signed)
    assert effects.work()
    assert (whose(desk, "op3"), whose(desk, "op4")) == ("P-3", None)
    assert not effects.work()
    assert [event for event, _ in events(desk, signed)] == [ChangeEvent.PROPOSED, ChangeEvent.EFFECTIVE]
    assert [event for event, _ in events(desk, waits)] == [ChangeEvent.PROPOSED]


@pytest.mark.requirement("R14", "R37")
def test_nobody_changes_anything_alone(desk: Desk) -> None:
    """Neither who proposed it, though they approve as well, nor who approves nothing; each attempt is on record."""
    both = desk.plant.people[SECOND.account]
    officer = desk.plant.officer.sign_in().authority
    desk.plant.service.people.role_grants.grant(both.account, Role.SOURCE_OWNER, "deputy", officer)
    own = desk.propose(account("op5", "P-5"), by=both)
    with pytest.raises(AccessDenied, match="somebody else is to sign"):
        desk.bring(own, desk.sign(own, by=both))
    store = desk.plant.service.store
    with store.reading() as connection:
        told = shown(store, connection, desk.quality_service.proposals.get(desk.log, own.change))
    assert [one.account for one in told.sign_off.given] == [both.account]
    assert [one.meaning for one in told.sign_off.open] == ["approved"], "it is still to be signed"
    with pytest.raises(NotSignatory):
        desk.sign(own, by=desk.plant.people[REVIEWER.account])
    reviewed = desk.sign(own, by=desk.plant.people[REVIEWER.account], action="record", meaning="reviewed")
    with pytest.raises(AccessDenied, match="means 'reviewed'"):
        desk.bring(own, reviewed)
    with pytest.raises(AccessDenied, match="is no signature"):
        desk.bring(own, f"{desk.plant.service.system.origin}#3")
    assert whose(desk, "op5") is None
    assert [event for event, _ in events(desk, own)] == [ChangeEvent.PROPOSED, *[ChangeEvent.REFUSED] * 3]
    desk.bring(own, desk.sign(own))
    assert whose(desk, "op5") == "P-5"


def test_a_signature_counts_for_what_it_is_over_and_no_other_change(desk: Desk) -> None:
    first, second = desk.propose(account("op6", "P-6")), desk.propose(account("op6b", "P-6"))
    with pytest.raises(AccessDenied, match=f"not over entry {second.index}"):
        desk.bring(second, desk.sign(first))
    declined = desk.sign(second, meaning="declined", reason="other", added="not the list that is in force")
    with pytest.raises(AccessDenied, match="means 'declined'"):
        desk.bring(second, declined)
    assert desk.quality_service.effects.work()
    assert (whose(desk, "op6"), whose(desk, "op6b")) == ("P-6", None)


def test_who_may_not_approve_any_more_approves_nothing(desk: Desk) -> None:
    proposed = desk.propose(account("op7", "P-7"))
    last = desk.plant.join("approver3", "Alma Approver", Role.APPROVER)
    signature = desk.sign(proposed, by=last)
    grants = desk.plant.service.people.role_grants
    with desk.plant.service.store.reading() as connection:
        grant = read_grants(desk.plant.service.store, connection, "approver3")[0][0].grant
    grants.revoke(grant, "left", desk.plant.officer.sign_in().authority)
    desk.engineer.sign_in()
    with pytest.raises(AccessDenied, match="no approver there any more"):
        desk.bring(proposed, signature)
    assert not desk.quality_service.effects.work()
    assert whose(desk, "op7") is None


def test_a_proposal_that_was_overtaken_is_to_be_proposed_anew(desk: Desk) -> None:
    first, second = desk.propose(account("op8", "P-8")), desk.propose(account("op8", "P-9"))
    signed, late = desk.sign(first), desk.sign(second)
    desk.bring(second, late)
    with pytest.raises(Overtaken, match="says otherwise since"):
        desk.bring(first, signed)
    assert whose(desk, "op8") == "P-9"
    assert desk.quality_service.effects.work()
    assert [event for event, _ in events(desk, first)][-1] is ChangeEvent.WITHDRAWN
    assert whose(desk, "op8") == "P-9"
    assert not desk.quality_service.effects.work()


def test_a_withdrawn_change_never_takes_effect(desk: Desk) -> None:
    proposed = desk.propose(account("op9", "P-9"))
    signature, by = desk.sign(proposed), desk.engineer.caller.authority
    desk.quality_service.proposals.withdraw(desk.log, proposed.change, "wrong list", by)
    with pytest.raises(Conflict, match="withdrawn already"):
        desk.bring(proposed, signature)
    with pytest.raises(Conflict, match="withdrawn already"):
        desk.quality_service.proposals.withdraw(desk.log, proposed.change, "again", by)
    assert not desk.quality_service.effects.work()
    assert whose(desk, "op9") is None


def test_what_could_not_be_entered_is_not_proposed(desk: Desk) -> None:
    proposals, by = desk.quality_service.proposals, desk.engineer.sign_in().authority
    good = account("op10", "P-10")
    wrong = (
        ((good, account("op10", "P-11")), "entries 1 and 2 of the change both say"),
        ((account("line", "P-1", shared=True),), "is shared"),
        ((), "a change of 0 entries"),
        ((msgspec.structs.replace(good, valid_to="2025-01-01T00:00:00.000000Z"),), "ends at"),
    )
    for bodies, what in wrong:
        with pytest.raises(SchemaViolation, match=what):
            proposals.propose(desk.log, bodies, "CR-1", "list", by)
    with pytest.raises(SchemaViolation, match="is set in a record log"):
        proposals.propose(desk.plant.service.system, (good,), "CR-1", "list", by)
    with pytest.raises(ChangeRequestRequired):
        proposals.propose(desk.log, (good,), " ", "list", by)
    with pytest.raises(AccessDenied, match="somebody who is known"):
        proposals.propose(desk.log, (good,), "CR-1", "list", desk.plant.root)
    reader = desk.plant.people[REVIEWER.account].sign_in().authority
    with pytest.raises(AccessDenied, match="'configure'"):
        proposals.propose(desk.log, (good,), "CR-1", "list", reader)


def test_configuration_is_entered_at_once_only_before_two_persons_hold_roles(desk: Desk) -> None:
    enter = desk.quality_service.configuration.enter
    with pytest.raises(ChangeRequestRequired):
        enter(desk.log, [account("op11", "P-11")], "list", desk.engineer.caller.authority)
    proposed = enter(desk.log, [account("op11", "P-11")], "list", desk.engineer.caller.authority, "CR-0043")
    assert isinstance(proposed, Proposed)
    assert whose(desk, "op11") is None


@pytest.mark.requirement("R14", "R37")
def test_a_rule_of_retention_is_in_force_by_a_change_alone(desk: Desk) -> None:
    second, service = desk.plant.people[SECOND.account], desk.plant.service

    def rule(years: int) -> RuleEntry:
        terms = (Term(event=RetentionEvent.CERTIFICATION, years=years),)
        return changed(RetentionClass.BATCH, terms, "law", NOBODY)

    proposed, other = (desk.propose(rule(years), log="system", by=second) for years in (10, 12))
    assert service.retention.all()[0].index is None
    desk.bring(proposed, desk.sign(proposed, log="system"), by=second, log="system")
    (batch,) = (one for one in service.retention.all() if one.index is not None)
    assert (batch.retention, batch.terms[0].years) == (RetentionClass.BATCH, 10)
    with pytest.raises(Overtaken, match="says otherwise since"):
        desk.bring(other, desk.sign(other, log="system"), by=second, log="system")
    with service.store.reading() as connection:
        standing = desk.quality_service.proposals.get(service.system, other.change)
        (line,) = shown_lines(service.store, connection, standing, 0, 1)
    assert (line.replaces, line.new["terms"][0]["years"]) == (batch.index, 12)
    for wrong in ({"rule": "r1"}, {"event": RuleEvent.PROPOSED}, {"terms": ()}, {"terms": rule(1).terms * 2}):
        with pytest.raises(SchemaViolation):
            desk.propose(msgspec.structs.replace(rule(1), **wrong), log="system", by=second)
    assert desk.plant.service.verifier.run(service.system, levels=(1, 2)).holds


@pytest.mark.requirement("R14", "R37")
def test_routes_and_lists_change_as_all_configuration_does(desk: Desk) -> None:
    second, officer = desk.plant.people[SECOND.account], desk.plant.officer
    step = Step(step="review", role="reviewer", meaning="reviewed")
    route = RouteEntry(route="one", title="Review", stages=(Stage(steps=(step,)),), reason="SOP-7", authority=NOBODY)
    proposed = desk.propose(route, log="system", by=second)
    routes = desk.plant.service.workflows.routes
    assert routes.all() == []
    desk.bring(proposed, desk.sign(proposed, log="system"), by=officer, log="system")
    assert [one.route.title for one in routes.all()] == ["Review"]
    nobody = msgspec.structs.replace(step, role="qualified-person", meaning="certified")
    proposals = desk.quality_service.proposals
    impossible = msgspec.structs.replace(route, route="two", stages=(Stage(steps=(nobody,)),))
    with pytest.raises(Conflict, match="could be signed by nobody"):
        proposals.propose(desk.plant.service.system, (impossible,), "CR-1", "SOP-7", second.sign_in().authority)
    with pytest.raises(SchemaViolation, match="is set in the system log"):
        proposals.propose(desk.log, (route,), "CR-1", "SOP-7", second.caller.authority)
    built_in = desk.plant.signing.lists.get("package")
    own = SigningListEntry(
        action="package", meanings=built_in.meanings[:1], reasons=built_in.reasons, reason="SOP-7", authority=NOBODY
    )
    with pytest.raises(AccessDenied, match="'admin'"):
        proposals.propose(desk.plant.service.system, (own,), "CR-1", "SOP-7", second.caller.authority)
    proposed = desk.propose(own, log="system", by=officer)
    desk.bring(proposed, desk.sign(proposed, log="system"), by=officer, log="system")
    assert len(desk.plant.signing.lists.get("package").meanings) == 1
    desk.plant.clock.pass_seconds(120)
    report = desk.plant.service.verifier.run(desk.plant.service.system, levels=(1, 2))
    assert report.holds, report.summary
    index = routes.define("past", "Past", route.stages, "SOP-7", second.sign_in().authority)
    fault = desk.plant.service.verifier.run(desk.plant.service.system, levels=(1, 2)).result.levels[1].fault
    assert fault is not None
    assert (fault.index, "no change that a second person signed" in fault.what) == (index, True)
