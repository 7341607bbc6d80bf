"""Two of a hundred records reach their collector late, up to four days after they happened."""

import random

from tests.plant.model import DAY, MINUTE, Fact
from tests.plant.telling import Draft

SHOWS: dict[str, str] = {}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = draft.some(rng, 0.02)
    for fact in found:
        fact.delay += rng.randrange(10 * MINUTE, 4 * DAY)
    return found
