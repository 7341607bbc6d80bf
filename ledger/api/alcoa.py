"""ALCOA+ and Traceable over HTTP: the assessment of a record or of a batch, made when it is asked for."""

from itertools import islice
from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import Index, LogName, Word, without_nul
from ledger.api.placed import MAX_PAGE, AsOf
from ledger.api.problems import declared
from ledger.core.assessment import Attribute, Tally
from ledger.core.record import LinkKind
from ledger.people.access import Scope, allow
from ledger.review.alcoa.attributes import Result
from ledger.review.alcoa.batches import RecordOfBatch, of_batch
from ledger.review.alcoa.reading import Cell, OfAttribute, assessment_of
from ledger.store.as_of import AtCheckpoint, as_of, checkpoint_of

BatchId = Annotated[str, QueryParameter(name="id", description="Id of the batch, order or lot.", max_length=512)]


class AssessmentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A record of a log by each check and each attribute, as of `size`, whose newest checkpoint is `checkpoint`.

    A result is *pass*, *fail* or *not-assessable*; `code` names what fails or what is missing. Asked again with the
    same size the answer is the same.
    """

    log: str
    index: int
    size: int
    checkpoint: AtCheckpoint | None
    attributes: tuple[OfAttribute, ...]
    checks: tuple[Cell, ...]


@get("/entries/{index:int}", opt=allow(Scope.READ), responses=declared())
async def assess_entry(
    context: NamedDependency[Context], log: LogName, index: Index, size: AsOf = None
) -> AssessmentAnswer:
    """Judges one record by all checks; 400 for an entry that is no record, or of which nothing is left."""

    def read() -> AssessmentAnswer:
        chosen = context.record_log(log).log
        with context.service.store.reader(chosen.number) as reader:
            at_size = as_of(reader, chosen, size)
            assessor = context.service.quality.assessor(reader.connection, chosen.number, at_size)
            found = assessment_of(assessor, reader, at_size, index)
            checkpoint = checkpoint_of(reader.connection, chosen, at_size)
        return AssessmentAnswer(
            log=chosen.name,
            index=index,
            size=at_size,
            checkpoint=checkpoint,
            attributes=found.attributes,
            checks=found.checks,
        )

    return await context.lanes.read(read)


class SourceOfBatch(msgspec.Struct, frozen=True, kw_only=True):
    """The records of one source that belong to the batch, in numbers."""

    source: str
    records: int
    tallies: tuple[Tally, ...]


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to a batch by each attribute, as of `size`, whose newest checkpoint is `checkpoint`.

    `cut`: the batch has more records than are assessed at once. `behind`: the records behind the number that was asked
    for, 500 at most; null where none was.
    """

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    kind: LinkKind
    id: str
    records: int
    cut: bool
    sources: tuple[SourceOfBatch, ...]
    behind: tuple[RecordOfBatch, ...] | None


@get("/batch", opt=allow(Scope.READ), responses=declared())
async def assess_batch(
    context: NamedDependency[Context],
    log: LogName,
    kind: FromQuery[LinkKind],
    batch: BatchId,
    source: Word = None,
    attribute: FromQuery[Attribute | None] = None,
    verdict: FromQuery[Result | None] = None,
    size: AsOf = None,
) -> BatchAnswer:
    """Judges all that belongs to a batch, an order or a lot; with `attribute` and `verdict` names those records too."""
    without_nul(id=batch, source=source)

    def read() -> BatchAnswer:
        chosen = context.record_log(log).log
        with context.service.store.reader(chosen.number) as reader:
            at_size = as_of(reader, chosen, size)
            assessor = context.service.quality.assessor(reader.connection, chosen.number, at_size)
            found = of_batch(assessor, kind, batch)
            checkpoint = checkpoint_of(reader.connection, chosen, at_size)
        behind = None
        if attribute is not None and verdict is not None:
            behind = tuple(islice(found.behind(attribute, verdict, source), MAX_PAGE))
        return BatchAnswer(
            log=chosen.name,
            size=at_size,
            checkpoint=checkpoint,
            kind=kind,
            id=batch,
            records=found.records,
            cut=found.cut,
            sources=tuple(
                SourceOfBatch(source=one.source, records=one.records, tallies=one.tallies) for one in found.sources
            ),
            behind=behind,
        )

    return await context.lanes.read(read)


router = Router("/logs/{log:str}/alcoa", route_handlers=[assess_entry, assess_batch], tags=["alcoa"])
