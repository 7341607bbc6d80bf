"""How long no quorum has cosigned is measured, shown and limited; clocks that differ and missing quorums are told."""

import pytest
from sqlalchemy import select

from ledger.findings.tables import finding
from ledger.store.logs import SYSTEM_LOG
from ledger.trust.exposure import Exposure, exposure
from ledger.trust.watching import WitnessWatch
from tests.integration.trust.test_witnesses import grow, trust_in
from tests.support.ledgers import RECORDS, Ledger, MovableClock, submission
from tests.support.witness import Trust

pytestmark = pytest.mark.sampled

MINUTE_US = 60_000_000


def exposed(trust: Trust, log: int = RECORDS) -> Exposure:
    with trust.ledger.store.reading() as connection:
        return exposure(connection, trust.ledger.store.logs()[log], trust.witnesses.policies().in_force)


def found(ledger: Ledger) -> list[str]:
    with ledger.store.reading() as connection:
        return [f"{row.sort} {row.detail}" for row in connection.execute(select(finding).order_by(finding.c.pos))]


def test_the_window_begins_with_the_oldest_entry_that_no_quorum_cosigned(ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(ledger)
    grow(ledger, trust)
    assert (exposed(trust).entries, exposed(trust).window_us(clock.at_us)) == (0, 0)
    assert exposed(trust, SYSTEM_LOG).entries == 0
    trust.by_name["qa"].down = True
    clock.at_us += MINUTE_US
    grow(ledger, trust, 2)
    clock.at_us += 5 * MINUTE_US
    grow(ledger, trust, 3)
    seen = exposed(trust)
    assert seen.asked
    assert seen.entries == 4  # two records, each with its run
    assert seen.window_us(clock.at_us) == 5 * MINUTE_US
    trust.by_name["qa"].down = False
    trust.publisher.publish_all()
    assert exposed(trust).entries == 0


def test_a_quorum_that_stays_away_is_one_finding_until_it_returns(ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(ledger)
    grow(ledger, trust)
    watch = WitnessWatch(ledger.store, 600)
    trust.by_name["qa"].down = True
    for minutes in (9, 2, 3):
        grow(ledger, trust, minutes)
        clock.at_us += minutes * MINUTE_US
        watch.judge()
    of_records = [one for one in found(ledger) if one.startswith("witness-overdue plant.example/ledger/records: ")]
    assert len(of_records) == 1
    trust.by_name["qa"].down = False
    trust.publisher.publish_all()
    trust.by_name["qa"].down = True
    ledger.submit([submission(90)])
    clock.at_us += 11 * MINUTE_US
    trust.publisher.publish_all()
    watch.judge()
    assert len([one for one in found(ledger) if "ledger/records: " in one]) == 2


def test_a_witness_whose_clock_differs_is_a_finding_once(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = trust_in(sqlite_ledger)
    watch = WitnessWatch(sqlite_ledger.store, 600)
    grow(sqlite_ledger, trust)
    watch.judge()
    assert found(sqlite_ledger) == []
    trust.by_name["customer"].ahead_s = 61
    for number in (2, 3):
        grow(sqlite_ledger, trust, number)
        watch.judge()
    told = [one for one in found(sqlite_ledger) if "ledger/records: " in one]
    what = "plant.example/ledger/records: the clock of witness customer is +61 s off this ledger's"
    assert told == [f"time-differs {what}"]


def test_no_window_is_judged_where_no_witness_is_asked_for(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    trust = Trust(sqlite_ledger)
    sqlite_ledger.submit([submission(1)])
    clock.at_us += 60 * MINUTE_US
    WitnessWatch(sqlite_ledger.store, 600).judge()
    assert found(sqlite_ledger) == []
    assert not exposed(trust).asked
