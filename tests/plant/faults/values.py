"""Values that cannot be."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C07": "F:out-of-range"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    pool = [fact for fact in draft.lanes["mes"].facts if fact.thing.type == "step-value"]
    found = rng.sample(pool, max(3, len(pool) // 200))
    for fact in found:
        fact.changes = (fact.changes[0]._replace(new="71.0"),)
    return found
