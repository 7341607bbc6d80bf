"""D05: one person at two places that are further apart than the time between allows.

How long the ways take, the parameter `travel` says. Each record is held against the last one before it of the same
person, or else the same account. Guards: one of the two was done from afar (a channel that the parameter `d05` names),
or on somebody's behalf, as declared.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.parameters import ParameterName, Travel
from ledger.core.record import ActorKind
from ledger.core.rule_parameters import D05
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.alcoa.checks.attributable import ways_from
from ledger.review.known.facts import Told
from ledger.review.known.pace import apart
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said


class TwoPlaces:
    """Examines what people did at terminals."""

    about = About(
        id="D05",
        version=1,
        title="Same person in two places",
        severity=Severity.HIGH,
        parameters=(ParameterName.TRAVEL,),
    )

    def examines(self, told: Told, known: Known) -> bool:
        actor = told.record.actor
        return actor.account is not None and actor.workstation is not None and actor.kind is ActorKind.PERSON

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        own = [one for one in new if self.examines(one, known)]
        return (entry for entries in _seen(own, known).values() for entry in entries)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        seen = _seen(anchors, known)
        told_of = {one.index: one for one in known.told(entry for entries in seen.values() for entry in entries)}
        for told in anchors:
            table, owner = known.value(told, Travel), known.owner(told)
            if table is None:
                yield Judged(told.index, Said.LACKING, "travel")
            elif known.mapped(told.record.source) and (owner is None or owner.id is None):
                yield Judged(told.index, Said.LACKING, "one-person")
            elif told.span is None:
                yield Judged(told.index, Said.LACKING, "occurred-time")
            else:
                others = [told_of[entry] for entry in seen.get(told.index, ()) if entry in told_of]
                yield _said(told, others, table, known)


def _seen(records: Sequence[Told], known: Known) -> Mapping[int, Sequence[int]]:
    """For each record the entries of the same person near in time."""
    asked = [(one, known.owner(one), table) for one in records if (table := known.value(one, Travel)) is not None]
    return {index: [one.entry for one in found] for index, found in known.sightings.of(asked, sure=False).items()}


def _said(told: Told, others: Sequence[Told], table: Travel, known: Known) -> Judged:
    at, actor = told.index, told.record.actor
    ordered = sorted([*others, told], key=_place_in_time)
    before = ordered[: ordered.index(told)]
    if not before or actor.workstation is None:
        return Judged(at, Said.CLEAR)
    last = before[-1]
    there = str(last.record.actor.workstation)
    way = ways_from(table, actor.workstation).get(there, 0)
    least, most = apart(last, told)
    if not way or least >= way:
        return Judged(at, Said.CLEAR)
    guard = next((found for found in (_guard(one, known) for one in (told, last)) if found is not None), None)
    if guard is not None:
        return Judged(at, Said.EXPLAINED, guard)
    same_clock = told.record.source == last.record.source and told.body.clock == last.body.clock
    if not same_clock and not (told.about.measured and last.about.measured):
        return Judged(at, Said.LACKING, "measured-clock")
    if most >= way:
        return Judged(at, Said.UNORDERED, "places")
    detail = (
        f"{one_line(str(actor.account))} was at {one_line(there)} by entry {last.index} and at"
        f" {one_line(actor.workstation)} by entry {at}, at most {max(most, 0) // MICROSECONDS} s later;"
        f" the way takes {way // MICROSECONDS} s"
    )
    return Judged(at, Said.FINDING, "two-places", tuple(sorted((last.index, at))), detail)


def _place_in_time(told: Told) -> tuple[int, str, str]:
    return told.about.low_us + told.about.high_us, told.record.source, told.record.source_record_id


def _guard(told: Told, known: Known) -> str | None:
    value, actor = known.value(told, D05), told.record.actor
    if value is not None and actor.channel in value.remote:
        return "remote-session"
    return None if actor.on_behalf_of is None else "declared-delegation"


RULE: Final = TwoPlaces()
