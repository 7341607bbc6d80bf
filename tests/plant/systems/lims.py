"""The laboratory's samples and results. Texts are of the site's time without an offset, to the second."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.record import Action, LinkKind
from ledger.core.times import Precision
from tests.plant.model import DAY, HOUR, START, Change, Fact, Parameter, Thing
from tests.plant.story import Happening, Sort
from tests.plant.systems.base import System, links, personal
from tests.plant.texts import Style
from tests.plant.world import Person, Site

SOURCE: Final = "lims"
PREFIX: Final = "lab"
DAY_S: Final = 86_400


def _made(at: int, person: Person, thing: Thing, named: tuple[tuple[LinkKind, str], ...], *changes: Change) -> Fact:
    fact = Fact(SOURCE, at, Action.CREATE, thing, person.account(PREFIX), named, changes)
    fact.workstation = f"{person.area}-lims"
    return fact


def _sample(site: Site, one: Happening) -> Iterator[Fact]:
    named = links((LinkKind.BATCH, one.batch.id), (LinkKind.SAMPLE, one.detail))
    yield _made(one.at, one.person, Thing("sample", one.detail), named, Change("state", None, "taken"))


def _result(site: Site, one: Happening) -> Iterator[Fact]:
    named = links((LinkKind.BATCH, one.batch.id), (LinkKind.SAMPLE, one.detail))
    thing = Thing("result", f"{one.detail}/assay")
    told = Change("assay", None, one.value, "%"), Change("injections", None, "2")
    yield _made(one.at, one.person, thing, named, *told)
    shift = (site.on_shift(one.at + HOUR, draw) for draw in (0.5, 0.75))
    other = next(person for person in shift if person is not one.person)
    approved = Fact(SOURCE, one.at + HOUR, Action.APPROVE, thing, other.account(PREFIX), named)
    approved.workstation = f"{other.area}-lims"
    yield approved


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    """Stability samples, each with its result next."""
    for number, at in enumerate(times):
        person = site.on_shift(at, rng.random())
        sample = f"ST-{number // 2:06}"
        named = ((LinkKind.SAMPLE, sample),)
        if number % 2:
            change = Change("assay", None, f"{95 + rng.random() * 5:.1f}", "%")
            yield _made(at, person, Thing("result", f"{sample}/assay"), named, change)
        else:
            yield _made(at, person, Thing("sample", sample), named, Change("state", None, "taken"))


SYSTEM: Final = System(
    source=SOURCE,
    title="Samples and results",
    share=0.06,
    background=_background,
    tells={Sort.SAMPLE: _sample, Sort.RESULT: _result},
    accounts=personal(SOURCE, PREFIX),
    parameters=(
        Parameter("sequence", SOURCE, None, {"policy": "every"}),
        Parameter("limits", SOURCE, None, {"late_s": 60, "clock_within_minutes": 1_500}),
        # From the middle of the month on results may be entered later.
        Parameter("limits", SOURCE, "result", {"late_s": 60, "clock_within_minutes": 1_500}),
        Parameter("limits", SOURCE, "result", {"late_s": 600, "clock_within_minutes": 1_500}, START + 15 * DAY),
        Parameter(
            "profile",
            SOURCE,
            "result",
            {
                "old": False,
                "new": False,
                "reason": False,
                "links": ["sample"],
                "companions": [{"source": SOURCE, "object_type": "sample", "within_s": DAY_S}],
            },
        ),
        Parameter(
            "range",
            SOURCE,
            "result",
            {"attribute": "assay", "low": "0", "high": "110", "unit": "%", "decimals": 1, "kind": "decimal"},
        ),
        Parameter(
            "cross-footing",
            SOURCE,
            "result",
            {
                "attribute": "injections",
                "parts": {
                    "source": "cds",
                    "object_type": "injection",
                    "link": "sample",
                    "within_s": DAY_S,
                    "attribute": None,
                },
            },
        ),
    ),
    precision=Precision.SECOND,
    style=Style.BARE,
    clock=(1_200_000, 200_000),
    series="lims-",
)
