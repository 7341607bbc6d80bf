"""What stood in an object's fields: at an instant, after an entry, as of a size."""

import pytest

from ledger.core.clock import utc_text
from ledger.core.record import Action, Change, Submission, Target
from ledger.core.times import Clock
from ledger.store.changes import FEW, Thing
from ledger.trace import state
from ledger.trace.state import Exists, ObjectState, sources_of, state_as_logged, state_at
from tests.support.ledgers import RECORDS, SOURCE, START_US, Ledger, source_time, submission

SECOND = 1_000_000
TAG = Target(type="tag", id="TIC1")
THING = Thing(SOURCE, "tag", "TIC1")


def changed(
    number: int, seconds: int, old: str, new: str, doubt_s: int | None = None, action: Action = Action.UPDATE
) -> Submission:
    clock = None
    if doubt_s is not None:
        clock = Clock(offset_us=0, uncertainty_us=doubt_s * SECOND, measured_at=utc_text(START_US), method="test")
    one = submission(
        number,
        object=TAG,
        occurred_at=source_time(START_US + seconds * SECOND),
        changes=(Change(attribute="Value", old=old, new=new, unit="degC"),),
        action=action,
    )
    return Submission(record=one.record, received_at=one.received_at, clock=clock, original=None)


@pytest.fixture(params=[FEW, 0])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an object of few changes, and of many."""
    monkeypatch.setattr(state, "FEW", request.param)


@pytest.fixture
def filled(ledger: Ledger, few: None) -> Ledger:
    """The third arrives first; the second's clock is known to nine seconds."""
    ledger.submit([changed(3, 100, "3", "4")])
    ledger.submit([changed(1, 10, "1", "2", action=Action.CREATE), changed(2, 20, "2", "3", 9)])
    # One clock under one measurement orders its own, however little is known of its error.
    ledger.submit([changed(4, 300, "4", "5", 9), changed(5, 301, "5", "6", 9)])
    return ledger


def at(ledger: Ledger, seconds: int, size: int | None = None) -> ObjectState:
    parameters = ledger.service.record_log().parameters
    with ledger.store.reader(RECORDS) as reader:
        now = reader.head().size if size is None else size
        return state_at(reader.connection, parameters, RECORDS, now, THING, START_US + seconds * SECOND)


def values(found: ObjectState) -> set[object]:
    (field,) = found.fields
    assert field.certain is (len(field.alternatives) == 1)
    return {one.value for one in field.alternatives}


@pytest.mark.requirement("C10")
@pytest.mark.sampled
def test_between_two_overlapping_spans_both_values_are_given_and_elsewhere_one(filled: Ledger) -> None:
    assert [values(at(filled, seconds)) for seconds in (5, 25, 50, 200, 400)] == [
        {"1"}, {"2", "3"}, {"3"}, {"4"}, {"6"},
    ]  # fmt: skip
    assert [at(filled, seconds).exists for seconds in (5, 25)] == [Exists.NO, Exists.YES]
    # As of the size at which only the third was there: before it stood what it says it replaced.
    with filled.store.reader(RECORDS) as reader:
        third = next(index for index in range(reader.head().size) if b'"3"' in (reader.entry(index).body or b""))
        early = third + 1
        second = third + 3
        after = state_as_logged(reader.connection, RECORDS, second, THING)
        assert sources_of(reader.connection, RECORDS, early, "tag", "TIC1") == [SOURCE]
    assert values(at(filled, 50, early)) == {"3"}
    assert at(filled, 50, early).exists is Exists.UNKNOWN
    # The log heard of the second last, whenever that was.
    assert values(after) == {"3"}
    assert after.exists is Exists.YES
