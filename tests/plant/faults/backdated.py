"""Someone enters work of hours or days ago by hand: it was written down long after it is said to have happened."""

import random

from tests.plant.model import HOUR, START, Fact
from tests.plant.telling import Draft

SHOWS = {"C04": "F:late"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = [fact for fact in draft.some(rng, 0.003, "mes", "lims") if fact.at > START + 60 * HOUR]
    for fact in found:
        assert fact.claimed is not None
        fact.claimed -= rng.randrange(3, 50) * HOUR
    return found
