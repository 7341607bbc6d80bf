"""A client that listens to the demo's OPC UA server, and one that works at it, written on asyncua alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.events import Event
from asyncua.common.node import Node
from asyncua.ua.object_ids import ObjectIds

from collectors.demo.opcua import OpcUaServer
from collectors.demo.opcua_ids import named_id, standard_id
from collectors.demo.opcua_plant import NAMESPACE

EVENT_TYPES = [
    standard_id(number)
    for number in (
        ObjectIds.AuditWriteUpdateEventType,
        ObjectIds.AuditUpdateMethodEventType,
        ObjectIds.AuditConditionAcknowledgeEventType,
        ObjectIds.AuditActivateSessionEventType,
        ObjectIds.AuditSessionEventType,
        ObjectIds.ExclusiveLevelAlarmType,
    )
]


class Seen:
    """Events in the order in which the server sent them, each as a dictionary of its fields."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._came = asyncio.Event()

    def event_notification(self, event: Event) -> None:
        self.events.append(fields(event))
        self._came.set()

    def of(self, source_name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["SourceName"] == source_name]

    async def until(self, holds: Callable[["Seen"], bool], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds(self):
                self._came.clear()
                await self._came.wait()


def fields(event: Event) -> dict[str, Any]:
    return {name: variant.Value for name, variant in zip(_names(event), event.event_fields or [], strict=True)}


def _names(event: Event) -> list[str]:
    return ["/".join(str(part.Name) for part in clause.BrowsePath) or "NodeId" for clause in event.select_clauses or []]


@asynccontextmanager
async def signed_in(server: OpcUaServer, user: str) -> AsyncIterator[Client]:
    client = Client(server.endpoint)
    client.set_user(user)
    client.set_password(server.passwords[user])
    async with client:
        yield client


@asynccontextmanager
async def listening(server: OpcUaServer) -> AsyncIterator[Seen]:
    seen = Seen()
    async with signed_in(server, "collector") as client:
        subscription = await client.create_subscription(50, seen)
        await subscription.subscribe_events(client.nodes.server, EVENT_TYPES)
        yield seen


async def tag(client: Client, name: str) -> Node:
    return client.get_node(named_id(name, await client.get_namespace_index(NAMESPACE)))


async def status_of_write(client: Client, name: str, value: float | str) -> int:
    """The status code of one write, 0 when it is good."""
    try:
        await (await tag(client, name)).write_value(value)
    except ua.uaerrors.UaStatusCodeError as refusal:
        return int(refusal.code)
    return 0


async def event_history(server: OpcUaServer) -> list[dict[str, Any]]:
    """Everything in the event history, oldest first."""
    async with signed_in(server, "collector") as client:
        kept = await client.nodes.server.read_event_history(evtypes=EVENT_TYPES)
        return [fields(event) for event in reversed(kept)]
