"""Where each person was seen: whether somebody was at two places with less time between than the way takes."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import islice

from tests.plant.model import SECOND, Fact
from tests.plant.truth.known import Known


class Sightings:
    """By person, where the map tells whose an account is, else by account; only those that clocks place surely."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._ways: dict[int, tuple[object, dict[tuple[str, str], int]]] = {}

    @cached_property
    def _seen(self) -> Mapping[object, list[Fact]]:
        found: dict[object, list[Fact]] = defaultdict(list)
        for fact in self._known.facts:
            span = self._known.spans[fact.number]
            if fact.workstation is not None and fact.account is not None and span is not None and span.sure:
                found[self._who(fact)].append(fact)
        for facts in found.values():
            facts.sort(key=self._known.low)
        return found

    def _who(self, fact: Fact) -> object:
        owner = self._known.owner(fact)
        return owner if owner is not None and owner.startswith("P:") else (fact.source, fact.account)

    def elsewhere(self, fact: Fact, pairs: Iterable[tuple[str, str, int]]) -> bool:
        """Whether the same one was surely at a place too far away; `pairs`: two terminals and the seconds between."""
        span = self._known.spans[fact.number]
        if span is None or not span.sure:
            return False
        ways = self._table(pairs)
        longest = max(ways.values(), default=0)
        facts = self._seen[self._who(fact)]
        for other in islice(facts, bisect_left(facts, span.low - longest, key=self._known.low), None):
            where = self._known.spans[other.number]
            assert where is not None
            if where.low > span.high + longest:
                break
            way = ways.get((str(fact.workstation), str(other.workstation)), 0)
            if max(where.high - span.low, span.high - where.low) < way:
                return True
        return False

    def _table(self, pairs: Iterable[tuple[str, str, int]]) -> dict[tuple[str, str], int]:
        """The pairs both ways; made once of each parameter."""
        held = self._ways.get(id(pairs))
        if held is None:
            table = {}
            for one, other, seconds in pairs:
                table[one, other] = table[other, one] = seconds * SECOND
            held = self._ways[id(pairs)] = (pairs, table)
        return held[1]
