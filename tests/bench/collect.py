"""The ledger's path with a collector, against the bare append path: collect.*, records a second as a ratio.

The collector follows a file of JSON lines that hold the bench's own mix of records (`tail`, the driver behind most
product logs): it reads, maps, hands runs of up to 1,000 records to the ledger in the same process, and each run is
durable before the next is read. The bare path is that of `append.*.1000`: the same records, made already, appended by
the thousand. Rounds of both alternate.
"""

import contextlib
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from collectors.infra.tail import Tail
from collectors.runner import Runner
from ledger.core.clock import SystemClock
from ledger.core.record import Record, RecordBody, Submission
from ledger.core.source import SourceConfig
from ledger.service import Service
from tests.bench.append import append
from tests.bench.corpus import submissions
from tests.bench.harness import AUTHORITY, LOG, Bench, Database, size

WANTED = "≥ 0.60"
ROUNDS = 5
PER_ROUND = 4_000
MAPPING = """
name = "bench-lines"
version = 1
title = "The bench's records as JSON lines"
drivers = ["tail"]
[record]
id = "entry.id"
action = "entry.action"
occurred_at = "entry.at"
recorded_at = "entry.written"
reason = "entry.reason"
actor = { account = "entry.user", kind = "entry.kind", role = "entry.role", channel = "entry.channel" }
object = { type = "entry.type", id = "entry.object", name = "entry.name" }
[[record.changes]]
each = "entry.changes"
attribute = "attribute"
old = "old"
new = "new"
unit = "unit"
[[record.links]]
kind = "equipment"
id = "entry.equipment"
basis = "derived"
[[record.links]]
kind = "batch"
id = "entry.batch"
"""


def measure(bench: Bench, database: Database) -> None:
    """Adds collect.*: reading, mapping, Runner, ingest and the durable commit, in one process."""
    source = submissions(10_000_000, seed=5)
    spent: dict[str, float] = defaultdict(float)
    cpu: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory(prefix="trailseal-bench-lines-") as folder, database.ledger() as ours:
        path = Path(folder) / "lines.jsonl"
        path.touch()
        config = SourceConfig(
            id="bench-lines", type="tail", title="Lines", options={"path": str(path)}, mapping=MAPPING
        )
        ours.sources.register(config, AUTHORITY)
        collector = Tail(config, {}, SystemClock())
        _warm_up(ours, collector, path, list(islice(source, 1000)))
        with database.ledger() as bare:
            append(bare, list(islice(source, 1000)), 1000)
            for _ in range(ROUNDS):
                chosen = list(islice(source, PER_ROUND))
                _write(path, chosen)
                with _timed("collect", spent, cpu):
                    collected = _collect(ours, collector)
                if collected != len(chosen):
                    raise RuntimeError(f"{collected} of {len(chosen)} records were collected")
                with _timed("append", spent, cpu):
                    append(bare, chosen, 1000)
    records = ROUNDS * PER_ROUND
    bench.add(
        f"collect.{database.name}",
        spent["append"] / spent["collect"],
        WANTED,
        f"{records / spent['collect']:,.0f} records/s collected against {records / spent['append']:,.0f} appended; "
        f"{cpu['collect'] / records * 1e6:.0f} against {cpu['append'] / records * 1e6:.0f} µs CPU a record",
    )


def _warm_up(service: Service, collector: Tail, path: Path, chosen: Sequence[Submission]) -> None:
    """The first look; and makes sure that what the mapping makes of a line is the mix's record, every member of it."""
    _write(path, chosen)
    low = size(service)
    if _collect(service, collector) != len(chosen):
        raise RuntimeError("the mapping does not fit the lines")
    with service.store.reader(LOG) as reader:
        rows = reader.rows(low, size(service))
        bodies = [body for _, _, _, body in rows if body is not None and b'"schema":"record/1"' in body]
    for body, submission in zip(bodies, chosen, strict=True):
        made = msgspec.json.decode(body, type=RecordBody).record
        if msgspec.structs.replace(made, source="bench") != submission.record:
            raise RuntimeError(f"the mapping made {made} of {submission.record}")


def _collect(service: Service, collector: Tail) -> int:
    """Looks once; returns how many records were appended."""
    return Runner(collector, service.record_log().sink(AUTHORITY), SystemClock()).pull().appended


def _write(path: Path, chosen: Sequence[Submission]) -> None:
    with path.open("ab") as file:
        file.writelines(msgspec.json.encode(_line(submission.record)) + b"\n" for submission in chosen)


def _line(record: Record) -> dict[str, object]:
    """The record as a product's log would tell it."""
    line: dict[str, object] = {
        "id": record.source_record_id,
        "at": record.occurred_at.text,
        "action": record.action,
        "type": record.object.type,
        "object": record.object.id,
        "name": record.object.name,
        "user": record.actor.account,
        "kind": record.actor.kind,
        "changes": msgspec.to_builtins(record.changes),
    }
    optional: dict[str, str | None] = {
        "written": None if record.source_recorded_at is None else record.source_recorded_at.text,
        "role": record.actor.role,
        "channel": record.actor.channel,
        "reason": record.reason if isinstance(record.reason, str) else None,
    }
    optional |= {link.kind.value: link.id for link in record.links}
    return line | {name: value for name, value in optional.items() if value is not None}


@contextlib.contextmanager
def _timed(name: str, spent: dict[str, float], cpu: dict[str, float]) -> Iterator[None]:
    started, used = time.perf_counter(), time.process_time()
    yield
    spent[name] += time.perf_counter() - started
    cpu[name] += time.process_time() - used
