"""Level 4 of workflows: what was put into the log past the server is named, with what it does not follow from."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from ledger.core.entry import Entry
from ledger.core.signature import SignatureEntry
from ledger.core.workflow import DecisionEntry, DecisionEvent, RequestEntry, RequestState, Step
from ledger.integrity.entries import read_entries
from ledger.integrity.requests import Replay
from ledger.signing.holders import Holders
from tests.support.signing import HOUR_US, Plant

REVIEW = Step(step="review", role="reviewer", meaning="reviewed")
APPROVE = Step(step="approve", role="approver", meaning="approved", accounts=("dora",))


class Told:
    """A log in which a request was opened, and one was reviewed; what is `said` of entries that are put behind it."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        plant.route("two", (REVIEW,), (APPROVE,))
        self.fresh = plant.open("two", plant.collect()).request
        self.begun = plant.open("two", plant.collect()).request
        plant.sign(self.begun, "review", "anna")
        now = plant.clock.now_us()
        lend = plant.flows.delegations.give
        self.lent = lend("carla", now, now + HOUR_US, "leave", plant.caller("dora").authority).entry
        with plant.service.store.reading() as connection:
            size = plant.size("system")
            self.entries = list(read_entries(connection, 0, 0, size, plant.service.store.kinds))

    def said(self, *bodies: msgspec.Struct, late_us: int = 0) -> str:
        replay = Replay(self.plant.service.system.origin)
        for entry in self.entries:
            assert replay.enter(entry) == ""
        what = ""
        at_us = self.entries[-1].logged_us + late_us
        for index, body in enumerate(bodies, start=len(self.entries)):
            what = replay.enter(Entry(log=0, index=index, kind="decision", logged_us=at_us, body=body))
        return what

    def signature(self, request: str, step: str, account: str, **more: Any) -> SignatureEntry:
        return self.plant.signature(request, step, account, **more).entry

    def decision(self, request: str, step: str, account: str, **more: Any) -> DecisionEntry:
        running = self.plant.running(request)
        found = running.progress.step(step)
        assert found is not None
        usual: dict[str, Any] = {
            "request": request,
            "opened": running.entry,
            "event": DecisionEvent.SIGNED,
            "reason": "complete",
            "authority": self.plant.caller(account).authority,
            "step": step,
            "role": found.step.role,
            "signature": len(self.entries),
        }
        return DecisionEntry(**(usual | more))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    plant = Plant(tmp_path_factory.mktemp("plant") / "ledger")
    yield Told(plant)
    plant.close()


def test_a_decision_that_the_server_would_have_entered_follows(told: Told) -> None:
    signed = told.signature(told.fresh, "review", "ben")
    assert told.said(signed, told.decision(told.fresh, "review", "ben")) == ""
    done = told.decision(told.begun, "approve", "dora", state=RequestState.COMPLETED)
    assert told.said(told.signature(told.begun, "approve", "dora"), done) == ""


Forged = Callable[[Told], tuple[msgspec.Struct, ...]]


def _signed(told: Told, request: str, step: str, account: str, **more: Any) -> tuple[msgspec.Struct, ...]:
    other = more.get("on_behalf_of")
    return told.signature(request, step, account, on_behalf_of=other), told.decision(request, step, account, **more)


DONE = {"state": RequestState.COMPLETED}
ATTACKS: dict[str, tuple[Forged, str]] = {
    "a step that was skipped": (lambda t: _signed(t, t.fresh, "approve", "dora"), "'approve' comes later"),
    "a performer's own": (lambda t: _signed(t, t.fresh, "review", "paul"), "paul performed the work"),
    "a role that nobody granted": (
        lambda t: _signed(t, t.fresh, "review", "emil"),
        "emil did not hold role 'reviewer'",
    ),
    "who is not named": (lambda t: _signed(t, t.begun, "approve", "carla", **DONE), "is for others: dora"),
    "a second signature": (
        lambda t: (*_signed(t, t.fresh, "review", "anna"), *_signed(t, t.fresh, "review", "anna")),
        "signed already",
    ),
    "the end of a request that is not signed out": (
        lambda t: _signed(t, t.fresh, "review", "ben", **DONE),
        "the decision says otherwise",
    ),
    "a delegation to somebody else": (
        lambda t: _signed(t, t.begun, "approve", "emil", on_behalf_of="dora", delegation=t.lent, **DONE),
        "emil did not hold",
    ),
    "a delegation that is none": (
        lambda t: _signed(t, t.begun, "approve", "carla", on_behalf_of="dora", delegation=3, **DONE),
        "had not let carla",
    ),
    "grants that are not those of who lent": (
        lambda t: _signed(
            t, t.begun, "approve", "carla", on_behalf_of="dora", delegation=t.lent, rests_on=(1,), **DONE
        ),
        "are not those of dora",
    ),
    "no signature": (lambda t: (t.decision(t.fresh, "review", "ben", signature=3),), "is no signature"),
    "a signature of another decision": (
        lambda t: (
            t.decision(
                t.fresh,
                "review",
                "anna",
                signature=next(e.index for e in reversed(t.entries) if isinstance(e.body, SignatureEntry)),
            ),
        ),
        "or one of another decision",
    ),
    "a signature over something else": (
        lambda t: (t.signature(t.begun, "review", "ben"), t.decision(t.fresh, "review", "ben")),
        "another request",
    ),
    "who did not sign in": (
        lambda t: (
            t.signature(t.fresh, "review", "ben"),
            t.decision(t.fresh, "review", "ben", authority=t.plant.service.people.local("ben")),
        ),
        "somebody who signed in",
    ),
    "a withdrawal by somebody else": (
        lambda t: (
            t.decision(
                t.fresh,
                "review",
                "ben",
                event=DecisionEvent.WITHDRAWN,
                role=None,
                signature=None,
                state=RequestState.WITHDRAWN,
            ),
        ),
        "only anna",
    ),
    "a place given to the performer": (
        lambda t: (
            t.decision(
                t.fresh, "review", "anna", event=DecisionEvent.REASSIGNED, role=None, signature=None, given_to="paul"
            ),
        ),
        "paul performed",
    ),
    "a place given to who holds no role": (
        lambda t: (
            t.decision(
                t.fresh, "review", "anna", event=DecisionEvent.REASSIGNED, role=None, signature=None, given_to="emil"
            ),
        ),
        "emil did not hold",
    ),
    "an escalation before its time": (
        lambda t: (
            t.decision(t.fresh, "review", "anna", event=DecisionEvent.ESCALATED, signature=None, told="approver"),
        ),
        "not overdue",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_decision_that_was_put_in_past_the_server_is_named(told: Told, attack: str) -> None:
    make, said = ATTACKS[attack]
    assert said in told.said(*make(told))


def test_a_delegation_that_is_over_lends_nothing(told: Told) -> None:
    grants = told.plant.running(told.begun)
    assert grants.progress.stage == 1
    with told.plant.service.store.reading() as connection:
        rests = Holders(told.plant.service.store, connection, told.plant.clock.now_us()).grants(
            "dora", "approver", None
        )
    made = _signed(
        told, told.begun, "approve", "carla", on_behalf_of="dora", delegation=told.lent, rests_on=rests, **DONE
    )
    assert told.said(*made) == ""
    assert "had not let carla" in told.said(*made, late_us=2 * HOUR_US)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"route_version": 0}, "no version of route"),
        ({"request": None}, "was opened before"),
        ({"target": None}, "do not say the same"),
    ],
)
def test_a_request_that_could_not_have_been_opened_is_named(told: Told, change: dict[str, Any], said: str) -> None:
    good = told.plant.running(told.fresh).request
    target = msgspec.structs.replace(good.target, count=7)
    change = {"request": "f" * 16} | change
    if change["request"] is None:
        change["request"] = good.request
    if "target" in change:
        change["target"] = target
    forged: RequestEntry = msgspec.structs.replace(good, **change)
    assert said in told.said(forged)
