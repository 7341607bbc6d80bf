"""Changes for which a reason is wanted have none."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C09": "F:reason-missing"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = [fact for fact in draft.some(rng, 0.004, "dcs") if fact.thing.type == "setpoint"]
    for fact in found:
        fact.reason = None
    return found
