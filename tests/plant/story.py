"""What happens in the month, told by nobody yet: batches from their order to their release.

Each step of a batch: line clearance, cleaning (and sterilisation), start, values, stop, monitoring. What would happen
after the month's end is left out, so that the last batches are under way.
"""

import random
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum, auto
from typing import NamedTuple

from tests.plant.model import END, HOUR, MINUTE, START, Batch
from tests.plant.world import ROUTE, Asset, Person, Site


class Sort(Enum):
    """What happened."""

    ORDER = auto()
    ISSUE = auto()
    CLEARANCE = auto()
    CLEANING = auto()
    STERILISATION = auto()
    START = auto()
    REFUSED_START = auto()
    VALUE = auto()
    WEIGHING = auto()
    STOP = auto()
    MONITORED = auto()
    SAMPLE = auto()
    TEST = auto()
    RESULT = auto()
    DEVIATION = auto()
    RELEASE = auto()


class Happening(NamedTuple):
    """Something that happened: when, to which batch, where, who did it. `detail` tells two of a kind apart."""

    sort: Sort
    at: int
    batch: Batch
    person: Person
    asset: Asset | None = None
    detail: str = ""
    value: str = ""


def batches_of(records: int) -> int:
    """How many batches a plant of so many records begins in the month."""
    return max(4, records // 2_500)


def story(site: Site, seed: int) -> Iterator[Happening]:
    """All that happens to the batches of the month, in the order of the batches."""
    rng = random.Random(f"{seed}:story")
    free = dict.fromkeys(site.assets, START)
    count = batches_of(site.records)
    for number in range(count):
        begins = START + HOUR + (END - START - 2 * HOUR) * number // count
        batch = Batch(f"B-{number + 1:04}", (f"PO-{number + 1:05}",))
        site.batches.append(batch)
        for one in _batch(site, rng, free, batch, begins):
            if one.at < END:
                yield one


def _batch(site: Site, rng: random.Random, free: dict[Asset, int], batch: Batch, at: int) -> Iterator[Happening]:
    def happening(sort: Sort, when: int, asset: Asset | None = None, detail: str = "", value: str = "") -> Happening:
        return Happening(sort, when, batch, site.on_shift(when, rng.random()), asset, detail, value)

    def some(low: int, high: int) -> int:
        return round(rng.uniform(low, high))

    weighed = Decimal(0)
    yield happening(Sort.ORDER, at)
    for material in range(3):
        yield happening(Sort.ISSUE, at + some(10 * MINUTE, 30 * MINUTE), detail=str(material))
    at += 30 * MINUTE
    for step, of in enumerate(ROUTE):
        asset = min((one for one in site.assets if one.of is of), key=lambda one: free[one])
        # Ready: the equipment after the batch before, the batch after its step before.
        at = max(at, free[asset]) + some(5 * MINUTE, 30 * MINUTE)
        yield happening(Sort.CLEARANCE, at, asset)
        at += some(5 * MINUTE, 10 * MINUTE)
        yield happening(Sort.CLEANING, at, asset)
        if of.sterilised:
            at += some(10 * MINUTE, 20 * MINUTE)
            yield happening(Sort.STERILISATION, at, asset)
        at += some(10 * MINUTE, 20 * MINUTE)
        if rng.random() < 0.1:
            yield happening(Sort.REFUSED_START, at - 3 * MINUTE, asset)
        yield happening(Sort.START, at, asset, str(step))
        length = some(int(of.hours * 0.6 * HOUR), int(of.hours * HOUR))
        for number in range(3):
            yield happening(
                Sort.VALUE, at + length * (number + 1) // 5, asset, f"{step}/{number}", f"{rng.gauss(7, 0.2):.1f}"
            )
        weight = f"{rng.uniform(5, 50):.2f}"
        weighed += Decimal(weight)
        yield happening(Sort.WEIGHING, at + length * 4 // 5, asset, str(step), weight)
        at += length
        yield happening(Sort.STOP, at, asset, str(step))
        yield happening(Sort.MONITORED, at + some(12 * MINUTE, 25 * MINUTE), asset)
        free[asset] = at + some(30 * MINUTE, 50 * MINUTE)
        sample = f"S-{batch.id[2:]}-{step}"
        yield happening(Sort.SAMPLE, at + some(2 * MINUTE, 8 * MINUTE), asset, sample)
        tested = at + some(2 * HOUR, 12 * HOUR)
        for injection in range(2):
            yield happening(Sort.TEST, tested + injection * 20 * MINUTE, asset, f"{sample}#{injection}")
        yield happening(Sort.RESULT, tested + HOUR, asset, sample, f"{rng.gauss(98, 0.8):.1f}")
        if rng.random() < 0.05:
            yield happening(Sort.DEVIATION, at + HOUR, asset, f"DEV-{batch.id[2:]}-{step}")
    yield happening(Sort.RELEASE, at + some(24 * HOUR, 60 * HOUR), value=str(weighed))
