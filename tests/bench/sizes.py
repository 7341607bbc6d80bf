"""Inclusion proofs, appends and the memory of verification: at a large size against those at a small one."""

import itertools
import random
import statistics
import time

from ledger.service import Service
from ledger.store.append import Batch
from tests.bench.corpus import submissions
from tests.bench.growing import STEP, grow
from tests.bench.harness import LOG, Bench, Database, preparer, size
from tests.soak.memory import MIB, peak

WARM, SMALL = 2_000, 42_000
FEW, MANY = 10_000, 1_000_000
"""Entries between which the memory of verification is compared."""
PROOFS = 400
SINGLE = 500
"""Entries that are appended one by one."""


def measure(bench: Bench, database: Database, service: Service, large: int) -> None:
    """Grows a ledger to `large` entries; adds proof.*, append.* (in batches, one by one) and memory.*growth."""
    source = submissions(SMALL + SMALL, seed=5)
    prepare = preparer(service).prepare

    def append(to: int) -> float:
        """Seconds of appending alone."""
        spent = 0.0
        while (missing := to - size(service)) > 0:
            drafts = [prepare(one) for one in itertools.islice(source, min(missing, STEP))]
            started = time.perf_counter()
            service.store.append(LOG, Batch(drafts))  # type: ignore[arg-type] # none is rejected
            spent += time.perf_counter() - started
        return spent

    def one_by_one() -> float:
        """Seconds of an append of one entry, as the median has it."""
        spent = []
        for draft in [prepare(one) for one in itertools.islice(source, SINGLE)]:
            started = time.perf_counter()
            service.store.append(LOG, Batch([draft]))  # type: ignore[list-item] # none is rejected
            spent.append(time.perf_counter() - started)
        return statistics.median(spent)

    append(WARM)
    first_alone = one_by_one()
    spent = append(FEW)
    # The whole of it takes minutes at a large size; what streams over all entries is what could grow.
    work = "columns" if large <= MANY else "verify"
    little = peak(service.folder, work)
    first = (spent + append(SMALL)) / (SMALL - WARM - SINGLE)
    small = _latency(service, SMALL)
    many, nearly = min(MANY, large), large - (SMALL - WARM)
    grow(service, min(many, nearly))
    much = peak(service.folder, work) if many < large else 0
    grow(service, nearly)
    last = append(large) / (SMALL - WARM)
    last_alone = one_by_one()
    big = _latency(service, large)
    much = much or peak(service.folder, work)
    bench.add(
        f"append.{database.name}.growth",
        first / last,
        "≥ 0.9",
        f"{1 / last:,.0f} records/s at {large:,} entries, {1 / first:,.0f} at the beginning (batches of 2,000)",
    )
    bench.add(
        f"append.{database.name}.single_growth",
        first_alone / last_alone,
        "≥ 0.9",
        f"{last_alone * 1e3:,.2f} ms an append of one at {large:,} entries, {first_alone * 1e3:,.2f} at the beginning",
    )
    bench.add(
        f"proof.{database.name}.growth",
        big / small,
        "≤ 4",
        f"{big * 1e6:,.0f} µs at {large:,} entries, {small * 1e6:,.0f} µs at {SMALL:,}",
    )
    bench.add(
        f"memory.{database.name}.growth",
        much / little,
        "≤ 1.2",
        f"{much / MIB:,.0f} MiB to verify {many:,} entries, {little / MIB:,.0f} to verify {FEW:,} ({work})",
    )


def _latency(service: Service, entries: int) -> float:
    rng = random.Random(11)
    spent = []
    with service.store.reader(LOG) as reader:
        for _ in range(PROOFS):
            index = rng.randrange(entries)
            started = time.perf_counter()
            reader.inclusion(index, entries)
            spent.append(time.perf_counter() - started)
    return sorted(spent)[PROOFS // 2]
