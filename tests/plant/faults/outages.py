"""Each source cannot be reached three times in the month, for some hours; what happened meanwhile comes after."""

import random

from tests.plant.model import DAY, END, HOUR, MINUTE, START, Fact
from tests.plant.telling import Draft

SHOWS: dict[str, str] = {}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    for lane in draft.lanes.values():
        # While its clock is wrong it can be reached: else nobody would have measured that.
        right = [
            begin
            for begin in range(START + DAY, END - DAY, DAY)
            if all(begin + DAY < after or until < begin for after, until, _ in lane.shifts)
        ]
        for day in rng.sample(right, 3):
            begin = day + rng.randrange(0, 10 * HOUR, MINUTE)
            lane.outages.append((begin, begin + rng.randrange(2 * HOUR, 13 * HOUR, MINUTE)))
        lane.outages.sort()
    return []
