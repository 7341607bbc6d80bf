"""D16: a signature is earlier than the event that it attests, or of an event that never was.

Which signatures attest what, the parameter `d16` says. Both are of the same equipment (a link, or the asset map), or of
the same batch, order or other thing. Where clocks leave open which was first, that is all that is said; that an event
never was is said once the control systems' time is known beyond the signature.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ledger.core.clock import MICROSECONDS
from ledger.core.instants import cannot_order
from ledger.core.record import Action
from ledger.core.rule_parameters import D16, Attestation
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.patterns import fits, types
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, undated, unknown

_SIGNING: Final = (SystemClass.MES,)
_EQUIPMENT: Final = (SystemClass.DCS, SystemClass.SCADA, SystemClass.PLC, SystemClass.HISTORIAN)
_BOTH: Final = (*_SIGNING, *_EQUIPMENT)
_SIGNS: Final = frozenset({Action.SIGN, Action.APPROVE})
_FIRST: Final = (Said.FINDING, Said.PENDING, Said.UNORDERED, Said.LACKING, Said.CLEAR)
"""Of a signature that attests several things the one is said that says most."""


class SignedBefore:
    """Examines signatures of batch steps, cleanings and clearances."""

    about = About(
        id="D16",
        version=1,
        title="Signed before it happened",
        severity=Severity.CRITICAL,
        needs=(_SIGNING, _EQUIPMENT),
    )

    def examines(self, told: Told, known: Known) -> bool:
        if not known.is_of(told, _SIGNING):
            return False
        value = known.value(told, D16)
        return told.record.action in _SIGNS if value is None else bool(_attested(told, value))

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        for value in known.every(D16):
            every = [pattern for one in value.attestations for pattern in (*one.event, *one.since)]
            told = [one for one in new if fits(one.record, every) and known.is_of(one, _BOTH)]
            signed = types(*(one.signed for one in value.attestations))
            yield from known.not_before(told, Elsewhere(known.connected(_SIGNING), signed))

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D16, _judged, undated)


def _attested(told: Told, value: D16) -> list[Attestation]:
    return [one for one in value.attestations if fits(told.record, one.signed)]


def _judged(anchors: Sequence[Told], value: D16, known: Known) -> Iterator[Judged]:
    """Signatures of one parameter's value."""
    told_of = _told(anchors, value, known)
    around = {id(one): _Around(one, value, told_of, known) for one in value.attestations}
    for told in anchors:
        said = [_said(told, around[id(one)], value, known) for one in _attested(told, value)]
        yield min(said, key=lambda one: _FIRST.index(one.said))


def _told(anchors: Sequence[Told], value: D16, known: Known) -> Sequence[Told]:
    """What lies around signatures and is of the types of events, and of what these have to follow."""
    low = min(one.about.low_us for one in anchors) - value.within_s * MICROSECONDS
    high = max(one.about.high_us for one in anchors) + value.grace_s * MICROSECONDS
    of = types(*(one.event for one in value.attestations), *(one.since for one in value.attestations))
    return known.cases.told(Elsewhere(known.connected(_BOTH), of), low, high)


class _Around:
    """What lies around signatures: the events that they attest, and what these have to follow, by what both share."""

    def __init__(self, of: Attestation, value: D16, told: Sequence[Told], known: Known) -> None:
        self.link = of.link
        self._known = known
        self._reach = value.within_s * MICROSECONDS, value.grace_s * MICROSECONDS
        equipment = known.connected(_EQUIPMENT)
        events = (one for one in told if one.record.source in equipment and fits(one.record, of.event))
        self._events = self._by_key(events)
        self._since = self._by_key(one for one in told if fits(one.record, of.since))

    def keys(self, told: Told) -> Iterable[str]:
        """What a record is of: equipment, or the things of a kind of link."""
        if self.link is None:
            return self._known.assets_of(told)
        return told.ids(self.link)

    def near(self, told: Told) -> tuple[list[Told], list[Told]]:
        """The events that can be a signature's, and what they have to follow, in no order."""
        back, on = self._reach
        low, high = told.about.low_us - back, told.about.high_us + on
        events, since = (
            {one.index: one for key in self.keys(told) for one in of.get(key, ()) if one.index != told.index}
            for of in (self._events, self._since)
        )
        return (
            [one for one in events.values() if one.about.high_us >= low and one.about.low_us <= high],
            [one for one in since.values() if one.about.high_us >= low and one.about.low_us <= told.about.high_us],
        )

    def _by_key(self, records: Iterable[Told]) -> Mapping[str, list[Told]]:
        found = defaultdict[str, list[Told]](list)
        for one in records:
            for key in self.keys(one):
                found[key].append(one)
        return found


def _said(told: Told, around: _Around, value: D16, known: Known) -> Judged:
    if not [*around.keys(told)]:
        return Judged(told.index, Said.LACKING, "asset-map" if around.link is None else f"link-{around.link.value}")
    events, since = around.near(told)
    follows = [_follows(one, told, since, known) for one in events if one.about.high_us < told.about.low_us]
    if True in follows:
        return Judged(told.index, Said.CLEAR)
    if None in follows or any(cannot_order(one.about, told.about) for one in events):
        return Judged(told.index, Said.UNORDERED, "event-and-signature")
    systems = known.systems(_EQUIPMENT, told.moment_us)
    absent = unknown(told, systems, known, value.grace_s, value.within_s)
    return absent or _found(told, [one for one in events if one.about.low_us > told.about.high_us])


def _follows(event: Told, told: Told, since: Iterable[Told], known: Known) -> bool | None:
    """Whether nothing that the event has to follow lies between it and the signature; None: clocks leave it open."""
    open_ = False
    for one in since:
        after, before = known.order.first(event, one), known.order.first(one, told)
        if after is event and before is one:
            return False
        open_ |= after is not one and before is not told
    return None if open_ else True


def _found(told: Told, later: Sequence[Told]) -> Judged:
    at, thing = told.index, one_line(f"{told.record.object.type} {told.record.object.id}")
    if not later:
        return Judged(at, Said.FINDING, "never-happened", (at,), f"{thing}: what entry {at} signs never happened")
    event = min(later, key=lambda one: (one.about.low_us, one.record.source, one.record.source_record_id))
    detail = f"{thing}: entry {at} signs what happened only afterwards, by entry {event.index}"
    return Judged(at, Said.FINDING, "signed-before", tuple(sorted((at, event.index))), detail)


RULE: Final = SignedBefore()
