"""What sources that number nothing count of their records: rightly, and one of them wrongly."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from tests.plant.model import DAY, END, START, Count, Fact

COUNTING: Final = ("training", "cmms", "badges")
COUNTS: Final = 3
"""Of each source; some meet others."""


def counts(facts: Sequence[Fact], seed: int) -> list[Count]:
    """In the order in which they are made."""
    rng = random.Random(f"{seed}:counts")
    return [one for source in COUNTING for one in _of(source, facts, rng)]


def _of(source: str, facts: Sequence[Fact], rng: random.Random) -> Iterator[Count]:
    wrong = rng.randrange(COUNTS)
    instants = [fact.instant for fact in facts if fact.source == source and fact.instant is not None]
    for number in range(COUNTS):
        low = rng.randrange(START, END - 6 * DAY)
        high = low + rng.randrange(2 * DAY, 6 * DAY)
        there = sum(low <= one < high for one in instants)
        yield Count(source, low, high, there + (number == wrong))
