"""One value of a node, as an original holds it, for comparing it with others."""

import msgspec
from asyncua import ua

from collectors.ot.opcua_binary import unpack_value
from collectors.ot.opcua_event import is_done, micros, needed_time, time_in
from collectors.ot.opcua_original import Envelope, decode
from collectors.ot.opcua_values import plain, render_variant, source_time, time_of
from ledger.core.record import Value


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a node, for comparing: by its rendering, its status and its source time."""

    value: Value
    status: str
    at_us: int


def sample_of(envelope: Envelope) -> Sample | None:
    """The value that an original holds; None where it cannot be read or has no time, which `derive` will say."""
    try:
        value = unpack_value(decode(envelope.data))
        moment = source_time(time_of(value))
        if moment is None:
            return None
        return Sample(
            value=render_variant(value.Value, envelope.namespaces),
            status=str(plain(value.StatusCode or ua.StatusCode(), ())),
            at_us=micros(moment),
        )
    except Exception:  # as in `derive`
        return None


def written_by(envelope: Envelope) -> Sample | None:
    """The value that an audited write set; None for any other event, a refused write, and what cannot be read."""
    try:
        event = envelope.event()
        if not is_done(envelope.kind, event):
            return None
        moment = time_in(event, "ActionTimeStamp") or needed_time(event)
        return Sample(
            value=render_variant(event.get("NewValue"), envelope.namespaces), status="Good", at_us=micros(moment)
        )
    except Exception:  # as in `derive`
        return None
