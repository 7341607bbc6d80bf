"""Monitoring of rooms: it keeps no trail; a collector looks every ten seconds and compares. It knows no one."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.record import Action, ActorKind, LinkKind
from tests.plant.model import SECOND, Change, Fact, Parameter, PlaceRow, Thing
from tests.plant.story import Happening, Sort
from tests.plant.systems.base import System, links
from tests.plant.world import Asset, Site

SOURCE: Final = "ems"


def _seen(site: Site, at: int, asset: Asset, thing: Thing, change: Change) -> Fact:
    named = links((LinkKind.LOCATION, asset.room))
    return Fact(SOURCE, at, Action.UPDATE, thing, None, named, (change,), kind=ActorKind.UNKNOWN)


def _monitored(site: Site, one: Happening) -> Iterator[Fact]:
    assert one.asset is not None
    thing = Thing("monitoring-end", one.asset.room)
    number = int(site.values.get(thing, "0"))
    site.values[thing] = str(number + 1)
    yield _seen(site, one.at, one.asset, thing, Change("campaigns", str(number), str(number + 1)))


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    for number, at in enumerate(times):
        asset = site.assets[int(rng.random() * len(site.assets))]
        thing = Thing("room-limit", f"{asset.room}/PDI-01")
        new = f"{10 + rng.random() * 20:.1f}"
        change = Change("high", site.changed(thing, new), new, "Pa", gap=number % 100 == 99)
        yield _seen(site, at, asset, thing, change)


def _places(site: Site) -> Iterator[PlaceRow]:
    for asset in site.assets:
        for tag in (asset.room, f"{asset.room}/PDI-01"):
            yield PlaceRow(SOURCE, tag, asset.id, asset.area, asset.of.name, asset.of.critical)


SYSTEM: Final = System(
    source=SOURCE,
    title="Monitoring of rooms",
    share=0.14,
    background=_background,
    tells={Sort.MONITORED: _monitored},
    places=_places,
    parameters=(
        Parameter(
            "range",
            SOURCE,
            "room-limit",
            {"attribute": "high", "low": "0", "high": "60", "unit": "Pa", "decimals": 1, "kind": "decimal"},
        ),
    ),
    clock=None,
    writes=None,
    look=10 * SECOND,
)
