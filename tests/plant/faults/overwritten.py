"""Buffers of the source are overwritten before a collector reads them: it shows that something is missing."""

import random

from ledger.core.record import Interval
from ledger.core.run import Gap
from tests.plant.model import Fact
from tests.plant.telling import Draft
from tests.plant.texts import utc

SHOWS = {"C08": "F:gap"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    lane, found = draft.lanes["plc"], []
    for place in rng.sample(range(1, len(lane.facts)), 3):
        before, after = lane.facts[place - 1], lane.facts[place]
        reached = all(high <= before.at or after.at <= low for low, high in lane.outages)
        if after.skipped == 0 and not after.restarts and after.at - before.at > 2 and reached:
            after.skipped = rng.randrange(1, 200)
            between = Interval(after=utc(before.at + 1), before=utc(after.at - 1))
            lane.gaps.append(Gap(subject="alarm buffer", reason="overwritten", between=between))
            found.append(after)
    return found
