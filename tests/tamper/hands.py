"""What is entered by hand, and what is excluded, in the ledger that is attacked."""

import msgspec

from ledger.core.record import Action, Change, Target
from ledger.core.source import BY_HAND, SourceConfig
from ledger.people.roles import Role
from ledger.sources.hand_kinds import Evaluation, EvaluationSort, HandSort
from ledger.sources.hands import NewHand
from tests.support.ledgers import AUTHORITY, ORIGIN, START_US, Ledger, source_time
from tests.tamper.persons import office

NOBODY_SYSTEM = "the room has no system that records it"


def by_hand(ledger: Ledger, number: int) -> None:
    """An observation and its correction; every other one checked. Records excluded, every other time counted again."""
    log, staff = ledger.service.record_log(), office(ledger)
    one, other = f"recorder{number}", f"checker{number}"
    for account in (one, other):
        staff.person(account, Role.REVIEWER)
    if not number:
        log.sources.register(SourceConfig(id="paper", type=BY_HAND, title="Entered by hand"), AUTHORITY)
    seen = NewHand(
        sort=HandSort.OBSERVATION,
        object=Target(type="room", id=f"R-{number}"),
        action=Action.CREATE,
        occurred_at=source_time(START_US + number),
        changes=(Change(attribute="state", new=f"clean {number}"),),
        reason=NOBODY_SYSTEM,
    )
    entered = log.hands.enter(seen, None, staff.acting(one), {log.log.name})
    right = msgspec.structs.replace(seen, sort=HandSort.CORRECTION, corrects=entered.address)
    log.hands.enter(right, None, staff.acting(one), {log.log.name})
    if number % 2:
        log.hands.check(entered.hand, number == 1, "compared with the door of the room", staff.acting(other))
    of = Evaluation(sort=EvaluationSort.CALCULATION, name=f"yield of {ORIGIN} {number}")
    out = log.exclusions.exclude(
        [entered.index, entered.index + 2], of, "the balance was under calibration", staff.acting(one)
    )
    if number % 2:
        log.exclusions.lift(out.exclusion, "the calibration was found to hold", staff.acting(other))
