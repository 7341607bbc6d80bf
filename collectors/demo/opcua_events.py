"""Emits the demo server's events: one door, so that whatever a subscriber is sent is also kept in the event history.

All events come from the Server object (a client subscribes there and gets everything), whatever node they speak of in
SourceNode. EventId is a random 16-byte value, never used twice, and is the same in subscription and history.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from asyncua import ua
from asyncua.common.events import Event
from asyncua.server.subscription_service import SubscriptionService
from asyncua.ua.object_ids import ObjectIds

from collectors.demo.opcua_history import PlantHistory
from collectors.demo.opcua_history_edit import Edited, edit
from collectors.demo.opcua_ids import standard_id
from ledger.core.clock import WallClock

SERVER_NODE = standard_id(ObjectIds.Server)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BUILT_IN = {
    ObjectIds.UtcTime: ua.VariantType.DateTime,
    ObjectIds.Duration: ua.VariantType.Double,
    ObjectIds.NumericRange: ua.VariantType.String,
    ObjectIds.AudioDataType: ua.VariantType.ByteString,
    ObjectIds.DataValue: ua.VariantType.DataValue,
    ObjectIds.PerformUpdateType: ua.VariantType.Int32,
}


class Emitter:
    """Stamps, keeps and sends events; owns the history file and the clock of the server."""

    def __init__(self, clock: WallClock, history: PlantHistory, subscriptions: SubscriptionService) -> None:
        self._clock = clock
        self._history = history
        self._subscriptions = subscriptions

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self._clock.now_us())

    async def keep_value(self, node_id: ua.NodeId, value: ua.DataValue) -> None:
        """Puts a written value into the history, from which the server also takes it back when it starts again."""
        await self._history.save_node_value(node_id, value)

    def edit_history(
        self, details: ua.UpdateDataDetails | ua.DeleteRawModifiedDetails, user: str, at: datetime
    ) -> Edited:
        """Changes what the history holds of the past, and keeps who did it."""
        return edit(self._history, details, user, at)

    async def emit(self, event: Event) -> bytes:
        """Returns the EventId; the event is in the history before any subscriber is sent it."""
        now = self.now()
        identity = uuid4().bytes
        set_fields(event, EventId=identity, Time=now, ReceiveTime=now, LocalTime=ua.TimeZoneDataType(0, False))
        await self._history.save_event(event)
        await self._subscriptions.trigger_event(event)
        return identity


def new_event(kind: type[Event], source: ua.NodeId, **fields: Any) -> Event:
    """An event of the given type with every field of a built-in type.

    asyncua declares fields of a derived data type by the id of that type, which cannot be encoded.
    """
    event = kind()
    event.emitting_node = SERVER_NODE
    for name, declared in event.data_types.items():
        if isinstance(declared, ua.NodeId):
            event.data_types[name] = _BUILT_IN.get(declared.Identifier, ua.VariantType.ExtensionObject)
    set_fields(event, SourceNode=source, **fields)
    return event


def set_fields(event: Event, **fields: Any) -> None:
    """Sets fields that the event's type declares; a plain string is made a LocalizedText where the type wants one.

    `/` in a field's name is written as `__`: `ActiveState__Id`.
    """
    for written, value in fields.items():
        name = written.replace("__", "/")
        declared = event.data_types[name]
        if declared == ua.VariantType.LocalizedText and isinstance(value, str):
            value = ua.LocalizedText(value)
        setattr(event, name, value)
