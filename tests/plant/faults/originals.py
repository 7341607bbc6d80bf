"""Originals that tell another thing than the record."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C06": "F:not-derived"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = draft.some(rng, 0.002)
    for fact in found:
        fact.original = "other"
    return found
