"""Half of a hundred records name no one."""

import random

from ledger.core.record import ActorKind
from tests.plant.model import Fact
from tests.plant.telling import Draft

SHOWS = {"C01": "F:unmapped"}


def plant(draft: Draft, rng: random.Random) -> list[Fact]:
    found = draft.some(rng, 0.005, "mes", "dcs", "plc", "lims", "erp", "cds", "directory", "badges")
    for fact in found:
        fact.account, fact.kind, fact.workstation = None, ActorKind.UNKNOWN, None
    return found
