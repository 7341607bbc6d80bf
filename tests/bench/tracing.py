"""How soon all records of a batch are told, at a large size against a small one."""

import statistics
import time
from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec.structs import replace

from ledger.core.entry import Draft
from ledger.core.record import Action, Link, LinkBasis, LinkKind, Submission
from ledger.core.times import Basis, Precision, SourceTime
from ledger.service import Service
from ledger.store.append import Batch
from ledger.trace.selection import ByBatch, Chosen
from tests.bench.corpus import START_US, submissions
from tests.bench.growing import STEP, grow
from tests.bench.harness import LOG, Bench, Database, preparer, size

LINKED: Final = 10_000
"""Records of the batch: every other one names it, the others name the equipment that it had."""
TIMES: Final = 5
_FIRST: Final = 2 * 10**9
_APART_US: Final = 3 * 86_400_000_000
_BATCH: Final = Link(kind=LinkKind.BATCH, id="TRACED", basis=LinkBasis.READ)
_EQUIPMENT: Final = Link(kind=LinkKind.EQUIPMENT, id="TRACED-1", basis=LinkBasis.READ)


def measure(bench: Bench, database: Database, service: Service, large: int) -> None:
    """Grows a ledger to `large` entries and gives it a batch; adds trace.*.seconds and .growth."""
    grow(service, large - 2 * LINKED)
    _tell(service)
    with database.ledger() as small:
        _tell(small)
        few, little = size(small), _median(small)
    many = _median(service)
    bench.add(
        f"trace.{database.name}.seconds",
        many,
        "≤ 1",
        f"a batch of {LINKED:,} records, half of them by its equipment, at {size(service):,} entries",
    )
    bench.add(f"trace.{database.name}.growth", many / little, "≤ 2", f"{little:,.3f} s at {few:,} entries")


def _tell(service: Service) -> None:
    """The batch in an hour of its own, and as many records of the same equipment three days later."""
    prepare = preparer(service).prepare
    drafts = (one for one in map(prepare, _records()) if isinstance(one, Draft))
    while batch := list(islice(drafts, STEP)):
        service.store.append(LOG, Batch(batch))


def _records() -> Iterator[Submission]:
    last = LINKED - 1
    for at, one in enumerate(submissions(2 * LINKED, seed=5, first=_FIRST)):
        inside = at <= last
        instant = START_US + (at * 360_000 if inside else _APART_US + at * 360_000)
        when = SourceTime(
            text=f"{instant}", precision=Precision.MICROSECOND, basis=Basis.SOURCE_ZONE, instant_us=instant
        )
        action = {0: Action.START, last: Action.STOP}.get(at, Action.UPDATE)
        named = inside and (at % 2 == 0 or at == last)
        links = (_BATCH, _EQUIPMENT) if named else (_EQUIPMENT,)
        yield replace(one, record=replace(one.record, action=action, occurred_at=when, links=links))


def _median(service: Service) -> float:
    """Seconds."""
    spent = []
    for _ in range(TIMES):
        started = time.perf_counter()
        with service.store.reader(LOG) as reader:
            chosen = Chosen(reader.connection, LOG, reader.head().size, ByBatch(kind=LinkKind.BATCH, id=_BATCH.id))
            found = sum(1 for _ in chosen)
        spent.append(time.perf_counter() - started)
        assert found == LINKED, f"{found} records, not {LINKED}"
    return statistics.median(spent)
