"""Enterprise resource planning: orders, goods issues, releases; bills of materials under change control.

An interface books goods under an account whose purpose nobody approved: no map holds it.
"""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.record import Action, ActorKind, LinkKind
from ledger.core.times import Precision
from tests.plant.model import Change, Fact, Parameter, Thing
from tests.plant.story import Happening, Sort
from tests.plant.systems.base import System, links, personal
from tests.plant.world import Site

SOURCE: Final = "erp"
PREFIX: Final = "u"
EDI: Final = "svc-edi"


def _order(site: Site, one: Happening) -> Iterator[Fact]:
    order = one.batch.orders[0]
    named = links((LinkKind.BATCH, one.batch.id), (LinkKind.ORDER, order))
    account, thing = one.person.account(PREFIX), Thing("order", order)
    yield Fact(SOURCE, one.at, Action.CREATE, thing, account, named, (Change("state", None, "draft"),))
    released = Change("state", "draft", "released")
    yield Fact(SOURCE, one.at + 300_000_000, Action.UPDATE, thing, account, named, (released,), reason="planned batch")


def _issue(site: Site, one: Happening) -> Iterator[Fact]:
    material, lot = f"MAT-{one.detail}", f"LOT-{one.detail}-{one.batch.id}"
    named = links(
        (LinkKind.BATCH, one.batch.id),
        (LinkKind.ORDER, one.batch.orders[0]),
        (LinkKind.MATERIAL, material),
        (LinkKind.LOT, lot),
    )
    thing = Thing("goods-movement", f"{one.batch.id}/{one.detail}")
    yield Fact(SOURCE, one.at, Action.CREATE, thing, one.person.account(PREFIX), named)


def _release(site: Site, one: Happening) -> Iterator[Fact]:
    named = links((LinkKind.BATCH, one.batch.id))
    thing, used = Thing("batch-release", one.batch.id), Change("used", None, one.value, "kg")
    account = one.person.account(PREFIX)
    yield Fact(SOURCE, one.at, Action.APPROVE, thing, account, named, (used,), reason="all reviews closed")


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    count = max(3, len(times) // 100)
    for number, at in enumerate(times):
        if number % 32 == 31:
            thing = Thing("goods-movement", f"EDI-{number}")
            yield Fact(SOURCE, at, Action.CREATE, thing, EDI, kind=ActorKind.SERVICE)
            continue
        thing = Thing("bom", f"BOM-{rng.randrange(count):04}")
        new = str(rng.randrange(1, 500))
        change = Change("quantity", site.changed(thing, new), new, "kg")
        person = site.on_shift(at, rng.random())
        named = ((LinkKind.CHANGE_REQUEST, f"CR-{number // 20:04}"),)
        yield Fact(
            SOURCE,
            at,
            Action.UPDATE,
            thing,
            person.account(PREFIX),
            named,
            (change,),
            reason="scaled to the new vessel",
        )


SYSTEM: Final = System(
    source=SOURCE,
    title="Orders, materials and releases",
    share=0.05,
    background=_background,
    tells={Sort.ORDER: _order, Sort.ISSUE: _issue, Sort.RELEASE: _release},
    accounts=personal(SOURCE, PREFIX),
    parameters=(
        Parameter("sequence", SOURCE, None, {"policy": "every"}),
        Parameter("limits", SOURCE, None, {"late_s": 60, "clock_within_minutes": 1_500}),
        Parameter("profile", SOURCE, "bom", {"old": True, "new": True, "reason": True, "change_request": True}),
        Parameter(
            "range",
            SOURCE,
            "bom",
            {"attribute": "quantity", "low": "1", "high": "1000", "unit": "kg", "kind": "integer"},
        ),
        Parameter("range", SOURCE, "batch-release", {"attribute": "used", "low": "0", "unit": "kg", "kind": "decimal"}),
        Parameter(
            "cross-footing",
            SOURCE,
            "batch-release",
            {
                "attribute": "used",
                "parts": {
                    "source": "mes",
                    "object_type": "weighing",
                    "link": "batch",
                    "within_s": 432_000,
                    "attribute": "Weight",
                },
                "tolerance": "0.01",
            },
        ),
    ),
    precision=Precision.SECOND,
    clock=(150_000, 20_000),
    series="erp-",
)
