"""The stop of a step has a time that nobody can read, so that the equipment seems to stay occupied."""

import random

from ledger.core.record import Action
from tests.plant.model import DAY, END, Fact
from tests.plant.telling import Draft

SHOWS = {"C04": "N:no-occurred-time"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    stops = [
        fact
        for fact in draft.lanes["mes"].facts
        if fact.action is Action.STOP and fact.thing.id.rpartition("/")[2].startswith("LB") and fact.at > END - 9 * DAY
    ]
    for fact in stops[:1]:
        fact.unread = True
    return stops[:1]
