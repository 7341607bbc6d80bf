"""What a package says that it is: its description, and the first sheet of its workbook."""

from collections.abc import Iterator

from ledger.core import canonical
from ledger.core.clock import utc_text
from ledger.core.hashing import b64
from ledger.present.messages import message
from reports import layout
from reports.dataset import ReportData
from reports.exports import Source
from reports.layout import Description


def about(data: ReportData) -> Iterator[tuple[str, str]]:
    """What the workbook is of, name by name."""
    source = Source(
        origin=data.origin,
        size=data.size,
        root=b64(data.root),
        checkpoint=data.checkpoint.decode(),
        asked=canonical.dumps(data.selection).decode(),
        order="index",
        zone="UTC",
    )
    yield message("report.package"), data.package
    yield from source.told()
    yield message("export.dictionary"), message("export.dictionary.says", file=layout.DICTIONARY, table=layout.TABLE)


def describe(data: ReportData, *, proofs: int) -> Description:
    """The description of a package of these facts, with so many proof files."""
    totals = data.totals
    return Description(
        schema=layout.SCHEMA,
        package=data.package,
        product=data.product,
        origin=data.origin,
        size=data.size,
        root=b64(data.root),
        gathered_at=utc_text(data.gathered_us),
        selection=data.selection,
        disclosed=data.disclosed,
        records=totals.records,
        read=totals.read,
        derived=totals.derived,
        possible=totals.possible,
        uncertain=totals.uncertain,
        undated=data.undated,
        unmatched=data.unmatched,
        originals=totals.originals,
        originals_withheld=totals.originals_withheld,
        runs=data.runs,
        sources=tuple(one.source for one in data.coverage),
        verification=data.verification,
        signatures=len(data.signatures),
        papers=len(data.papers),
        copies=None if data.copies is None else len(data.copies),
        imported=data.origins.imported,
        imports=data.origins.imports_seen,
        marked=sum(data.origins.marked.values()),
        lives=data.origins.lives_seen,
        marks=data.origins.marks.seen,
        deferrals=len(data.origins.decided.deferrals),
        answers=len(data.origins.decided.answers),
        time_stamps=data.dating.time_stamps,
        renewals=data.dating.renewals,
        rules=len(data.occupation_rules),
        disposed=data.gone.total,
        disposed_elsewhere=data.gone.elsewhere,
        proofs=proofs,
        proof_of_all=totals.records > layout.MAX_PROOFS,
        asked_by=data.asked.by,
        asked_authenticated=data.asked.authenticated,
        asked_why=data.asked.why,
    )
