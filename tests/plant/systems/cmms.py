"""Maintenance: work orders and calibrations. To the minute, without an offset, by a clock that nobody measures."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.record import Action
from ledger.core.times import Precision
from tests.plant.model import Change, Fact, Parameter, Thing
from tests.plant.systems.base import System, equipment, links, personal
from tests.plant.texts import Style
from tests.plant.world import Site

SOURCE: Final = "cmms"
PREFIX: Final = "mt"


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    """Each work order is opened, and closed next."""
    for number, at in enumerate(times):
        asset = site.assets[number // 2 % len(site.assets)]
        thing = Thing("work-order", f"WO-{number // 2:05}")
        change = Change("state", "open", "closed") if number % 2 else Change("state", None, "open")
        account = site.on_shift(at, rng.random()).account(PREFIX)
        action = Action.UPDATE if number % 2 else Action.CREATE
        yield Fact(SOURCE, at, action, thing, account, links(equipment(asset)), (change,), reason="planned maintenance")


SYSTEM: Final = System(
    source=SOURCE,
    title="Maintenance",
    share=0.01,
    background=_background,
    accounts=personal(SOURCE, PREFIX),
    parameters=(
        Parameter("limits", SOURCE, None, {"late_s": 3_600, "clock_within_minutes": 1_500}),
        Parameter(
            "profile", SOURCE, None, {"old": False, "new": True, "reason": True, "links": ["batch", "equipment"]}
        ),
    ),
    precision=Precision.MINUTE,
    style=Style.BARE,
    clock=None,
    writes=(60_000_000, 1_200_000_000),
)
