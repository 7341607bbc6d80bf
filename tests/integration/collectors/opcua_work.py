"""What people do at the demo's control system: they write tags and edit the history of tags."""

from collections.abc import Sequence
from datetime import UTC, datetime

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.node import Node

from collectors.base import Collector
from collectors.demo.opcua import OpcUaServer
from collectors.demo.opcua_ids import named_id, ua_time
from collectors.demo.opcua_plant import NAMESPACE
from collectors.ot.opcua import OpcUa
from collectors.runner import Runner
from ledger.core.clock import SystemClock
from ledger.core.source import SourceConfig
from tests.integration.collectors.following import PATIENT
from tests.support.memory_sink import MemorySink

CLOCK = SystemClock()


def collector(password: str = "", **options: str) -> Collector:
    """A collector that knows nothing: as after a restart of its process."""
    config = SourceConfig(id="dcs", type="opcua", title="DCS", options=options)
    return OpcUa(config, {"password": password} if password else {}, CLOCK)


def pull(one: Collector, sink: MemorySink, seconds: float = 1.0) -> None:
    """Listens for so long."""
    Runner(one, sink, CLOCK, patience=PATIENT).pull(listen_seconds=seconds)


def drain(one: Collector, sink: MemorySink) -> None:
    """Looks again and again until a look brings nothing new."""
    before = -1
    while len(sink.records) > before:
        before = len(sink.records)
        pull(one, sink, 0.0)


def at(second: int) -> datetime:
    """A moment of a shift that is over."""
    return datetime(2026, 11, 20, 6, 0, second, 250_000, tzinfo=UTC)


def signed_in(server: OpcUaServer, user: str) -> Client:
    """A client to be entered."""
    client = Client(server.endpoint)
    client.set_user(user)
    client.set_password(server.passwords[user])
    return client


async def tag(client: Client, name: str) -> Node:
    """A tag of the plant by its name."""
    return client.get_node(named_id(name, await client.get_namespace_index(NAMESPACE)))


async def write(server: OpcUaServer, user: str, name: str, value: float | str) -> None:
    """Somebody writes a tag."""
    async with signed_in(server, user) as client:
        await (await tag(client, name)).write_value(value)


async def edit(
    server: OpcUaServer, user: str, name: str, way: ua.PerformUpdateType, values: Sequence[tuple[datetime, float]]
) -> list[str]:
    """Somebody inserts or replaces what the history of a tag held; the status of each."""
    async with signed_in(server, user) as client:
        details = ua.UpdateDataDetails(
            NodeId=(await tag(client, name)).nodeid,
            PerformInsertReplace=way,
            UpdateValues=[
                ua.DataValue(ua.Variant(value), SourceTimestamp=ua_time(moment), ServerTimestamp=ua_time(moment))
                for moment, value in values
            ],
        )
        return await _send(client, details)


async def delete(server: OpcUaServer, user: str, name: str, start: datetime, end: datetime) -> list[str]:
    """Somebody deletes what the history of a tag held."""
    async with signed_in(server, user) as client:
        details = ua.DeleteRawModifiedDetails(
            NodeId=(await tag(client, name)).nodeid,
            IsDeleteModified=False,
            StartTime=ua_time(start),
            EndTime=ua_time(end),
        )
        return await _send(client, details)


async def _send(client: Client, details: ua.HistoryUpdateDetails) -> list[str]:
    wish = ua.HistoryUpdateParameters(HistoryUpdateDetails=[details])
    (result,) = await client.uaclient.history_update(wish)
    return [one.name for one in result.OperationResults] or [result.StatusCode.name]
