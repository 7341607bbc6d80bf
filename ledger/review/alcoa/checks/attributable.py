"""C01 and C02: who did it is one person, and they were where they were."""

from ledger.core.clock import MICROSECONDS
from ledger.core.parameters import Travel
from ledger.review.alcoa.attributes import Verdict
from ledger.review.known.facts import Facts


def resolves(facts: Facts) -> Verdict:
    """The account is one active person's by the dated map, or a device's or service's that the map gives a purpose.

    A shared account is nobody's, whatever a shift plan says. A clock that leaves open which line of the map held
    decides nothing.
    """
    if not facts.mapped:
        return Verdict.NO_IDENTITY_MAP
    if facts.owner is None:
        return Verdict.ORDER_UNKNOWN
    return facts.owner.fault or Verdict.HOLDS


def in_one_place(facts: Facts) -> Verdict:
    """The terminal is known, and the same person was surely at no other that is further away than the time between.

    Where a clock was not measured, or leaves time enough, nobody was in two places.
    """
    actor, told = facts.told.record.actor, facts.told
    if actor.workstation is None or actor.account is None:
        return Verdict.NO_SESSIONS
    table = facts.value(Travel)
    if table is None:
        return Verdict.NO_TRAVEL_TABLE
    if told.span is None:
        return Verdict.NO_OCCURRED_TIME
    if not told.span.measured:
        return Verdict.HOLDS
    away = ways_from(table, actor.workstation)
    for other in facts.sightings:
        longest = max(other.span.high_us - told.span.low_us, told.span.high_us - other.span.low_us)
        if other.span.measured and longest < away.get(other.workstation, 0):
            return Verdict.TWO_PLACES
    return Verdict.HOLDS


def ways_from(table: Travel, workstation: str) -> dict[str, int]:
    """How long (microseconds) the way takes from a terminal to each that the table names; the last one holds."""
    found = {}
    for one, other, seconds in table.pairs:
        if workstation in (one, other):
            found[other if workstation == one else one] = seconds * MICROSECONDS
    return found
