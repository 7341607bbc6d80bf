"""How soon all rules have looked at a new hour of records, in a large ledger against a small one.

The hour is the month of violations (`tests.plant.violations`): all sources of a plant, and of every rule what it has to
find and what nearly is that. So each rule has far more to look at, and to hold against others, than an hour of a plant
would give it. Before it the ledger holds the records of another source.
"""

import time
from collections.abc import Iterator
from itertools import count
from typing import Final

from sqlalchemy import func, select

from ledger.core.entry import draft
from ledger.core.rule_run import Examined, RuleRun
from ledger.core.run import RunBatch
from ledger.review.exceptions.examining import judged
from ledger.review.exceptions.left import kept
from ledger.review.known.reach import Reach
from ledger.review.rules import rules
from ledger.review.rules.known import Known
from ledger.service import Service
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from tests.bench.growing import grow
from tests.bench.harness import AUTHORITY, LOG, Bench, Database, size
from tests.integration.plant.entering import settle
from tests.plant.violations import Corpus

HOUR: Final = 10_000
"""Records of the hour, at least."""
SMALL: Final = 100_000
SEED: Final = 1


def measure(bench: Bench, database: Database, service: Service, large: int) -> None:
    """Grows a ledger to `large` entries and gives it an hour; adds rules.*.seconds and .growth.

    What was there before counts as looked at: an entry says so, in place of a run that would take minutes.
    """
    hour = next(one for each in count(30, 5) if len((one := Corpus(SEED, each)).facts) >= HOUR)
    many = _seconds(service, hour, large)
    for name, seconds in _alone(service, hour):
        bench.add(f"rules.{database.name}.{name.lower()}", seconds * 1000, "reported", "ms, with what it reads itself")
    with database.ledger() as small:
        few = _seconds(small, hour, SMALL)
    bench.add(
        f"rules.{database.name}.seconds",
        many,
        "≤ 5",
        f"{len(rules())} rules over {len(hour.facts):,} new records of {len(hour.sources())} sources, "
        f"at {size(service):,} entries",
    )
    bench.add(f"rules.{database.name}.growth", many / few, "reported", f"{few:,.3f} s at {SMALL:,} entries")


def _seconds(service: Service, hour: Corpus, to: int) -> float:
    settle(service, hour, AUTHORITY)
    grow(service, to - len(hour.facts))
    runs = list(hour.runs(SEED))
    for source, since in {run.source: run.started_at for run in reversed(runs)}.items():
        # Each was collected before: to collect another system is to look at all others' records again.
        service.ingest.submit(
            RunBatch(source=source, started_at=since, ended_at=since, cursor_from=None, cursor_to=None), AUTHORITY
        )
    low = size(service)
    waiting, item = kept({}, {})
    nothing = dict.fromkeys(
        ("examined", "clear", "explained", "findings", "opened", "closed", "pending", "unordered"), 0
    )
    every = tuple(
        Examined(rule=name, version=one.about.version, lacking=(), **nothing) for name, one in rules().items()
    )
    looked = RuleRun(
        low=0, size=low, opened=0, closed=0, rules=every, watermarks=(), waiting=waiting, authority=AUTHORITY
    )
    service.store.append_one(LOG, draft(looked, vault=(item,)))
    for run in runs:
        service.ingest.submit(run, AUTHORITY)
    started = time.perf_counter()
    ran = service.quality.rules.run(service.record_log().log, AUTHORITY)
    spent = time.perf_counter() - started
    # A few wait for what no record brings, such as a count of the source or the day after.
    due = sum(case.said == "finding" for case in hour.cases) * 9 // 10
    assert sum(one.opened for one in ran.rules) >= due, "the rules did not look at it"
    return spent


def _alone(service: Service, hour: Corpus) -> Iterator[tuple[str, float]]:
    """The seconds of each rule over the hour, one after the other; what one has read is at hand to the next."""
    with service.store.reading() as connection:
        size_, row = size(service), schema.record.c
        first = index_of(
            connection.execute(select(func.min(row.pos)).where(row.source.in_(_sources(hour)))).scalar_one()
        )
        known = Known(connection, service.store.kinds, service.quality.parameters, LOG, size_, first, Reach({}))
        new = known.told(map(index_of, connection.scalars(select(row.pos).where(row.pos >= pos_of(LOG, first)))))
        for name, rule in rules().items():
            started = time.perf_counter()
            entries = {one.index for one in new} | set(rule.touches(new, known))
            found = sum(1 for _ in judged(rule, entries, known))
            yield name, time.perf_counter() - started
            assert found >= len(new)


def _sources(hour: Corpus) -> list[str]:
    return [one.source for one in hour.sources()]
