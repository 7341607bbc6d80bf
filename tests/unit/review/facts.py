"""A record that is judged, with what is known of it: a usual one, of which a test says what is other."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ledger.core import parameters as p
from ledger.core.clock import utc_text
from ledger.core.instants import occurred
from ledger.core.looks import Span, looked, moment_us
from ledger.core.record import ContentDigest, Record, RecordBody
from ledger.core.times import Clock
from ledger.review.alcoa.attributes import Verdict
from ledger.review.known.facts import Copies, Facts, Owner, Path, Previous, Told
from tests.support.ledgers import START_US, record

SECOND = 1_000_000
SURE = Clock(offset_us=0, uncertainty_us=0, measured_at=utc_text(START_US), method="test")


def clock(offset_us: int = 0, uncertainty_us: int = 0, measured_s: int = 0) -> Clock:
    """A clock as measured so many seconds after the start."""
    measured = utc_text(START_US + measured_s * SECOND)
    return Clock(offset_us=offset_us, uncertainty_us=uncertainty_us, measured_at=measured, method="test")


def told(one: Record, measured: Clock | None = SURE) -> Told:
    """A record as the log has it; received a second after the start."""
    digest = ContentDigest(key="0" * 16, hmac="A" * 43 + "=")
    body = RecordBody(record=one, received_at=utc_text(START_US + SECOND), digest=digest, clock=measured)
    return Told(
        index=1,
        logged_us=START_US + SECOND,
        body=body,
        record=one,
        span=looked(body) or occurred(body),
        moment_us=moment_us(body),
    )


def facts(
    *rules: p.Value, known: Mapping[str, Any] | None = None, measured: Clock | None = SURE, **members: Any
) -> Facts:
    """What is known of `record(0)` with these members, by these parameters; `known` replaces what is usual."""
    one = told(record(0, **members), measured)
    usual = Facts(
        told=one,
        rules={type(rule): rule for rule in rules},
        mapped=True,
        owner=Owner(id="P1"),
        sightings=(),
        original=Verdict.HOLDS,
        copied=False,
        counted=None,
        series=None,
        previous=tuple(Previous(known=True) for _ in one.record.changes),
        companions=(),
        corroborating=(),
        footed=None,
        path=Path(equipment=False, batch=False, ruled=True),
        anchoring=None,
        verified=True,
        copies=Copies(ages_us=(0, 0)),
        retrieved=(),
        signed=False,
    )
    return msgspec.structs.replace(usual, **(known or {}))


def span(low_s: float, high_s: float | None = None, measured: bool = True) -> Span:
    """From so many seconds after the start to so many."""
    high = low_s if high_s is None else high_s
    return Span(low_us=START_US + round(low_s * SECOND), high_us=START_US + round(high * SECOND), measured=measured)
