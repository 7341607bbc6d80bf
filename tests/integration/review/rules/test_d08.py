"""D08: a record was written down later than its source and type may."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.core.clock import utc_text
from ledger.core.parameters import Limits, ParameterName
from ledger.core.record import Interval, Submission
from tests.support.ledgers import START_US, Ledger, new_ledger, source_time, submission
from tests.support.ruling import collect, found, look, of, put


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    yield ledger
    ledger.close()


def written(number: int, after_s: int) -> Submission:
    """What happened at second `number` was written down so much later."""
    return submission(number, source_recorded_at=source_time(START_US + (number + after_s) * 1_000_000))


def test_what_was_written_down_too_late_is_found(alone: Ledger) -> None:
    put(alone, ParameterName.LIMITS, Limits(late_s=60))
    collect(alone, [written(1, 61), written(2, 60), submission(3)])
    examined = of(look(alone), "D08")
    (one,) = found(alone, "D08")
    assert (one.why, "was written down 61 s after it happened; 60 s are allowed" in one.detail) == ("late", True)
    assert (examined.examined, examined.clear, examined.findings) == (2, 1, 1)


def test_an_outage_that_is_on_record_explains_it(alone: Ledger) -> None:
    put(alone, ParameterName.LIMITS, Limits(late_s=60))
    away = Interval(after=utc_text(START_US + 30_000_000), before=utc_text(START_US + 90_000_000))
    collect(alone, [written(20, 80), written(200, 80)], unreachable=(away,))
    examined = of(look(alone), "D08")
    assert (examined.explained, examined.findings, len(found(alone, "D08"))) == (1, 1, 1)


def test_a_limit_that_comes_late_closes_it(alone: Ledger) -> None:
    put(alone, ParameterName.LIMITS, Limits(late_s=60))
    collect(alone, [written(1, 100)])
    assert of(look(alone), "D08").opened == 1
    put(alone, ParameterName.LIMITS, Limits(late_s=120))
    assert (of(look(alone), "D08").closed, found(alone, "D08")) == (1, [])


def test_without_a_limit_nothing_can_be_said(alone: Ledger) -> None:
    collect(alone, [written(1, 100)])
    assert [(one.input, one.records) for one in of(look(alone), "D08").lacking] == [("limits", 1)]
