"""Words of where records come from: imports of old audit trails, and the lives of sources."""

MESSAGES = {
    "report.reviews": "Audit trail reviews of batches",
    "report.reviews.lead": "What is deferred, and what was answered to whoever asked whether the audit trail review is "
    "complete. Nothing is certified or released by it.",
    "report.reviews.no-batch": "The package is not of one batch: here stands what was decided of each of the {count} "
    "batches that its records name. Other records of these batches, and what was found about them, are not in it.",
    "report.reviews.deferrals.none": "No finding was deferred.",
    "report.reviews.deferral": "Deferred until {until}",
    "report.reviews.batch": "Batch",
    "report.reviews.findings": "Findings",
    "report.reviews.product": "Product",
    "report.reviews.no-product": "none was named",
    "report.reviews.scope": "What goes on",
    "report.reviews.risk": "Why that is no risk",
    "report.reviews.by": "Asked for",
    "report.reviews.asked": "by {actor} at {at}",
    "report.reviews.approved": "Approved",
    "report.reviews.unsigned": "no approver who did not ask for it has signed it: it is not in force",
    "report.reviews.until": "Until (UTC)",
    "report.reviews.entry": "Entry",
    "report.reviews.answers": "Answers: {count}, the last first",
    "report.reviews.answers.none": "Nobody has asked whether a review is complete.",
    "report.reviews.answer": "{at}: {batch} is {state}, as of {size} entries (entry {entry})",
    "report.reviews.more": "{count} others stand in entries.jsonl.",
    "report.reviews.more-deferrals": "{count} other deferrals stand in entries.jsonl.",
    "report.imports": "Imported records",
    "report.imports.none": "No record of this package was imported: each was collected live.",
    "report.imports.lead": (
        "{count} records of this package were imported from old audit trails and were not collected live. Each names "
        "its import in records.jsonl and records.csv. "
        "Until its import an old trail was the old system’s alone: what was "
        "changed in it before cannot be seen here."
    ),
    "report.imports.state": "Import",
    "report.imports.state.running": "▲ has not ended",
    "report.imports.state.open": "▲ differs from what the old system counts; nobody has stated a true copy",
    "report.imports.state.reconciled": "reconciled; nobody has stated a true copy",
    "report.imports.state.true-copy": "● stated to be a true copy",
    "report.imports.here": "Records here",
    "report.imports.file": "File, SHA-256",
    "report.imports.file.says": "{name}, {size} bytes; {given}",
    "report.imports.stated": "its digest came with it from the old system, and is the same",
    "report.imports.unstated": "no digest came with it from the old system",
    "report.imports.mapping": "Mapping",
    "report.imports.figures": "Figures",
    "report.imports.figures.says": (
        "{rows} rows became {records} records; {duplicates} rows were known before, {quarantined} are kept as they "
        "stood, as they are no records"
    ),
    "report.imports.reach": "from {first} to {last}, in {runs} runs",
    "report.imports.reconciliation": "Reconciliation",
    "report.imports.agrees": "nothing differs from what the old system counts",
    "report.imports.differences": "▲ {count} differences, below",
    "report.imports.words": "The statement:",
    "report.imports.differs": "▲ {what}: {expected} expected, {found} found",
    "report.imports.statement": "True-copy statement",
    "report.imports.unsaid": "○ none",
    "report.imports.by": "Stated by {actor}, on a sample of {sample}; {compared}",
    "report.imports.compared": "the person had the old system’s file, and it was the same",
    "report.imports.uncompared": "the person did not hold the old system’s file against it",
    "report.imports.signed": "Signed by",
    "report.imports.unsigned": "○ no electronic signature over it is in this package",
    "report.imports.live": "Live collection",
    "report.imports.live.none": "no source was named that is collected live in its place",
    "report.imports.live.from": "as {source}, from {at} on",
    "report.imports.live.run": "as {source}, from its first run on (entry {entry}), at {at}",
    "report.imports.live.not": "as {source}; it has not begun",
    "report.imports.entries": "Entries",
    "report.sources": "The sources and their lives",
    "report.sources.lead": (
        "What is on record about each source: a record that was collected while its source was to be validated anew is "
        "marked in records.jsonl and records.csv. A state holds from its entry on; a change that a run noticed, from "
        "that run’s records on."
    ),
    "report.sources.marked": "▲ {count} records here were collected while it was to be validated anew.",
    "report.sources.unmarked": "No record here was collected while it was to be validated anew.",
    "report.sources.connected": "○ Connected; no person has validated it on a sample.",
    "report.sources.sample": "sample of {count}: {entries}",
    "report.sources.more": "{count} earlier ones stand in entries.jsonl.",
    "report.sources.col.entry": "Entry",
    "report.sources.col.event": "What happened",
    "report.sources.col.state": "State from then on",
    "report.sources.col.reason": "Reason",
    "report.sources.col.by": "By",
    "report.sources.statements": "Equivalence statements in force",
    "report.sources.statements.lead": (
        "Made by the product from each source’s configuration and standing when this package was made; under the "
        "package’s seal, and no entry of the log."
    ),
    "report.sources.lacks": "Its own trail lacks: {says}.",
    "report.sources.lacks.none": "nothing that is known here",
    "report.sources.adds": "Added here: {says}.",
    "report.sources.open": "Stays open: {says}.",
    "report.sources.imported": "Old audit trail: {says}.",
    "report.sources.challenge": "Last planted change: {outcome} (due {at}).",
    "report.record.imported": "Imported from an old audit trail, not collected live: import that began with {address}.",
    "report.record.imported.short": "imported, not collected live",
    "report.record.marked": "Its source was to be validated anew when it was collected.",
    "report.record.marked.short": "source to be validated anew",
    "report.open.marked": "records of sources that were to be validated anew: {count}",
    "report.open.copies": "imports without a statement that they are a true copy: {count}",
}
