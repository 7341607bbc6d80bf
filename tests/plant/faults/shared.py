"""People work with an account that several know."""

import random

from ledger.core.record import ActorKind
from tests.plant.model import Fact
from tests.plant.systems import dcs, mes
from tests.plant.telling import Draft

SHOWS = {"C01": "F:shared-account"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = [fact for fact in draft.some(rng, 0.01, "mes", "dcs") if fact.kind is ActorKind.PERSON]
    for fact in found:
        fact.account = rng.choice(mes.SHARED if fact.source == "mes" else dcs.SHARED)
    return found
