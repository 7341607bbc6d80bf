"""Releases that do not name their batch: the batch seems to have none."""

import random

from ledger.core.record import LinkKind
from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS: dict[str, str] = {}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    releases = [fact for fact in draft.lanes["erp"].facts if fact.thing.type == "batch-release"]
    found = rng.sample(releases, max(1, len(releases) // 20))
    for fact in found:
        fact.links = tuple(link for link in fact.links if link[0] is not LinkKind.BATCH)
    return found
