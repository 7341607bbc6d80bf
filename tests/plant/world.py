"""The plant itself: who works there and when, what stands there; grows with the number of records."""

import random
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from tests.plant.model import DAY, DAYS, HOUR, START, Batch, Thing

TEAMS: Final = 3
FULL: Final = 100_000
"""Records from which on the plant has all its assets, tags and people."""


class AssetClass(NamedTuple):
    """A class of equipment: how many there are in a full plant, how long a batch occupies one, and how it is told."""

    name: str
    prefix: str
    built: int
    hours: float
    critical: bool = True
    by_order: bool = False
    """Whether start and stop name the order alone, as its control system knows no batch."""
    sterilised: bool = False


CLASSES: Final = (
    AssetClass("bioreactor", "BR", 8, 8),
    AssetClass("centrifuge", "CF", 8, 2),
    AssetClass("chromatography-skid", "CS", 8, 5, by_order=True),
    AssetClass("filler", "FL", 6, 4, sterilised=True),
    AssetClass("labeller", "LB", 6, 2, critical=False),
    AssetClass("autoclave", "AC", 4, 1),
)
ROUTE: Final = CLASSES[:5]
"""What a batch goes through."""


class Asset(NamedTuple):
    """A piece of equipment, alone in its room."""

    id: str
    of: AssetClass
    area: str
    tags: tuple[str, ...]

    @property
    def room(self) -> str:
        return f"ROOM-{self.id}"


@dataclass(eq=False)
class Person:
    """Someone of the plant; works in one area, in one team, until they leave."""

    number: int
    area: str
    team: int
    leaves: int | None = None
    accounts: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"P{self.number:03}"

    def account(self, prefix: str) -> str:
        """The account of a system whose accounts begin so."""
        found = self.accounts.get(prefix)
        if found is None:
            found = self.accounts[prefix] = f"{prefix}{self.number:03}"
        return found


class Site:
    """People and equipment. The same seed and size give the same plant."""

    def __init__(self, seed: int, records: int) -> None:
        rng = random.Random(f"{seed}:site")
        full = records >= FULL
        self.records = records
        self.areas = ("NORTH", "SOUTH")
        self.assets: tuple[Asset, ...] = tuple(
            self._asset(of, number, 30 if full else 3)
            for of in CLASSES
            for number in range(1, (of.built if full else 2) + 1)
        )
        self.people = tuple(
            Person(number, self.areas[number // TEAMS % 2], number % TEAMS)
            for number in range(1, (90 if full else 30) + 1)
        )
        for person in rng.sample(self.people, len(self.people) // 15):
            person.leaves = START + rng.randrange(5, DAYS - 10) * DAY
        self.batches: list[Batch] = []
        self.values: dict[Thing, str] = {}
        """What stands in a field that more than one happening changes."""

    def _asset(self, of: AssetClass, number: int, tags: int) -> Asset:
        id_ = f"{of.prefix}-{number:02}"
        return Asset(id_, of, self.areas[number % 2], tuple(f"{id_}/TIC-{tag:02}" for tag in range(1, tags + 1)))

    @cached_property
    def teams(self) -> tuple[tuple[Person, ...], ...]:
        return tuple(tuple(one for one in self.people if one.team == team) for team in range(TEAMS))

    def on_shift(self, at: int, draw: float) -> Person:
        """One of those who work at that instant, chosen by a number from 0 to 1; nobody who has left."""
        team = self.teams[(at - START) // (8 * HOUR) % TEAMS]
        first = int(draw * len(team))
        for person in team[first:] + team[:first]:
            if person.leaves is None or at < person.leaves - 12 * HOUR:
                return person
        raise AssertionError("a team that everybody left")

    def changed(self, thing: Thing, value: str) -> str | None:
        """Puts a value into a field and returns what stood there; None: nothing yet."""
        old = self.values.get(thing)
        self.values[thing] = value
        return old
