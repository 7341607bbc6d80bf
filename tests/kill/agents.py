"""Cuts the cables of edge agents and kills agents under load; then nothing is lost, doubled or out of order.

Two agents in two zones, each in a network namespace of its own, read files that grow all the while.
"""

import contextlib
import itertools
import random
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from tests.support.edge import LineFile, Plant, Site
from tests.support.zones import Zones

ZONES = 2
LINES_PAUSE = 0.03
"""Mean seconds between two additions to each file."""
END_SECONDS = 90.0
UNDER_LOAD = 0.75
"""The part of the kills that strike an agent at work; the others may strike one that is still starting."""


class Blow(StrEnum):
    """What happens to an agent."""

    CUT = "cable cut"
    KILL = "agent killed"


class Tally(msgspec.Struct, frozen=True):
    """What a campaign did."""

    cuts: int
    kills: int
    records: int
    batches: int
    troubles: int

    def says(self) -> str:
        """One line for a report."""
        return (
            f"{self.cuts} cables cut, {self.kills} agents killed; {self.records} records in {self.batches} batches, "
            f"each once and in order; trouble was seen {self.troubles} times"
        )


def run(blows: dict[Blow, int], seed: int, folder: Path) -> Tally:
    """A campaign on a fresh ledger. Raises AssertionError, naming what was lost, doubled or out of order."""
    chance = random.Random(seed)
    planned = [blow for blow, count in blows.items() for _ in range(count)]
    chance.shuffle(planned)
    with Zones(ZONES) as zones, Plant(folder, host="0.0.0.0", namespace=zones.ledger) as plant:
        sites = [
            plant.add(
                f"edge{at}",
                [f"line{at}a", f"line{at}b"],
                host=zones.address(at),
                namespace=zones.zones[at],
                zone=f"zone {at}",
                line_pause=LINES_PAUSE,
            )
            for at in range(ZONES)
        ]
        troubles = 0
        with _growing(sites):
            for site in sites:
                site.start()
            for blow in planned:
                at = chance.randrange(ZONES)
                if blow is Blow.CUT:
                    time.sleep(chance.uniform(0.05, 0.5))
                    troubles += _cut(zones, sites[at], at, chance)
                else:
                    if chance.random() < UNDER_LOAD:
                        sites[at].working()
                    time.sleep(chance.uniform(0.0, 1.0))
                    sites[at].kill()
                    time.sleep(chance.uniform(0.0, 0.2))
                    sites[at].start()
        for site in sites:
            _require_all(plant, site)
            site.stop()
        plant.verify(restart=False)
        batches = sum(_require_chain(plant, site) for site in sites)
        records = sum(file.written for site in sites for file in site.files.values())
    return Tally(blows.get(Blow.CUT, 0), blows.get(Blow.KILL, 0), records, batches, troubles)


def _cut(zones: Zones, site: Site, at: int, chance: random.Random) -> int:
    end = chance.random() < 0.5
    zones.cut(at, at_ledger=end)
    try:
        time.sleep(chance.uniform(0.05, 0.8))
        return int(bool(site.status().trouble))
    finally:
        zones.mend(at, at_ledger=end)


def _require_all(plant: Plant, site: Site) -> None:
    """Every line of every file is a record, once, in the order of the file."""
    for source, file in site.files.items():
        deadline = time.monotonic() + END_SECONDS
        while len(found := plant.numbers(source)) < file.written and time.monotonic() < deadline:
            site.require_running()
            time.sleep(0.2)
        assert len(found) == file.written, f"{source}: {len(found)} of {file.written} records; {site.status()}"
        assert found == list(range(file.written)), f"{source}: out of order"


def _require_chain(plant: Plant, site: Site) -> int:
    """The agent's batches stand in the log by number without a gap, and each source's runs go on from each other."""
    headers = plant.deliveries(site.name)
    assert [header["number"] for header in headers] == list(range(1, len(headers) + 1)), site.name
    for source in site.files:
        runs = plant.runs(source)
        for before, after in itertools.pairwise(runs):
            assert after["cursor_from"] == before["cursor_to"], source
            assert after["started_at"] >= before["started_at"], source
    return len(headers)


@contextlib.contextmanager
def _growing(sites: list[Site]) -> Iterator[None]:
    files: list[LineFile] = [file for site in sites for file in site.files.values()]
    with contextlib.ExitStack() as stack:
        for file in files:
            stack.enter_context(file)
        yield
