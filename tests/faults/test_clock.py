"""The machine's clock jumps: the log's time never goes back, each jump is entered, and all that is there verifies."""

import pytest

from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.errors import ClockOutOfBounds
from ledger.store.append import CLOCK_BEHIND_REFUSED_US
from ledger.store.logs import SYSTEM_LOG
from tests.support.checking import leaves
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, MovableClock, batch, submission

pytestmark = pytest.mark.sampled

HOUR, DAY, YEAR = 3_600 * MICROSECONDS, 86_400 * MICROSECONDS, 365 * 86_400 * MICROSECONDS


def times(ledger: Ledger, log: int = RECORDS) -> list[str]:
    with ledger.store.reader(log) as reader:
        return [leaf.logged_at for leaf in leaves(reader)]


def kinds(ledger: Ledger) -> list[str]:
    with ledger.store.reader(RECORDS) as reader:
        return [leaf.kind for leaf in leaves(reader)]


def submit(ledger: Ledger, number: int) -> None:
    ledger.submit([submission(number)])


def require_sound(ledger: Ledger) -> None:
    """Checkpoints are published over all of it, no time goes back, and every level that can be judged holds."""
    ledger.service.publisher.publish_all()
    for log in (SYSTEM_LOG, RECORDS):
        assert times(ledger, log) == sorted(times(ledger, log))
    for log_id in ledger.store.logs():
        report = ledger.service.verifier.run(log_id)
        assert report.holds, report.summary


def test_a_clock_that_goes_far_back_stops_appends_and_nothing_else_until_it_is_right(
    ledger: Ledger, clock: MovableClock
) -> None:
    submit(ledger, 1)
    before, now = times(ledger), clock.at_us
    for back in (HOUR, DAY, YEAR):
        clock.at_us = now - back
        with pytest.raises(ClockOutOfBounds, match=utc_text(clock.at_us)) as refused:
            submit(ledger, 2)
        assert "clock" in refused.value.advice
        assert times(ledger) == before
        # What is there is signed all the same: a checkpoint says nothing of the present.
        assert ledger.service.publisher.publish(ledger.store.logs()[RECORDS]).size == len(before)
    clock.at_us = now + MICROSECONDS
    submit(ledger, 2)
    assert "clock-step" not in kinds(ledger)
    require_sound(ledger)


def test_a_clock_that_goes_to_and_fro_is_entered_each_time_and_time_never_goes_back(
    ledger: Ledger, clock: MovableClock
) -> None:
    now, steps = clock.at_us, 0
    for number, jump in enumerate((0, -1, 5, -500, 600, -2, 3, -(CLOCK_BEHIND_REFUSED_US // MICROSECONDS), 601)):
        clock.at_us += jump * MICROSECONDS
        submit(ledger, number)
        steps += jump < -1
        assert kinds(ledger).count("clock-step") == steps
    assert times(ledger)[-1] == utc_text(clock.at_us) > utc_text(now)
    require_sound(ledger)


def test_a_clock_that_goes_a_year_forward_and_back_stops_appends_and_what_was_entered_stays(
    ledger: Ledger, clock: MovableClock
) -> None:
    submit(ledger, 1)
    now = clock.at_us
    clock.at_us = now + YEAR
    submit(ledger, 2)
    require_sound(ledger)
    clock.at_us = now + 60 * MICROSECONDS
    size = len(times(ledger))
    with pytest.raises(ClockOutOfBounds, match=utc_text(now + YEAR)):
        submit(ledger, 3)
    assert len(times(ledger)) == size
    # A restart changes nothing of it: the time is in the log.
    with pytest.raises(ClockOutOfBounds):
        ledger.open().ingest.submit(batch([submission(3)]), AUTHORITY)
    clock.at_us = now + YEAR + MICROSECONDS
    submit(ledger, 3)
    require_sound(ledger)
