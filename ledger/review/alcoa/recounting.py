"""Whether assessments say what records come to: numbers are held against cells, and cells against the records."""

import random
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from ledger.core import assessment as k
from ledger.core.address import LogId
from ledger.core.errors import IntegrityError
from ledger.integrity.fault import Fault
from ledger.integrity.recounted import Recounted
from ledger.privacy.tables import erased_row
from ledger.review.alcoa import tables as t
from ledger.review.alcoa.attributes import Check, Verdict
from ledger.review.alcoa.blocks import Place, assess_block
from ledger.review.alcoa.cells import VERSION, BlockCells, read
from ledger.review.alcoa.judging import Opens
from ledger.review.known.days import day_of
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, VaultReader, body_of

MOST_RECORDS: Final = 5_000
"""Records that are judged again in one look, about; what is looked at of more is drawn."""
_DERIVED: Final = (Verdict.HOLDS, Verdict.NOT_DERIVED)
"""What C06 says where the program that read the original is there: it may have come or gone since."""


class _Block(NamedTuple):
    """A block of an entry, that was judged as of a size."""

    size: int
    entry: int
    ordinal: int
    records: int


class Recounting:
    """Recounts the assessments of a ledger."""

    def __init__(self, opens: Opens) -> None:
        self._opens = opens

    def __call__(
        self,
        connection: Connection,
        log: LogId,
        low: int,
        size: int,
        pulse: Callable[[int], None],
        seed: int | None = None,
    ) -> Recounted:
        """Recounts the assessments from entry `low` to before `size`: all of their numbers, and the cells of blocks
        that the seed draws.

        What is told besides is what was not recounted. A block that comes out otherwise is a fault only where nothing
        of the log has been disposed of or erased, and the cells are of this version.
        """
        blocks: list[_Block] = []
        older = 0
        for entry, body, cells in _entries(connection, log.number, low, size):
            fault = _numbers_fault(log, entry, body, cells)
            if fault is not None:
                return Recounted(fault)
            if body.cells is not None and body.cells.parser_version == VERSION:
                blocks += [_Block(body.size, entry, at, one.records) for at, one in enumerate(body.blocks)]
            else:
                older += len(body.blocks)
            pulse(0)
        drawn = secrets.randbelow(2**32) if seed is None else seed
        chosen = _chosen(blocks, random.Random(drawn))  # noqa: S311 - who reads the result may draw the same again
        differing = 0
        for fault in self._differing(connection, log, chosen, pulse):
            if not _gone(connection, log.number):
                return Recounted(fault)
            differing += 1
        notes = [f"the cells of {older} assessed blocks that an earlier version judged"] if older else []
        if len(chosen) < len(blocks):
            rest = f"{len(blocks) - len(chosen)} of {len(blocks)}"
            notes.append(f"the cells of {rest} assessed blocks (the others were drawn by seed {drawn})")
        if differing:
            notes.append(f"the cells of {differing} assessed blocks: records or originals are there no longer")
        return Recounted(None, "; ".join(notes))

    def _differing(
        self, connection: Connection, log: LogId, chosen: Sequence[_Block], pulse: Callable[[int], None]
    ) -> Iterator[Fault]:
        for size, of_size in groupby(chosen, key=lambda one: one.size):
            assessor = self._opens(connection, log.number, size)
            for entry, of_entry in groupby(of_size, key=lambda one: one.entry):
                ((_, _, cells),) = _entries(connection, log.number, entry, entry + 1)
                told = list(read(cells))
                for one in of_entry:
                    stored = told[one.ordinal]
                    found = assess_block(assessor, Place(stored.source, day_of(stored.day)))
                    differs = difference(_by_record(stored), _by_record(found))
                    if differs is not None:
                        what = f"its cells of {stored.source} of {stored.day} are not what records come to: {differs}"
                        yield _fault(log, entry, "original", what)
                    pulse(0)


def _numbers_fault(log: LogId, entry: int, body: k.Assessment, cells: bytes) -> Fault | None:
    """What of an entry's numbers does not come from its cells."""
    try:
        told = [(one.source, one.day, one.records, one.tallies) for one in read(cells)]
    except IntegrityError as error:
        return _fault(log, entry, "original", error.message)
    said = [(one.source, one.day, one.records, one.tallies) for one in body.blocks]
    if len(told) != len(said):
        return _fault(log, entry, "body", f"it has {len(said)} blocks, and its cells are of {len(told)}")
    for (source, day, *numbers), (of, at, *counted) in zip(said, told, strict=True):
        if (source, day, numbers) != (of, at, counted):
            return _fault(log, entry, "body", f"its numbers of {source} of {day} are not those of its cells")
    return None


def _entries(connection: Connection, log: int, low: int, size: int) -> Iterator[tuple[int, k.Assessment, bytes]]:
    """The entries that have blocks of which the cells are there."""
    row = t.assessment.c
    reader, vault = LogReader(connection, log), VaultReader(connection)
    places = connection.scalars(
        select(row.pos).where(row.pos >= pos_of(log, low), row.pos < pos_of(log, size)).order_by(row.pos)
    ).all()
    for entry in map(index_of, places):
        body = body_of(reader.entry(entry), k.ASSESSMENT, k.Assessment)
        kept = vault.original(log, entry) if body.blocks else None
        if kept is not None and kept.value is not None:
            yield entry, body, kept.value


def _chosen(blocks: Sequence[_Block], chance: random.Random) -> list[_Block]:
    """All, or so many as chance draws before there are enough records; in the order of sizes."""
    chosen, records = [], 0
    for one in chance.sample(blocks, len(blocks)):
        if records >= MOST_RECORDS:
            break
        chosen.append(one)
        records += one.records
    return sorted(chosen)


def _by_record(block: BlockCells) -> dict[int, tuple[Verdict, ...]]:
    return {index: one.cells for one in block.vectors for index in one.members}


def difference(stored: Mapping[int, Sequence[Verdict]], found: Mapping[int, Sequence[Verdict]]) -> str | None:
    """The first record that is judged otherwise, and by which check; None: all are as they were."""
    if stored.keys() != found.keys():
        return f"entry {min(stored.keys() ^ found.keys())} is in one of them alone"
    for index in sorted(stored):
        for check, said, comes_to in zip(Check, stored[index], found[index], strict=True):
            tried = check is not Check.C06 or (said in _DERIVED and comes_to in _DERIVED)
            if said != comes_to and tried:
                return f"{check.value} of entry {index} is {comes_to.value}, not {said.value}"
    return None


def _gone(connection: Connection, log: int) -> bool:
    """Whether something of the log is there no longer: what was judged with it cannot be judged so again."""
    between = pos_of(log, 0), pos_of(log + 1, 0) - 1
    rows = (schema.disposed_entry.c.row_pos, erased_row.c.row_pos)
    return any(connection.scalar(select(row).where(row.between(*between)).limit(1)) is not None for row in rows)


def _fault(log: LogId, entry: int, table: str, what: str) -> Fault:
    return Fault(log=log.number, index=entry, table=table, what=what)
