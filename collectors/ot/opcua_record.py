"""Reads one OPC UA original into one record; nothing but the original and the source's configuration goes in.

What an original holds stands in `collectors.ot.opcua_original`.

What becomes what:

| in the source | action | object |
| --- | --- | --- |
| AuditWriteUpdateEvent | update of the value, configure of another attribute | the node |
| … of a batch node | start of the new batch, stop of the old one (two records where both are named) | the node |
| AuditUpdateMethodEvent, other audit events | execute | the node |
| AuditConditionAcknowledge, …Confirm, …Respond / Shelving, Suppression | acknowledge / suppress | the alarm |
| AuditActivateSession / AuditSession | login, login-failed / logout | the session |
| node management | configure | the node |
| AuditHistory… events | update, delete of historical values | the node |
| an edit that the modified history gives | create, update, delete of a historical value | the node |
| condition | alarm while active, alarm-clear after | the alarm |
| value of a watched node that no audit event explains | update, start, stop; actor unknown | the node |

- Who: ClientUserId. A condition is a device's own word; an acknowledgement by a person is the audit event for it.
- Links: equipment by the browse path (option `equipment`, *derived*); the batch only at a batch node, *read*.
- A refused action has outcome *denied* (or *failure*), the values it would have set, and the server's words as reason.
"""

from collections.abc import Mapping

import msgspec
from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds

from collectors.ot.opcua_binary import unpack_value
from collectors.ot.opcua_edit import audited_edits, read_edit
from collectors.ot.opcua_event import is_done, needed_time, of, time_in, utc
from collectors.ot.opcua_fields import CONDITION_ID
from collectors.ot.opcua_original import PARSER, PARSER_VERSION, Envelope, NodeFacts, decode
from collectors.ot.opcua_values import node_text, plain, render_variant, source_time, time_of
from collectors.text import name, render
from ledger.core.errors import SkippableRecord
from ledger.core.record import (
    Action,
    Actor,
    ActorKind,
    Change,
    Interval,
    Link,
    LinkBasis,
    LinkKind,
    Original,
    Outcome,
    Record,
    Target,
    Value,
)

_AUDIT: dict[str, Action] = {
    "AuditWriteUpdateEventType": Action.UPDATE,
    "AuditConditionAcknowledgeEventType": Action.ACKNOWLEDGE,
    "AuditConditionConfirmEventType": Action.ACKNOWLEDGE,
    "AuditConditionRespondEventType": Action.ACKNOWLEDGE,
    "AuditConditionCommentEventType": Action.UPDATE,
    "AuditConditionShelvingEventType": Action.SUPPRESS,
    "AuditConditionSuppressionEventType": Action.SUPPRESS,
    "AuditConditionSilenceEventType": Action.SUPPRESS,
    "AuditConditionOutOfServiceEventType": Action.SUPPRESS,
    "AuditConditionEnableEventType": Action.CONFIGURE,
    "AuditActivateSessionEventType": Action.LOGIN,
    "AuditSessionEventType": Action.LOGOUT,
    "AuditAddNodesEventType": Action.CONFIGURE,
    "AuditDeleteNodesEventType": Action.CONFIGURE,
    "AuditAddReferencesEventType": Action.CONFIGURE,
    "AuditDeleteReferencesEventType": Action.CONFIGURE,
    "AuditNodeManagementEventType": Action.CONFIGURE,
    "AuditHistoryUpdateEventType": Action.UPDATE,
    "AuditHistoryValueUpdateEventType": Action.UPDATE,
    "AuditHistoryDeleteEventType": Action.DELETE,
    "AuditHistoryRawModifyDeleteEventType": Action.DELETE,
    "AuditHistoryAtTimeDeleteEventType": Action.DELETE,
    "AuditHistoryEventUpdateEventType": Action.UPDATE,
    "AuditHistoryEventDeleteEventType": Action.DELETE,
}
_REFUSALS = (
    "BadUserAccessDenied", "BadNotWritable", "BadNotExecutable", "BadIdentityTokenRejected", "BadIdentityTokenInvalid",
    "BadSecurityModeInsufficient", "BadTypeMismatch", "BadOutOfRange",
)  # fmt: skip
_STATE = ("ActiveState", "AckedState/Id", "ConfirmedState/Id", "SuppressedOrShelved", "Severity", "Message", "Comment")


class Reader:
    """Derives records by the configuration of one source."""

    def __init__(
        self, source: str, equipment: Mapping[str, str], batches: Mapping[str, str], services: frozenset[str]
    ) -> None:
        self._source = source
        self._equipment = equipment
        self._batches = batches
        self._services = services

    def parts(self, envelope: Envelope) -> tuple[Envelope, ...]:
        """The envelope itself, or its two parts where one batch gave way to another at once.

        An envelope that cannot be read is its only part: `derive` will say what is wrong.
        """
        if envelope.node.path not in self._batches or envelope.sort == "edit":
            return (envelope,)
        try:
            old, new = self._old_and_new(envelope)
            turned = _turned(old, new) and (envelope.sort == "value" or is_done(envelope.kind, envelope.event()))
        except Exception:  # as in `derive`, which says what is wrong
            return (envelope,)
        if not turned:
            return (envelope,)
        return tuple(msgspec.structs.replace(envelope, part=part) for part in ("stop", "start"))

    def derive(self, original: Original) -> Record:
        """The record; raises SkippableRecord for bytes that are no original of this parser."""
        try:
            envelope = msgspec.json.decode(original.data, type=Envelope)
            if envelope.sort == "value":
                return self._value(envelope)
            if envelope.sort == "edit":
                return self._edit(envelope)
            event = envelope.event()
            if envelope.kind.startswith("Audit"):
                return self._audit(envelope, event)
            return self._condition(envelope, event)
        except Exception as error:  # asyncua's decoder names no error of its own for bytes that are none of its
            raise SkippableRecord(f"not an original of {PARSER}/{PARSER_VERSION}: {error!r}") from error

    def _audit(self, envelope: Envelope, event: Mapping[str, ua.Variant]) -> Record:
        done = bool(of(event, "Status"))
        status = name(str(plain(of(event, "StatusCodeId"), ()) or ""))
        message = name(str(plain(of(event, "Message"), ()) or ""))
        action, links = self._audited_action(envelope, event, done)
        outcome = Outcome.SUCCESS
        if not done:
            denied = any(word in f"{status} {message}" for word in _REFUSALS)
            outcome = Outcome.DENIED if denied else Outcome.FAILURE
        comment = name(str(plain(of(event, "Comment"), ()) or ""))
        return Record(
            source=self._source,
            source_record_id=_identity(envelope, event),
            action=action,
            occurred_at=time_in(event, "ActionTimeStamp") or needed_time(event),
            source_recorded_at=needed_time(event),
            actor=self._actor(envelope, event),
            object=self._audited_object(envelope, event, action),
            outcome=outcome,
            changes=self._audited_changes(envelope, event),
            reason=comment or (message if not done else None),
            links=(*links, *self._place(envelope.node)),
        )

    def _audited_action(
        self, envelope: Envelope, event: Mapping[str, ua.Variant], done: bool
    ) -> tuple[Action, tuple[Link, ...]]:
        action = _AUDIT.get(envelope.kind, Action.EXECUTE)
        if envelope.kind == "AuditWriteUpdateEventType":
            if of(event, "AttributeId") != AttributeIds.Value:
                return Action.CONFIGURE, ()
            if done and envelope.node.path in self._batches:
                return self._turn(envelope)
        if action is Action.LOGIN and not done:
            return Action.LOGIN_FAILED, ()
        if envelope.kind.startswith("AuditCondition"):
            return action, (Link(kind=LinkKind.ALARM, id=envelope.node.path, basis=LinkBasis.READ),)
        return action, ()

    def _turn(self, envelope: Envelope) -> tuple[Action, tuple[Link, ...]]:
        """Start or stop of a batch, and the batch."""
        old, new = self._old_and_new(envelope)
        if old == new:
            return Action.UPDATE, ()
        part = envelope.part or ("start" if new else "stop")
        batch = new if part == "start" else old
        if not batch or (not envelope.part and _turned(old, new)):
            raise ValueError(f"the event is no {part} of a batch")
        return Action(part), (Link(kind=LinkKind.BATCH, id=str(batch), basis=LinkBasis.READ),)

    def _old_and_new(self, envelope: Envelope) -> tuple[Value, Value]:
        if envelope.sort == "event":
            event = envelope.event()
            before, after = event.get("OldValue"), event.get("NewValue")
        else:
            before = unpack_value(decode(envelope.before)).Value if envelope.before else None
            after = unpack_value(decode(envelope.data)).Value
        return render_variant(before, envelope.namespaces), render_variant(after, envelope.namespaces)

    def _audited_changes(self, envelope: Envelope, event: Mapping[str, ua.Variant]) -> tuple[Change, ...]:
        spaces = envelope.namespaces
        if envelope.kind == "AuditWriteUpdateEventType":
            attribute = AttributeIds(of(event, "AttributeId"))
            part = f"[{event['IndexRange'].Value}]" if of(event, "IndexRange") else ""
            old, new = self._old_and_new(envelope)
            unit = envelope.node.unit if attribute is AttributeIds.Value else None
            return (Change(attribute=f"{attribute.name}{part}", old=old, new=new, unit=unit),)
        if edits := audited_edits(envelope, event):
            return edits
        told = ("MethodId", "InputArguments", "UpdatedNode", "OldValues", "NewValues", "ConditionEventId")
        return tuple(
            Change(attribute=field, new=render_variant(event[field], spaces))
            for field in told
            if of(event, field) not in (None, [])
        )

    def _audited_object(self, envelope: Envelope, event: Mapping[str, ua.Variant], action: Action) -> Target:
        session = of(event, "SessionId")
        if action in {Action.LOGIN, Action.LOGIN_FAILED, Action.LOGOUT}:
            known = session is not None and not session.is_null()
            identity = node_text(session, envelope.namespaces) if known else "none"
            return Target(type="session", id=identity, name=name(of(event, "SourceName")))
        kind = "alarm" if envelope.kind.startswith("AuditCondition") else "node"
        return Target(type=kind, id=envelope.node.id, name=name(envelope.node.path))

    def _condition(self, envelope: Envelope, event: Mapping[str, ua.Variant]) -> Record:
        active = of(event, "ActiveState/Id")
        condition = of(event, CONDITION_ID)
        alarm = name(of(event, "ConditionName")) or envelope.node.path
        identity = node_text(condition, envelope.namespaces) if condition is not None else envelope.node.id
        changes = [
            Change(attribute=field, new=render_variant(event[field], envelope.namespaces))
            for field in (*_STATE, "ClientUserId")
            if of(event, field) is not None and plain(of(event, field), ()) not in (None, "")
        ]
        branch = of(event, "BranchId")
        if branch is not None and not branch.is_null():  # an earlier state, which still wants an acknowledgement
            changes.append(Change(attribute="BranchId", new=node_text(branch, envelope.namespaces)))
        return Record(
            source=self._source,
            source_record_id=_identity(envelope, event),
            action=Action.ALARM_CLEAR if active is False else Action.ALARM,
            occurred_at=needed_time(event),
            source_recorded_at=time_in(event, "ReceiveTime"),
            actor=Actor(account=None, kind=ActorKind.DEVICE),
            object=Target(type="alarm", id=identity, name=alarm),
            changes=tuple(changes),
            links=(Link(kind=LinkKind.ALARM, id=alarm, basis=LinkBasis.READ), *self._place(envelope.node)),
        )

    def _value(self, envelope: Envelope) -> Record:
        after = unpack_value(decode(envelope.data))
        before = unpack_value(decode(envelope.before)) if envelope.before else None
        moment = source_time(time_of(after))
        if moment is None:
            raise ValueError("the value carries no time stamp")
        old, new = self._old_and_new(envelope)
        inferred = None
        if before is not None and (earlier := source_time(time_of(before))) is not None:
            inferred = Interval(after=utc(earlier), before=utc(moment))
        changes = [
            Change(attribute="Value", old=old, new=new, unit=envelope.node.unit, inferred=inferred, gap=envelope.gap)
        ]
        if before is not None:
            states = (plain(value.StatusCode or ua.StatusCode(), ()) for value in (before, after))
            was, now = (render(state) for state in states)
            if was != now:
                changes.append(Change(attribute="StatusCode", old=was, new=now, inferred=inferred))
        action, links = self._turn(envelope) if envelope.node.path in self._batches else (Action.UPDATE, ())
        identity = f"value:{envelope.node.id}@{moment.text}"
        return Record(
            source=self._source,
            source_record_id=f"{identity}:{envelope.part}" if envelope.part else identity,
            action=action,
            occurred_at=moment,
            source_recorded_at=source_time(after.ServerTimestamp),
            actor=Actor(account=None, kind=ActorKind.UNKNOWN),
            object=Target(type="node", id=envelope.node.id, name=name(envelope.node.path)),
            changes=tuple(changes),
            links=(*links, *self._place(envelope.node)),
        )

    def _edit(self, envelope: Envelope) -> Record:
        edit = read_edit(envelope)
        return Record(
            source=self._source,
            source_record_id=edit.identity,
            action=edit.action,
            occurred_at=edit.at,
            actor=Actor(account=edit.user, kind=self._kind_of(edit.user)),
            object=Target(type="node", id=envelope.node.id, name=name(envelope.node.path)),
            changes=edit.changes,
            links=self._place(envelope.node),
        )

    def _actor(self, envelope: Envelope, event: Mapping[str, ua.Variant]) -> Actor:
        account = name(of(event, "ClientUserId"))
        session = of(event, "SessionId")
        return Actor(
            account=account,
            kind=self._kind_of(account),
            channel="opc-ua",
            session=node_text(session, envelope.namespaces) if session is not None and not session.is_null() else None,
        )

    def _kind_of(self, account: str | None) -> ActorKind:
        if account is None:
            return ActorKind.UNKNOWN
        return ActorKind.SERVICE if account in self._services else ActorKind.PERSON

    def _place(self, node: NodeFacts) -> tuple[Link, ...]:
        """The equipment of a batch node, else that whose path the node lies under; the longest path wins."""
        under = [path for path in self._equipment if f"{node.path}/".startswith(f"{path}/")]
        unit = self._batches.get(node.path) or (self._equipment[max(under, key=len)] if under else None)
        if unit is None:
            return ()
        return (Link(kind=LinkKind.EQUIPMENT, id=unit, basis=LinkBasis.DERIVED),)


def _turned(old: Value, new: Value) -> bool:
    """Whether one batch gave way to another with no empty value between."""
    return bool(old) and bool(new) and old != new


def _identity(envelope: Envelope, event: Mapping[str, ua.Variant]) -> str:
    identity: bytes = event["EventId"].Value
    return f"{identity.hex()}:{envelope.part}" if envelope.part else identity.hex()
