"""Someone changed a value past the trail: the next change begins from another value than the last one ended at."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C10": "F:broken-continuity"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    first: set[object] = set()
    later = []
    for fact in draft.lanes["dcs"].facts:
        if fact.thing.type == "setpoint":
            later += [fact] if fact.thing in first else []
            first.add(fact.thing)
    found = rng.sample(later, max(2, len(later) // 500))
    for fact in found:
        fact.changes = (fact.changes[0]._replace(old="11.11"),)
    return found
