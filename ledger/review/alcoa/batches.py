"""What the records of a batch are worth: all that belong to it, assessed when it is asked for."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from ledger.core.assessment import Attribute
from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.record import LinkKind
from ledger.review.alcoa.assess import Assessor
from ledger.review.alcoa.attributes import Result
from ledger.review.alcoa.blocks import TOGETHER
from ledger.review.alcoa.cells import BlockCells, grouped
from ledger.trace.batch import BATCH_KINDS
from ledger.trace.bodies import bodies
from ledger.trace.selection import ByBatch, Chosen

MOST: Final = 10_000
"""Records of a batch that are assessed at once, about."""


class RecordOfBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A record behind a number: what fails or is missing; null where the attribute holds."""

    index: int
    source: str
    code: str | None


class OfBatch(msgspec.Struct, frozen=True, kw_only=True):
    """The cells of a batch's records by source; `cut`: the batch has more, which are left out."""

    records: int
    cut: bool
    sources: tuple[BlockCells, ...]

    def behind(self, attribute: Attribute, result: Result, source: str | None = None) -> Iterator[RecordOfBatch]:
        """The records behind a number, by source and entry; of one source, or of all (None)."""
        for one in self.sources:
            if source in (None, one.source):
                for index, verdict in one.having(attribute, result):
                    yield RecordOfBatch(index=index, source=one.source, code=verdict.partition(":")[2] or None)


def of_batch(assessor: Assessor, kind: LinkKind, id_: str) -> OfBatch:
    """Assesses what belongs to a batch, an order or a lot, as of the assessor's size.

    Raises SchemaViolation for another kind of link, NotFound where nothing belongs to it.
    """
    if kind not in BATCH_KINDS:
        kinds = ", ".join(sorted(one.value for one in BATCH_KINDS))
        raise SchemaViolation(f"{kind.value} names no batch", advice=f"Ask for one of: {kinds}.")
    members = Chosen(assessor.connection, assessor.log, assessor.size, ByBatch(kind=kind, id=id_))
    indices = [one.index for one in islice(members, MOST + 1)]
    if not indices:
        raise NotFound(f"nothing belongs to {kind.value} {id_!r} as of size {assessor.size}")
    found: dict[str, list[int]] = defaultdict(list)
    for index, body in bodies(assessor.connection, assessor.log, indices[:MOST]):
        found[body.record.source].append(index)
    sources = []
    for source, of_source in sorted(found.items()):
        assessed = (
            (one.index, one.cells)
            for at in range(0, len(of_source), TOGETHER)
            for one in assessor.assess(of_source[at : at + TOGETHER])
        )
        sources.append(BlockCells.of(source, "", grouped(assessed)))
    return OfBatch(records=len(indices[:MOST]), cut=len(indices) > MOST, sources=tuple(sources))
