"""A record that a log holds twice: level 2 names the later entry, also once the index looks as it should again."""

from ledger.core.run import Status
from tests.support.keys import forget, remember
from tests.support.ledgers import Ledger, submission


def test_a_record_forgotten_collected_again_and_remembered_is_found(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    ledger.submit([submission(number) for number in range(5)], cursor_to="1")
    ledger.submit([submission(3, reason="changed")], cursor_to="2")
    (first,) = ledger.submit([submission(3)], cursor_to="3").outcomes
    assert first.index is not None
    rows = forget(ledger, "3")
    (second,) = ledger.submit([submission(3)], cursor_to="4").outcomes
    assert (first.status, second.status) == (Status.DUPLICATE, Status.APPENDED)
    fault = ledger.service.verifier.run(ledger.service.log(), levels=(2,)).fault
    assert fault is not None
    assert "other words than the row" in fault.what
    remember(ledger, rows)
    fault = ledger.service.verifier.run(ledger.service.log(), full=True, levels=(2,)).fault
    assert fault is not None
    assert (fault.index, fault.table) == (second.index, "record_fts"), str(fault)
    assert f"that of entry {first.index}" in fault.what
