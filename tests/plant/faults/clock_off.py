"""A clock is an hour ahead for a day, from one run of its collector to another."""

import random

from tests.plant.model import DAY, HOUR, Fact
from tests.plant.telling import Draft

SHOWS = {"C05": "F:clock-off"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    lane = draft.lanes["dcs"]
    per_day = DAY // (lane.ends[1] - lane.ends[0])
    first = per_day * rng.randrange(4, 18)
    after, until = lane.ends[first], lane.ends[first + per_day]
    lane.shifts.append((after, until, HOUR))
    found = lane.between(after, until)
    for fact in found:
        assert fact.claimed is not None
        assert fact.recorded is not None
        fact.claimed += HOUR
        fact.recorded += HOUR
    return found
