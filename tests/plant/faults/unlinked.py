"""One of a hundred records about a batch on equipment does not name the batch."""

import random

from ledger.core.record import LinkKind
from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS: dict[str, str] = {}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    pool = [
        fact
        for fact in draft.lanes["mes"].facts
        if fact.thing.type in ("step-value", "weighing") and len(fact.links) > 1
    ]
    found = rng.sample(pool, max(2, len(pool) // 100))
    for fact in found:
        fact.links = tuple(link for link in fact.links if link[0] is not LinkKind.BATCH)
    return found
