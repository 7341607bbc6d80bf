"""How soon a search and an object's history give their first page, at a large size, a search against a small one too.

Any of the facets is asked for, none more likely; objects as often as they have records, and each as likely as another.
"""

import random
import time
from typing import Any, Final

import msgspec
from sqlalchemy import Column, Connection, func, select

from ledger.core.source import SourceConfig
from ledger.service import Service
from ledger.store import schema
from ledger.store.combinations import MEMBERS, combinations
from ledger.store.ordering import page
from ledger.store.position import pos_of
from ledger.store.question import Query
from ledger.trace.history import versions
from tests.bench.growing import grow
from tests.bench.harness import AUTHORITY, LOG, Bench, Database, size
from tests.plant import Plant

FEW: Final = 10_000
"""Records of the small ledger, all of a plant's month; the large one has the same month behind its other entries."""
ASKED: Final = 200
EVERY: Final = (*MEMBERS, "actor", "object_id", "workstation", "role", "attribute")
COMMONEST: Final = 3
"""Values of a facet from which a common one is drawn."""


def measure(bench: Bench, database: Database, service: Service, large: int) -> None:
    """Grows a ledger to `large` entries and gives it a month of a plant; adds search.*.p95_ms,
    .every.p95_ms and .growth, and history.*.p95_ms."""
    grow(service, large - FEW)
    _tell(service)
    with database.ledger() as small:
        _tell(small)
        few, little = size(small), _p95(small)
    many, past, all_ = _p95(service), _history_p95(service), _every_facet_p95(service)
    bench.add(
        f"search.{database.name}.p95_ms",
        many * 1e3,
        "≤ 50",
        f"first page by 1 to 4 of {', '.join(MEMBERS)}, at {size(service):,} entries ({ASKED} questions)",
    )
    bench.add(f"search.{database.name}.growth", many / little, "≤ 2", f"p95 {little * 1e3:,.2f} ms at {few:,} entries")
    bench.add(
        f"search.{database.name}.every.p95_ms",
        all_ * 1e3,
        "≤ 50",
        f"first page by 1 to 4 of {', '.join((*EVERY, 'reasoned', 'link'))}, of which 2 in 5 are of the 3 commonest"
        f" values, at {size(service):,} entries ({ASKED} questions)",
    )
    bench.add(
        f"history.{database.name}.p95_ms",
        past * 1e3,
        "≤ 30",
        f"first page of an object's history, at {size(service):,} entries ({ASKED} objects)",
    )


def _tell(service: Service) -> None:
    plant = Plant(1, FEW)
    for system in plant.sources():
        service.sources.register(SourceConfig(id=system.source, type="test", title=system.title), AUTHORITY)
    for run in plant.runs(1):
        service.ingest.submit(run, AUTHORITY)


def _p95(service: Service) -> float:
    """Seconds. Most questions name a rare value or what nothing has, as each value is as likely as any other."""
    rng = random.Random(3)
    spent = []
    with service.store.reader(LOG) as reader:
        entries, there = reader.head().size, combinations(reader.connection, (None,) * len(MEMBERS))
        values = [sorted({one[at] for one in there}) for at in range(len(MEMBERS))]
        for _ in range(ASKED):
            chosen = sorted(rng.sample(range(len(MEMBERS)), rng.randint(1, len(MEMBERS))))
            query = Query(**{MEMBERS[at]: rng.choice(values[at]) for at in chosen})  # type: ignore[arg-type] # texts
            started = time.perf_counter()
            page(reader.connection, LOG, entries, query)
            spent.append(time.perf_counter() - started)
    return sorted(spent)[ASKED * 95 // 100]


def _every_facet_p95(service: Service) -> float:
    """Seconds. Of values that many records have each, often none has all."""
    rng = random.Random(7)
    spent = []
    with service.store.reader(LOG) as reader:
        entries, row, link = reader.head().size, schema.record.c, schema.record_link.c
        columns = [row[name] for name in EVERY if name != "attribute"] + [schema.record_change.c.attribute]
        values = {str(column.name): _values(reader.connection, column) for column in columns}
        values["links"] = _values(reader.connection, link.kind, link.id)
        for _ in range(ASKED):
            members: dict[str, Any] = {}
            for name in rng.sample((*values, "reasoned"), rng.randint(1, 4)):
                if name == "reasoned":
                    members[name] = rng.random() < 0.5
                else:
                    found = values[name][:COMMONEST] if rng.random() < 0.4 else values[name]
                    chosen = rng.choice(found)
                    members[name] = (tuple(chosen),) if name == "links" else chosen[0]
            query = msgspec.convert(members, Query)
            started = time.perf_counter()
            page(reader.connection, LOG, entries, query)
            spent.append(time.perf_counter() - started)
    return sorted(spent)[ASKED * 95 // 100]


def _values(connection: Connection, *columns: Column[Any]) -> list[tuple[str, ...]]:
    """All values of columns, the commonest first."""
    number = func.count()
    chosen = select(*columns).where(columns[0].is_not(None)).group_by(*columns).order_by(number.desc(), *columns)
    return [tuple(found) for found in connection.execute(chosen)]


def _history_p95(service: Service) -> float:
    """Seconds. Of half of the questions the object is that of an entry drawn, and so one of many records."""
    rng, log, spent = random.Random(5), service.log(), []
    with service.store.reader(LOG) as reader:
        entries, row = reader.head().size, schema.record.c
        every = sorted(reader.connection.execute(select(row.object_type, row.object_id).distinct()).tuples())
        chosen = rng.sample(every, ASKED // 2)
        while len(chosen) < ASKED:
            drawn = select(row.object_type, row.object_id).where(row.pos == pos_of(LOG, rng.randrange(entries)))
            chosen += reader.connection.execute(drawn).tuples()
        for type_, id_ in chosen:
            started = time.perf_counter()
            versions(service.store, reader.connection, log, entries, type_, id_)
            spent.append(time.perf_counter() - started)
    return sorted(spent)[ASKED * 95 // 100]
