"""Which of two records happened first is said where it can be known, and nowhere else."""

import pytest

from ledger.core.clock import utc_text
from ledger.core.instants import occurred
from ledger.core.record import Action, Actor, ActorKind, ContentDigest, Record, RecordBody, Target
from ledger.core.times import Basis, Clock, Precision, SourceTime
from ledger.trace.precedence import Happening, happened_before
from tests.unit.trace.small import SECOND, T0

DOUBTFUL = Clock(offset_us=0, uncertainty_us=5 * SECOND, measured_at=utc_text(T0), method="test")
ANEW = Clock(offset_us=0, uncertainty_us=5 * SECOND, measured_at=utc_text(T0 + 1), method="test")


def record(
    at: float, source: str = "dcs", clock: Clock | None = DOUBTFUL, number: int | None = None, wraps: bool = False
) -> Happening:
    instant = T0 + round(at * SECOND)
    text = SourceTime(
        text="t", precision=Precision.MICROSECOND, basis=Basis.SOURCE_ZONE, instant_us=instant, offset="Z"
    )
    told = Record(
        source=source, source_record_id="1", action=Action.UPDATE, occurred_at=text,
        actor=Actor(account=None, kind=ActorKind.DEVICE), object=Target(type="tag", id="T"),
    )  # fmt: skip
    body = RecordBody(record=told, received_at=utc_text(T0), digest=ContentDigest(key="k", hmac="A" * 44), clock=clock)
    return Happening(0, body, occurred(body), None if number is None else "s", number, wraps)


@pytest.mark.requirement("C10")
@pytest.mark.parametrize(
    ("one", "other", "known"),
    [
        (record(0), record(11, "mes"), True),
        (record(0), record(10, "mes"), None),
        (record(0), record(1), True),
        (record(0), record(1, "mes"), None),
        (record(0), record(1, clock=ANEW), None),
        (record(0), record(0), None),
        (record(1, number=7), record(0, clock=ANEW, number=8), True),
        (record(1, number=7), record(0, clock=ANEW, number=7), None),
        (record(1, number=7, wraps=True), record(0, clock=ANEW, number=8, wraps=True), None),
        (record(1, number=7), record(0, "mes", number=8), None),
    ],
)
def test_what_happened_first(one: Happening, other: Happening, known: bool | None) -> None:
    assert happened_before(one, other) is known
    assert happened_before(other, one) is (None if known is None else not known)
