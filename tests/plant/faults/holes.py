"""Numbers of a source's sequence are missing: records that never came."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C08": "F:gap"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = []
    for name in ("mes", "dcs", "lims", "erp"):
        facts = draft.lanes[name].facts
        for place in rng.sample(range(1, len(facts)), max(1, len(facts) // 5_000)):
            if facts[place].skipped == 0 and not facts[place].restarts:
                facts[place].skipped = rng.randrange(1, 9)
                found.append(facts[place])
    return found
