"""Chromatography data: injections of samples, changes of processing methods."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.record import Action, LinkKind
from ledger.core.times import Precision
from tests.plant.model import Change, Fact, Parameter, Thing
from tests.plant.story import Happening, Sort
from tests.plant.systems.base import System, links, personal
from tests.plant.world import Site

SOURCE: Final = "cds"
PREFIX: Final = "an"


def _injection(site: Site, one: Happening) -> Iterator[Fact]:
    sample = one.detail.partition("#")[0]
    thing = Thing("injection", one.detail)
    yield Fact(SOURCE, one.at, Action.EXECUTE, thing, one.person.account(PREFIX), links((LinkKind.SAMPLE, sample)))


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    count = max(2, len(times) // 60)
    for at in times:
        thing = Thing("method", f"M-{rng.randrange(count):03}")
        new = f"{rng.random():.3f}"
        person = site.on_shift(at, rng.random())
        change = Change("threshold", site.changed(thing, new), new)
        reason = "adapted to the new column"
        yield Fact(SOURCE, at, Action.UPDATE, thing, person.account(PREFIX), (), (change,), reason=reason)


SYSTEM: Final = System(
    source=SOURCE,
    title="Chromatography",
    share=0.03,
    background=_background,
    tells={Sort.TEST: _injection},
    accounts=personal(SOURCE, PREFIX),
    parameters=(
        Parameter("limits", SOURCE, None, {"late_s": 60, "clock_within_minutes": 1_500}),
        Parameter("profile", SOURCE, "method", {"old": True, "new": True, "reason": True}),
    ),
    precision=Precision.SECOND,
    clock=(0, 500_000),
    series="cds-",
)
