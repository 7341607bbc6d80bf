"""What is known of a month at a glance: when each record happened, whose its account was, where its object belongs.

Written from the sentences of the requirements, over the model's own objects; nothing here reads a ledger.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Any, Final, NamedTuple

from ledger.core.clock import parse_utc
from ledger.core.record import ActorKind, LinkKind
from tests.plant.model import AccountRow, Fact, Month, Parameter, PlaceRow, Thing
from tests.plant.texts import FINENESS

UNDATED: Final = 2**62
"""Later than all instants: undated records come last."""


class Span(NamedTuple):
    """It happened somewhere from `low` to `high`, both included; `sure`: its clock was measured, or looks bound it."""

    low: int
    high: int
    sure: bool


Owner = str
"""`P:` and a person's id, or `F:` and why the account is no one's."""


def span_of(fact: Fact) -> Span | None:
    """When it happened as far as can be told: the claim, corrected by the measured clock; or the two looks."""
    if fact.look is not None:
        return Span(*fact.look, True)
    claimed = fact.instant
    if claimed is None:
        return None
    last = claimed + FINENESS[fact.precision] - 1
    if fact.clock is None:
        return Span(claimed, last, False)
    error, doubt = fact.clock.offset_us, fact.clock.uncertainty_us
    return Span(claimed - error - doubt, last - error + doubt, True)


class Known:
    """A month with what can be told of each of its records alone. Lists are by the records' numbers."""

    def __init__(self, month: Month, corrected: bool) -> None:
        self.month = month
        self.facts = month.facts
        maps = month.maps.corrected() if corrected else month.maps
        self.copied = month.copied if corrected else None
        self._accounts: dict[tuple[str, str], list[AccountRow]] = defaultdict(list)
        for account in maps.accounts:
            self._accounts[account.source, account.account].append(account)
        self._mapped = {row.source for row in maps.accounts}
        self._places: dict[tuple[str, str], list[PlaceRow]] = defaultdict(list)
        self._of_equipment: dict[str, dict[tuple[object, ...], PlaceRow]] = defaultdict(dict)
        for place in maps.places:
            self._places[place.source, place.tag].append(place)
            if place.equipment is not None:
                # An asset's many tags mostly say the same of it.
                says = (place.asset_class, place.critical, place.since, place.until)
                self._of_equipment[place.equipment][says] = place
        self._parameters: dict[str, list[Parameter]] = defaultdict(list)
        for parameter in month.parameters:
            self._parameters[parameter.name].append(parameter)
        self._chosen: dict[tuple[str, str | None, str | None], list[tuple[float, dict[str, Any]]]] = {}

    @cached_property
    def spans(self) -> list[Span | None]:
        """When each record happened."""
        return [span_of(fact) for fact in self.facts]

    @cached_property
    def widest(self) -> int:
        """The longest span of all records."""
        return max((span.high - span.low for span in self.spans if span is not None), default=0)

    @cached_property
    def assets(self) -> list[tuple[str, ...]]:
        """The assets that each record concerns: by its links, by its object's tag, by its rooms."""
        return [self._assets(fact) for fact in self.facts]

    def _assets(self, fact: Fact) -> tuple[str, ...]:
        found = dict.fromkeys(fact.linked(LinkKind.EQUIPMENT))
        for tag in (fact.thing.id, *fact.linked(LinkKind.LOCATION)):
            place = self.place(fact.source, tag, fact.moment)
            if place is not None and place.equipment is not None:
                found[place.equipment] = None
        return tuple(found)

    @cached_property
    def on_asset(self) -> Mapping[str, list[Fact]]:
        """The records that concern each asset, in the order of when they may have begun; the undated ones last."""
        found: dict[str, list[Fact]] = defaultdict(list)
        for fact in self.facts:
            for asset in self.assets[fact.number]:
                found[asset].append(fact)
        for facts in found.values():
            facts.sort(key=self.low)
        return found

    @cached_property
    def of_thing(self) -> Mapping[tuple[str, Thing], list[Fact]]:
        """The records of each object of each source, in the order of when they may have begun; undated ones last."""
        found: dict[tuple[str, Thing], list[Fact]] = defaultdict(list)
        for fact in self.facts:
            found[fact.source, fact.thing].append(fact)
        for facts in found.values():
            facts.sort(key=self.low)
        return found

    @cached_property
    def before_it(self) -> list[Fact | None]:
        """The record before in the same series of the source's numbers: of numbers that only grow the one with the
        number before, whenever it was given; of a counter that begins again the one that was given before.
        """
        found: list[Fact | None] = [None] * len(self.facts)
        growing: dict[tuple[str, str], list[tuple[int, int, int]]] = defaultdict(list)
        for one, other in pairwise(self.facts):
            if one.source == other.source and one.series is not None and one.series == other.series:
                found[other.number] = one
        for fact in self.facts:
            if fact.series is not None and fact.sequence is not None and self.wraps(fact) is None:
                growing[fact.source, fact.series].append((fact.sequence, fact.moment, fact.number))
        for series in growing.values():
            numbers = [number for *_, number in sorted(series)]
            for before, number in zip([None, *numbers], numbers, strict=False):
                found[number] = None if before is None else self.facts[before]
        return found

    @cached_property
    def after_it(self) -> Mapping[int, Fact]:
        """The record after in the same series, by the number of the one before."""
        return {before.number: self.facts[at] for at, before in enumerate(self.before_it) if before is not None}

    @cached_property
    def _lows(self) -> list[int]:
        return [UNDATED if span is None else span.low for span in self.spans]

    def low(self, fact: Fact) -> int:
        """The earliest instant at which it can have happened; of an undated one `UNDATED`."""
        return self._lows[fact.number]

    def first(self, one: Fact, other: Fact) -> Fact | None:
        """Which of the two happened first; None where that cannot be told.

        Known: spans that do not meet; two claims by one clock under one measurement, whose error is the same; numbers
        of one series that never begins again.
        """
        a, b = self.spans[one.number], self.spans[other.number]
        if a is not None and b is not None:
            if a.high < b.low:
                return one
            if b.high < a.low:
                return other
        if one.source != other.source:
            return None
        if one.instant is not None and other.instant is not None and one.clock == other.clock:
            if one.instant + FINENESS[one.precision] <= other.instant:
                return one
            if other.instant + FINENESS[other.precision] <= one.instant:
                return other
        if one.sequence is None or other.sequence is None or one.series != other.series or self.wraps(one) is not None:
            return None
        return one if one.sequence < other.sequence else other if other.sequence < one.sequence else None

    def wraps(self, fact: Fact) -> Any:
        """After how many numbers the source's counter begins again; None: never."""
        rule = self.parameter("sequence", fact)
        return None if rule is None else rule.get("wraps")

    def owner(self, fact: Fact) -> Owner | None:
        """Whose the account was; None where that turns on which instant of its span it happened at."""
        if fact.account is None:
            return "F:unmapped"
        span = self.spans[fact.number] or Span(fact.moment, fact.moment, True)
        rows = self._accounts.get((fact.source, fact.account))
        if rows is None:
            return "F:service-without-purpose" if fact.kind is ActorKind.SERVICE else "F:unmapped"
        one, other = (_owner(rows, at, fact.kind) for at in span[:2])
        return one if one == other else None

    def maps_accounts(self, source: str) -> bool:
        """Whether there is an identity map of that source at all."""
        return source in self._mapped

    def place(self, source: str, tag: str, at: int) -> PlaceRow | None:
        """Where a tag belonged at an instant; of rows that hold at once the latest start counts."""
        rows = self._places.get((source, tag))
        if rows is None:
            return None
        return max((row for row in rows if _holds(row, at)), key=lambda row: row.since, default=None)

    def rows_of(self, equipment: str, at: int) -> list[PlaceRow]:
        """What the map says of an asset's class at an instant, once each."""
        return [row for row in self._of_equipment.get(equipment, {}).values() if _holds(row, at)]

    def parameter(self, name: str, fact: Fact) -> dict[str, Any] | None:
        """What holds for a record: of its source and type before its source, before its type, before all; the latest
        that applies by then.
        """
        return self.parameter_of(name, fact.source, fact.thing.type, fact.moment)

    def parameter_of(self, name: str, source: str | None, type_: str | None, at: int) -> dict[str, Any] | None:
        """`parameter` for a source and type at an instant."""
        key = (name, source, type_)
        chosen = self._chosen.get(key)
        if chosen is None:
            fitting = [
                one
                for one in self._parameters.get(name, ())
                if one.source in (None, source) and one.type in (None, type_)
            ]
            fitting.sort(key=lambda one: (one.source is None, one.type is None, -_applies(one)))
            chosen = self._chosen[key] = [(_applies(one), one.value) for one in fitting]
        for since, value in chosen:
            if since <= at:
                return value
        return None


def _applies(parameter: Parameter) -> float:
    return float("-inf") if parameter.applies is None else parameter.applies


def _holds(row: AccountRow | PlaceRow, at: int) -> bool:
    return row.since <= at and (row.until is None or at < row.until)


def _owner(rows: list[AccountRow], at: int, kind: ActorKind) -> Owner:
    """An account of several persons at once is shared, whether or not the map says so."""
    held = [row for row in rows if _holds(row, at)]
    if not held:
        return "F:inactive"
    person = held[0].person
    if any(row.shared or row.person != person for row in held):
        return "F:shared-account"
    if person is None:
        return "F:service-without-purpose" if kind is ActorKind.SERVICE else "F:inactive"
    return f"P:{person}"


def measured_at(fact: Fact) -> int | None:
    """When the clock of its source was measured."""
    return None if fact.clock is None else parse_utc(fact.clock.measured_at)
