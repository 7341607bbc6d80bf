"""A ledger that grows by what another process makes meanwhile: on two cores in half the time."""

import itertools
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ledger.service import Service
from ledger.store.append import Batch
from tests.bench.corpus import submissions
from tests.bench.harness import LOG, preparer, size

STEP = 2_000
"""Records a commit."""
AHEAD = 6
"""Batches that are made before they are asked for, at most."""
APART = 10**9
"""The first record made here: none has the id of one that was made elsewhere."""


def grow(service: Service, to: int) -> None:
    """Appends records until the log has so many entries."""
    now = size(service)
    if now >= to:
        return
    context = multiprocessing.get_context("spawn")
    made: Any = context.Queue(AHEAD)
    maker = context.Process(target=_make, args=(str(service.folder), now, to - now, made), daemon=True)
    maker.start()
    for drafts in iter(made.get, None):
        service.store.append(LOG, Batch(drafts))
    maker.join()
    assert size(service) == to, f"{size(service):,} entries, not {to:,}: what makes records failed"


def _make(folder: str, first: int, count: int, made: Any) -> None:
    service = Service(Path(folder))
    try:
        prepare = preparer(service).prepare
        drafts: Iterator[Any] = map(prepare, submissions(count, seed=first, first=APART + first))
        while batch := list(itertools.islice(drafts, STEP)):
            made.put(batch)
    finally:
        made.put(None)
        service.close()
