"""Runs that are never taken in: what their entries would be, to be placed in a log and taken out again."""

from collections.abc import Iterator

from ledger.core.authority import Authority
from ledger.core.digests import Digests
from ledger.core.entry import Draft, draft
from ledger.core.errors import SchemaViolation
from ledger.core.hashing import ZERO_HASH, b64
from ledger.core.run import Rejected, RunBatch
from ledger.core.sealing import check_members
from ledger.sources.ingest import check_run
from ledger.sources.inventory import Inventory
from ledger.sources.kinds import CollectionRun
from ledger.sources.prepare import Preparer


def planted(inventory: Inventory, digests: Digests, run: RunBatch, authority: Authority) -> Iterator[Draft]:
    """The entries of the run's records, in their order, and then its own.

    Raises NotFound for a source that is not registered, SchemaViolation for a record that cannot be one.
    """
    check_run(run)
    preparer = Preparer(run.source, check_members(inventory.get(run.source).seal), digests)
    for submission in run.submissions:
        made = preparer.prepare(submission)
        if isinstance(made, Rejected):
            raise SchemaViolation(f"record {submission.record.source_record_id!r}: {made.reason}")
        yield made
    told = CollectionRun(
        source=run.source,
        started_at=run.started_at,
        ended_at=run.ended_at,
        cursor_from=run.cursor_from,
        cursor_to=run.cursor_to,
        first=None,
        records=len(run.submissions),
        previous=None,
        chain=b64(ZERO_HASH),
        authority=authority,
        clock=run.clock,
        unreachable=run.unreachable,
        gaps=run.gaps,
    )
    yield draft(told)
