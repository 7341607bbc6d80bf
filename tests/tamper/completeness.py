"""Statements of completeness, reconciliations and saved searches in the ledger that is attacked."""

from hashlib import sha256

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.sources.complete_kinds import CoverageStatement
from ledger.sources.narrowing import Where
from ledger.sources.saved_queries import NewQuery
from ledger.store.ordering import Sort
from ledger.store.question import Query
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger


def statements(ledger: Ledger, number: int) -> None:
    """One of each for each source, of another time in each round; some reconciliations hold. While an incident case is
    open, as one is here, a statement is refused: their entries are made as if before it.
    """
    low = START_US + number * 1_000_000
    for source in ("dcs", "erp"):
        stated = CoverageStatement(
            source=source,
            from_at=utc_text(low),
            to_at=utc_text(low + 30_000_000),
            size=number + 1,
            sha256=b64(sha256(source.encode()).digest()),
            records=number,
            reason=f"review {number}",
            authority=AUTHORITY,
        )
        ledger.store.append_one(RECORDS, draft(stated))
        reconciling = ledger.service.record_log().reconciling
        reconciling.by_count(source, low, low + 1, number % 2, f"review {number}", AUTHORITY)


def saved(ledger: Ledger, number: int) -> None:
    """A search that is saved in each round; in the second the first is removed."""
    queries = ledger.service.quality.saved
    new = NewQuery(name=f"review {number}", log="records", query=Query(source="dcs"), where=Where(), sort=Sort())
    owner = f"auditor{number}"
    kept = queries.save(new, owner, AUTHORITY)
    if number % 2:
        queries.remove(owner, kept.id, all_shared=False, authority=AUTHORITY)
