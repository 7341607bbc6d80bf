"""The parts of a soak run, and their steps. What a step does is what a test of `make test` does, with other numbers."""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from collectors.registry import COLLECTORS
from tests.faults import full
from tests.fuzz.job import INPUTS
from tests.integration.reports.test_attacks import MUTATIONS
from tests.kill import agents, appending, campaign, witnessing
from tests.soak import memory, plant, suites, violations
from tests.soak.run import Part, Step
from tests.soak.state import ROOT
from tests.support.postgres import temporary_postgres

KILLS, KILLS_A_STEP = 200, 20
BLOWS, BLOWS_A_STEP = 100, 25
"""To edge agents, of each sort. Half of a step of ten was setting up and verifying."""
APPEND_KILLS, APPEND_KILLS_A_STEP = 100, 10
WITNESS_KILLS, WITNESS_KILLS_A_STEP = 100, 25
FULL, FULL_A_STEP = 100, 20
"""How often the disk of a running service fills up."""
FAULTS = 5
CHANGED_BYTES = 10_000
REPETITIONS = 20
"""Of suites that draw at random, each time with another seed."""
POWER_CUTS = 5
"""Repetitions of a suite that cuts the power over a hundred times in each."""
PLANT = 1_000_000
"""Records of the month of a plant that is held against its truth."""
FEW, MANY = 10_000, 300_000
"""Entries between which the memory of verification is compared."""
FEW_EXPORTED = 30_000
"""Records between which, and as many as `MANY`, that of an export in each format is compared."""
FEW_PACKED, MANY_PACKED = 30_000, 60_000
"""Records between which that of a package is compared: both several volumes, and more than a page cache holds."""
GROWTH = 25 * memory.MIB


def parts(seed: int) -> list[Part]:
    """All parts of a run with this seed; the same seed gives the same steps."""
    seeds = random.Random(seed)

    def repeated(count: int, asked: int, run: Callable[[int], str]) -> tuple[Step, ...]:
        chosen = [seeds.getrandbits(31) for _ in range(count)]
        return tuple(Step(name=f"seed {one}", asked=asked, run=partial(run, one)) for one in chosen)

    def suite(name: str, unit: str, targets: Sequence[str], count: int = 1, asked: int = 1) -> Part:
        return Part(name=name, unit=unit, steps=repeated(count, asked, partial(suites.run, targets)))

    return [
        Part(name="kills-sqlite", unit="kills", steps=repeated(KILLS // KILLS_A_STEP, KILLS_A_STEP, _kills_sqlite)),
        Part(
            name="kills-postgresql", unit="kills", steps=repeated(KILLS // KILLS_A_STEP, KILLS_A_STEP, _kills_postgres)
        ),
        Part(
            name="kills-append",
            unit="kills",
            steps=repeated(APPEND_KILLS // APPEND_KILLS_A_STEP, APPEND_KILLS_A_STEP, _kills_append),
        ),
        Part(
            name="kills-witness",
            unit="witnesses killed",
            steps=repeated(WITNESS_KILLS // WITNESS_KILLS_A_STEP, WITNESS_KILLS_A_STEP, _kills_witness),
        ),
        Part(
            name="agent-links",
            unit="cables cut",
            steps=repeated(BLOWS // BLOWS_A_STEP, BLOWS_A_STEP, partial(_agents, agents.Blow.CUT)),
        ),
        Part(
            name="agent-kills",
            unit="agents killed",
            steps=repeated(BLOWS // BLOWS_A_STEP, BLOWS_A_STEP, partial(_agents, agents.Blow.KILL)),
        ),
        suite(
            "package-bytes",
            "bytes of the zip changed",
            [f"{_ATTACKS}::test_any_one_byte_changed_anywhere_in_the_file_is_found"],
            -(-CHANGED_BYTES // MUTATIONS),
            MUTATIONS,
        ),
        suite("package-attacks", "runs", [_ATTACKS]),
        suite("tamper", "runs over every table and column", ["tests/tamper"]),
        suite("durability", "runs", ["tests/integration/store/test_durability.py"], POWER_CUTS),
        suite("tiles", "runs", ["tests/integration/tiles/test_published.py"]),
        suite("export-kills", "runs, killed before each call", ["tests/integration/tiles/test_export.py"]),
        suite("no-fork", "runs", ["tests/integration/trust/test_no_fork.py"], 3),
        suite("demo", "runs from nothing", ["tests/integration/demo/test_once.py"]),
        suite("faults", "runs over clocks, disks, memory, servers and bits", ["tests/faults"], FAULTS),
        Part(
            name="full-disks-sqlite",
            unit="times full",
            steps=repeated(FULL // FULL_A_STEP, FULL_A_STEP, _full_sqlite),
        ),
        Part(
            name="full-disks-postgresql",
            unit="times full",
            steps=repeated(FULL // FULL_A_STEP, FULL_A_STEP, _full_postgres),
        ),
        Part(name="plant-sqlite", unit="records", steps=repeated(1, PLANT, _plant_sqlite)),
        Part(name="plant-postgresql", unit="records", steps=repeated(1, PLANT, _plant_postgres)),
        Part(name="violations-sqlite", unit="months of violations", steps=repeated(1, 1, violations.run)),
        Part(name="violations-postgresql", unit="months of violations", steps=repeated(1, 1, _violations_postgres)),
        suite("opcua-bytes", "runs", ["tests/integration/collectors/test_opcua_hostile.py"], FAULTS),
        suite("processes", "runs", ["tests/integration/store/test_processes.py"], REPETITIONS),
        *(suite(f"fuzz {kind}", "inputs", [f"{_FUZZ}[{kind}]"], asked=INPUTS) for kind in sorted(COLLECTORS)),
        Part(
            name="properties",
            unit="files of property tests",
            steps=tuple(
                Step(name=file, asked=1, run=partial(suites.run, [file], seeds.getrandbits(31)))
                for file in _files("import hypothesis", "from hypothesis", "schemathesis")
            ),
        ),
        Part(
            name="every-way",
            unit="files whose every case is run in every way, on either database",
            steps=tuple(
                Step(name=file, asked=1, run=partial(suites.run, [file], seeds.getrandbits(31)))
                for file in _files("mark.sampled", "sampled import WHOLE", "sampled import one_in")
            ),
        ),
        Part(
            name="memory",
            unit="comparisons",
            steps=(
                Step(name=f"verify {FEW} {MANY}", asked=1, run=partial(_flat, "verify", FEW, MANY)),
                Step(name=f"audit {FEW} {MANY}", asked=1, run=partial(_flat, "audit", FEW, MANY)),
                Step(name=f"export {FEW_EXPORTED} {MANY}", asked=1, run=partial(_flat, "export", FEW_EXPORTED, MANY)),
                Step(
                    name=f"package {FEW_PACKED} {MANY_PACKED}",
                    asked=1,
                    run=partial(_flat, "package", FEW_PACKED, MANY_PACKED),
                ),
            ),
        ),
    ]


_FUZZ = "tests/fuzz/test_fuzz.py::test_no_bytes_in_place_of_an_original_crash_hang_or_grow_the_reader"
_ATTACKS = "tests/integration/reports/test_attacks.py"


def _kills_sqlite(seed: int) -> str:
    return campaign.run(KILLS_A_STEP, seed).says()


def _kills_postgres(seed: int) -> str:
    with temporary_postgres() as server:
        return campaign.run(KILLS_A_STEP, seed, server).says()


def _plant_sqlite(seed: int) -> str:
    return plant.run(PLANT, seed)


def _plant_postgres(seed: int) -> str:
    with temporary_postgres() as server:
        return plant.run(PLANT, seed, server)


def _violations_postgres(seed: int) -> str:
    with temporary_postgres() as server:
        return violations.run(seed, server)


def _full_sqlite(seed: int) -> str:
    with tempfile.TemporaryDirectory(prefix="trailseal-full-") as folder:
        return full.run(FULL_A_STEP, seed, Path(folder))


def _full_postgres(seed: int) -> str:
    with tempfile.TemporaryDirectory(prefix="trailseal-full-") as folder, temporary_postgres() as server:
        return full.run(FULL_A_STEP, seed, Path(folder), server)


def _kills_append(seed: int) -> str:
    with tempfile.TemporaryDirectory(prefix="trailseal-append-") as folder:
        files = appending.run(APPEND_KILLS_A_STEP, 10_000, seed, Path(folder))
    return f"{APPEND_KILLS_A_STEP} appends killed, {files} files completed"


def _kills_witness(seed: int) -> str:
    with tempfile.TemporaryDirectory(prefix="trailseal-witness-") as folder:
        return witnessing.says(witnessing.run(WITNESS_KILLS_A_STEP, seed, Path(folder)))


def _agents(blow: agents.Blow, seed: int) -> str:
    with tempfile.TemporaryDirectory(prefix="trailseal-agents-") as folder:
        return agents.run({blow: BLOWS_A_STEP}, seed, Path(folder)).says()


def _flat(work: str, few: int, many: int) -> str:
    grown = memory.growth(work, few, many)
    assert grown < GROWTH, f"peak memory of {work} grows by {grown / memory.MIB:.0f} MiB from {few} to {many} entries"
    return f"peak memory grows by {grown / memory.MIB:.1f} MiB from {few} to {many} entries"


def _files(*words: str) -> Iterator[str]:
    """Test files that have one of these words: those that draw by hypothesis, or of whose cases a sample is run."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        text = path.read_text()
        if any(word in text for word in words):
            yield str(path.relative_to(ROOT))
