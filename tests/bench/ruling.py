"""How soon all rules have looked at a new hour of records, in a large ledger against a small one."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import select

from ledger.core.entry import Draft, draft
from ledger.core.record import Maybe, Submission
from ledger.core.rule_run import Examined, RuleRun
from ledger.review.exceptions.examining import judged
from ledger.review.exceptions.left import kept
from ledger.review.known.reach import Reach
from ledger.review.rules import rules
from ledger.review.rules.known import Known
from ledger.service import Service
from ledger.store import schema
from ledger.store.append import Batch
from ledger.store.position import index_of, pos_of
from tests.bench.corpus import submissions
from tests.bench.growing import APART, STEP, grow
from tests.bench.harness import AUTHORITY, LOG, Bench, Database, preparer, size

HOUR: Final = 10_000
"""Records of the hour."""
SMALL: Final = 100_000


def measure(bench: Bench, database: Database, service: Service, large: int) -> None:
    """Grows a ledger to `large` entries and gives it an hour; adds rules.*.seconds and .growth.

    What was there before counts as looked at: an entry says so, in place of a run that would take minutes.
    """
    grow(service, large - HOUR)
    many = _seconds(service)
    for name, seconds in _alone(service):
        bench.add(f"rules.{database.name}.{name.lower()}", seconds * 1000, "reported", "ms, with what it reads itself")
    with database.ledger() as small:
        grow(small, SMALL)
        few = _seconds(small)
    bench.add(
        f"rules.{database.name}.seconds",
        many,
        "≤ 5",
        f"{len(rules())} rules over {HOUR:,} new records, at {size(service):,} entries",
    )
    bench.add(f"rules.{database.name}.growth", many / few, "reported", f"{few:,.3f} s at {SMALL:,} entries")


def _seconds(service: Service) -> float:
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
    prepare = preparer(service).prepare
    drafts = (one for one in map(prepare, _hour(APART + size(service))) if isinstance(one, Draft))
    while batch := list(islice(drafts, STEP)):
        service.store.append(LOG, Batch(batch))
    started = time.perf_counter()
    ran = service.quality.rules.run(service.record_log().log, AUTHORITY)
    spent = time.perf_counter() - started
    assert sum(one.examined for one in ran.rules) > HOUR, "the rules did not look at it"
    return spent


def _alone(service: Service) -> Iterator[tuple[str, float]]:
    """The seconds of each rule over the hour, one after the other; what one has read is at hand to the next."""
    with service.store.reading() as connection:
        size_ = size(service)
        known = Known(connection, service.store.kinds, service.quality.parameters, LOG, size_, size_ - HOUR, Reach({}))
        row = schema.record.c.pos
        new = known.told(map(index_of, connection.scalars(select(row).where(row >= pos_of(LOG, size_ - HOUR)))))
        for name, rule in rules().items():
            started = time.perf_counter()
            entries = {one.index for one in new} | set(rule.touches(new, known))
            found = sum(1 for _ in judged(rule, entries, known))
            yield name, time.perf_counter() - started
            assert found >= len(new)


def _hour(first: int) -> Iterator[Submission]:
    """Records that follow at once on those that are there; each of their changes goes on from the one before."""
    values: dict[tuple[str, str], Maybe] = {}
    for one in submissions(HOUR, seed=7, first=first):
        changes = []
        for change in one.record.changes:
            field = one.record.object.id, change.attribute
            changes.append(replace(change, old=values.get(field, UNSET)))
            values[field] = change.new
        yield replace(one, record=replace(one.record, changes=tuple(changes)))
