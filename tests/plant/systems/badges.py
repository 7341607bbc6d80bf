"""Doors: who went into which room."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.record import Action, LinkKind
from ledger.core.times import Precision
from tests.plant.model import Fact, Parameter, PlaceRow, Thing
from tests.plant.systems.base import System, links, personal
from tests.plant.texts import Style
from tests.plant.world import Site

SOURCE: Final = "badges"
PREFIX: Final = "card-"


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    for at in times:
        asset = site.assets[int(rng.random() * len(site.assets))]
        card = site.on_shift(at, rng.random()).account(PREFIX)
        yield Fact(
            SOURCE, at, Action.EXECUTE, Thing("door", f"DOOR-{asset.id}"), card, links((LinkKind.LOCATION, asset.room))
        )


def _places(site: Site) -> Iterator[PlaceRow]:
    for asset in site.assets:
        yield PlaceRow(SOURCE, asset.room, asset.id, asset.area, asset.of.name, asset.of.critical)


SYSTEM: Final = System(
    source=SOURCE,
    title="Doors",
    share=0.08,
    background=_background,
    accounts=personal(SOURCE, PREFIX),
    places=_places,
    parameters=(
        Parameter("limits", SOURCE, None, {"late_s": 5, "clock_within_minutes": 1_500, "clock_tolerance_ms": 2_000}),
    ),
    precision=Precision.SECOND,
    style=Style.OFFSET,
    clock=(-3_000_000, 300_000),
    writes=(0, 1_000_000),
    streams=True,
)
