"""Whether people were on duty when they did something, by the records that say when their turns began and ended."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.rule_parameters import D20
from ledger.present.inert import one_line
from ledger.review.known.cases import Case, Course, Elsewhere, Force
from ledger.review.known.facts import Told
from ledger.review.known.patterns import fits, types
from ledger.review.rules.known import Known
from ledger.review.rules.lasting import thing_of
from ledger.review.rules.rule import Judged, Said, unknown

_PERSON: Final = ""
"""How `Known.who` tells a person from an account."""


class Turns:
    """The turns of people around some records."""

    def __init__(self, asked: Sequence[Told], value: D20, known: Known) -> None:
        self._value = value
        self._known = known
        self._of = defaultdict[tuple[str, str], list[Told]](list)
        if not asked or not value.on_duty:
            return
        both = (*value.on_duty, *value.off_duty)
        low = min(one.about.low_us for one in asked) - value.duty_s * MICROSECONDS
        high = max(one.about.high_us for one in asked)
        of = Elsewhere(known.connected((value.duty,)), types(both))
        for one in known.cases.told(of, low, high):
            who = known.who(one)
            if who is not None and fits(one.record, both):
                self._of[who].append(one)

    def of(self, told: Told) -> Judged | None:
        """That whoever did something was not on duty, or that this cannot be said; None: they were, or nobody asks."""
        value, known, at = self._value, self._known, told.index
        if not value.on_duty:
            return None
        if known.lacking(((value.duty,),), told.moment_us) is not None:
            return Judged(at, Said.LACKING, f"no-{value.duty.value}")
        who = known.who(told)
        low = told.about.low_us - value.duty_s * MICROSECONDS
        turns = tuple(one for one in self._of.get(who or ("", ""), ()) if one.about.high_us >= low)
        if who is None or (not turns and who[0] != _PERSON):
            return Judged(at, Said.LACKING, "one-person")
        force = Course(Case(thing_of(told), turns), value.on_duty, value.off_duty, known.order).at(told)
        if force is Force.YES:
            return None
        if force is Force.UNKNOWN:
            return Judged(at, Said.UNORDERED, "turn")
        detail = (
            f"{one_line(told.record.object.id)}: by entry {at} {one_line(str(told.record.actor.account))}"
            " acknowledges it, who was not on duty"
        )
        waits = unknown(told, known.systems((value.duty,), told.moment_us), known, value.grace_s, value.duty_s)
        return waits or Judged(at, Said.FINDING, "not-on-duty", (at,), detail)
