"""The four times of an entry, never merged: what each says, who says it, and how far it can be relied on."""

from zoneinfo import ZoneInfo

import msgspec

from ledger.core.clock import parse_utc
from ledger.core.errors import NotCanonical
from ledger.core.record import RecordBody
from ledger.core.times import Clock, SourceTime
from ledger.present.inert import inert, one_line
from ledger.present.messages import message
from ledger.present.times import Moment, claimed, duration, moment


class TimeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One of the four times. `text` is the source's own words where the time is a claim of the source."""

    key: str
    moment: Moment | None
    text: str = ""
    note: str = ""


def logged_row(logged_us: int, zone: ZoneInfo) -> TimeRow:
    """When the sequencer gave the entry its place: every entry has this time."""
    return TimeRow(key="when.logged", moment=moment(logged_us, zone), note=message("when.logged.note"))


def record_rows(body: RecordBody, zone: ZoneInfo) -> tuple[TimeRow, ...]:
    """The three times of a record that are not the sequencer's."""
    rows = [_claim("when.occurred", body.record.occurred_at, body.clock, zone)]
    recorded = body.record.source_recorded_at
    if recorded is None:
        rows.append(TimeRow(key="when.recorded", moment=None, note=message("when.recorded.none")))
    else:
        rows.append(_claim("when.recorded", recorded, body.clock, zone))
    received = _instant(body.received_at)
    note = message("when.received.note")
    if recorded is not None and recorded.instant_us is not None and received is not None:
        note = message("when.exposure", duration=duration(received - recorded.instant_us))
    rows.append(
        TimeRow(
            key="when.received",
            moment=None if received is None else moment(received, zone),
            text="" if received is not None else inert(body.received_at),
            note=note,
        )
    )
    return tuple(rows)


def instant_text(text: str, zone: ZoneInfo) -> str:
    """A UTC text of a body in site time with its zone; a text that is no instant stays as it is."""
    instant = _instant(text)
    if instant is None:
        return inert(text)
    at = moment(instant, zone)
    return f"{at.local} {at.zone}"


def _instant(text: str) -> int | None:
    try:
        return parse_utc(text)
    except NotCanonical:
        return None


def _claim(key: str, time: SourceTime, clock: Clock | None, zone: ZoneInfo) -> TimeRow:
    notes = [message("when.said", basis=message(f"zone.{time.basis.value}"), precision=time.precision.value)]
    if clock is None:
        notes.append(message("when.clock.none"))
    else:
        notes.append(
            message(
                "when.clock",
                offset=duration(clock.offset_us),
                uncertainty=duration(clock.uncertainty_us),
                method=one_line(clock.method),
            )
        )
    return TimeRow(key=key, moment=claimed(time, zone), text=one_line(time.text), note=" ".join(notes))
