"""ALCOA+ and Traceable over HTTP: the assessment of a record, made when it is asked for."""

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency

from ledger.api.context import Context
from ledger.api.fields import Index, LogName
from ledger.api.placed import AsOf
from ledger.api.problems import declared
from ledger.people.access import Scope, allow
from ledger.review.alcoa.reading import Cell, OfAttribute, assessment_of
from ledger.store.as_of import AtCheckpoint, as_of, checkpoint_of


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


router = Router("/logs/{log:str}/alcoa", route_handlers=[assess_entry], tags=["alcoa"])
