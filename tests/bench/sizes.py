"""Appends, inclusion proofs and the memory of verification: at a large size against those at a small one.

The same records go to a new ledger and to the large one, by turns: a machine that others use as well changes its pace.
"""

import itertools
import random
import statistics
import time
from collections.abc import Sequence

from ledger.core.record import Submission
from ledger.service import Service
from ledger.store.append import Batch
from tests.bench.corpus import submissions
from tests.bench.growing import STEP, grow
from tests.bench.harness import LOG, Bench, Database, preparer, size
from tests.soak.memory import MIB, peak

WARM = 2_000
"""Entries of a ledger that counts as new."""
TURNS, TURN = 2, 20_000
"""How often each ledger is given so many records in batches."""
SINGLE = 250
"""Records that each is given one by one in a turn."""
FEW, MANY = 10_000, 1_000_000
"""Entries between which the memory of verification is compared."""
PROOFS = 400


def appending(bench: Bench, database: Database, service: Service, large: int) -> None:
    """Grows a ledger to `large` entries; adds append.*.growth (in batches, one by one) and proof.*.growth."""
    grow(service, large - TURNS * (TURN + SINGLE))
    source = submissions(WARM + TURNS * (TURN + SINGLE), seed=5)
    in_batches: dict[Service, float] = {}
    one_by_one: dict[Service, list[float]] = {}
    with database.ledger() as fresh:
        _append(fresh, list(itertools.islice(source, WARM)), STEP)
        for _ in range(TURNS):
            many = list(itertools.islice(source, TURN))
            single = list(itertools.islice(source, SINGLE))
            for ledger in (fresh, service):
                in_batches[ledger] = in_batches.get(ledger, 0.0) + sum(_append(ledger, many, STEP))
                one_by_one.setdefault(ledger, []).extend(_append(ledger, single, 1))
        entries, few = size(service), size(fresh)
        big, small = _latency(service, entries), _latency(fresh, few)
    first, last = (TURNS * TURN / in_batches[ledger] for ledger in (fresh, service))
    first_alone, last_alone = (statistics.median(one_by_one[ledger]) for ledger in (fresh, service))
    bench.add(
        f"append.{database.name}.growth",
        last / first,
        "≥ 0.9",
        f"{last:,.0f} records/s at {entries:,} entries, {first:,.0f} in a new ledger (batches of {STEP:,})",
    )
    bench.add(
        f"append.{database.name}.single_growth",
        first_alone / last_alone,
        "≥ 0.9",
        f"{last_alone * 1e3:,.2f} ms an append of one at {entries:,} entries, {first_alone * 1e3:,.2f} in a new ledger",
    )
    bench.add(
        f"proof.{database.name}.growth",
        big / small,
        "≤ 4",
        f"{big * 1e6:,.0f} µs at {entries:,} entries, {small * 1e6:,.0f} µs at {few:,}",
    )


def memory(bench: Bench, database: Database, service: Service, large: int) -> None:
    """Grows a new ledger to as many entries as memory is compared at, `large` at most; adds memory.*.growth."""
    # The whole of it takes minutes at a large size; what streams over all entries is what could grow.
    work = "columns" if large <= MANY else "verify"
    many = min(MANY, large)
    grow(service, FEW)
    little = peak(service.folder, work)
    grow(service, many)
    much = peak(service.folder, work)
    bench.add(
        f"memory.{database.name}.growth",
        much / little,
        "≤ 1.2",
        f"{much / MIB:,.0f} MiB to verify {many:,} entries, {little / MIB:,.0f} to verify {FEW:,} ({work})",
    )


def _append(service: Service, chosen: Sequence[Submission], batch: int) -> list[float]:
    """Seconds of each commit; what is made before it is not counted."""
    prepare = preparer(service).prepare
    spent = []
    for drafts in [[prepare(one) for one in chosen[at : at + batch]] for at in range(0, len(chosen), batch)]:
        started = time.perf_counter()
        service.store.append(LOG, Batch(drafts))  # type: ignore[arg-type] # none is rejected
        spent.append(time.perf_counter() - started)
    return spent


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
