"""Records whose original nobody kept."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C06": "N:no-original"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = draft.some(rng, 0.003, "training", "cmms", "plc")
    for fact in found:
        fact.original = None
    return found
