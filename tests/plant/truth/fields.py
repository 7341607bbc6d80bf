"""What one record is against others of its source or of another: its number, its companions, the value before."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from tests.plant.model import SECOND, UNSAID, Change, Count, Fact, Link, Thing
from tests.plant.truth.coverage import Coverage
from tests.plant.truth.known import UNDATED, Known, Span


class Fields:
    """All records of a month against each other."""

    def __init__(self, known: Known, coverage: Coverage) -> None:
        self._known = known
        self._coverage = coverage

    def numbered(self, fact: Fact) -> str:
        """Whether its number follows that of the record before in the series, and is not given again after."""
        rule = self._known.parameter("sequence", fact)
        if rule is None or rule["policy"] == "none" or fact.sequence is None:
            return self._counted(fact)
        before = self._known.before_it[fact.number]
        after = self._known.after_it.get(fact.number)
        if before is not None and before.sequence is not None:
            step = fact.sequence - before.sequence
            step = step if rule.get("wraps") is None else step % rule["wraps"]
            if step not in (0, 1):
                return "F:gap"
        twice = [one for one in (before, after) if one is not None and one.sequence == fact.sequence]
        return "F:duplicate" if twice else "P"

    def _counted(self, fact: Fact) -> str:
        """Whether the last count of its source that it is in is what was told."""
        for count in reversed(self._known.month.counts):
            if fact.source == count.source and fact.instant is not None and count.low <= fact.instant < count.high:
                return "P" if count.told == self._there[count] else "F:count-differs"
        return "N:no-sequence"

    @cached_property
    def _there(self) -> Mapping[Count, int]:
        """How many were told of what each count is of."""
        counts = self._known.month.counts
        told = [(one.source, one.instant) for one in self._known.facts if one.source in {of.source for of in counts}]
        return {
            count: sum(
                source == count.source and instant is not None and count.low <= instant < count.high
                for source, instant in told
            )
            for count in counts
        }

    def companions(self, fact: Fact) -> Iterator[str]:
        """For each companion that its type asks for, whether it is there; it shares a link with the record."""
        profile = self._known.parameter("profile", fact) or {}
        for wanted in profile.get("companions", ()):
            yield self._companion(fact, wanted)

    def _companion(self, fact: Fact, wanted: dict[str, Any]) -> str:
        within = wanted["within_s"] * SECOND
        span = self._span(fact)
        for link in fact.links:
            for other in self._linking.get((wanted["source"], wanted["object_type"], link), ()):
                place = self._span(other)
                if other is not fact and max(place.low - span.high, span.low - place.high) <= within:
                    return "P"
        covered = self._coverage.covers(wanted["source"], span.low - within, span.high + within + 1)
        return "F:companion-missing" if covered else "N:not-covered"

    @cached_property
    def _linking(self) -> Mapping[tuple[str, str, Link], list[Fact]]:
        found: dict[tuple[str, str, Link], list[Fact]] = defaultdict(list)
        for fact in self._known.facts:
            for link in fact.links:
                found[fact.source, fact.thing.type, link].append(fact)
        return found

    def continues(self, fact: Fact, change: Change) -> str:
        """Whether the old value is the new one of the change before."""
        steps = self._steps[fact.source, fact.thing, change.attribute]
        near = self._near(steps, fact)
        order = [self._known.first(fact, other) for other in near]
        earlier = [other for other, first in zip(near, order, strict=True) if first is other]
        if not earlier:
            # Nothing that can meet it was before it: the last of those that lie wholly before it.
            place = bisect_left(steps, self._known.low(fact) - self._known.widest, key=self._known.low)
            earlier = steps[max(0, place - 1) : place]
        last = self._last(steps, earlier, fact)
        if None in order or change.gap or (earlier and last is None):
            return "N:order-unknown"
        if last is None or change.old is UNSAID:
            return "N:no-previous"
        before = next(one for one in reversed(last.changes) if one.attribute == change.attribute)
        if before.new is UNSAID:
            return "N:no-previous"
        return "P" if before.new == change.old else "F:broken-continuity"

    def _near(self, steps: list[Fact], fact: Fact) -> list[Fact]:
        """The other steps whose spans can meet that of this one; to an undated one all are near, as it is to all."""
        span = self._known.spans[fact.number]
        if span is None:
            return [other for other in steps if other is not fact]
        widest = self._known.widest
        begin = bisect_left(steps, span.low - widest, key=self._known.low)
        end = bisect_left(steps, span.high + 1, key=self._known.low)
        undated = bisect_left(steps, UNDATED, key=self._known.low)
        return [other for other in steps[begin:end] + steps[undated:] if other is not fact]

    def _last(self, steps: list[Fact], earlier: list[Fact], fact: Fact) -> Fact | None:
        """Of those before it the one that all others are before; None where there is none or that is unknown."""
        if not earlier:
            return None
        first, latest = self._known.first, earlier[0]
        for one in earlier[1:]:
            latest = latest if first(one, latest) is one else one
        rivals = (other for other in self._near(steps, latest) if other is not fact and first(fact, other) is not fact)
        return latest if all(first(other, latest) is other for other in rivals) else None

    @cached_property
    def _steps(self) -> Mapping[tuple[str, Thing, str], list[Fact]]:
        """The records that change each field, in the order of when they may have begun; undated ones last."""
        found: dict[tuple[str, Thing, str], list[Fact]] = defaultdict(list)
        for (source, thing), facts in self._known.of_thing.items():
            for fact in facts:
                for change in fact.changes:
                    found[source, thing, change.attribute].append(fact)
        return found

    def in_sequence(self, fact: Fact) -> Iterator[str]:
        """Whether its time is not before that of the record with the number before; nothing where none of that is.

        Both are as fine as their source writes them, so the earlier text is the earlier instant.
        """
        before = self._known.before_it[fact.number]
        if before is None or self._known.wraps(fact) is not None:
            return
        for own, other in ((fact.written, before.written), (fact.instant, before.instant)):
            if own is not None and other is not None:
                yield "F:out-of-sequence" if own < other else "P"
                return

    def agrees(self, fact: Fact, change: Change, wanted: dict[str, Any]) -> str:
        """Whether the other source tells the same, or nearly so, of that time; the attribute has one name in both."""
        within, span = wanted["within_s"] * SECOND, self._known.spans[fact.number]
        told = []
        for other in () if span is None else self._tagged.get((wanted["source"], wanted["tag"]), ()):
            place = self._known.spans[other.number]
            if span is not None and place is not None and max(place.low - span.high, span.low - place.high) <= within:
                told += [one.new for one in other.changes if one.attribute == wanted["attribute"]]
        if not told:
            return "N:no-corroboration"
        try:
            apart = min(abs(Decimal(str(value)) - Decimal(str(change.new))) for value in told)
        except InvalidOperation:
            return "F:differs"
        return "P" if apart <= Decimal(wanted["tolerance"]) else "F:differs"

    def foots(self, fact: Fact, change: Change, rule: dict[str, Any]) -> str:
        """Whether a total is what stood in its parts before it; they share a link with it."""
        parts, name = rule["parts"], rule["parts"].get("attribute")
        if not any(kind == parts["link"] for kind, _ in fact.links):
            return "N:no-parts"
        objects: dict[Thing, list[Fact]] = defaultdict(list)
        for other in self._parts(fact, parts):
            first = self._known.first(fact, other)
            if first is None:
                return "N:order-unknown"
            if first is other:
                objects[other.thing].append(other)
        stood = [self._latest(steps) for steps in objects.values()]
        values = [of.new for one in stood if one for of in one.changes if of.attribute == name]
        if None in stood:
            return "N:order-unknown"
        found = len(stood) if name is None else sum(Decimal(str(one)) for one in values)
        agrees = abs(Decimal(str(change.new)) - found) <= Decimal(rule.get("tolerance", "0"))
        if agrees and stood:
            return "P"
        span, within = self._span(fact), parts["within_s"] * SECOND
        if not self._coverage.covers(parts["source"], span.low - within, span.high + 1):
            return "N:not-covered"
        return "P" if agrees else "F:not-footing"

    def _parts(self, fact: Fact, parts: dict[str, Any]) -> Iterator[Fact]:
        span, within = self._span(fact), parts["within_s"] * SECOND
        for link in (link for link in fact.links if link[0] == parts["link"]):
            for other in self._linking.get((parts["source"], parts["object_type"], link), ()):
                place = self._span(other)
                if max(place.low - span.high, span.low - place.high) <= within:
                    yield other

    def _span(self, fact: Fact) -> Span:
        return self._known.spans[fact.number] or Span(fact.moment, fact.moment, False)

    def _latest(self, steps: list[Fact]) -> Fact | None:
        """The one that all others were before."""
        first = self._known.first
        return next((one for one in steps if all(one is of or first(one, of) is of for of in steps)), None)

    @cached_property
    def _tagged(self) -> Mapping[tuple[str, str], list[Fact]]:
        found: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        for (source, thing), facts in self._known.of_thing.items():
            found[source, thing.id] += facts
        return found
