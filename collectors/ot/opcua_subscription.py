"""A subscription whose notifications stay as the bytes that came, in order, none dropped on this side.

A full queue holds up the answers to the server: it then queues for us, and says so when it could not.
"""

import asyncio
from collections.abc import Sequence
from typing import Self

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaStatusCodeError

from collectors.ot.opcua_binary import Piece, read_notification
from collectors.ot.opcua_nodes import standard_id
from collectors.ot.opcua_wire import BoundedClient

_PUBLISH_MS = 100.0
_SAMPLE_MS = 0.0
"""Every change, where the server can tell it, else as often as it looks (Part 4, 5.13.1.2)."""
_KEEP_ALIVE = 50
_LIFETIME = 6_000
"""After so many publishing intervals without a sign of us the server gives the subscription up: ten minutes."""
_MOST_NOTIFICATIONS = 1_000
_ITEM_QUEUE = 10_000
_QUEUE = 250
"""Pieces, each of at most `MAX_ITEM` bytes."""
_AT_ONCE = 100
_SILENT_SECONDS = 30.0


class Subscription:
    """Use from the event loop of its client."""

    def __init__(self, client: BoundedClient) -> None:
        self._client = client
        self._queue: asyncio.Queue[Piece] = asyncio.Queue(_QUEUE)
        self._id = 0
        self._heard_at = 0.0
        self._silent_seconds = _SILENT_SECONDS

    @classmethod
    async def begin(cls, client: BoundedClient) -> Self:
        made = cls(client)
        wish = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=_PUBLISH_MS,
            RequestedLifetimeCount=ua.UInt32(_LIFETIME),
            RequestedMaxKeepAliveCount=ua.UInt32(_KEEP_ALIVE),
            MaxNotificationsPerPublish=ua.UInt32(_MOST_NOTIFICATIONS),
            PublishingEnabled=True,
        )
        made._heard_at = asyncio.get_running_loop().time()
        given = await client.uaclient.create_subscription(wish, made._take)
        made._id = int(given.SubscriptionId)
        alive = given.RevisedPublishingInterval * given.RevisedMaxKeepAliveCount / 1000
        made._silent_seconds = max(_SILENT_SECONDS, 3 * alive)
        return made

    @property
    def is_silent(self) -> bool:
        """Whether the server has not even said for long that there is nothing to say."""
        return asyncio.get_running_loop().time() - self._heard_at > self._silent_seconds

    async def listen_for_events(self, node: ua.NodeId, event_filter: ua.EventFilter) -> None:
        """Raises UaStatusCodeError when the server refuses."""
        await self._create([self._request(node, 0, AttributeIds.EventNotifier, event_filter)])

    async def watch(self, nodes: Sequence[ua.NodeId]) -> None:
        """The values of the nodes, each under the handle that is its place in the order; raises as above."""
        items = [self._request(node, handle, AttributeIds.Value) for handle, node in enumerate(nodes)]
        for start in range(0, len(items), _AT_ONCE):
            await self._create(items[start : start + _AT_ONCE])

    async def refresh_conditions(self) -> bool:
        """Asks for all conditions that still count (Part 9, 5.5.7); false where the server refuses."""
        call = ua.CallMethodRequest(
            ObjectId=standard_id(ObjectIds.ConditionType),
            MethodId=standard_id(ObjectIds.ConditionType_ConditionRefresh),
            InputArguments=[ua.Variant(self._id, ua.VariantType.UInt32)],
        )
        try:
            (result,) = await self._client.uaclient.call([call])
        except UaStatusCodeError:
            return False
        return bool(result.StatusCode.is_good())

    async def next(self, seconds: float) -> Piece | None:
        """The next piece, or None when none came in that time."""
        try:
            return await asyncio.wait_for(self._queue.get(), seconds)
        except TimeoutError:
            return None

    async def _take(self, result: ua.PublishResult) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        for body in result.NotificationMessage.NotificationData or []:
            for piece in read_notification(body):
                await self._queue.put(piece)
        self._heard_at = asyncio.get_running_loop().time()

    async def _create(self, items: list[ua.MonitoredItemCreateRequest]) -> None:
        wish = ua.CreateMonitoredItemsParameters(
            SubscriptionId=ua.UInt32(self._id), TimestampsToReturn=ua.TimestampsToReturn.Both, ItemsToCreate=items
        )
        for result in await self._client.uaclient.session.create_monitored_items(wish):
            result.StatusCode.check()

    def _request(
        self, node: ua.NodeId, handle: int, attribute: AttributeIds, event_filter: ua.EventFilter | None = None
    ) -> ua.MonitoredItemCreateRequest:
        wish = ua.MonitoringParameters(
            ClientHandle=ua.UInt32(handle),
            SamplingInterval=_SAMPLE_MS,
            QueueSize=ua.UInt32(_ITEM_QUEUE),
            DiscardOldest=True,
        )
        if event_filter is not None:
            wish.Filter = event_filter
        return ua.MonitoredItemCreateRequest(
            ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=attribute),
            MonitoringMode=ua.MonitoringMode.Reporting,
            RequestedParameters=wish,
        )
