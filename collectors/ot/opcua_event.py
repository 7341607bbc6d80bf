"""Looks into the fields of an event: its times, and whether it tells that a value was written."""

from collections.abc import Mapping
from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from collectors.ot.opcua_values import source_time
from ledger.core.clock import utc_text
from ledger.core.errors import SkippableRecord
from ledger.core.times import SourceTime


def of(event: Mapping[str, ua.Variant], field: str) -> Any:
    """The value of a field; None where the event does not have it."""
    variant = event.get(field)
    return None if variant is None else variant.Value


def time_in(event: Mapping[str, ua.Variant], field: str) -> SourceTime | None:
    """The time in a field; None where the event tells none."""
    return source_time(of(event, field))


def needed_time(event: Mapping[str, ua.Variant]) -> SourceTime:
    """When the event came about; raises ValueError where it does not say."""
    moment = time_in(event, "Time")
    if moment is None:
        raise ValueError("the event carries no time")
    return moment


def is_done(kind: str, event: Mapping[str, ua.Variant]) -> bool:
    """Whether a value was written, as this audit event of a standard type tells."""
    return (
        kind == "AuditWriteUpdateEventType"
        and bool(of(event, "Status"))
        and of(event, "AttributeId") == AttributeIds.Value
    )


def utc(moment: SourceTime) -> str:
    """The instant as text of UTC."""
    return utc_text(micros(moment))


def micros(moment: SourceTime) -> int:
    """Microseconds since the Unix epoch; raises SkippableRecord for a time that is centuries off."""
    if moment.instant_us is None:
        raise SkippableRecord(f"{moment.text} is no time that an event can have")
    return moment.instant_us
