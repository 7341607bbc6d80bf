"""What the edit of a historical value was: from the modified history, and from the audit events of the same.

The attribute names the value by its time (`Value@2026-11-25T11:00:00+00:00`): what a node held then is changed, not
what it holds now. An edit that is audited too is told by both, each with an id of its own, so either can be missed.
"""

from collections.abc import Mapping, Sequence

import msgspec
from asyncua import ua

from collectors.ot.opcua_binary import unpack_modification, unpack_value
from collectors.ot.opcua_original import Envelope, decode
from collectors.ot.opcua_values import plain, render_variant, source_time, time_of
from collectors.text import name, render
from ledger.core.record import Action, Change, Maybe
from ledger.core.times import Basis, Precision, SourceTime

_UPDATES = {
    ua.HistoryUpdateType.Insert.value: Action.CREATE,
    ua.HistoryUpdateType.Replace.value: Action.UPDATE,
    ua.HistoryUpdateType.Update.value: Action.UPDATE,
    ua.HistoryUpdateType.Delete.value: Action.DELETE,
}
_UNSAID = SourceTime(text="1601-01-01T00:00:00+00:00", precision=Precision.SECOND, basis=Basis.NONE)
"""The null time of OPC UA (Part 6, 5.2.2.5), by which a server says that it does not know when an edit was made."""

_Held = ua.DataValue | msgspec.UnsetType | None
"""A value; null where there was none, unset where the server does not say."""


class EditFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An edit as its original tells it."""

    identity: str
    action: Action
    at: SourceTime
    user: str | None
    changes: tuple[Change, ...]


def read_edit(envelope: Envelope) -> EditFacts:
    """Part 11, 6.5.3.3: of an insert the server gives the new value, of everything else the old one."""
    held = unpack_value(decode(envelope.data))
    after = unpack_value(decode(envelope.after)) if envelope.after else None
    made = unpack_modification(decode(envelope.modification))
    action = _UPDATES.get(made.update)
    moment = source_time(time_of(held))
    if action is None or moment is None:
        raise ValueError("the edit is of no kind that there is" if action is None else "the value carries no time")
    at = source_time(made.at) or _UNSAID
    if action is Action.CREATE:
        changes = _changes(moment.text, None, held, envelope)
    elif action is Action.DELETE:
        changes = _changes(moment.text, held, None, envelope)
    else:
        changes = _changes(moment.text, held, msgspec.UNSET if after is None else after, envelope)
    return EditFacts(
        identity=f"edit:{envelope.node.id}@{moment.text}:{at.text}:{action.value}",
        action=action,
        at=at,
        user=name(made.user),
        changes=changes,
    )


def audited_edits(envelope: Envelope, event: Mapping[str, ua.Variant]) -> tuple[Change, ...]:
    """The changes that an audit event of a history tells, old and new value of each time together; none for others."""
    new = _by_time(event.get("NewValues"))
    old = {
        moment: value
        for field in ("OldValues", "DeletedValues", "DeletedAtTimes")
        for moment, value in _by_time(event.get(field)).items()
    }
    is_insert = _value_of(event, "PerformInsertReplace") == ua.PerformUpdateType.Insert.value
    no_old = None if is_insert else msgspec.UNSET
    no_new = msgspec.UNSET if envelope.kind == "AuditHistoryValueUpdateEventType" else None
    return tuple(
        change
        for moment in sorted({*new, *old})
        for change in _changes(moment, old.get(moment, no_old), new.get(moment, no_new), envelope)
    )


def _value_of(event: Mapping[str, ua.Variant], field: str) -> object:
    variant = event.get(field)
    return None if variant is None else variant.Value


def _by_time(variant: ua.Variant | None) -> dict[str, ua.DataValue]:
    values: Sequence[object] = variant.Value if variant is not None and isinstance(variant.Value, list) else ()
    found = {}
    for value in values:
        if isinstance(value, ua.DataValue) and (moment := source_time(time_of(value))) is not None:
            found[moment.text] = value
    return found


def _changes(moment: str, old: _Held, new: _Held, envelope: Envelope) -> tuple[Change, ...]:
    was, now = (
        render_variant(one.Value, envelope.namespaces) if isinstance(one, ua.DataValue) else one for one in (old, new)
    )
    changes = [Change(attribute=f"Value@{moment}", old=was, new=now, unit=envelope.node.unit)]
    states = [_state(value) for value in (old, new)]
    if any(state not in (None, msgspec.UNSET, "Good") for state in states):
        changes.append(Change(attribute=f"StatusCode@{moment}", old=states[0], new=states[1]))
    return tuple(changes)


def _state(value: _Held) -> Maybe:
    if not isinstance(value, ua.DataValue):
        return value
    return render(plain(value.StatusCode or ua.StatusCode(), ()))
