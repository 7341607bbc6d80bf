"""Random sequences of operations on signing requests, against a plain model that knows nothing of the ledger's own.

Whatever is tried in whatever order: no request is completed with a step missing, no performer is among the signers, and
nobody is twice among them; and the ledger takes exactly what the model takes.
"""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.core.errors import LedgerError
from ledger.core.workflow import RequestState, Step
from tests.support.signing import HOUR_US, Plant

REVIEWERS, APPROVERS = {"anna", "ben", "carla", "paul"}, {"carla", "dora", "paul"}
PERFORMER = "paul"
PEOPLE = sorted(REVIEWERS | APPROVERS | {"olga"})
STEPS = ("review", "check", "approve")
ROLES = {"review": REVIEWERS, "check": REVIEWERS, "approve": APPROVERS}
NEEDED = {"review": 2, "check": 1, "approve": 1}
STAGE = {"review": 0, "check": 0, "approve": 1}
LENT = {("carla", "dora"), ("anna", "ben")}
"""(who lends, who has it)."""


class Model:
    """A request as anybody would keep it on paper."""

    def __init__(self) -> None:
        self.state = RequestState.OPEN
        self.signed: dict[str, list[tuple[str, str | None]]] = {step: [] for step in STEPS}

    def people(self) -> set[str]:
        return {one for given in self.signed.values() for pair in given for one in pair if one is not None}

    def signs(self, step: str, who: str, other: str | None) -> bool:
        """Takes a signature, if it may be."""
        before = [name for name in STEPS if STAGE[name] < STAGE[step]]
        fits = (
            self.state is RequestState.OPEN
            and all(len(self.signed[name]) == NEEDED[name] for name in before)
            and len(self.signed[step]) < NEEDED[step]
            and all(one in ROLES[step] and one != PERFORMER for one in (who, other) if one is not None)
            and not {who, other} & self.people()
            and (other is None or (other, who) in LENT)
        )
        if fits:
            self.signed[step].append((who, other))
            if all(len(self.signed[name]) == NEEDED[name] for name in STEPS):
                self.state = RequestState.COMPLETED
        return fits

    def ends(self, state: RequestState, by: str) -> bool:
        fits = self.state is RequestState.OPEN and by == "anna"
        if fits:
            self.state = state
        return fits


class Signing(RuleBasedStateMachine):
    """One plant for all sequences; each has a request of its own."""

    plant: Plant

    @initialize()
    def begin(self) -> None:
        self.request = self.plant.open("three", self.plant.collect()).request
        self.model = Model()

    def _tried(self, work: Any, *arguments: Any, **more: Any) -> bool:
        try:
            work(*arguments, **more)
        except LedgerError:
            return False
        return True

    @rule(step=st.sampled_from(STEPS), who=st.sampled_from(PEOPLE))
    def sign(self, step: str, who: str) -> None:
        self.sign_as(step, who)

    def sign_as(self, step: str, who: str) -> None:
        assert self._tried(self.plant.sign, self.request, step, who) == self.model.signs(step, who, None)

    @rule(pick=st.integers(0, 3))
    def sign_what_is_next(self, pick: int) -> None:
        """Somebody who may, where there is anybody, so that sequences come to their end."""
        step = next((one for one in STEPS if len(self.model.signed[one]) < NEEDED[one]), STEPS[-1])
        able = sorted(ROLES[step] - self.model.people() - {PERFORMER}) or PEOPLE
        self.sign_as(step, able[pick % len(able)])

    @rule(step=st.sampled_from(STEPS), pair=st.sampled_from(sorted(LENT | {("paul", "carla"), ("dora", "paul")})))
    def sign_for(self, step: str, pair: tuple[str, str]) -> None:
        other, who = pair
        done = self._tried(self.plant.sign, self.request, step, who, on_behalf_of=other)
        assert done == self.model.signs(step, who, other)

    @precondition(lambda self: sum(map(len, self.model.signed.values())) > 2)
    @rule(who=st.sampled_from(["anna", "ben"]))
    def withdraw(self, who: str) -> None:
        by = self.plant.caller(who).authority
        done = self._tried(self.plant.flows.decisions.withdraw, self.request, "over", by)
        assert done == self.model.ends(RequestState.WITHDRAWN, who)

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "model"):
            return
        progress = self.plant.running(self.request).progress
        given = {one.step.step: [(each.account, each.on_behalf_of) for each in one.given] for one in progress.steps}
        assert given == self.model.signed
        assert progress.state is self.model.state
        signers = [one for pairs in given.values() for pair in pairs for one in pair if one is not None]
        assert PERFORMER not in signers
        assert len(set(signers)) == len(signers)
        assert progress.state is not RequestState.COMPLETED or {k: len(v) for k, v in given.items()} == NEEDED


@pytest.mark.requirement("R09")
@pytest.mark.requirement("R52")
def test_no_sequence_of_operations_skips_a_step_or_lets_a_performer_or_anybody_twice_sign() -> None:
    with tempfile.TemporaryDirectory() as folder:
        plant = Plant(Path(folder) / "ledger")
        plant.route(
            "three",
            (
                Step(step="review", role="reviewer", meaning="reviewed", needed=2),
                Step(step="check", role="reviewer", meaning="witnessed"),
            ),
            (Step(step="approve", role="approver", meaning="approved"),),
        )
        now = plant.clock.now_us()
        for giver, taker in LENT:
            plant.flows.delegations.give(taker, now, now + HOUR_US, "leave", plant.caller(giver).authority)
        Signing.plant = plant
        run_state_machine_as_test(
            Signing,
            settings=settings(
                max_examples=15,
                stateful_step_count=16,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
        assert plant.fault() is None
        plant.close()
