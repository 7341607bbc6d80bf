"""Which fields of OPC UA events are asked for, and which standard event type an event counts as.

A server answers a field that an event does not have with null, so one list serves all types. Not asked for are
identity tokens and certificates of sessions: they may hold secrets.
"""

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIdNames, ObjectIds

_FIELDS: dict[int, tuple[str, ...]] = {
    ObjectIds.BaseEventType: (
        "EventId", "EventType", "SourceNode", "SourceName", "Time", "ReceiveTime", "Message", "Severity",
    ),
    ObjectIds.AuditEventType: (
        "ActionTimeStamp", "Status", "ServerId", "ClientAuditEntryId", "ClientUserId",
    ),
    ObjectIds.AuditSecurityEventType: ("StatusCodeId",),
    ObjectIds.AuditSessionEventType: ("SessionId",),
    ObjectIds.AuditCreateSessionEventType: ("SecureChannelId",),
    ObjectIds.AuditWriteUpdateEventType: ("AttributeId", "IndexRange", "OldValue", "NewValue"),
    ObjectIds.AuditHistoryValueUpdateEventType: (
        "UpdatedNode", "PerformInsertReplace", "OldValues", "NewValues",
    ),
    ObjectIds.AuditUpdateMethodEventType: ("MethodId", "InputArguments"),
    ObjectIds.AuditConditionAcknowledgeEventType: ("ConditionEventId", "Comment"),
    ObjectIds.ConditionType: (
        "ConditionName", "ConditionClassName", "BranchId", "Retain", "EnabledState/Id", "Quality", "LastSeverity",
    ),
    ObjectIds.AcknowledgeableConditionType: ("AckedState/Id", "ConfirmedState/Id"),
    ObjectIds.AlarmConditionType: (
        "ActiveState", "ActiveState/Id", "InputNode", "SuppressedState/Id", "SuppressedOrShelved",
    ),
    ObjectIds.LimitAlarmType: ("HighHighLimit", "HighLimit", "LowLimit", "LowLowLimit"),
}  # fmt: skip
CONDITION_ID = "ConditionId"
"""Our name for the condition's own node id: the attribute NodeId with an empty path (OPC UA Part 9, 5.5.2.13)."""
_DELETES: dict[str, tuple[int, str]] = {
    "DeletedNode": (ObjectIds.AuditHistoryDeleteEventType, "UpdatedNode"),
    "DeletedValues": (ObjectIds.AuditHistoryRawModifyDeleteEventType, "OldValues"),
    "DeletedAtTimes": (ObjectIds.AuditHistoryAtTimeDeleteEventType, "OldValues"),
}
"""Our names for fields that another type has by the same name: type and name there."""
FIELDS: tuple[str, ...] = (*(name for names in _FIELDS.values() for name in names), CONDITION_ID, *_DELETES)


def select_clauses() -> list[ua.SimpleAttributeOperand]:
    """What to ask for, in the order of `FIELDS`."""
    clauses = [_operand(kind, name) for kind, names in _FIELDS.items() for name in names]
    condition = ua.SimpleAttributeOperand(
        TypeDefinitionId=ua.NodeId(ua.Int32(ObjectIds.ConditionType)), AttributeId=AttributeIds.NodeId
    )
    return [*clauses, condition, *(_operand(kind, name) for kind, name in _DELETES.values())]


def _operand(kind: int, name: str) -> ua.SimpleAttributeOperand:
    return ua.SimpleAttributeOperand(
        TypeDefinitionId=ua.NodeId(ua.Int32(kind)),
        BrowsePath=[ua.QualifiedName(step, 0) for step in name.split("/")],
        AttributeId=AttributeIds.Value,
    )


def standard_name(kind: ua.NodeId) -> str | None:
    """The name of an event type of the standard; null for one of a vendor."""
    if kind.NamespaceIndex != 0:
        return None
    return ObjectIdNames.get(int(str(kind.Identifier))) if str(kind.Identifier).isdecimal() else None
