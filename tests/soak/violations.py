"""The whole month of violations against its truth, in two orders of arrival that the seed draws."""

import tempfile
from pathlib import Path
from typing import Final

from tests.integration.plant.violating import NOW, Row, Violating, hold
from tests.plant.violations import Corpus
from tests.support.ledgers import MovableClock, new_ledger
from tests.support.postgres import PostgresServer

EACH: Final = 13
"""Violations and near misses of each rule; of a rule with more sorts of them one of each sort."""
ORDINARY: Final = 10_000
"""Records of the ordinary month."""
LOOKS: Final = (0, 5)
"""How often the rules look while the month arrives, in either order."""


def run(seed: int, server: PostgresServer | None = None) -> str:
    """What was planted and found; raises AssertionError, naming the seed and what differs."""
    print(f"    seed {seed}")
    corpus = Corpus(seed, EACH, ORDINARY)
    (rows, keys), (_, others) = (_held(corpus, seed + order, looks, server) for order, looks in enumerate(LOOKS))
    assert keys == others, f"seed {seed}: the orders of arrival differ"
    planted, near = sum(row.planted for row in rows), sum(row.near for row in rows)
    return (
        f"{len(corpus.facts):,} records, seed {seed}: {planted} violations of {len(rows)} rules found, nothing "
        f"else, {near} near misses cleared, {sum(row.unknown for row in rows)} not assessable; the same in two orders"
    )


def _held(corpus: Corpus, order_seed: int, looks: int, server: PostgresServer | None) -> tuple[list[Row], set[str]]:
    database = None if server is None else server.create_database()
    with tempfile.TemporaryDirectory(prefix="trailseal-violations-") as folder:
        ledger = new_ledger(Path(folder) / "ledger", database, MovableClock(NOW))
        try:
            violating = Violating(ledger, corpus, order_seed, looks)
            return hold(violating, corpus), violating.keys()
        finally:
            ledger.close()
