"""Originals of a program that nobody has any more."""

import random

from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C06": "N:no-parser"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = [fact for fact in draft.some(rng, 0.002, "cds") if fact.original == "true"]
    for fact in found:
        fact.original = "foreign"
    return found
