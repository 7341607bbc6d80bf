"""The collection runs of a package: the unbroken chain of each source's, and which records they hold."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.core.errors import ChainBroken, IntegrityError
from ledger.core.hashing import ZERO_HASH, run_chain, unb64
from reports import layout
from reports.lines import MAX_LINE, MAX_RUN_LINE, EntryLine, EntryRole, RunLine
from reports.reading import body_of, lines_of
from reports.strictzip import StrictZip


class Run(msgspec.Struct, frozen=True, tag_field="schema", tag="collection-run/1"):
    """A collection run's entry, as far as it is read here."""

    source: str
    started_at: str
    first: int | None
    records: int
    previous: int | None
    chain: str
    duplicates: tuple[Any, ...] = ()
    quarantined: tuple[Any, ...] = ()


class Cover:
    """The leaf hashes of the package's runs, looked up in rising order of index."""

    def __init__(self, package: StrictZip, prefix: str) -> None:
        self._runs = self._read(package, prefix)
        self._first = 0
        self._leaves: tuple[str, ...] = ()

    def leaf_hash(self, index: int) -> bytes | None:
        """The leaf hash that a run gives for this index; None where no run of the package holds it."""
        while index >= self._first + len(self._leaves):
            following = next(self._runs, None)
            if following is None:
                return None
            self._first, self._leaves = following
        return unb64(self._leaves[index - self._first], 32) if index >= self._first else None

    def _read(self, package: StrictZip, prefix: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        leaves = lines_of(package, prefix + layout.RUNS, RunLine, MAX_RUN_LINE)
        for entry in lines_of(package, prefix + layout.ENTRIES, EntryLine, MAX_LINE):
            if entry.role is EntryRole.RUN:
                run, line = body_of(entry, Run), next(leaves, None)
                if line is not None and run.first is not None:
                    yield run.first, line.leaves


def check_run(index: int, run: Run, line: RunLine | None, chains: dict[str, tuple[int, bytes]]) -> bool:
    """The run continues the source's run before it, and its chain runs over exactly these leaf hashes.

    The first run shown of a source may be one that others came before: it is where the chain is taken up, gives no leaf
    hashes, and is not counted (False).
    """
    chain = unb64(run.chain, 32)
    before = chains.get(run.source)
    chains[run.source] = (index, chain)
    taken_up = before is None and run.previous is not None
    if line is None or line.run != index or len(line.leaves) != (0 if taken_up else run.records):
        raise IntegrityError(f"does not have the leaf hashes of its {run.records} records in {layout.RUNS}")
    if taken_up:
        return False
    if before is not None and run.previous != before[0]:
        raise ChainBroken(f"does not continue run {before[0]} of source {run.source}: a run between is missing")
    found = before[1] if before is not None else ZERO_HASH
    for leaf in line.leaves:
        found = run_chain(found, unb64(leaf, 32))
    if found != chain:
        raise ChainBroken(f"its chain does not run over the {run.records} records that {layout.RUNS} gives")
    return True
