"""A controller starts anew and counts from its beginning, under another name of the series."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS: dict[str, str] = {}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = [fact for fact in rng.sample(draft.lanes["plc"].facts[1:], 2) if fact.skipped == 0]
    for fact in found:
        fact.restarts = True
    return found
