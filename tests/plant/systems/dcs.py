"""Distributed control: setpoints of the tags of all equipment; most of its records name no equipment, the map does.

The start and stop of what is run by order come from here, naming the order alone.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.record import Action, LinkKind
from ledger.core.times import Precision
from tests.plant.model import Change, Fact, Parameter, PlaceRow, Thing
from tests.plant.story import Happening, Sort
from tests.plant.systems.base import System, Tells, equipment, links, personal
from tests.plant.world import Site

SOURCE: Final = "dcs"
PREFIX: Final = "opr"
SHARED: Final = ("console1", "console2", "console3")
REASONS: Final = ("follows the trend of the jacket", "as the batch record asks", "after the sample of the shift")


def _edge(action: Action) -> Tells:
    def tell(site: Site, one: Happening) -> Iterator[Fact]:
        assert one.asset is not None
        if one.asset.of.by_order:
            named = links((LinkKind.ORDER, one.batch.orders[0]), equipment(one.asset))
            fact = Fact(SOURCE, one.at, action, Thing("sequence", one.asset.id), one.person.account(PREFIX), named)
            fact.workstation = f"{one.person.area}-dcs"
            yield fact

    return tell


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    things = [(asset, Thing("setpoint", f"{tag}.SP")) for asset in site.assets for tag in asset.tags]
    values = {thing: "37.00" for _, thing in things}
    draw, count = rng.random, len(things)
    for at in times:
        asset, thing = things[int(draw() * count)]
        person = site.on_shift(at, draw())
        chance = draw()
        old = values[thing]
        new = values[thing] = f"{20 + chance * 60:.2f}"
        yield Fact(
            SOURCE,
            at,
            Action.UPDATE,
            thing,
            person.account(PREFIX),
            links(equipment(asset)) if chance < 0.3 else (),
            (Change("Value", old, new, "degC"),),
            workstation=f"{person.area}-dcs",
            reason=REASONS[at % 3],
        )


def _places(site: Site) -> Iterator[PlaceRow]:
    for asset in site.assets:
        yield PlaceRow(SOURCE, asset.id, asset.id, asset.area, asset.of.name, asset.of.critical)
        for tag in asset.tags:
            yield PlaceRow(SOURCE, f"{tag}.SP", asset.id, asset.area, asset.of.name, asset.of.critical)


SYSTEM: Final = System(
    source=SOURCE,
    title="Setpoints and sequences",
    share=0.3,
    background=_background,
    tells={Sort.START: _edge(Action.START), Sort.STOP: _edge(Action.STOP)},
    accounts=personal(SOURCE, PREFIX, SHARED),
    places=_places,
    parameters=(
        Parameter("sequence", SOURCE, None, {"policy": "every"}),
        Parameter("limits", SOURCE, None, {"late_s": 2, "clock_within_minutes": 1_500}),
        Parameter(
            "profile", SOURCE, "setpoint", {"old": True, "new": True, "reason": True, "links": ["equipment", "person"]}
        ),
        Parameter(
            "range",
            SOURCE,
            "setpoint",
            {"attribute": "Value", "low": "10", "high": "95", "unit": "degC", "decimals": 2, "kind": "decimal"},
        ),
    ),
    precision=Precision.MICROSECOND,
    clock=(800_000, 5_000),
    series="dcs-",
)
