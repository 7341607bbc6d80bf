"""By which rules records of a package belong to its batch: the entries of these rules, and that what follows them does.

A rule (the parameter `occupation`) adds time before and after the batch had equipment. Checked is, from the bodies that
the package proves, that each interval is what its rule makes of the records that start and stop it, and that every
record that is derived lies in its interval as it is said to. It rests on `ledger.core` alone.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from ledger.core.clock import MICROSECONDS, parse_utc
from ledger.core.errors import IntegrityError
from ledger.core.instants import occurred
from ledger.core.looks import Span, looked
from ledger.core.parameters import Occupation, ParameterName, read
from ledger.core.record import Action, RecordBody
from reports.lines import EntryLine, Reason, RecordLine
from reports.reading import body_of

_BOUNDS: Final = frozenset({Action.START, Action.STOP})


class ParameterBody(msgspec.Struct, frozen=True, tag_field="schema", tag="parameter/1"):
    """What an entry sets."""

    name: str
    value: str | None


class _Interval(msgspec.Struct, frozen=True):
    """In which a batch had equipment, as records say that they belong by it."""

    started_by: int
    stopped_by: int | None
    after: str
    before: str | None
    rule: int | None


class _Told(msgspec.Struct):
    """Of the records of one phase of an interval: those that lie nearest to its ends, each with its entry."""

    earliest_low: tuple[int, int]
    latest_low: tuple[int, int]
    earliest_high: tuple[int, int]
    latest_high: tuple[int, int]


class OccupationRules:
    """The rules of a package. Memory holds intervals and their bounds, not records."""

    def __init__(self, said: int | None) -> None:
        """`said`: how many the package says that it holds; None: it is from before there were any, and nothing of them
        is checked.
        """
        self._said = said
        self._rules: dict[int, Occupation] = {}
        self._edges: dict[int, Span] = {}
        self._types: set[str] = set()
        self._bounds: set[tuple[str, int, int]] = set()
        self._told: dict[tuple[_Interval, str], _Told] = {}

    @property
    def complete(self) -> bool:
        """Whether there are as many as the package says."""
        return len(self._rules) == (self._said or 0)

    def enter(self, line: EntryLine) -> None:
        """Takes the entry of a rule; raises IntegrityError for one that sets none."""
        body: ParameterBody = body_of(line, ParameterBody)
        if body.name != ParameterName.OCCUPATION or body.value is None:
            raise IntegrityError("sets no rule of what belongs to a batch")
        rule = read(ParameterName.OCCUPATION, body.value)
        assert isinstance(rule, Occupation)
        self._rules[line.index] = rule
        self._types |= {*rule.before_types, *rule.after_types}

    def record(self, line: RecordLine, body: RecordBody) -> None:
        """Takes a record; raises IntegrityError for one that is derived by a rule that is not there, or lies outside
        its interval.
        """
        if self._said is None:
            return
        span = occurred(body) or looked(body)
        if span is not None:
            if body.record.action in _BOUNDS:
                self._edges[line.index] = span
            if body.record.object.type in self._types:
                self._bounds.add((body.record.object.type, span.low_us, span.high_us))
        if line.why is not None:
            self._derived(line.index, line.why, span)

    def _derived(self, index: int, why: Reason, span: Span | None) -> None:
        if why.rule is not None and why.rule not in self._rules:
            raise IntegrityError(f"follows the rule in entry {why.rule}, which the package does not hold")
        if span is None:
            raise IntegrityError("is to have happened in an interval, and nothing says when it did")
        low, high = parse_utc(why.after), None if why.before is None else parse_utc(why.before)
        if span.high_us < low or (high is not None and span.low_us > high):
            raise IntegrityError("happened outside the interval by which it is to belong")
        interval = _Interval(why.started_by, why.stopped_by, why.after, why.before, why.rule)
        first, last = (span.low_us, index), (span.high_us, index)
        known = self._told.setdefault((interval, why.phase), _Told(first, first, last, last))
        known.earliest_low, known.latest_low = min(known.earliest_low, first), max(known.latest_low, first)
        known.earliest_high, known.latest_high = min(known.earliest_high, last), max(known.latest_high, last)

    def wrong(self) -> Iterator[tuple[int, str]]:
        """What does not hold once all records went by: the entry, and why."""
        for (interval, phase), told in sorted(self._told.items(), key=lambda one: one[1].earliest_low[1]):
            start = self._edges.get(interval.started_by)
            stop = None if interval.stopped_by is None else self._edges.get(interval.stopped_by)
            if start is None or (stop is None and interval.stopped_by is not None):
                continue  # that these are the start and the stop is checked of itself
            index = told.earliest_low[1]
            rule = Occupation() if interval.rule is None else self._rules[interval.rule]
            if not self._leads(rule, start, parse_utc(interval.after)):
                yield index, "belongs from a moment on that neither its rule nor a record of the package gives"
            if (interval.before is None) is not (stop is None) or (
                stop is not None and not self._trails(rule, stop, parse_utc(interval.before or ""))
            ):
                yield index, "belongs up to a moment that neither its rule nor a record of the package gives"
            yield from _misplaced(phase, told, start, stop)

    def _leads(self, rule: Occupation, start: Span, low_us: int) -> bool:
        """Whether what belongs can begin then: so many seconds before, or with a record of a sort that is named."""
        if low_us == start.low_us - rule.lead_s * MICROSECONDS:
            return True
        reach = start.low_us - rule.before_max_s * MICROSECONDS
        return any(
            kind in rule.before_types and low == low_us and reach <= low <= start.low_us
            for kind, low, _ in self._bounds
        )

    def _trails(self, rule: Occupation, stop: Span, high_us: int) -> bool:
        if high_us == stop.high_us + rule.tail_s * MICROSECONDS:
            return True
        reach = stop.low_us + rule.after_max_s * MICROSECONDS
        return any(
            kind in rule.after_types and high == high_us and stop.low_us <= low <= reach
            for kind, low, high in self._bounds
        )


def _misplaced(phase: str, told: _Told, start: Span, stop: Span | None) -> Iterator[tuple[int, str]]:
    if phase == "before" and told.latest_high[0] >= start.low_us:
        yield told.latest_high[1], "is said to have happened before the equipment was had, and did not"
    elif phase == "after" and (stop is None or told.earliest_low[0] <= stop.high_us):
        yield told.earliest_low[1], "is said to have happened after the equipment was had, and did not"
    elif phase == "during":
        if told.earliest_high[0] < start.low_us:
            yield told.earliest_high[1], "is said to have happened while the equipment was had, and was before"
        if stop is not None and told.latest_low[0] > stop.high_us:
            yield told.latest_low[1], "is said to have happened while the equipment was had, and was after"
