"""Which records belong to which batch: those that name it, and those of the equipment while the batch had it.

A batch has an asset from a START to the next STOP that name the asset and the batch or one of its orders; without a
stop, to the end. The time before counts too: back to the last record of a type that the rule of the asset's class
names, else so many seconds; and so the time after, to the next such record.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from ledger.core.record import Action, LinkKind, Outcome
from tests.plant.model import SECOND, Batch, Fact
from tests.plant.truth.known import Known, Span


class Belongs(NamedTuple):
    """How a record belongs to a batch: `read` or `derived`; before, during or after it had the equipment; and whether
    that is certain, whatever the clocks' errors.
    """

    basis: str
    phase: str
    certain: bool


READ = Belongs("read", "during", True)


class Window(NamedTuple):
    """A batch had an asset from `start` to `stop`; what is from `lead` to `tail` belongs to it. `edges`: the records
    that bound it.
    """

    asset: str
    lead: Span
    start: Span
    stop: Span | None
    tail: Span | None
    edges: frozenset[int]


class Membership:
    """All batches of a month with their records."""

    def __init__(self, known: Known) -> None:
        self._known = known

    @cached_property
    def of_batch(self) -> Mapping[str, dict[int, Belongs]]:
        """The records of each batch, by number."""
        found: dict[str, dict[int, Belongs]] = {batch.id: {} for batch in self._known.month.batches}
        for batch in self._known.month.batches:
            for window in self.windows(batch):
                for number, belongs in self._inside(window):
                    before = found[batch.id].get(number)
                    if before is None or _rank(belongs) > _rank(before):
                        found[batch.id][number] = belongs
        for fact in self._known.facts:
            for id_ in fact.linked(LinkKind.BATCH):
                found.setdefault(id_, {})[fact.number] = READ
        return found

    @cached_property
    def batches(self) -> Mapping[int, list[str]]:
        """The batches of each record that has any."""
        found: dict[int, list[str]] = defaultdict(list)
        for id_, members in self.of_batch.items():
            for number in members:
                found[number].append(id_)
        return found

    def windows(self, batch: Batch) -> list[Window]:
        """When the batch had which asset, with what belongs to it before and after."""
        found = []
        for asset, edges in self._edges(batch):
            opened: Fact | None = None
            for fact in edges:
                if fact.action is Action.START:
                    opened = opened or fact
                elif opened is not None:
                    found.append(self._window(asset, opened, fact))
                    opened = None
            if opened is not None:
                found.append(self._window(asset, opened, None))
        return found

    @cached_property
    def _bounding(self) -> Mapping[tuple[LinkKind, str], list[Fact]]:
        """The records that can bound an occupation, by the batch or order that they name."""
        found: dict[tuple[LinkKind, str], list[Fact]] = defaultdict(list)
        for fact in self._known.facts:
            if fact.action in (Action.START, Action.STOP) and fact.outcome is Outcome.SUCCESS:
                for link in fact.links:
                    found[link].append(fact)
        return found

    def _edges(self, batch: Batch) -> Iterator[tuple[str, list[Fact]]]:
        names = [(LinkKind.BATCH, batch.id), *((LinkKind.ORDER, order) for order in batch.orders)]
        told = {fact.number: fact for name in names for fact in self._bounding.get(name, ())}
        by_asset: dict[str, list[Fact]] = defaultdict(list)
        for fact in told.values():
            if self._known.spans[fact.number] is not None:
                for asset in fact.linked(LinkKind.EQUIPMENT):
                    by_asset[asset].append(fact)
        for asset in sorted(by_asset):
            yield asset, sorted(by_asset[asset], key=self._known.low)

    def _window(self, asset: str, start: Fact, stop: Fact | None) -> Window:
        first, last = self._span(start), None if stop is None else self._span(stop)
        rule = self.rule(asset, start.moment) or {}
        lead, leading = self._lead(asset, first, rule)
        tail, tailing = (None, None) if last is None else self._tail(asset, last, rule)
        edges = (one.number for one in (start, stop, leading, tailing) if one is not None)
        return Window(asset, lead, first, last, tail, frozenset(edges))

    def rule(self, asset: str, at: int) -> dict[str, Any] | None:
        """The rule of the class that the map gives an asset at an instant."""
        classes = {row.asset_class for row in self._known.rows_of(asset, at)} - {None}
        rules = (self._known.parameter_of("occupation", None, name, at) for name in sorted(map(str, classes)))
        return next((rule for rule in rules if rule is not None), None)

    def _lead(self, asset: str, start: Span, rule: dict[str, Any]) -> tuple[Span, Fact | None]:
        """The record may not have begun after the start, nor longer before than the rule allows."""
        types, longest = rule.get("before_types", ()), rule.get("before_max_s", 0) * SECOND
        for fact in reversed(self._near(asset, start.low - longest, start.low)):
            if fact.thing.type in types:
                return self._span(fact), fact
        lead = rule.get("lead_s", 0) * SECOND
        return Span(start.low - lead, start.high - lead, start.sure), None

    def _tail(self, asset: str, stop: Span, rule: dict[str, Any]) -> tuple[Span, Fact | None]:
        types, longest = rule.get("after_types", ()), rule.get("after_max_s", 0) * SECOND
        for fact in self._near(asset, stop.low, stop.low + longest):
            if fact.thing.type in types:
                return self._span(fact), fact
        tail = rule.get("tail_s", 0) * SECOND
        return Span(stop.low + tail, stop.high + tail, stop.sure), None

    def _near(self, asset: str, low: int, high: int) -> list[Fact]:
        """The dated records of an asset that may have begun from one instant to another."""
        facts = self._known.on_asset.get(asset, [])
        begin, end = bisect_left(facts, low, key=self._known.low), bisect_left(facts, high + 1, key=self._known.low)
        return facts[begin:end]

    def _inside(self, window: Window) -> Iterator[tuple[int, Belongs]]:
        lead, start, stop, tail = window.lead, window.start, window.stop, window.tail
        last = 2**60 if tail is None else tail.high
        for fact in self._near(window.asset, lead.low - self._known.widest, last):
            span = self._span(fact)
            if span.high < lead.low:
                continue
            phase = "during"
            if span.high < start.low:
                phase = "before"
            elif stop is not None and span.low > stop.high:
                phase = "after"
            certain = span.low >= lead.high and (tail is None or span.high <= tail.low)
            certain = certain and span.sure and lead.sure and (tail is None or tail.sure)
            yield fact.number, Belongs("derived", phase, certain or fact.number in window.edges)

    def _span(self, fact: Fact) -> Span:
        span = self._known.spans[fact.number]
        assert span is not None
        return span


def _rank(belongs: Belongs) -> tuple[bool, bool]:
    """Of two ways of belonging, the one that is certain tells more, then the one while the batch had the equipment."""
    return belongs.certain, belongs.phase == "during"


def orphans(known: Known, membership: Membership, low: int, high: int) -> list[int]:
    """The records of critical assets, from an instant to before another, that belong to no batch."""
    return [
        fact.number
        for fact in known.facts
        if low <= fact.moment < high and fact.number not in membership.batches and _critical(known, fact)
    ]


def _critical(known: Known, fact: Fact) -> bool:
    assets = known.assets[fact.number]
    return any(row.critical for asset in assets for row in known.rows_of(asset, fact.moment))
