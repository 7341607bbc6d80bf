"""When a batch had an asset, and what belongs to it of the time before and after, by the rule of the asset's class.

The time before reaches back to the last record of a sort that the rule (`occupation`) names, such as a line clearance,
else so many seconds; so the time after, to the first such record. Without a rule nothing is added.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cached_property

import msgspec

from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.looks import Span, within
from ledger.core.parameters import Occupation as Rule
from ledger.core.parameters import ParameterName, most_specific
from ledger.core.record import Action
from ledger.sources.parameters import Held, ever
from ledger.trace.assets import Assets
from ledger.trace.bodies import Placed, bodies, placed


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """One end of an occupation: the entry that says so, when that was, and the moment by which maps are asked."""

    index: int
    span: Span
    moment_us: int


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Where the time begins, or ends, that belongs to a batch: at this entry, or (None) so many seconds away."""

    span: Span
    entry: int | None = None


class Occupation(msgspec.Struct, frozen=True, kw_only=True):
    """The batch had this equipment from `start` to `stop`; without a stop, still at the size that was read.

    What happened from `lead` to `tail` belongs to it, by parameter entry `rule` (None: there is none).
    """

    equipment: str
    start: Edge
    stop: Edge | None
    lead: Reach
    tail: Reach | None
    rule: int | None = None

    @property
    def low_us(self) -> int:
        """The first instant at which what belongs to it can have happened."""
        return self.lead.span.low_us

    @property
    def high_us(self) -> int | None:
        """The last one; None: without end."""
        return None if self.tail is None else self.tail.span.high_us


class Phase(StrEnum):
    """Whether it happened before, while or after the batch had the equipment."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


class Why(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a record is derived to belong: the equipment, the entries that bound its occupation, and the interval (UTC
    texts) in which what happened belongs to the batch, with the time before and after that `rule` adds.

    `before` and `stopped_by` are absent while the equipment is still occupied. `certain` is false where the record may
    as well lie outside: the clocks' uncertainties, or the precision of the times, do not tell. `partly`: it happened
    between two looks, and the time between them lies in the interval only in part; such a record is never certain.
    `tag`: the asset map has this tag or room of the record stand for the equipment; None: the record links to it.
    """

    equipment: str
    started_by: int
    after: str
    stopped_by: int | None = None
    before: str | None = None
    certain: bool = True
    partly: bool = False
    phase: Phase = Phase.DURING
    rule: int | None = None
    tag: str | None = None

    @property
    def weight(self) -> tuple[bool, bool, bool]:
        """Of two reasons the one that weighs more is given."""
        return self.certain, self.phase is Phase.DURING, not self.partly


class Windows:
    """Gives occupations the time before and after; one a snapshot."""

    def __init__(self, assets: Assets) -> None:
        self.assets = assets
        self._made: dict[tuple[str, int, int | None], Occupation] = {}

    def of(self, equipment: str, start: Edge, stop: Edge | None) -> Occupation:
        """The occupation from one entry to another, with what belongs to it before and after."""
        key = (equipment, start.index, None if stop is None else stop.index)
        if key not in self._made:
            held = self._rule(equipment, start.moment_us)
            rule = held.value if held is not None and isinstance(held.value, Rule) else Rule()
            self._made[key] = Occupation(
                equipment=equipment,
                start=start,
                stop=stop,
                lead=self._lead(equipment, start.span, rule),
                tail=None if stop is None else self._tail(equipment, stop.span, rule),
                rule=None if held is None else held.entry,
            )
        return self._made[key]

    @cached_property
    def farthest_us(self) -> int:
        """No rule adds more time than this, before or after."""
        rules = [held.value for held in self._rules if isinstance(held.value, Rule)]
        longest = (max(one.lead_s, one.tail_s, one.before_max_s, one.after_max_s) for one in rules)
        return max(longest, default=0) * MICROSECONDS

    @cached_property
    def _rules(self) -> list[Held]:
        assets = self.assets
        return [held for held in ever(assets.connection, assets.log, ParameterName.OCCUPATION) if held.at(assets.size)]

    def _rule(self, equipment: str, at_us: int) -> Held | None:
        """The rule of the class that the map gives the equipment; of several classes the first that has one."""
        found = (most_specific(self._rules, None, name, at_us) for name in self.assets.classes(equipment, at_us))
        return next((held for held in found if held is not None), None)

    def _lead(self, equipment: str, start: Span, rule: Rule) -> Reach:
        """Back to the last record of a sort that the rule names, if it can have begun by then and within its reach."""
        low = start.low_us - rule.before_max_s * MICROSECONDS
        last = max(self._named(equipment, low, start.low_us, rule.before_types), default=None)
        return _shifted(start, -rule.lead_s) if last is None else _reach(last)

    def _tail(self, equipment: str, stop: Span, rule: Rule) -> Reach:
        high = stop.low_us + rule.after_max_s * MICROSECONDS
        first = min(self._named(equipment, stop.low_us, high, rule.after_types), default=None)
        return _shifted(stop, rule.tail_s) if first is None else _reach(first)

    def _named(
        self, equipment: str, low_us: int, high_us: int, types: tuple[str, ...]
    ) -> Iterator[tuple[int, int, int, bool]]:
        """The records of these sorts that may have begun between the instants: span, entry, whether it is measured."""
        if not types:
            return
        near = {one.entry for one in self.assets.around(equipment, low_us, high_us, types)}
        for index, body in bodies(self.assets.connection, self.assets.log, sorted(near)):
            found = placed(body)
            if found is not None and low_us <= found.span.low_us <= high_us:
                yield found.span.low_us, found.span.high_us, index, found.span.measured


def paired(edges: Iterable[tuple[Action, Edge]]) -> tuple[list[tuple[Edge, Edge | None]], list[int]]:
    """Starts and stops in time order: a start opens, the next stop closes; a start within is part of the same.

    Then the entries of those stops that close nothing.
    """
    found: list[tuple[Edge, Edge | None]] = []
    unmatched: list[int] = []
    start: Edge | None = None
    for action, edge in sorted(edges, key=lambda pair: (pair[1].span.low_us, pair[1].index)):
        if action is Action.START:
            start = start or edge
        elif start is None:
            unmatched.append(edge.index)
        else:
            found.append((start, edge))
            start = None
    return ([*found, (start, None)] if start is not None else found), unmatched


def overlaps(span: Span, occupation: Occupation) -> bool:
    """Whether what happened in a span can lie in the time that belongs to an occupation."""
    high = occupation.high_us
    return span.high_us >= occupation.low_us and (high is None or span.low_us <= high)


def why(index: int, place: Placed, occupation: Occupation, tag: str | None) -> Why | None:
    """Why a record of the equipment belongs to an occupation; None where it cannot have happened in its time.

    An entry that bounds the time belongs to it for certain.
    """
    span, start, stop, tail = place.span, occupation.start, occupation.stop, occupation.tail
    if not overlaps(span, occupation):
        return None
    low, high = occupation.low_us, occupation.high_us
    phase = Phase.DURING
    if span.high_us < start.span.low_us:
        phase = Phase.BEFORE
    elif stop is not None and span.low_us > stop.span.high_us:
        phase = Phase.AFTER
    bounds = [occupation.lead.span] if tail is None else [occupation.lead.span, tail.span]
    certain = within(span, bounds[0].high_us, None if tail is None else tail.span.low_us)
    certain = certain and all(one.measured for one in (span, *bounds))
    edges = (start.index, None if stop is None else stop.index, occupation.lead.entry, tail and tail.entry)
    return Why(
        equipment=occupation.equipment,
        started_by=start.index,
        after=utc_text(low),
        stopped_by=None if stop is None else stop.index,
        before=None if high is None else utc_text(high),
        certain=certain or index in edges,
        partly=place.between and not within(span, low, high),
        phase=phase,
        rule=occupation.rule,
        tag=tag or None,
    )


def _shifted(edge: Span, seconds: int) -> Reach:
    by = seconds * MICROSECONDS
    return Reach(span=Span(low_us=edge.low_us + by, high_us=edge.high_us + by, measured=edge.measured))


def _reach(named: tuple[int, int, int, bool]) -> Reach:
    low, high, index, measured = named
    return Reach(span=Span(low_us=low, high_us=high, measured=measured), entry=index)
