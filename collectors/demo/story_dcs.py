"""People at the demo's control system: each signs in at a station, reads, writes, acknowledges, and signs out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from asyncua import ua
from asyncua.client.client import Client
from asyncua.common.events import Event
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaStatusCodeError

from collectors.demo.opcua import OpcUaServer
from collectors.demo.opcua_ids import named_id, standard_id, ua_time
from collectors.demo.opcua_plant import NAMESPACE
from collectors.demo.story_facts import TagWrite
from ledger.core.errors import FatalSource

_STATION = "urn:trailseal:demo:operator-station"
_SESSION_MS = 600_000
_EPOCH = ua_time(datetime(1970, 1, 1, tzinfo=UTC))


class Station:
    """One person's open session; every accepted or refused write is told to `said`."""

    def __init__(self, client: Client, user: str, index: int, said: list[TagWrite]) -> None:
        self.client = client
        self.user = user
        self._index = index
        self._said = said

    async def read(self, tag: str) -> float | str:
        value: float | str = await self.client.get_node(named_id(tag, self._index)).read_value()
        return value

    async def write(self, tag: str, value: float | str) -> TagWrite:
        """Returns what was done; a refusal by the server is a fact of the story, not an error."""
        node = self.client.get_node(named_id(tag, self._index))
        old: float | str = await node.read_value()
        written, at_us = True, None
        try:
            await node.write_value(value)
        except UaStatusCodeError:
            written = False
        else:
            stamp = (await node.read_data_value()).SourceTimestamp
            at_us = None if stamp is None else (stamp - _EPOCH) // timedelta(microseconds=1)
        write = TagWrite(tag=tag, old=old, new=value, user=self.user, written=written, at_us=at_us)
        self._said.append(write)
        return write

    async def acknowledge(self, condition: ua.NodeId, event_id: bytes, comment: str) -> None:
        await self.client.get_node(condition).call_method(
            standard_id(ObjectIds.AcknowledgeableConditionType_Acknowledge), event_id, ua.LocalizedText(comment)
        )


class AlarmPanel:
    """Shows the alarms of the server as they come, to whoever waits in front of it."""

    def __init__(self) -> None:
        self._shown: asyncio.Queue[Event] = asyncio.Queue()

    def event_notification(self, event: Event) -> None:
        self._shown.put_nowait(event)

    async def switch_on(self, station: Station) -> None:
        subscription = await station.client.create_subscription(100, self)
        await subscription.subscribe_events(station.client.nodes.server, standard_id(ObjectIds.ExclusiveLevelAlarmType))

    async def wait_for(self, active: bool, seconds: float) -> tuple[ua.NodeId, bytes]:
        """Returns ConditionId and EventId of the next event of that state; raises FatalSource when none comes."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    event = await self._shown.get()
                    if getattr(event, "ActiveState/Id") is active:
                        return event.NodeId, event.EventId  # type: ignore[attr-defined]
        except TimeoutError:
            raise FatalSource(f"the alarm did not become {'active' if active else 'inactive'} in {seconds} s") from None


@asynccontextmanager
async def at_station(server: OpcUaServer, user: str, said: list[TagWrite]) -> AsyncIterator[Station]:
    """Signs the user in, and out at the end."""
    client = _client(server, user, server.passwords[user])
    await client.connect()
    try:
        yield Station(client, user, await client.get_namespace_index(NAMESPACE), said)
    finally:
        await client.disconnect()


async def fail_to_sign_in(server: OpcUaServer, user: str) -> None:
    """Tries a wrong password once; raises FatalSource should the server let it in."""
    client = _client(server, user, "wrong")
    try:
        await client.connect()
    except UaStatusCodeError:
        return
    await client.disconnect()
    raise FatalSource(f"the control system let {user} in with a wrong password")


def _client(server: OpcUaServer, user: str, password: str) -> Client:
    client = Client(server.endpoint)
    client.application_uri = _STATION
    client.session_timeout = _SESSION_MS
    client.set_user(user)
    client.set_password(password)
    return client
