"""Manufacturing execution: line clearance, the start and stop of steps, what people enter on the floor.

Texts carry the site's offset. Shared accounts exist on the lines.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.record import Action, LinkKind, Outcome
from tests.plant.model import UNSAID, Change, Fact, Parameter, PlaceRow, Thing
from tests.plant.story import Happening, Sort
from tests.plant.systems.base import System, Tells, equipment, links, personal
from tests.plant.texts import Style
from tests.plant.world import Site

SOURCE: Final = "mes"
PREFIX: Final = "op"
SHARED: Final = ("line1", "line2", "line3")


def _fact(one: Happening, action: Action, thing: Thing, *, batch: bool = True, **told: object) -> Fact:
    assert one.asset is not None
    pairs = [(LinkKind.BATCH, one.batch.id)] if batch else []
    named = links(*pairs, equipment(one.asset))
    fact = Fact(SOURCE, one.at, action, thing, one.person.account(PREFIX), named)
    fact.workstation = f"{one.person.area}-mes"
    for name, value in told.items():
        setattr(fact, name, value)
    return fact


def _clearance(site: Site, one: Happening) -> Iterator[Fact]:
    assert one.asset is not None
    yield _fact(
        one, Action.APPROVE, Thing("line-clearance", one.asset.id), batch=False, reason="line is empty and clean"
    )


def _edge(action: Action, outcome: Outcome = Outcome.SUCCESS) -> Tells:
    def tell(site: Site, one: Happening) -> Iterator[Fact]:
        assert one.asset is not None
        if not one.asset.of.by_order:
            yield _fact(one, action, Thing("step", f"{one.batch.id}/{one.asset.id}"), outcome=outcome)

    return tell


def _value(site: Site, one: Happening) -> Iterator[Fact]:
    thing = Thing("step-value", f"{one.batch.id}/{one.detail}")
    yield _fact(one, Action.CREATE, thing, changes=(Change("pH", None, one.value, "pH"),))


def _weighing(site: Site, one: Happening) -> Iterator[Fact]:
    thing = Thing("weighing", f"{one.batch.id}/{one.detail}")
    yield _fact(one, Action.CREATE, thing, changes=(Change("Weight", None, one.value, "kg"),))


def _deviation(site: Site, one: Happening) -> Iterator[Fact]:
    fact = _fact(one, Action.CREATE, Thing("deviation", one.detail), changes=(Change("state", None, "open"),))
    fact.links = links(*fact.links, (LinkKind.DEVIATION, one.detail))
    fact.reason = "value beyond its alert limit"
    yield fact


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    for number, at in enumerate(times):
        asset = site.assets[int(rng.random() * len(site.assets))]
        person = site.on_shift(at, rng.random())
        thing = Thing("equipment-state", asset.id)
        new = f"state-{number % 7}"
        yield Fact(
            SOURCE,
            at,
            Action.UPDATE,
            thing,
            person.account(PREFIX),
            links(equipment(asset)),
            (Change("state", site.changed(thing, new) or UNSAID, new),),
            workstation=f"{person.area}-mes",
            reason="set after the round on the floor",
        )


def _places(site: Site) -> Iterator[PlaceRow]:
    for asset in site.assets:
        yield PlaceRow(SOURCE, asset.id, asset.id, asset.area, asset.of.name, asset.of.critical)


SYSTEM: Final = System(
    source=SOURCE,
    title="Execution of batches",
    share=0.1,
    background=_background,
    tells={
        Sort.CLEARANCE: _clearance,
        Sort.START: _edge(Action.START),
        Sort.REFUSED_START: _edge(Action.START, Outcome.FAILURE),
        Sort.STOP: _edge(Action.STOP),
        Sort.VALUE: _value,
        Sort.WEIGHING: _weighing,
        Sort.DEVIATION: _deviation,
    },
    accounts=personal(SOURCE, PREFIX, SHARED),
    places=_places,
    parameters=(
        Parameter("sequence", SOURCE, None, {"policy": "every"}),
        Parameter("limits", SOURCE, None, {"late_s": 60, "clock_within_minutes": 1_500}),
        Parameter("limits", SOURCE, "step-value", {"late_s": 300, "clock_within_minutes": 1_500}),
        Parameter("profile", SOURCE, "equipment-state", {"old": True, "new": True, "reason": True}),
        Parameter(
            "profile",
            SOURCE,
            "step-value",
            {"old": False, "new": True, "reason": False, "links": ["batch", "equipment", "person"]},
        ),
        Parameter(
            "range",
            SOURCE,
            "step-value",
            {"attribute": "pH", "low": "4", "high": "10", "unit": "pH", "decimals": 1, "kind": "decimal"},
        ),
        Parameter(
            "range",
            SOURCE,
            "weighing",
            {"attribute": "Weight", "low": "0", "high": "60", "unit": "kg", "decimals": 2, "kind": "decimal"},
        ),
        Parameter(
            "corroboration",
            SOURCE,
            "weighing",
            {"source": "plc", "tag": "SCALE-01", "attribute": "Weight", "tolerance": "0.05", "within_s": 60},
        ),
    ),
    style=Style.OFFSET,
    clock=(-400_000, 50_000),
    series="mes-",
)
