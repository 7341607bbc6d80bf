"""The high temperature alarm of REACTOR-1: raised and cleared by the process value, acknowledged by a person.

One condition without branches (OPC UA Part 9). Its type is ExclusiveLevelAlarmType, its ConditionId (the field NodeId)
`REACTOR-1.TIC101.HI`, its SourceNode `REACTOR-1.TIC101`, its InputNode `REACTOR-1.TIC101.PV`. An event is emitted at
each change: raised (ActiveState/Id true, AckedState/Id false), acknowledged (AckedState/Id true, with Comment and
ClientUserId), cleared (ActiveState/Id false). Retain is true while the alarm is active or not acknowledged.

A client acknowledges by the method AcknowledgeableConditionType.Acknowledge (i=9111) with the ConditionId as the
object, the EventId of the alarm's events since it was raised, and a comment.
"""

from asyncua import ua
from asyncua.common import event_objects
from asyncua.common.methods import uamethod
from asyncua.server.server import Server
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from collectors.demo.opcua_audit import ACKNOWLEDGE, calling_user
from collectors.demo.opcua_events import Emitter, new_event
from collectors.demo.opcua_ids import standard_id, status_of
from collectors.demo.opcua_plant import ALARM, ALARM_INPUT, ALARM_LIMIT, ALARM_SOURCE, Plant

_DEADBAND = 1.0
_SEVERITY = 700


class HighAlarm:
    """Follows the input value; its state is owned by the server's event loop and touched nowhere else."""

    def __init__(self, plant: Plant, emitter: Emitter) -> None:
        self._plant = plant
        self._emitter = emitter
        self._condition = plant.node_id(ALARM)
        self._active = False
        self._acked = True
        self._events: set[bytes] = set()

    async def install(self, server: Server) -> None:
        """Adds the condition to the address space and binds its Acknowledge method."""
        source = self._plant.nodes[ALARM_SOURCE]
        leaf = ua.QualifiedName(ALARM.rpartition(".")[2], self._plant.index)
        await source.add_object(self._condition, leaf, standard_id(ObjectIds.ExclusiveLevelAlarmType), False)
        server.iserver.isession.add_method_callback(ACKNOWLEDGE, uamethod(self._acknowledge))

    async def follow(self, value: float) -> None:
        """Raises the alarm at the limit, clears it once the value is a deadband below."""
        if not self._active and value >= ALARM_LIMIT:
            self._active, self._acked = True, False
            self._events.clear()
            await self._announce("raised")
        elif self._active and value < ALARM_LIMIT - _DEADBAND:
            self._active = False
            await self._announce("cleared")

    async def _acknowledge(self, condition: ua.NodeId, event_id: bytes, comment: ua.LocalizedText) -> ua.StatusCode:
        if condition != self._condition:
            return status_of(StatusCodes.BadNodeIdUnknown)
        if event_id not in self._events:
            return status_of(StatusCodes.BadEventIdUnknown)
        if self._acked:
            return status_of(StatusCodes.BadConditionBranchAlreadyAcked)
        self._acked = True
        await self._announce("acknowledged", comment, calling_user.get())
        return ua.StatusCode()

    async def _announce(self, change: str, comment: ua.LocalizedText | None = None, user: str | None = None) -> None:
        event = new_event(
            event_objects.ExclusiveLevelAlarm,
            self._plant.node_id(ALARM_SOURCE),
            SourceName=ALARM_SOURCE,
            Message=f"{ALARM_INPUT} high: {change}",
            Severity=_SEVERITY,
            ConditionClassId=standard_id(ObjectIds.ProcessConditionClassType),
            ConditionClassName="ProcessConditionClassType",
            ConditionName=ALARM,
            Retain=self._active or not self._acked,
            EnabledState="Enabled",
            EnabledState__Id=True,
            ActiveState="Active" if self._active else "Inactive",
            ActiveState__Id=self._active,
            AckedState="Acknowledged" if self._acked else "Unacknowledged",
            AckedState__Id=self._acked,
            Quality=ua.StatusCode(),
            InputNode=self._plant.node_id(ALARM_INPUT),
            HighLimit=ALARM_LIMIT,
            Comment=comment,
            ClientUserId=user,
        )
        event.add_property("NodeId", self._condition, ua.VariantType.NodeId)
        self._events.add(await self._emitter.emit(event))
