"""Training records, entered days after the training by a clock that nobody measures; no map holds its accounts."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.record import Action
from ledger.core.times import Precision
from tests.plant.model import DAY, Change, Fact, Thing
from tests.plant.systems.base import System
from tests.plant.world import Site

SOURCE: Final = "training"


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    for number, at in enumerate(times):
        person = site.on_shift(at, rng.random())
        thing = Thing("training-record", f"TR-{number:06}")
        change = Change("course", None, f"SOP-{rng.randrange(80):03}")
        yield Fact(SOURCE, at, Action.CREATE, thing, person.account("t"), (), (change,))


SYSTEM: Final = System(
    source=SOURCE,
    title="Training",
    share=0.01,
    background=_background,
    precision=Precision.MINUTE,
    clock=None,
    writes=(60_000_000, DAY),
)
