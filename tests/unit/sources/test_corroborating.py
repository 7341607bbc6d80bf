"""A shared account is nobody's, whatever a plan of shifts or a log-in at its workstation speaks for."""

from typing import Any

import pytest

from ledger.core.clock import utc_text
from ledger.core.record import Action, Actor, ActorKind, Submission
from ledger.sources.corroborating import BEFORE_US, CorroborationSort
from ledger.sources.map_kinds import CalendarSet, IdentityMapped2, Shift
from ledger.sources.resolved import Resolved, resolve, resolved_person
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger, source_time, submission

pytestmark = pytest.mark.sampled

MINUTE_US = 60_000_000
SPAN: dict[str, Any] = {
    "valid_from": utc_text(START_US - BEFORE_US * 3), "valid_to": None, "reason": "list", "authority": AUTHORITY,
}  # fmt: skip


def identity(account: str, person: str | None, **more: Any) -> IdentityMapped2:
    usual = {"source": SOURCE, "account": account, "person": person, "kind": ActorKind.PERSON, **SPAN}
    return IdentityMapped2(**{**usual, **more})


def at(number: int, account: str, minutes: float, place: str | None, action: Action = Action.UPDATE) -> Submission:
    """A record of an account at a workstation, so many minutes before the record that is looked at."""
    actor = Actor(account=account, kind=ActorKind.PERSON, workstation=place)
    when = source_time(START_US - int(minutes * MINUTE_US))
    return submission(number, actor=actor, occurred_at=when, action=action)


def resolved(ledger: Ledger, index: int) -> Resolved:
    with ledger.store.reader(RECORDS) as reader:
        body = ledger.store.kinds["record"].decode(reader.entry(index).body or b"")
        return resolve(reader.connection, RECORDS, index, body)


@pytest.mark.requirement("R61")
def test_who_came_to_the_workstation_and_the_shift_corroborate_and_resolve_nothing(ledger: Ledger) -> None:
    maps = ledger.service.record_log().maps
    people = [identity(f"op{one}", f"P-{one}") for one in range(6)]
    maps.put([identity("line", None, shared=True), *people])
    always = Shift(name="day", days=(1, 2, 3, 4, 5, 6, 7), start="00:00", end="00:00")
    (calendar,) = maps.put([CalendarSet(calendar="site", zone="UTC", shifts=(always,), closed=(), **SPAN)])
    sent = [
        at(1, "op1", 30, "HMI-1", Action.LOGIN),
        at(2, "op2", 40, "HMI-1", Action.LOGIN),
        at(3, "op2", 20, "HMI-1", Action.LOGOUT),
        at(4, "op3", 10, "HMI-2", Action.LOGIN),
        at(5, "op4", -10, "HMI-1", Action.LOGIN),
        at(6, "op5", BEFORE_US / MINUTE_US + 1, "HMI-1", Action.LOGIN),
        at(7, "line", 5, "HMI-1", Action.LOGIN),
        at(8, "line", 0, "HMI-1"),
        at(9, "op1", 0, "HMI-1"),
        at(10, "line", 0, None),
    ]
    entries = [one.index for one in ledger.submit(sent).outcomes]
    found = resolved(ledger, entries[7])
    assert found.person is not None
    assert found.person.person is None
    assert [(one.sort, one.person, one.entry) for one in found.corroborates] == [
        (CorroborationSort.SHIFT, None, calendar),
        (CorroborationSort.BADGE, "P-1", entries[0]),
    ]
    told = [text for key, text in resolved_person(found) if key == "who.corroborates"]
    assert "shift site: day was worked" in told[0]
    assert f"P-1 had come to HMI-1 at {utc_text(START_US - 30 * MINUTE_US)} (entry {entries[0]})" in told[1]
    assert resolved(ledger, entries[8]).corroborates == (), "an account of one person takes none"
    assert [one.sort for one in resolved(ledger, entries[9]).corroborates] == [CorroborationSort.SHIFT]
