"""How what happened becomes what is told: the draft of a month, which faults alter before it is numbered and fed."""

import random
from bisect import bisect_left
from dataclasses import dataclass, field

from ledger.core.run import Gap
from tests.plant.model import DAY, END, HOUR, MINUTE, START, Fact
from tests.plant.story import story
from tests.plant.systems import SYSTEMS
from tests.plant.systems.base import System
from tests.plant.texts import FINENESS, Style, doubled
from tests.plant.world import Site

TAIL = 5 * DAY
"""Collectors go on so long after the month, for what comes late."""


@dataclass
class Lane:
    """What one system tells, in its order, and when its collector asks."""

    system: System
    facts: list[Fact]
    ends: list[int]
    """When its runs end."""
    shifts: list[tuple[int, int, int]] = field(default_factory=list)
    """After which instant and up to which its clock is off besides, and by how much."""
    outages: list[tuple[int, int]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def shift(self, at: int) -> int:
        """How much the clock is off besides its constant error."""
        return sum(by for after, until, by in self.shifts if after < at <= until)

    def between(self, after: int, until: int) -> list[Fact]:
        """What happened after an instant and up to another."""
        low, high = (bisect_left(self.facts, at + 1, key=lambda fact: fact.at) for at in (after, until))
        return self.facts[low:high]


@dataclass
class Draft:
    """A month that is not yet fed."""

    site: Site
    lanes: dict[str, Lane]

    def some(self, rng: random.Random, part: float, *sources: str) -> list[Fact]:
        """That part of the facts of these sources (of all, if none is named), at least two, drawn at random."""
        pool = [fact for name in sources or self.lanes if name in self.lanes for fact in self.lanes[name].facts]
        return rng.sample(pool, min(len(pool), max(2, round(part * len(pool)))))


def told(site: Site, seed: int, records: int) -> Draft:
    """The month as honest systems tell it, `records` facts in all; raises ValueError where the story alone has more."""
    facts: dict[str, list[Fact]] = {system.source: [] for system in SYSTEMS}
    for happening in story(site, seed):
        for system in SYSTEMS:
            tell = system.tells.get(happening.sort)
            if tell is not None:
                facts[system.source] += tell(site, happening)
    left = records - sum(map(len, facts.values()))
    if left < 0:
        raise ValueError(f"the story of such a month alone has {records - left} records, more than {records}")
    lanes: dict[str, Lane] = {}
    for place, (system, count) in enumerate(zip(SYSTEMS, _shares(left), strict=True)):
        rng = random.Random(f"{seed}:{system.source}")
        times = sorted(int(START + rng.random() * (END - START)) for _ in range(count))
        own = facts[system.source]
        own += system.background(site, rng, times)
        own.sort(key=_at)
        stamp(system, own, rng)
        lanes[system.source] = Lane(system, own, _ends(records, place))
    return Draft(site, lanes)


def _at(fact: Fact) -> int:
    return fact.at


def _shares(count: int) -> list[int]:
    """How many of so many background facts each system tells; the first takes what rounding leaves."""
    total = sum(system.share for system in SYSTEMS)
    shares = [int(count * system.share / total) for system in SYSTEMS]
    shares[0] += count - sum(shares)
    return shares


def _ends(records: int, place: int) -> list[int]:
    """Runs end at equal distances, each source's at its own minute; in a full plant hourly, in a small one seldom."""
    distance = 12 * HOUR if records < 40_000 else 4 * HOUR if records < 300_000 else HOUR
    return list(range(START + distance + place * MINUTE, END + TAIL, distance))


def stamp(system: System, facts: list[Fact], rng: random.Random) -> None:
    """Writes down when each fact happened, as a system does whose clock has its constant error."""
    if system.look is not None:
        for fact in facts:
            begin = fact.at - fact.at % system.look
            fact.look = (begin, begin + system.look)
            fact.delay = begin + system.look - fact.at
        return
    offset = 0 if system.clock is None else system.clock[0]
    fineness, precision, draw = FINENESS[system.precision], system.precision, rng.random
    for fact in facts:
        claimed = fact.at + offset
        fact.claimed = claimed - claimed % fineness
        fact.precision = precision
        if system.writes is not None:
            low, high = system.writes
            lag = fact.delay = low + int(draw() * (high - low))
            recorded = claimed + lag
            fact.recorded = recorded - recorded % fineness


def finish(draft: Draft) -> list[Fact]:
    """Numbers all facts, by source and in each in its order, gives the sequences their numbers, and tells which local
    times name no instant.
    """
    number, everything = 0, []
    for lane in draft.lanes.values():
        system, restarts, sequence = lane.system, 0, 0
        series = system.series
        for fact in lane.facts:
            fact.number = number
            number += 1
            if series is not None:
                if fact.restarts:
                    restarts, sequence = restarts + 1, 0
                    series = f"{system.series}r{restarts}-"
                sequence += 1 + fact.skipped
                fact.series = series
                fact.sequence = sequence if system.wraps is None else sequence % system.wraps
        if system.style is Style.BARE:
            for fact in lane.facts:
                fact.unread |= fact.claimed is not None and doubled(fact.claimed)
                fact.unread_recorded = fact.recorded is not None and doubled(fact.recorded)
        everything += lane.facts
    return everything
