"""The clock of the append path: a log never goes back in time, and says so when the machine's clock would have it."""

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import ClockOutOfBounds
from ledger.findings.kinds import Incident
from ledger.store.append import CLOCK_BEHIND_NOTED_US, CLOCK_BEHIND_REFUSED_US, ClockStep
from tests.support.checking import assert_log_holds, leaves
from tests.support.ledgers import RECORDS, Ledger, MovableClock


def append(ledger: Ledger) -> int:
    return ledger.store.append_one(RECORDS, draft(Incident(code="test", detail="a note", stopped="nothing"))).index


def size(ledger: Ledger) -> int:
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size


def logged_at(ledger: Ledger, index: int) -> str:
    with ledger.store.reader(RECORDS) as reader:
        return leaves(reader)[index].logged_at


def steps(ledger: Ledger) -> list[ClockStep]:
    with ledger.store.reader(RECORDS) as reader:
        found = zip(leaves(reader), reader.entries(0, reader.head().size), strict=True)
        return [msgspec.json.decode(e.body or b"", type=ClockStep) for leaf, e in found if leaf.kind == "clock-step"]


def test_behind_the_head_entries_go_on_at_its_time_and_each_step_is_entered_once(
    ledger: Ledger, clock: MovableClock
) -> None:
    head_us = clock.at_us + 60_000_000
    clock.at_us = head_us
    append(ledger)
    behind = 2 * CLOCK_BEHIND_NOTED_US
    clock.at_us = head_us - behind
    step = ClockStep(clock_at=utc_text(clock.at_us), head_at=utc_text(head_us), behind_us=behind)
    for _ in range(3):
        assert logged_at(ledger, append(ledger)) == utc_text(head_us)
    assert steps(ledger) == [step]
    clock.at_us = head_us + 5
    assert logged_at(ledger, append(ledger)) == utc_text(head_us + 5)
    clock.at_us = head_us - behind
    for _ in range(2):
        assert logged_at(ledger, append(ledger)) == utc_text(head_us + 5)
    assert [one.behind_us for one in steps(ledger)] == [behind, behind + 5]
    assert_log_holds(ledger.store, RECORDS)


def test_a_little_behind_is_no_step(ledger: Ledger, clock: MovableClock) -> None:
    head_us = clock.at_us
    append(ledger)
    clock.at_us = head_us - CLOCK_BEHIND_NOTED_US
    assert logged_at(ledger, append(ledger)) == utc_text(head_us)
    assert steps(ledger) == []


def test_far_behind_nothing_is_stored_and_a_corrected_clock_is_enough(ledger: Ledger, clock: MovableClock) -> None:
    head_us = clock.at_us
    append(ledger)
    before = size(ledger)
    clock.at_us = head_us - CLOCK_BEHIND_REFUSED_US - 1
    for _ in range(2):
        with pytest.raises(ClockOutOfBounds, match=utc_text(head_us)):
            append(ledger)
    assert size(ledger) == before
    clock.at_us = head_us + 1
    assert append(ledger) == before
    assert steps(ledger) == []
    assert_log_holds(ledger.store, RECORDS)
