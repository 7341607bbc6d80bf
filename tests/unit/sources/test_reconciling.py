"""What a source counts of an interval against what the log has: by ids, by number; a difference is a finding."""

from typing import Any

import pytest

from ledger.core.clock import utc_text
from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.times import Basis, Precision, SourceTime
from ledger.findings.kinds import FindingSort
from ledger.sources.reconcile_kinds import By, Counted, Reconciliation
from ledger.sources.reconciling import Reconciling
from tests.support.ledgers import AUTHORITY, SOURCE, START_US, Ledger, submission
from tests.unit.sources.test_exposed import findings

S = 1_000_000
LOW, HIGH = START_US + 10 * S, START_US + 20 * S
MINE = {str(number) for number in range(10, 20)}


def reconciling(ledger: Ledger) -> Reconciling:
    return ledger.service.record_log().reconciling


def filled(ledger: Ledger, ended_s: int = 100) -> None:
    """Records of seconds 0 to 29; of each the number is its second. One more names no instant, one was changed."""
    unread = SourceTime(text="?", precision=Precision.SECOND, basis=Basis.NONE)
    rows = [*map(submission, range(30)), submission(30, occurred_at=unread), submission(15, reason="changed")]
    ended = utc_text(START_US + ended_s * S)
    ledger.submit(rows, cursor_to="1", started_at=utc_text(START_US), ended_at=ended)
    ids = {row.record.source_record_id for row in rows}
    assert ids >= MINE


def held(ledger: Ledger, there: set[str]) -> Reconciliation:
    found = reconciling(ledger).by_ids(SOURCE, LOW, HIGH, there, "review", AUTHORITY)
    assert reconciling(ledger).history(SOURCE)[-1] == found
    return found.reconciliation


@pytest.mark.requirement("C08")
def test_the_same_ids_hold_and_others_are_named_and_found(ledger: Ledger) -> None:
    filled(ledger)
    agrees = held(ledger, MINE)
    assert (agrees.holds, agrees.by, agrees.there, agrees.here.count) == (True, By.COLLECTOR, agrees.here, 10)
    assert findings(ledger)[1:] == [], "but for the record that was changed after its collection"
    altered = held(ledger, MINE - {"12"} | {"12b", "99"})
    assert (altered.holds, altered.lacking, altered.gone) == (False, ("12b", "99"), ("12",))
    assert altered.there.digest != altered.here.digest
    (_, finding) = findings(ledger)
    assert (finding.sort, finding.source) == (FindingSort.RECONCILIATION_BROKEN, SOURCE)
    assert all(text in finding.detail for text in ("counts 11 records", "has 10", "2 are not in the log", "1 are at"))
    rows: Any = ledger.query("SELECT source, from_us, to_us, holds FROM reconciliation ORDER BY pos")
    assert rows == [(SOURCE, LOW, HIGH, 1), (SOURCE, LOW, HIGH, 0)]
    many = held(ledger, {f"x{number}" for number in range(300)})
    assert (len(many.lacking), many.there.count) == (100, 300)
    assert ledger.service.verifier.run(ledger.service.record_log().log, full=True).holds


def test_a_number_that_a_person_counted_is_held_against_the_log_s(sqlite_ledger: Ledger) -> None:
    filled(sqlite_ledger)
    for number, holds in ((10, True), (11, False)):
        found = reconciling(sqlite_ledger).by_count(SOURCE, LOW, HIGH, number, "review", AUTHORITY).reconciliation
        assert (found.by, found.there, found.holds) == (By.HAND, Counted(count=number, digest=None), holds)
    assert "1 are not in the log, 0 are at" in findings(sqlite_ledger)[-1].detail


def test_what_was_not_collected_yet_is_not_reconciled(sqlite_ledger: Ledger) -> None:
    with pytest.raises(SchemaViolation, match="collected never"):
        held(sqlite_ledger, MINE)
    filled(sqlite_ledger, ended_s=19)
    with pytest.raises(SchemaViolation, match="not up to"):
        held(sqlite_ledger, MINE)
    with pytest.raises(SchemaViolation, match="ends before"):
        reconciling(sqlite_ledger).by_count(SOURCE, HIGH, LOW, 1, "review", AUTHORITY)
    with pytest.raises(NotFound, match="none"):
        reconciling(sqlite_ledger).by_count("none", LOW, HIGH, 1, "review", AUTHORITY)
    assert reconciling(sqlite_ledger).history(SOURCE) == []
