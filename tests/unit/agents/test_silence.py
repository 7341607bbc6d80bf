"""An agent that was heard and is heard no more is a finding, once for each silence."""

from ledger.core.entry import decode_leaf
from ledger.findings.kinds import Finding, FindingSort
from ledger.store.logs import SYSTEM_LOG
from tests.support.devices import Device
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, MovableClock

LIMIT_S = 900


def findings(ledger: Ledger) -> list[Finding]:
    with ledger.store.reader(RECORDS) as reader:
        bodies = [
            ledger.store.kinds["finding"].decode(entry.body)
            for entry in reader.entries(0, reader.head().size)
            if entry.body is not None and decode_leaf(entry.leaf).kind == "finding"
        ]
    return [body for body in bodies if isinstance(body, Finding)]


def enrolled(ledger: Ledger, *names: str) -> None:
    for name in names:
        Device(name).enrol(ledger)


def test_a_silence_is_told_once_and_the_next_one_again(ledger: Ledger, clock: MovableClock) -> None:
    enrolled(ledger, "edge1", "edge2")
    silence = ledger.service.record_log().silence
    silence.heard("edge1")
    silence.heard("edge2")
    clock.at_us += LIMIT_S * 1_000_000
    assert silence.judge() == [], "at the limit, not beyond it"
    silence.heard("edge2")
    clock.at_us += 1_000_000
    assert silence.judge() == ["edge1"]
    assert silence.judge() == []
    assert [(one.sort, "edge1" in one.detail) for one in findings(ledger)] == [(FindingSort.AGENT_SILENT, True)]
    silence.heard("edge1")
    assert silence.judge() == []
    clock.at_us += (LIMIT_S + 1) * 1_000_000
    assert silence.judge() == ["edge1", "edge2"]
    assert len(findings(ledger)) == 3


def test_what_another_process_heard_counts_and_a_restart_tells_nothing_twice(
    ledger: Ledger, clock: MovableClock
) -> None:
    enrolled(ledger, "edge1")
    ledger.service.record_log().silence.heard("edge1")
    clock.at_us += (LIMIT_S - 10) * 1_000_000
    other = ledger.open(clock).record_log().silence
    other.heard("edge1")
    clock.at_us += 20 * 1_000_000
    assert ledger.service.record_log().silence.judge() == []
    clock.at_us += LIMIT_S * 1_000_000
    assert ledger.service.record_log().silence.judge() == ["edge1"]
    assert other.judge() == []


def test_nobody_waits_for_an_agent_that_was_never_heard_or_is_out_of_use(ledger: Ledger, clock: MovableClock) -> None:
    enrolled(ledger, "edge1", "edge2")
    ledger.service.record_log().silence.heard("edge2")
    ledger.service.agents.revoke("edge2", "taken out", AUTHORITY)
    clock.at_us += 2 * LIMIT_S * 1_000_000
    assert ledger.service.record_log().silence.judge() == []
    with ledger.store.reader(SYSTEM_LOG) as reader:
        assert reader.head().size > 0
