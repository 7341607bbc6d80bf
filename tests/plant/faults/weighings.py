"""What was entered is not what the scale told."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C07": "F:differs"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    pool = [fact for fact in draft.lanes["mes"].facts if fact.thing.type == "weighing"]
    found = rng.sample(pool, max(3, len(pool) // 100))
    for fact in found:
        change = fact.changes[0]
        fact.changes = (change._replace(new=f"{float(str(change.new)) + 1.5:.2f}"),)
    return found
