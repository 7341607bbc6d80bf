"""Somebody works at a terminal too far from where they worked a minute ago."""

import random
from itertools import pairwise

from tests.plant.model import SECOND, Fact
from tests.plant.telling import Draft

SHOWS = {"C02": "F:two-places"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    facts = draft.lanes["dcs"].facts
    near = [
        (one, other)
        for one, other in pairwise(facts)
        if other.at - one.at < 300 * SECOND and one.thing.type == other.thing.type == "setpoint"
    ]
    found = []
    for one, other in rng.sample(near, min(len(near), max(4, len(facts) // 1_000))):
        if one.workstation is not None and other.workstation is not None and one not in found:
            other.account = one.account
            other.workstation = "SOUTH-dcs" if one.workstation == "NORTH-dcs" else "NORTH-dcs"
            found.append(other)
    return found
