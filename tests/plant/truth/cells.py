"""The thirteen checks of requirements.md E on one record: `P`, `F:` with what failed, `N:` with what is missing.

What fails comes before what cannot be told, and that before what holds; of several the first in the order of the check.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from ledger.core.record import LinkKind
from tests.plant.model import MINUTE, SECOND, UNSAID, Change, Fact
from tests.plant.texts import FINENESS
from tests.plant.truth.fields import Fields
from tests.plant.truth.known import Known, measured_at
from tests.plant.truth.membership import Membership
from tests.plant.truth.sightings import Sightings

P: Final = "P"


def worst(found: list[str], otherwise: str) -> str:
    """A failure before what cannot be told before what holds; `otherwise`, where nothing was looked at."""
    for sort in "FN":
        for verdict in found:
            if verdict[0] == sort:
                return verdict
    return P if found else otherwise


class Lasting(NamedTuple):
    """What others did so that records last. `vouched`: how long after it was logged somebody outside vouched for each
    record, in hours, for those for which anybody did; `verified`: the records that a verification reached; `copies`:
    how many there are, all of them stated lately; `waited`: how long ago the others were logged, in hours.
    """

    vouched: Mapping[int, float]
    verified: Collection[int]
    copies: int
    waited: float


class Cells:
    """All checks of a month's records."""

    def __init__(
        self,
        known: Known,
        membership: Membership,
        sightings: Sightings,
        fields: Fields,
        fetched: bool,
        lasting: Lasting | None,
    ) -> None:
        self._known = known
        self._membership = membership
        self._sightings = sightings
        self._fields = fields
        self._fetched = fetched
        self._lasting = lasting

    def of(self, fact: Fact) -> tuple[str, ...]:
        """All verdicts, by the order of the checks."""
        return tuple(check(self, fact) for check in CHECKS.values())

    def resolves(self, fact: Fact) -> str:
        """C01: the account is one active person's, or a device's or service's that has a purpose."""
        if not self._known.maps_accounts(fact.source):
            return "N:no-identity-map"
        owner = self._known.owner(fact)
        if owner is None:
            return "N:order-unknown"
        return owner if owner.startswith("F") else P

    def in_one_place(self, fact: Fact) -> str:
        """C02: the terminal is known, and its user was at no other that is too far away."""
        if fact.workstation is None or fact.account is None:
            return "N:no-sessions"
        table = self._known.parameter("travel", fact)
        if table is None:
            return "N:no-travel-table"
        if self._known.spans[fact.number] is None:
            return "N:no-occurred-time"
        return "F:two-places" if self._sightings.elsewhere(fact, table["pairs"]) else P

    def legible(self, fact: Fact) -> str:
        """C03: every unit is one that the schema knows."""
        schema = self._known.parameter("schema", fact)
        if schema is None:
            return "N:no-schema"
        return P if all(one.unit is None or one.unit in schema["units"] for one in fact.changes) else "F:unit"

    def in_time(self, fact: Fact) -> str:
        """C04: written down neither too long after it happened nor before; in doubt it is taken to be in time."""
        limits = self._known.parameter("limits", fact)
        if limits is None:
            return "N:no-limit"
        if fact.instant is None:
            return "N:no-occurred-time"
        if fact.written is None:
            return "N:no-recorded-time"
        apart, doubt = fact.written - fact.instant, FINENESS[fact.precision] - 1
        if apart - doubt > limits["late_s"] * SECOND:
            return "F:late"
        return "F:early" if apart + doubt < -limits.get("early_s", 2) * SECOND else P

    def clock_known(self, fact: Fact) -> str:
        """C05: the source's clock was measured near the event, and was right."""
        limits = self._known.parameter("limits", fact)
        if limits is None:
            return "N:no-limit"
        at = measured_at(fact)
        if fact.clock is None or at is None:
            return "N:no-clock"
        span = self._known.spans[fact.number]
        low, high = (fact.moment, fact.moment) if span is None else span[:2]
        if max(low - at, at - high) > limits.get("clock_within_minutes", 60) * MINUTE:
            return "F:clock-old"
        error = abs(fact.clock.offset_us) - fact.clock.uncertainty_us
        return "F:clock-off" if error > limits.get("clock_tolerance_ms", 60_000) * 1_000 else P

    def original(self, fact: Fact) -> str:
        """C06: the record can be derived again from the bytes that the source gave, or is of a true copy."""
        if self._known.copied == fact.source and fact.original in ("foreign", None):
            return P
        return {"true": P, "other": "F:not-derived", "foreign": "N:no-parser", None: "N:no-original"}[fact.original]

    def accurate(self, fact: Fact) -> str:
        """C07: the value is one that can be, a total foots, and what else recorded it agrees."""
        rule = self._known.parameter("range", fact)
        wanted = self._known.parameter("corroboration", fact)
        found = [] if rule is None else [_plausible(one, rule) for one in _said(fact, rule["attribute"])]
        if not found:
            found.append("N:no-range")
        total = self._known.parameter("cross-footing", fact)
        if total is not None:
            found += [self._fields.foots(fact, one, total) for one in _said(fact, total["attribute"])]
        if wanted is not None:
            found += [self._fields.agrees(fact, one, wanted) for one in _said(fact, wanted["attribute"])]
        return worst(found, P)

    def complete_series(self, fact: Fact) -> str:
        """C08: no number of the source's is missing before it or given twice, or its count is what was told; and its
        companions are there.
        """
        return worst([self._fields.numbered(fact), *self._fields.companions(fact)], P)

    def complete_fields(self, fact: Fact) -> str:
        """C09: old and new value and a reason that says something, where the type asks for them."""
        profile = self._known.parameter("profile", fact)
        if profile is None:
            return "N:no-profile"
        if profile["old"] and any(one.old is UNSAID for one in fact.changes):
            return "F:old-missing"
        if profile["new"] and any(one.new is UNSAID for one in fact.changes):
            return "F:new-missing"
        if not profile["reason"]:
            return P
        if fact.reason is None or not fact.reason.strip():
            return "F:reason-missing"
        words = (self._known.parameter("vague-words", fact) or {"words": ()})["words"]
        said = fact.reason.strip().casefold()
        return "F:reason-vague" if said in {word.casefold() for word in words} else P

    def consistent(self, fact: Fact) -> str:
        """C10: it goes on from the last known value, in the order of the numbers, in unit and rounding as specified."""
        found = [self._fields.continues(fact, change) for change in fact.changes]
        found += self._fields.in_sequence(fact)
        rule = self._known.parameter("range", fact)
        if rule is not None:
            found += [_specified(one, rule) for one in _said(fact, rule["attribute"])]
        return worst(found, "N:no-previous")

    def enduring(self, fact: Fact) -> str:
        """C11: somebody outside vouched for it in time, it was verified, and copies of it were stated."""
        wanted, lasting = self._known.parameter("enduring", fact), self._lasting
        if wanted is None:
            return "N:no-limit"
        if lasting is None:
            return "N:no-anchor"
        after = lasting.vouched.get(fact.number)
        late = (lasting.waited if after is None else after) > wanted["anchor_hours"]
        found = ["F:not-anchored" if late else P if after is not None else "N:no-anchor"]
        found.append(P if fact.number in lasting.verified else "N:no-verification")
        if wanted["copies"]:
            few = "F:copies" if lasting.copies else "N:no-copies"
            found.append(P if lasting.copies >= wanted["copies"] else few)
        return worst(found, P)

    def available(self, fact: Fact) -> str:
        """C12: where somebody fetched records of all sources, they were there at once."""
        if self._known.parameter("available", fact) is None:
            return "N:no-limit"
        return P if self._fetched else "N:no-retrieval-test"

    def traceable(self, fact: Fact) -> str:
        """C13: a path leads to all that its type asks for: read, derived or resolved."""
        profile = self._known.parameter("profile", fact)
        if profile is None:
            return "N:no-profile"
        kinds = [LinkKind(kind) for kind in profile.get("links", ())]
        if profile.get("change_request"):
            kinds.append(LinkKind.CHANGE_REQUEST)
        return worst([self._reaches(fact, kind) for kind in kinds], P)

    def _reaches(self, fact: Fact, kind: LinkKind) -> str:
        if any(fact.linked(kind)):
            return P
        assets = self._known.assets[fact.number]
        if kind is LinkKind.EQUIPMENT:
            return P if assets else "F:unreachable-path"
        if kind is LinkKind.PERSON:
            return P if self.resolves(fact) == P else "F:unreachable-path"
        if kind is not LinkKind.BATCH:
            return "F:unreachable-path"
        if fact.number in self._membership.batches:
            return P
        ruled = all(self._membership.rule(asset, fact.moment) is not None for asset in assets)
        return "F:unreachable-path" if ruled else "N:no-batch-rule"


CHECKS: Final[Mapping[str, Callable[[Cells, Fact], str]]] = {
    "C01": Cells.resolves,
    "C02": Cells.in_one_place,
    "C03": Cells.legible,
    "C04": Cells.in_time,
    "C05": Cells.clock_known,
    "C06": Cells.original,
    "C07": Cells.accurate,
    "C08": Cells.complete_series,
    "C09": Cells.complete_fields,
    "C10": Cells.consistent,
    "C11": Cells.enduring,
    "C12": Cells.available,
    "C13": Cells.traceable,
}


def _said(fact: Fact, attribute: str) -> Iterator[Change]:
    """The changes of that attribute that tell a new value."""
    return (one for one in fact.changes if one.attribute == attribute and one.new is not UNSAID and one.new is not None)


def _plausible(change: Change, rule: dict[str, Any]) -> str:
    if rule["kind"] == "text":
        return P
    try:
        value = Decimal(str(change.new))
    except InvalidOperation:
        return "F:out-of-range"
    whole = rule["kind"] != "integer" or value == value.to_integral_value()
    low, high = rule.get("low"), rule.get("high")
    inside = (low is None or value >= Decimal(low)) and (high is None or value <= Decimal(high))
    return P if whole and inside else "F:out-of-range"


def _specified(change: Change, rule: dict[str, Any]) -> str:
    if rule.get("unit") is not None and change.unit != rule["unit"]:
        return "F:unit"
    places = len(str(change.new).partition(".")[2])
    return P if rule.get("decimals") in (None, places) else "F:decimals"
