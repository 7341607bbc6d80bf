"""The directory of accounts: who logged in, and what a synchronisation granted."""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.core.record import Action, ActorKind, Outcome
from ledger.core.times import Precision
from tests.plant.model import AccountRow, Fact, Parameter, Thing
from tests.plant.systems.base import System, personal
from tests.plant.world import Site

SOURCE: Final = "directory"
PREFIX: Final = "ad-"
SYNC: Final = "svc-sync"


def _background(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    for at in times:
        account = site.on_shift(at, rng.random()).account(PREFIX)
        thing, draw = Thing("account", account), rng.random()
        if draw < 0.1:
            yield Fact(SOURCE, at, Action.GRANT, thing, SYNC, kind=ActorKind.SERVICE)
        elif draw < 0.15:
            yield Fact(SOURCE, at, Action.LOGIN_FAILED, thing, account, outcome=Outcome.FAILURE)
        else:
            yield Fact(SOURCE, at, Action.LOGIN if draw < 0.6 else Action.LOGOUT, thing, account)


def _accounts(site: Site) -> Iterable[AccountRow]:
    yield from personal(SOURCE, PREFIX)(site)
    yield AccountRow(SOURCE, SYNC, "SVC-SYNC", ActorKind.SERVICE)


SYSTEM: Final = System(
    source=SOURCE,
    title="Accounts",
    share=0.04,
    background=_background,
    accounts=_accounts,
    parameters=(
        Parameter("limits", SOURCE, None, {"late_s": 5, "clock_within_minutes": 1_500, "clock_tolerance_ms": 2_000}),
    ),
    precision=Precision.MICROSECOND,
    clock=(2_000, 1_000),
    series="dir-",
)
