"""Results that tell of another number of injections than there were."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C07": "F:not-footing"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    pool = [fact for fact in draft.lanes["lims"].facts if len(fact.changes) > 1]
    found = rng.sample(pool, max(8, len(pool) // 50))
    for fact in found:
        assay, injections = fact.changes
        fact.changes = (assay, injections._replace(new="3"))
    return found
