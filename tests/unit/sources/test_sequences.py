"""A source's own numbers in an interval: what lacks, came twice or late, as of a size; counters that begin again."""

from itertools import permutations

import pytest

from ledger.core.parameters import ParameterName, SequencePolicy
from ledger.sources.parameter_kinds import Parameter
from ledger.sources.parameters import Parameters
from ledger.sources.sequences import Reset, SequenceReport, Series, gaps
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger, source_time, submission

S = 1_000_000


def numbered(ledger: Ledger, *told: tuple[float, str | None]) -> None:
    """A run of records, each with its second and its number."""
    known = int(ledger.service.ingest.state(SOURCE).cursor or 0)
    ledger.submit(
        [
            submission(known + place, occurred_at=source_time(START_US + int(second * S)), source_sequence=number)
            for place, (second, number) in enumerate(told)
        ],
        cursor_to=str(known + len(told)),
    )


def rule(ledger: Ledger, value: str) -> int:
    entry = Parameter(name=ParameterName.SEQUENCE, value=value, source=SOURCE, reason="manual", authority=AUTHORITY)
    return Parameters(ledger.store).put(RECORDS, [entry])[0]


def report(ledger: Ledger, low: float = 0, high: float = 1000, size: int | None = None) -> SequenceReport:
    with ledger.store.reader(RECORDS) as reader:
        as_of = reader.head().size if size is None else size
        parameters = Parameters(ledger.store)
        bounds = (START_US + int(low * S), START_US + int(high * S))
        return gaps(reader.connection, parameters, RECORDS, as_of, SOURCE, *bounds)


def one(ledger: Ledger, low: float = 0, high: float = 1000) -> Series:
    (series,) = report(ledger, low, high).series
    return series


@pytest.mark.requirement("C08")
def test_numbers_that_lack_come_twice_or_come_late(ledger: Ledger) -> None:
    numbered(ledger, (1, "A-001"), (2, "A-002"), (3, "A-005"), (4, "A-005"), (5, "A-009"), (6, None), (7, "B-7"))
    with ledger.store.reader(RECORDS) as reader:
        before = reader.head().size
    assert (report(ledger).policy, report(ledger).counted) == (None, False), "nobody has said: it is not guessed"
    entry = rule(ledger, '{"policy":"every"}')
    numbered(ledger, (2.5, "A-003"))
    found = report(ledger)
    assert (found.policy, found.entry, found.counted, found.unnumbered) == (SequencePolicy.EVERY, entry, True, 1)
    assert list(found.series) == [
        Series(
            series="A-", first=1, last=9, records=6, lacking=4, missing=((4, 4), (6, 8)), elsewhere=0, doubles=1,
            doubled=(5,), late=1,
        ),
        Series(
            series="B-", first=7, last=7, records=1, lacking=0, missing=(), elsewhere=0, doubles=0, doubled=(), late=0
        ),
    ]  # fmt: skip
    assert report(ledger, size=before).series[0].missing == ((3, 4), (6, 8)), "as it was before the late one came"


def test_what_lacks_at_the_ends_of_an_interval_reaches_to_the_nearest_number_outside(ledger: Ledger) -> None:
    numbered(ledger, (1, "1"), (10, "4"), (11, "6"), (20, "9"), (30, "5"))
    found = one(ledger, 5, 15)
    assert (found.first, found.last, found.records) == (4, 6, 2)
    assert (found.missing, found.elsewhere) == (((2, 3), (7, 8)), 1), "5 is of another time, and not missing"


@pytest.mark.parametrize("came", list(permutations([(3, "255"), (3, "0"), (3, "1")])))
def test_numbers_of_one_moment_follow_each_other_in_whatever_order_they_came(
    sqlite_ledger: Ledger, came: tuple[tuple[float, str], ...]
) -> None:
    rule(sqlite_ledger, '{"policy":"every","wraps":256}')
    numbered(sqlite_ledger, (1, "253"), (2, "254"), *came, (4, "2"))
    assert (one(sqlite_ledger).lacking, one(sqlite_ledger).doubles) == (0, 0)


def test_numbers_of_one_moment_are_told_on_either_database(ledger: Ledger) -> None:
    rule(ledger, '{"policy":"every","wraps":256}')
    numbered(ledger, (1, "254"), (3, "0"), (3, "255"), (3, "2"), (4, "2"), (5, "4"))
    assert (one(ledger).missing, one(ledger).doubled) == (((1, 1), (3, 3)), (2,))


def test_a_counter_that_begins_again_goes_by_time(ledger: Ledger) -> None:
    rule(ledger, '{"policy":"every","wraps":4}')
    numbered(ledger, (1, "2"), (2, "3"), (3, "0"), (4, "1"), (5, "3"), (6, "1"), (7, "1"))
    found = one(ledger)
    assert (found.missing, found.lacking, found.doubled, found.late) == (((2, 2), (0, 0)), 2, (1,), 0)
    assert report(ledger).wraps == 4


@pytest.mark.requirement("C08")
def test_a_numbering_that_begins_anew_is_told_stretch_by_stretch(ledger: Ledger) -> None:
    """Number 3 lacks the first time, though it is there the second time; 5 lacks the second time."""
    rule(ledger, '{"policy":"every"}')
    first, second = ((1, "A1"), (2, "A2"), (3, "A4"), (4, "A5")), ((11, "A1"), (12, "A2"), (13, "A3"), (14, "A4"))
    numbered(ledger, *first, *second, (15, "A6"), (16, "A6"))
    numbered(ledger, (13.5, "B2"), (14.5, "B1"))
    found, other = report(ledger).series
    with ledger.store.reader(RECORDS) as reader:
        (entry,) = (
            at for at in range(reader.head().size) if b'"source_record_id":"4"' in (reader.entry(at).body or b"")
        )
    assert found.resets == (Reset(last=5, first=1, entry=entry),)
    assert (found.began_again, found.missing, found.lacking) == (1, ((3, 3), (5, 5)), 2)
    assert (found.first, found.last, found.records, found.doubled, found.late) == (1, 6, 10, (6,), 0)
    assert (other.began_again, other.lacking) == (0, 0), "1 may have come late"
    assert one(ledger, 0, 10).began_again == 0
    assert one(ledger, 0, 10).missing == (), "of a part that did not begin anew it is asked what the log has at all"


def test_a_source_that_numbers_nothing_has_no_series(sqlite_ledger: Ledger) -> None:
    numbered(sqlite_ledger, (1, None), (2, "none"))
    assert (report(sqlite_ledger).series, report(sqlite_ledger).unnumbered) == ((), 2)
