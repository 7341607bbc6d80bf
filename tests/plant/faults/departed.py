"""Accounts of people who left are used after that day."""

import random

from ledger.core.record import ActorKind
from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C01": "F:inactive"}
_PREFIXES = {"mes": "op", "dcs": "opr"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    gone = [person for person in draft.site.people if person.leaves is not None]
    found = []
    for fact in draft.some(rng, 0.005, *_PREFIXES):
        left = [person for person in gone if person.leaves is not None and person.leaves < fact.at - 86_400_000_000]
        if left and fact.kind is ActorKind.PERSON:
            fact.account = rng.choice(left).account(_PREFIXES[fact.source])
            fact.workstation = None
            found.append(fact)
    return found
