"""Controllers: alarms, cleaning cycles, the scale. They stream, and count from 0 to 255 and on from 0."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.record import Action, ActorKind
from ledger.core.times import Precision
from tests.plant.model import SECOND, UNSAID, AccountRow, Change, Fact, Parameter, PlaceRow, Thing
from tests.plant.story import Happening, Sort
from tests.plant.systems.base import System, Tells, equipment, links
from tests.plant.world import Asset, Site

SOURCE: Final = "plc"


def _device(asset: Asset) -> str:
    return f"plc-{asset.id}"


def _cycle(type_: str) -> Tells:
    def tell(site: Site, one: Happening) -> Iterator[Fact]:
        assert one.asset is not None
        yield Fact(
            SOURCE,
            one.at,
            Action.EXECUTE,
            Thing(type_, one.asset.id),
            _device(one.asset),
            links(equipment(one.asset)),
            kind=ActorKind.DEVICE,
        )

    return tell


def _scale(site: Site, one: Happening) -> Iterator[Fact]:
    """The scale tells each weighing some seconds before it is entered."""
    change = Change("Weight", UNSAID, one.value, "kg")
    thing = Thing("scale", "SCALE-01")
    yield Fact(SOURCE, one.at - 8 * SECOND, Action.EXECUTE, thing, "plc-scale", (), (change,), kind=ActorKind.DEVICE)


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    raised: dict[Asset, bool] = {}
    for at in times:
        asset = site.assets[int(rng.random() * len(site.assets))]
        up = raised[asset] = not raised.get(asset, False)
        change = Change("state", "clear", "raised") if up else Change("state", "raised", "clear")
        yield Fact(
            SOURCE,
            at,
            Action.ALARM if up else Action.ALARM_CLEAR,
            Thing("alarm", f"{asset.id}/PAH-01"),
            _device(asset),
            (),
            (change,),
            kind=ActorKind.DEVICE,
        )


def _accounts(site: Site) -> Iterator[AccountRow]:
    for name in ["plc-scale", *map(_device, site.assets)]:
        yield AccountRow(SOURCE, name, name.upper(), ActorKind.DEVICE)


def _places(site: Site) -> Iterator[PlaceRow]:
    for asset in site.assets:
        for tag in (asset.id, f"{asset.id}/PAH-01"):
            yield PlaceRow(SOURCE, tag, asset.id, asset.area, asset.of.name, asset.of.critical)


SYSTEM: Final = System(
    source=SOURCE,
    title="Alarms and cycles",
    share=0.18,
    background=_background,
    tells={
        Sort.CLEANING: _cycle("cleaning"),
        Sort.STERILISATION: _cycle("sterilisation"),
        Sort.WEIGHING: _scale,
    },
    accounts=_accounts,
    places=_places,
    parameters=(
        Parameter("limits", SOURCE, None, {"late_s": 2, "clock_within_minutes": 1_500}),
        Parameter("sequence", SOURCE, None, {"policy": "every", "wraps": 256}),
        Parameter(
            "profile", SOURCE, "alarm", {"old": True, "new": True, "reason": False, "links": ["batch", "equipment"]}
        ),
    ),
    precision=Precision.MILLISECOND,
    clock=(-30_000, 2_000),
    writes=None,
    series="boot1-",
    wraps=256,
    streams=True,
)
