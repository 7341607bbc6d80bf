"""Peers in the same run, on SQLite as durable as they make it: pymerkle's tree (development only) and auditchain.

Each is given the same bodies. Ratios are our speed by theirs: single appends (one commit each), inclusion proofs at the
same size, and verification of the whole log or, where a peer has none, of one proof.
"""

import asyncio
import itertools
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymerkle
from auditchain import AuditLog, SqliteBackend

from ledger.core.hashing import leaf_hash
from ledger.core.merkle import verify_inclusion
from ledger.integrity.tasks import Here
from ledger.service import Service
from ledger.store.append import Batch
from tests.bench.append import append
from tests.bench.corpus import submissions
from tests.bench.harness import LOG, Bench, Database, preparer, size
from tests.bench.verify import seconds

ENTRIES = 10_000
SINGLES = 200
PROOFS = 200


def measure(bench: Bench, database: Database) -> None:
    """Adds peers.*."""
    source = submissions(1_000_000, seed=17)
    with database.ledger() as service, tempfile.TemporaryDirectory(dir=Path(service.folder).parent) as folder:
        append(service, list(itertools.islice(source, ENTRIES)), 1000)
        with service.store.reader(LOG) as reader:
            bodies = [body for _, _, _, body in reader.rows(0, ENTRIES) if body is not None]
        singles = list(itertools.islice(source, SINGLES))
        prepare = preparer(service).prepare
        ours = _each(lambda one: service.store.append(LOG, Batch([prepare(one)])), singles)  # type: ignore[list-item] # none is rejected
        picks = [random.Random(11).randrange(ENTRIES) for _ in range(PROOFS)]
        with service.store.reader(LOG) as reader:
            proof = _each(lambda index: reader.inclusion(index, ENTRIES), picks)
        here = Here(service.verifier._reading, service.store.kinds, service.store.projections)
        whole = seconds(service, here) / size(service)
        check = _our_check(service, picks)
        _pymerkle(bench, Path(folder), bodies, picks, ours, proof, check)
        asyncio.run(_auditchain(bench, Path(folder), bodies, picks, ours, proof, whole))


def _pymerkle(
    bench: Bench, folder: Path, bodies: list[bytes], picks: list[int], ours: float, proof: float, check: float
) -> None:
    tree = pymerkle.SqliteTree(str(folder / "pymerkle.db"))
    tree.append_entries(bodies)
    _add(bench, "pymerkle.append", ours, _each(tree.append_entry, bodies[:SINGLES]))
    _add(bench, "pymerkle.proof", proof, _each(lambda index: tree.prove_inclusion(index + 1, ENTRIES), picks))
    root = tree.get_state(ENTRIES)
    made = [(tree.get_leaf(index + 1), tree.prove_inclusion(index + 1, ENTRIES)) for index in picks]
    _add(bench, "pymerkle.verify", check, _each(lambda one: pymerkle.verify_inclusion(one[0], root, one[1]), made))
    tree.close()


async def _auditchain(
    bench: Bench, folder: Path, bodies: list[bytes], picks: list[int], ours: float, proof: float, whole: float
) -> None:
    log = AuditLog(SqliteBackend(folder / "auditchain.db"))
    await log.init()
    texts = [body.decode() for body in bodies]
    await log.append_many([("bench", "record", text, None) for text in texts])
    started = time.perf_counter()
    for text in texts[:SINGLES]:
        await log.append("bench", "record", text)
    _add(bench, "auditchain.append", ours, (time.perf_counter() - started) / SINGLES)
    started = time.perf_counter()
    for index in picks[:5]:  # each reads the whole log
        await log.inclusion_proof(index)
    _add(bench, "auditchain.proof", proof, (time.perf_counter() - started) / 5)
    started = time.perf_counter()
    report = await log.verify()
    assert report.ok, report
    _add(bench, "auditchain.verify", whole, (time.perf_counter() - started) / (ENTRIES + SINGLES))
    await log.close()


def _our_check(service: Service, picks: list[int]) -> float:
    with service.store.reader(LOG) as reader:
        root = reader.root(ENTRIES)
        made = [(index, leaf_hash(reader.entry(index).leaf), reader.inclusion(index, ENTRIES)) for index in picks]
    return _each(lambda one: verify_inclusion(one[0], ENTRIES, one[1], one[2], root), made)


def _each(work: Callable[[Any], object], items: list[Any]) -> float:
    """Seconds of the median one."""
    spent = []
    for one in items:
        started = time.perf_counter()
        work(one)
        spent.append(time.perf_counter() - started)
    return sorted(spent)[len(spent) // 2]


def _add(bench: Bench, name: str, ours: float, theirs: float) -> None:
    bench.add(f"peers.{name}", theirs / ours, "≥ 1", f"ours {ours * 1e6:,.0f} µs, theirs {theirs * 1e6:,.0f} µs")
