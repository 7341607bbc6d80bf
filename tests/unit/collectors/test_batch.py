"""A record that is out of its members' types and bounds is rejected with its original; no other record is."""

import msgspec
import pytest

from collectors.batch import BatchBuilder
from ledger.core.clock import SystemClock, utc_text
from ledger.core.record import Action, Actor, ActorKind, Change, Original, Record, Target
from ledger.core.times import Basis, Precision, SourceTime

GOOD = Record(
    source="s",
    source_record_id="1",
    action=Action.UPDATE,
    occurred_at=SourceTime(text="2026-11-25T07:10:06Z", precision=Precision.SECOND, basis=Basis.SOURCE_ZONE),
    actor=Actor(account=None, kind=ActorKind.UNKNOWN),
    object=Target(type="tag", id="TIC101"),
)
ORIGINAL = Original(data=b"x", media_type="text/plain", parser="test", parser_version="1")


def added(record: Record) -> tuple[int, list[str]]:
    """How many records are in the run, and the reasons of what was rejected."""
    clock = SystemClock()
    builder = BatchBuilder("s", clock, lambda _: record, None)
    builder.add(ORIGINAL, utc_text(clock.now_us()))
    run = builder.build(None, "1")
    assert all(one.data == ORIGINAL.data for one in run.rejected)
    return len(run.submissions), [one.reason for one in run.rejected]


def with_value(value: object) -> Record:
    return msgspec.structs.replace(GOOD, changes=(Change(attribute="Value", new=value),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "record",
    [
        GOOD,
        with_value("1.50"),
        with_value(None),
        with_value(2**53 - 1),
        with_value("a lone surrogate, for the ledger to replace: \ud800"),
        msgspec.structs.replace(GOOD, changes=[Change(attribute="Value", new="a list")]),
    ],
)
def test_a_record_within_its_bounds_is_taken(record: Record) -> None:
    assert added(record) == (1, [])


@pytest.mark.parametrize(
    "record",
    [
        with_value(2**53),
        with_value(float("nan")),
        with_value(1.5),
        with_value(["a"]),
        msgspec.structs.replace(GOOD, source_record_id=""),
        msgspec.structs.replace(GOOD, source_record_id=17),
        msgspec.structs.replace(GOOD, object=Target(type="tag", id="x" * 10_000)),
        msgspec.structs.replace(GOOD, action="no such action"),
        msgspec.structs.replace(GOOD, changes=tuple(Change(attribute="Value") for _ in range(10_001))),
    ],
)
def test_a_record_out_of_its_bounds_is_rejected_with_the_reason(record: Record) -> None:
    records, reasons = added(record)
    assert (records, len(reasons)) == (0, 1)
    assert reasons[0].startswith(("Expected", "Invalid")), reasons
