"""One timeline of many sources orders what can be ordered, and marks where it cannot."""

import msgspec

from ledger.core.instants import cannot_order, occurred
from ledger.core.looks import Span
from ledger.core.record import RecordBody
from ledger.core.times import Precision
from ledger.trace.timeline import in_time_order
from tests.unit.trace.small import T0, clock, said


def _body(number: int, at: float | None, source: str, offset: int = 0, uncertainty: int = 0) -> RecordBody:
    submission = said(number, at, source_clock=clock(offset, uncertainty))
    record = msgspec.structs.replace(submission.record, source=source)
    digest = {"key": "k", "hmac": "A" * 43 + "="}
    return RecordBody(
        record=record,
        received_at=submission.received_at,
        digest=msgspec.convert(digest, RecordBody.__annotations__["digest"]),
        clock=submission.clock,
    )


def _order(*bodies: RecordBody) -> list[tuple[str, bool]]:
    items = [(index, body, body.record.source_record_id) for index, body in enumerate(bodies)]
    return list(in_time_order(items))


def test_records_stand_in_order_of_corrected_time_and_undated_ones_last() -> None:
    order = _order(_body(1, None, "a"), _body(2, 70, "b", offset=60_000_000), _body(3, 20, "a"), _body(4, 5, "a"))
    assert order == [("4", False), ("2", False), ("3", False), ("1", False)]


def test_the_index_breaks_a_tie_and_overlap_between_sources_is_marked() -> None:
    tie = _order(_body(1, 10, "a"), _body(2, 10, "a"))
    assert tie == [("1", False), ("2", False)]
    unclear = _order(_body(1, 10, "a", uncertainty=2_000_000), _body(2, 11, "b"))
    assert unclear == [("1", False), ("2", True)]


def test_a_text_of_seconds_names_a_second_not_an_instant() -> None:
    body = _body(1, 0, "a")
    coarse = msgspec.structs.replace(body.record.occurred_at, precision=Precision.SECOND)
    body = msgspec.structs.replace(body, record=msgspec.structs.replace(body.record, occurred_at=coarse))
    assert occurred(body) == Span(low_us=T0, high_us=T0 + 999_999, measured=True)


def test_order_is_unknown_exactly_where_intervals_share_an_instant() -> None:
    one = Span(low_us=0, high_us=10, measured=True)
    assert cannot_order(one, Span(low_us=10, high_us=20, measured=True))
    assert not cannot_order(one, Span(low_us=11, high_us=20, measured=True))
