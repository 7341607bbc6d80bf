"""Which steps of an incident case follow from those before, and which take a second person."""

import msgspec
import pytest

from ledger.core.authority import Authority
from ledger.core.entry import Entry
from ledger.findings.incident_kinds import CaseEvent, Cause, IncidentCase
from ledger.integrity.incidents.deciding import Deciding, scope_of
from ledger.people.access import Scope

LOCAL = Authority(actor="local:root", authenticated=False)
ONE, OTHER = Authority(actor="officer1", authenticated=True), Authority(actor="qa1", authenticated=True)
OPENED = IncidentCase(case="c", event=CaseEvent.OPENED, reason="r", authority=LOCAL, cause=Cause.VERIFICATION)
REPORTED = msgspec.structs.replace(OPENED, event=CaseEvent.REPORTED, cause=Cause.SOURCE, subject="erp", authority=ONE)


def step(event: CaseEvent, by: Authority = ONE) -> IncidentCase:
    return IncidentCase(case="c", event=event, reason="r", authority=by, opening=0)


def opened(by: Authority, **other: str) -> IncidentCase:
    return msgspec.structs.replace(REPORTED, event=CaseEvent.OPENED, authority=by, **other)


def broken(*bodies: IncidentCase) -> str:
    """What is wrong with the last of these steps; the others hold."""
    deciding = Deciding()
    entries = [Entry(log=0, index=at, kind="incident-case", logged_us=0, body=body) for at, body in enumerate(bodies)]
    for entry in entries:
        deciding.enter(entry)
    assert not any(deciding.broken(entry) for entry in entries[:-1])
    return deciding.broken(entries[-1])


PROPOSED = step(CaseEvent.PROPOSED)


@pytest.mark.parametrize(
    "bodies",
    [
        (OPENED,),
        (REPORTED, opened(OTHER)),
        (OPENED, step(CaseEvent.RESTORED), step(CaseEvent.CLOSING, OTHER)),
        (OPENED, PROPOSED, step(CaseEvent.CONTINUED, OTHER), step(CaseEvent.CLOSING, OTHER)),
        (REPORTED, opened(OTHER), step(CaseEvent.CLOSING, OTHER)),
    ],
)
def test_steps_in_order_by_as_many_people_as_they_take_hold(bodies: tuple[IncidentCase, ...]) -> None:
    assert broken(*bodies) == ""


@pytest.mark.parametrize(
    ("bodies", "says"),
    [
        ((step(CaseEvent.CLOSING),), "nobody had opened it"),
        ((msgspec.structs.replace(OPENED, cause=Cause.KEY),), "nobody had opened it"),
        ((REPORTED, opened(ONE)), "the first and the second person"),
        ((REPORTED, opened(LOCAL)), "nobody who signed in"),
        ((REPORTED, opened(OTHER, subject="dcs")), "something else than was reported"),
        ((OPENED, PROPOSED, step(CaseEvent.CONTINUED)), "the first and the second person"),
        ((OPENED, step(CaseEvent.CONTINUED, OTHER)), "after it was opened"),
        ((OPENED, step(CaseEvent.CLOSING, OTHER)), "no way back"),
        ((OPENED, OPENED), "it was opened before"),
    ],
)
def test_a_step_that_does_not_follow_is_named(bodies: tuple[IncidentCase, ...], says: str) -> None:
    assert says in broken(*bodies)


def test_the_second_person_and_whoever_closes_approves() -> None:
    approving = {event for event in CaseEvent if scope_of(step(event)) is Scope.APPROVE}
    assert approving == {CaseEvent.OPENED, CaseEvent.CONTINUED, CaseEvent.CLOSING}
