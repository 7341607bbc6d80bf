"""What a system of the plant is, for whoever adds one: one file here, with a `SYSTEM`."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from ledger.core.record import LinkKind
from ledger.core.times import Precision
from tests.plant.model import AccountRow, Fact, Link, Parameter, PlaceRow
from tests.plant.story import Happening, Sort
from tests.plant.texts import Style
from tests.plant.world import Asset, Site

Tells = Callable[[Site, Happening], Iterable[Fact]]
Background = Callable[[Site, random.Random, Sequence[int]], Iterator[Fact]]


def nobody_mapped(site: Site) -> Iterable[AccountRow]:
    """Of a system whose accounts no map holds."""
    return ()


def nothing_placed(site: Site) -> Iterable[PlaceRow]:
    """Of a system whose things no map places."""
    return ()


@dataclass(frozen=True, kw_only=True)
class System:
    """How one system tells what happens.

    `share`: its part of what goes on besides batches. `clock`: its constant error and the uncertainty of its
    measurement in microseconds; None: nobody measures it. `writes`: after how long, at least and at most, it writes
    down what happened; None: it does not tell. `look`: how far apart the collector looks at a system without a trail.
    `streams`: records reach the collector as they happen, else when it asks.
    """

    source: str
    title: str
    share: float
    background: Background
    tells: Mapping[Sort, Tells] = field(default_factory=dict)
    accounts: Callable[[Site], Iterable[AccountRow]] = nobody_mapped
    places: Callable[[Site], Iterable[PlaceRow]] = nothing_placed
    parameters: Sequence[Parameter] = ()
    precision: Precision = Precision.MILLISECOND
    style: Style = Style.UTC
    clock: tuple[int, int] | None = (0, 1_000)
    writes: tuple[int, int] | None = (1_000, 900_000)
    look: int | None = None
    series: str | None = None
    wraps: int | None = None
    streams: bool = False


def personal(source: str, prefix: str, shared: Iterable[str] = ()) -> Callable[[Site], Iterable[AccountRow]]:
    """Everybody has an account until they leave; the shared ones are nobody's."""

    def rows(site: Site) -> Iterator[AccountRow]:
        for person in site.people:
            yield AccountRow(source, person.account(prefix), person.id, until=person.leaves)
        for account in shared:
            yield AccountRow(source, account, None, shared=True)

    return rows


@cache
def links(*pairs: Link) -> tuple[Link, ...]:
    """The same links are one tuple."""
    return pairs


def equipment(asset: Asset) -> Link:
    """The link to an asset."""
    return (LinkKind.EQUIPMENT, asset.id)
