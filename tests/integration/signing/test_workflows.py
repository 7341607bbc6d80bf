"""Signing workflows against a real ledger: who may sign what when, whatever is sent."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from ledger.core.errors import (
    AccessDenied,
    Conflict,
    IntegrityError,
    LedgerError,
    NotSignatory,
    RecordChangedSinceReview,
    SchemaViolation,
    SelfApproval,
)
from ledger.core.record import Link, LinkBasis, LinkKind
from ledger.core.workflow import RequestState, Step
from ledger.people.notice_kinds import Subject
from ledger.people.roles import Role
from ledger.store.question import Query
from tests.support.signing import HOUR_US, Plant

REVIEW = Step(step="review", role="reviewer", meaning="reviewed", due_hours=8, escalate_to="approver")
APPROVE = Step(step="approve", role="approver", meaning="approved")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = Plant(tmp_path_factory.mktemp("plant") / "ledger")
    made.route("two", (REVIEW,), (APPROVE,))
    yield made
    made.close()


def events(plant: Plant, request: str) -> list[str]:
    return [one["event"] for one in plant.decisions(request)]


class TestRoutes:
    @pytest.mark.parametrize(
        ("step", "said"),
        [
            (Step(step="a", role="auditor", meaning="seen"), "signs nothing"),
            (Step(step="a", role="nobody", meaning="seen"), "signs nothing"),
            (Step(step="a", role="approver", meaning="certified"), "only qualified-person"),
            (Step(step="a", role="reviewer", meaning="approved"), "only approver, qualified-person"),
            (Step(step="a", role="reviewer", meaning="declined"), "signs as 'declined'"),
            (Step(step="a", role="reviewer", meaning="liked"), "cannot mean"),
            (Step(step="a", role="reviewer", meaning="seen", needed=3, accounts=("anna", "ben")), "never be signed"),
            (Step(step="a", role="reviewer", meaning="seen", accounts=("anna", "anna")), "twice"),
            (Step(step="a", role="reviewer", meaning="seen", escalate_to="approver"), "hours"),
        ],
    )
    def test_a_step_that_says_nothing_sensible_is_refused(self, plant: Plant, step: Step, said: str) -> None:
        with pytest.raises(SchemaViolation) as refused:
            plant.route("bad", (step,))
        assert said in f"{refused.value.message} {refused.value.advice}"

    def test_a_route_has_no_empty_stage_and_no_step_twice(self, plant: Plant) -> None:
        with pytest.raises(SchemaViolation):
            plant.route("bad")
        with pytest.raises(SchemaViolation):
            plant.route("bad", ())
        with pytest.raises(SchemaViolation, match="two steps"):
            plant.route("bad", (REVIEW,), (REVIEW,))

    def test_a_route_with_a_step_that_nobody_can_do_is_refused(self, plant: Plant) -> None:
        with pytest.raises(Conflict, match="'a' of route 'bad' could be signed by nobody"):
            plant.route("bad", (Step(step="a", role="source-owner", meaning="reviewed"),))
        with pytest.raises(Conflict, match="nobody"):
            plant.route("bad", (Step(step="a", role="qualified-person", meaning="certified", needed=2),))
        # One person for two steps: nobody signs twice.
        alone = ("emil",)
        with pytest.raises(Conflict, match="'b'"):
            plant.route(
                "bad", *((Step(step=n, role="qualified-person", meaning="certified", accounts=alone),) for n in "ab")
            )

    @pytest.mark.requirement("R14")
    def test_a_change_is_a_new_version_and_running_requests_keep_theirs(self, plant: Plant) -> None:
        first = plant.route("changing", (REVIEW,))
        running = plant.open("changing", plant.collect())
        second = plant.route("changing", (REVIEW,), (APPROVE,))
        assert [one.entry for one in plant.flows.routes.versions("changing")] == [first, second]
        plant.sign(running.request, "review", "ben")
        assert plant.running(running.request).progress.state is RequestState.COMPLETED
        assert plant.running(running.request).request.route_version == first

    def test_a_retired_route_takes_no_request(self, plant: Plant) -> None:
        plant.route("old", (REVIEW,))
        plant.flows.routes.retire("old", "replaced", plant.caller("dora").authority)
        with pytest.raises(Conflict, match="retired"):
            plant.open("old", plant.collect())
        with pytest.raises(Conflict):
            plant.flows.routes.retire("old", "again", plant.caller("dora").authority)


class TestOrder:
    @pytest.mark.requirement("R09")
    def test_a_step_cannot_be_skipped_and_the_attempt_is_entered(self, plant: Plant) -> None:
        request = plant.open("two", plant.collect()).request
        with pytest.raises(Conflict, match="'approve' comes later: review"):
            plant.sign(request, "approve", "dora")
        refused = plant.decisions(request)[-1]
        assert (refused["event"], refused["tried"], refused["step"]) == ("refused", "signed", "approve")
        assert refused["authority"]["actor"] == "dora"
        plant.sign(request, "review", "anna")
        plant.sign(request, "approve", "dora")
        done = plant.running(request)
        assert done.progress.state is RequestState.COMPLETED
        assert events(plant, request) == ["refused", "signed", "signed"]
        with pytest.raises(Conflict, match="completed"):
            plant.sign(request, "approve", "carla")

    @pytest.mark.requirement("R10")
    def test_the_role_is_the_one_held_at_that_moment_and_stands_in_the_entry(self, plant: Plant) -> None:
        request = plant.open("two", plant.collect()).request
        plant.sign(request, "review", "anna")
        with pytest.raises(NotSignatory, match="ben does not hold role 'approver'"):
            plant.sign(request, "approve", "ben")
        (grant,) = plant.staff.person("gone", Role.APPROVER)
        made = plant.caller("gone")
        plant.service.people.role_grants.revoke(grant.grant, "moved", plant.staff.admin)
        assert made.person
        with pytest.raises(NotSignatory, match="gone does not hold"):
            plant.sign(request, "approve", "gone")
        plant.sign(request, "approve", "carla")
        assert plant.decisions(request)[-1]["role"] == "approver"

    @pytest.mark.requirement("R40")
    def test_only_the_qualified_person_certifies(self, plant: Plant) -> None:
        plant.route("release", (APPROVE,), (Step(step="certify", role="qualified-person", meaning="certified"),))
        request = plant.open("release", plant.collect()).request
        plant.sign(request, "approve", "dora")
        with pytest.raises(NotSignatory):
            plant.sign(request, "certify", "carla")
        plant.sign(request, "certify", "emil")
        assert plant.running(request).progress.state is RequestState.COMPLETED

    def test_parallel_steps_are_signed_in_any_order_and_n_of_m_takes_n_people(self, plant: Plant) -> None:
        both = Step(step="second", role="reviewer", meaning="reviewed", needed=2, accounts=("anna", "ben", "carla"))
        plant.route("many", (APPROVE, both))
        request = plant.open("many", plant.collect(), by="dora").request
        plant.sign(request, "second", "anna")
        plant.sign(request, "approve", "dora")
        with pytest.raises(SelfApproval, match="anna has signed"):
            plant.sign(request, "second", "anna")
        plant.sign(request, "second", "carla")
        assert plant.running(request).progress.state is RequestState.COMPLETED

    def test_only_who_is_named_signs_a_step_of_names(self, plant: Plant) -> None:
        plant.route("named", (Step(step="review", role="reviewer", meaning="reviewed", accounts=("ben",)),))
        request = plant.open("named", plant.collect()).request
        with pytest.raises(NotSignatory, match="is for others: ben"):
            plant.sign(request, "review", "anna")
        plant.sign(request, "review", "ben")


def test_a_role_granted_by_sql_signs_nothing(plant: Plant) -> None:
    request = plant.open("two", plant.collect()).request
    plant.sign(request, "review", "anna")
    with plant.ledger.administrator() as owner:
        owner.execute(
            text(
                "INSERT INTO access_grant SELECT log, 'forged', from_index, NULL, 'ben', state, scopes, sources,"
                " expires_us, role, sites, from_us FROM access_grant WHERE account = 'dora' AND to_index IS NULL"
            )
        )
    with pytest.raises(IntegrityError, match="contradicts entry"):
        plant.sign(request, "approve", "ben")
    with plant.ledger.administrator() as owner:
        owner.execute(text("DELETE FROM access_grant WHERE key = 'forged'"))
    plant.sign(request, "approve", "dora")


def test_a_decision_taken_out_of_its_table_brings_no_step_back(plant: Plant) -> None:
    """Who hides that somebody signed finds the request no longer shown, or the step refused: the log has it."""
    request = plant.open("two", plant.collect()).request
    plant.sign(request, "review", "anna")
    plant.sign(request, "approve", "dora")
    hide = "DELETE FROM decision WHERE request = :request AND step = 'review'"
    with plant.ledger.administrator() as owner:
        owner.execute(
            text("CREATE TABLE kept AS SELECT * FROM decision WHERE request = :request"), {"request": request}
        )
        owner.execute(text(hide), {"request": request})
    with pytest.raises(IntegrityError, match="out of order"):
        plant.running(request)
    assert plant.fault() is None
    with plant.ledger.administrator() as owner:
        owner.execute(text("DELETE FROM decision WHERE request = :request"), {"request": request})
        owner.execute(text("INSERT INTO decision SELECT * FROM kept"))
        owner.execute(text("DROP TABLE kept"))
    assert plant.running(request).progress.state is RequestState.COMPLETED


class TestOwnWork:
    @pytest.mark.requirement("R52")
    @pytest.mark.requirement("R73")
    def test_who_performed_the_work_signs_no_step_of_it(self, plant: Plant) -> None:
        request = plant.open("two", plant.collect()).request
        assert plant.running(request).request.performers == ("paul",)
        with pytest.raises(SelfApproval, match="paul performed the work"):
            plant.sign(request, "review", "paul")
        plant.sign(request, "review", "anna")
        with pytest.raises(SelfApproval, match="paul performed the work"):
            plant.sign(request, "approve", "paul")
        assert events(plant, request) == ["refused", "signed", "refused"]

    def test_a_performer_whom_no_map_resolves_is_told_and_an_account_of_that_name_signs_nothing(
        self, plant: Plant
    ) -> None:
        request = plant.open("two", plant.collect(account="Ben")).request
        running = plant.running(request)
        assert (running.request.performers, running.request.unresolved) == (("erp:Ben",), 1)
        with pytest.raises(SelfApproval):
            plant.sign(request, "review", "ben")

    def test_a_performer_whom_the_map_names_only_later_signs_nothing(self, plant: Plant) -> None:
        request = plant.open("two", plant.collect(account="op7")).request
        plant.map("op7", "ben")
        with pytest.raises(SelfApproval, match="by now"):
            plant.sign(request, "review", "ben")
        assert events(plant, request) == ["refused"]

    def test_who_caused_an_entry_of_the_ledgers_own_is_its_performer(self, plant: Plant) -> None:
        version = plant.route("own", (APPROVE,))
        request = plant.open("two", [version], log="system").request
        assert plant.running(request).request.performers == ("dora",)
        plant.sign(request, "review", "anna")
        with pytest.raises(SelfApproval):
            plant.sign(request, "approve", "dora")

    def test_a_request_that_its_performers_leave_nobody_for_is_not_opened(self, plant: Plant) -> None:
        plant.route("few", (Step(step="approve", role="approver", meaning="approved", accounts=("paul",)),))
        with pytest.raises(Conflict, match="nobody"):
            plant.open("few", plant.collect())


class TestDelegation:
    NAMED = Step(step="approve", role="approver", meaning="approved", accounts=("dora",))

    def lend(self, plant: Plant, giver: str, delegate: str, hours: int = 24) -> str:
        now = plant.clock.now_us()
        given = plant.flows.delegations.give(
            delegate, now, now + hours * HOUR_US, "leave", plant.caller(giver).authority
        )
        return given.delegation.delegation

    def test_a_delegate_signs_in_the_place_of_somebody_while_it_lasts(self, plant: Plant) -> None:
        plant.route("hers", (self.NAMED,))
        request = plant.open("hers", plant.collect()).request
        with pytest.raises(NotSignatory, match="has not let carla"):
            plant.sign(request, "approve", "carla", on_behalf_of="dora")
        name = self.lend(plant, "dora", "carla")
        task = next(one for one in plant.flows.tasks.of("carla") if one.request == request)
        assert task.on_behalf_of == "dora"
        plant.flows.delegations.end(name, "back", plant.caller("dora").authority)
        with pytest.raises(NotSignatory):
            plant.sign(request, "approve", "carla", on_behalf_of="dora")
        self.lend(plant, "dora", "carla")
        plant.sign(request, "approve", "carla", on_behalf_of="dora")
        signed = plant.decisions(request)[-1]
        assert (signed["on_behalf_of"], signed["state"]) == ("dora", "completed")
        assert signed["rests_on"]

    def test_nobody_approves_their_own_work_through_delegation(self, plant: Plant) -> None:
        """The performer as the delegate, and the performer as who lends."""
        plant.route("hers", (self.NAMED,))
        self.lend(plant, "dora", "paul")
        request = plant.open("hers", plant.collect()).request
        with pytest.raises(SelfApproval, match="paul performed"):
            plant.sign(request, "approve", "paul", on_behalf_of="dora")
        self.lend(plant, "paul", "carla")
        either = plant.open("two", plant.collect()).request
        plant.sign(either, "review", "anna")
        with pytest.raises(SelfApproval, match="paul performed"):
            plant.sign(either, "approve", "carla", on_behalf_of="paul")
        assert [one["event"] for one in plant.decisions(request)] == ["refused"]

    def test_a_delegation_gives_no_role_and_is_not_passed_on(self, plant: Plant) -> None:
        with pytest.raises(Conflict, match="no role in common"):
            self.lend(plant, "dora", "ben")
        with pytest.raises(Conflict, match="no role in common"):
            self.lend(plant, "olga", "dora")
        # Anna lends Ben her reviews; what Ben has of Anna, Carla does not get by Ben.
        only = Step(step="review", role="reviewer", meaning="reviewed", accounts=("anna",))
        plant.route("annas", (only,))
        request = plant.open("annas", plant.collect(), by="ben").request
        self.lend(plant, "anna", "ben")
        self.lend(plant, "ben", "carla")
        for other in ("anna", "ben"):
            with pytest.raises(NotSignatory):
                plant.sign(request, "review", "carla", on_behalf_of=other)
        plant.sign(request, "review", "ben", on_behalf_of="anna")

    def test_nobody_signs_twice_by_delegation(self, plant: Plant) -> None:
        plant.route("pair", (Step(step="approve", role="approver", meaning="approved", needed=2),))
        self.lend(plant, "dora", "carla")
        request = plant.open("pair", plant.collect(account="op8")).request
        plant.sign(request, "approve", "carla", on_behalf_of="dora")
        for account, other in (("carla", None), ("dora", None), ("carla", "dora")):
            with pytest.raises(SelfApproval, match="already"):
                plant.sign(request, "approve", account, on_behalf_of=other)

    def test_a_delegation_is_ones_own_and_of_a_time(self, plant: Plant) -> None:
        now, dora = plant.clock.now_us(), plant.caller("dora").authority
        give = plant.flows.delegations.give
        with pytest.raises(SchemaViolation):
            give("carla", now, now, "leave", dora)
        with pytest.raises(SchemaViolation, match="themselves"):
            give("dora", now, now + HOUR_US, "leave", dora)
        with pytest.raises(AccessDenied):
            give("carla", now, now + HOUR_US, "leave", plant.service.people.local("root"))
        name = self.lend(plant, "dora", "carla")
        with pytest.raises(AccessDenied):
            plant.flows.delegations.end(name, "mine", plant.caller("anna").authority)
        plant.route("hers", (self.NAMED,))
        request = plant.open("hers", plant.collect()).request
        for known in plant.flows.delegations.of("dora"):
            if known.delegation.delegation != name and known.delegation.account == "dora":
                plant.flows.delegations.end(known.delegation.delegation, "over", dora)
        plant.clock.at_us += 25 * HOUR_US
        plant.forget()
        with pytest.raises(NotSignatory, match="has not let"):
            plant.sign(request, "approve", "carla", on_behalf_of="dora")


class TestDecisions:
    def test_declining_ends_the_request_with_a_reason_and_a_signature(self, plant: Plant) -> None:
        request = plant.open("two", plant.collect()).request
        made = plant.signature(request, "review", "anna", declined=True)
        plant.flows.decisions.decline(request, "review", made, "TIC101 was changed without a reason")
        told = plant.decisions(request)[-1]
        assert (told["event"], told["state"], told["reason"][:6]) == ("declined", "declined", "TIC101")
        assert told["signature"] is not None
        with pytest.raises(Conflict, match="declined"):
            plant.sign(request, "review", "ben")

    def test_a_signature_that_means_something_else_declines_nothing_and_signs_nothing(self, plant: Plant) -> None:
        request = plant.open("two", plant.collect()).request
        with pytest.raises(SchemaViolation, match="another meaning"):
            plant.flows.decisions.decline(request, "review", plant.signature(request, "review", "anna"), "no")
        with pytest.raises(SchemaViolation, match="another meaning"):
            plant.flows.decisions.sign(
                request, "review", plant.signature(request, "review", "anna", declined=True), "y"
            )

    @pytest.mark.requirement("R18")
    def test_a_signature_pasted_from_another_request_is_refused(self, plant: Plant) -> None:
        one, other = (plant.open("two", plant.collect()).request for _ in range(2))
        with pytest.raises(SchemaViolation, match="another request"):
            plant.flows.decisions.sign(one, "review", plant.signature(other, "review", "anna"), "y")
        target = plant.running(other).request.target
        made = plant.signature(one, "review", "anna", target=target)
        with pytest.raises(SchemaViolation, match="another target"):
            plant.flows.decisions.sign(one, "review", made, "y")
        assert plant.running(one).progress.people == frozenset()

    def test_a_place_is_given_to_who_holds_the_role_and_never_to_the_performer(self, plant: Plant) -> None:
        plant.route("named", (Step(step="review", role="reviewer", meaning="reviewed", accounts=("ben",)),))
        request = plant.open("named", plant.collect()).request
        reassign, anna = plant.flows.decisions.reassign, plant.caller("anna").authority
        with pytest.raises(SelfApproval):
            reassign(request, "review", "ben", "paul", "on leave", anna)
        with pytest.raises(NotSignatory, match="dora does not hold"):
            reassign(request, "review", "ben", "dora", "on leave", anna)
        with pytest.raises(NotSignatory, match="only who opened"):
            reassign(request, "review", "ben", "carla", "on leave", plant.caller("carla").authority)
        reassign(request, "review", "ben", "carla", "on leave", plant.caller("ben").authority)
        with pytest.raises(NotSignatory):
            plant.sign(request, "review", "ben")
        plant.sign(request, "review", "carla")
        assert events(plant, request)[:4] == ["refused", "refused", "refused", "reassigned"]

    def test_an_open_place_is_given_to_one_person_and_the_others_wait(self, plant: Plant) -> None:
        request = plant.open("two", plant.collect()).request
        anna = plant.caller("anna").authority
        plant.flows.decisions.reassign(request, "review", None, "ben", "his line", anna)
        with pytest.raises(NotSignatory):
            plant.sign(request, "review", "carla")
        with pytest.raises(SchemaViolation, match="no place"):
            plant.flows.decisions.reassign(request, "review", None, "carla", "hers", anna)
        plant.sign(request, "review", "ben")

    def test_only_the_opener_withdraws_and_only_before_completion(self, plant: Plant) -> None:
        request = plant.open("two", plant.collect()).request
        withdraw = plant.flows.decisions.withdraw
        with pytest.raises(NotSignatory, match="only anna"):
            withdraw(request, "no", plant.caller("ben").authority)
        plant.sign(request, "review", "ben")
        withdraw(request, "wrong batch", plant.caller("anna").authority)
        with pytest.raises(Conflict, match="withdrawn"):
            plant.sign(request, "approve", "dora")
        done = plant.open("two", plant.collect()).request
        plant.sign(done, "review", "ben")
        plant.sign(done, "approve", "dora")
        with pytest.raises(Conflict, match="completed"):
            withdraw(done, "late", plant.caller("anna").authority)

    def test_a_set_is_signed_only_by_who_opened_each_of_its_entries(self, plant: Plant) -> None:
        request = plant.open("two", plant.collect(3)).request
        items = plant.running(request).request.target.entries
        with pytest.raises(Conflict, match="has not opened 3 entries"):
            plant.sign(request, "review", "anna")
        anna = plant.caller("anna").authority
        plant.flows.decisions.open_items(request, items[:2], anna)
        with pytest.raises(Conflict, match=f"of which the first is {items[2]}"):
            plant.sign(request, "review", "anna")
        with pytest.raises(SchemaViolation):
            plant.flows.decisions.open_items(request, [10_000], anna)
        plant.flows.decisions.open_items(request, items[2:], anna)
        plant.sign(request, "review", "anna")
        statement = plant.last_statement()
        assert statement["target"]["entries"] == list(items)

    def test_of_two_that_sign_one_step_at_once_one_signs(self, plant: Plant) -> None:
        """Concurrent double signing, by one person and by two."""
        one = Step(step="review", role="reviewer", meaning="reviewed")
        pair = Step(step="review", role="reviewer", meaning="reviewed", needed=2)
        plant.route("race", (one,))
        plant.route("race2", (pair,))
        for route, accounts in (("race", ("anna", "ben", "carla", "anna")), ("race2", ("anna",) * 4)):
            request = plant.open(route, plant.collect(), by="dora").request
            made = [plant.signature(request, "review", account) for account in accounts]

            def sign(signed: object, request: str = request) -> bool:
                try:
                    plant.flows.decisions.sign(request, "review", signed, "y")  # type: ignore[arg-type]
                except LedgerError:
                    return False
                return True

            with ThreadPoolExecutor(4) as threads:
                assert sum(threads.map(sign, made)) == 1
            assert len(plant.running(request).progress.steps[0].given) == 1
            assert events(plant, request).count("refused") == 3


class TestContent:
    @pytest.mark.requirement("R57")
    def test_a_change_of_what_was_signed_shows_as_unsigned_and_signatures_are_asked_for_again(
        self, plant: Plant
    ) -> None:
        (record,) = plant.collect()
        request = plant.open("two", [record]).request
        plant.sign(request, "review", "anna")
        plant.sign(request, "approve", "dora")
        assert plant.flows.work().superseded == ()
        newer = plant.change(record)
        shown = plant.shown(request)
        assert (shown.state, shown.unsigned) == (RequestState.COMPLETED, True)
        assert [one.by for one in shown.changed] == [f"{shown.origin}#{newer}"]
        assert plant.flows.work().superseded == (request,)
        assert plant.shown(request).unsigned
        old = plant.running(request)
        assert old.progress.state is RequestState.SUPERSEDED
        assert [one.signature for step in old.progress.steps for one in step.given] != []
        again = plant.running(old.progress.renewed_by or "")
        assert again.request.target.entries == (newer,)
        assert (again.request.renews, again.progress.state) == (request, RequestState.OPEN)
        assert next(task for task in plant.flows.tasks.of("anna") if task.request == again.request.request).renewed
        assert plant.flows.work().superseded == ()
        plant.sign(again.request.request, "review", "ben")
        plant.flows.decisions.withdraw(again.request.request, "over", plant.caller("anna").authority)

    def test_what_changed_while_it_was_being_signed_is_not_signed(self, plant: Plant) -> None:
        (record,) = plant.collect()
        request = plant.open("two", [record]).request
        plant.change(record)
        with pytest.raises(RecordChangedSinceReview):
            plant.sign(request, "review", "anna")
        assert events(plant, request) == ["refused"]
        assert request in plant.flows.work().superseded

    def test_a_set_that_grew_shows_as_unsigned(self, plant: Plant) -> None:
        links = (Link(kind=LinkKind.BATCH, id="B-77", basis=LinkBasis.READ),)
        plant.collect(2, links=links)
        query = Query(link_kind=LinkKind.BATCH, link_id="B-77")
        request = plant.open("two", [], query=query).request
        plant.look(request, "anna")
        plant.sign(request, "review", "anna")
        (late,) = plant.collect(links=links)
        assert request in plant.flows.work().superseded
        again = plant.running(plant.running(request).progress.renewed_by or "")
        assert late in again.request.target.entries
        assert again.request.target.count == 3

    def test_an_entry_of_the_ledgers_own_is_superseded_by_the_one_that_takes_its_place(self, plant: Plant) -> None:
        version = plant.route("doc", (APPROVE,))
        request = plant.open("two", [version], log="system").request
        assert request not in plant.flows.work().superseded
        newer = plant.route("doc", (APPROVE,), (REVIEW,))
        assert request in plant.flows.work().superseded
        again = plant.running(plant.running(request).progress.renewed_by or "")
        assert again.request.target.entries == (newer,)


class TestTime:
    def test_an_overdue_step_is_told_to_the_role_it_is_escalated_to_once(self, plant: Plant) -> None:
        notices = plant.service.notices
        plant.flows.work()
        request = plant.open("two", plant.collect()).request
        assert [one for one in plant.flows.work().escalated if one.request == request] == []
        mine = next(task for task in plant.flows.tasks.of("anna") if task.request == request)
        assert (mine.step, mine.overdue, mine.due_at is not None) == ("review", False, True)
        plant.clock.at_us += 9 * HOUR_US
        plant.forget()
        done = [one for one in plant.flows.work().escalated if one.request == request]
        assert len(done) == 1
        assert done[0].told == ("carla", "dora", "paul")
        assert "paul" not in done[0].signers
        assert notices.mine("dora")[0].subject is Subject.TASK_ESCALATED
        assert {one.subject for one in notices.mine("anna")} >= {Subject.TASK_ASSIGNED, Subject.TASK_OVERDUE}
        assert next(task for task in plant.flows.tasks.of("anna") if task.request == request).overdue
        assert next(task for task in plant.flows.tasks.of("dora") if task.request == request).told
        assert [one for one in plant.flows.work().escalated if one.request == request] == []
        assert events(plant, request) == ["escalated"]

    def test_my_tasks_are_those_that_i_can_sign(self, plant: Plant) -> None:
        request = plant.open("two", plant.collect(2)).request
        tasks = {
            one: [t for t in plant.flows.tasks.of(one) if t.request == request] for one in ("anna", "dora", "paul")
        }
        assert [len(tasks[one]) for one in ("anna", "dora", "paul")] == [1, 0, 0]
        assert (tasks["anna"][0].unopened, tasks["anna"][0].entries) == (2, 2)
        elsewhere = plant.flows.tasks.of("anna", lambda site: site != "records")
        assert request not in {task.request for task in elsewhere}


def test_level_4_holds_over_all_that_was_done_here_and_levels_1_to_3_too(plant: Plant) -> None:
    assert plant.fault() is None
    plant.service.publisher.publish_all()
    report = plant.service.verifier.run(plant.service.system, levels=(1, 2, 3))
    assert report.holds, report.summary
