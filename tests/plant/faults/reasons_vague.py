"""Reasons that say nothing."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C09": "F:reason-vague"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = [
        fact
        for fact in draft.some(rng, 0.004, "dcs", "mes")
        if fact.thing.type in ("setpoint", "equipment-state") and fact.reason is not None
    ]
    for fact in found:
        fact.reason = rng.choice(("ok", "Update", " as discussed "))
    return found
