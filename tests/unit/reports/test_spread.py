"""When records happened, in few cells: none is lost, and each cell holds what happened in it."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.instants import occurred
from ledger.core.record import RecordBody
from reports import spread
from reports.spread import CELLS, Spread
from tests.unit.trace.small import said

SECOND = 1_000_000


def body(number: int, seconds: float | None) -> RecordBody:
    """A record of the source `dcs` so many seconds after a fixed instant; None: it names none."""
    one = said(number, seconds, source_clock=None)
    digest = {"key": "k", "hmac": "A" * 43 + "="}
    return msgspec.convert({"schema": "record/1", "record": msgspec.to_builtins(one.record),
                            "received_at": one.received_at, "digest": digest}, RecordBody)  # fmt: skip


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_every_record_is_in_one_cell_which_reaches_as_far_as_its_records(seconds: list[int]) -> None:
    found, spans = Spread(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spread, "CELLS", 8)
        for number, at in enumerate(seconds):
            one = body(number, at)
            found.record(one, "read")
            span = occurred(one)
            assert span is not None
            spans.append(span)
    cells = [cell for _, cell in found.of("dcs")]
    assert len(cells) <= 8
    assert sum(cell.records for cell in cells) == len(seconds)
    assert min(cell.low_us for cell in cells) == min(span.low_us for span in spans)
    assert max(cell.high_us for cell in cells) == max(span.high_us for span in spans)
    for before, after in pairwise(cells):
        assert before.low_us < after.low_us
    for span in spans:
        assert any(cell.low_us <= span.low_us <= span.high_us <= cell.high_us for cell in cells)


def test_bases_stand_apart_and_what_names_no_instant_is_counted() -> None:
    found = Spread()
    for number, (at, basis) in enumerate(((1, "read"), (1, "derived"), (2, "read"), (None, "read"))):
        found.record(body(number, at), basis)
    assert [(basis, cell.records) for basis, cell in found.of("dcs")] == [("derived", 1), ("read", 1), ("read", 1)]
    assert found.undated == {"dcs": 1}
    assert list(found.of("erp")) == []
    assert CELLS > 50, "as many as a picture draws of a lane, at least"
