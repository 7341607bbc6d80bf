"""Values with fewer places than their specification asks, or in another unit."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C10": "F:decimals"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    results = [fact for fact in draft.lanes["lims"].facts if fact.thing.type == "result" and fact.changes]
    found = rng.sample(results, max(3, len(results) // 100))
    for fact in found:
        change = fact.changes[0]
        fact.changes = (change._replace(new=str(change.new).partition(".")[0]),)
    return found
