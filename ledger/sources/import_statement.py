"""The words by which a person states that what was imported is a true copy."""

from collections.abc import Mapping

from ledger.core.errors import SchemaViolation
from ledger.core.hashing import unb64
from ledger.sources.import_kinds import Explained, Outcome, SourceImport


def statement_text(
    body: SourceImport, outcome: Outcome, explained: tuple[Explained, ...], sample: tuple[int, ...]
) -> str:
    """The words of the statement: what a person says, and a signature covers."""
    counts, file = outcome.counts, body.file
    lines = [
        (
            f"The records of import {body.id} in source {body.source} are a true copy of the old audit trail in "
            f"file {file.name} ({file.size} bytes, SHA-256 {unb64(file.sha256, 32).hex()})."
        ),
        (
            f"Its {counts.rows} rows became {counts.records} records by mapping {body.mapping} (entry {body.mapped}); "
            f"{counts.quarantined} rows are kept as they stood, as they are no records."
        ),
        f"{len(sample)} records were held against the old system.",
    ]
    lines += [f"Difference, {one.what}: {one.why}" for one in explained] or ["Nothing differs from what it counts."]
    if body.continues_in is not None:
        since = "not yet" if body.live_from is None else f"from {body.live_from} on"
        lines.append(f"What happens in its place is collected live as source {body.continues_in}, {since}.")
    return "\n".join(lines)


def check_explained(outcome: Outcome, explained: Mapping[str, str]) -> None:
    """Raises SchemaViolation where a difference is not explained, or an explanation is of none."""
    known = [one.what for one in outcome.differences]
    if missing := [what for what in known if not explained.get(what, "").strip()]:
        raise SchemaViolation(
            f"the difference {missing[0]!r} is not explained",
            advice="A true copy with differences needs a written explanation of each.",
        )
    if strange := sorted(set(explained) - set(known)):
        raise SchemaViolation(
            f"there is no difference {strange[0]!r}", advice=f"There are: {', '.join(known) or 'none'}."
        )
