"""One connection to an OPC UA server, in a thread and event loop of its own; what it hears comes out of a queue.

Order: subscribe first, then read what was missed from the server's history and what watched nodes hold now, then say
`CaughtUp`, then pass on what comes live: so nothing falls between history and subscription. What comes twice is dropped
by its EventId. A lost connection, a full queue and a refused logon all end the session with `Lost`; connecting again is
the runner's part.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from asyncua import ua
from asyncua.client.client import Client
from asyncua.client.ua_client import UaClientState
from asyncua.common.events import where_clause_from_evtype
from asyncua.common.node import Node
from asyncua.common.subscription import DataChangeEvent, OpcEvent, OverflowPolicy, StatusChangeEvent, Subscription
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaError

from collectors.ot.opcua_fields import FIELDS, select_clauses
from collectors.ot.opcua_nodes import NodeBook, standard_id
from collectors.ot.opcua_original import Envelope, NodeFacts, encode
from collectors.ot.opcua_values import aware, pack_event, pack_value
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, FatalSource, RetriableSource
from ledger.core.times import Clock

_TIMEOUT = 10.0
_SESSION_MS = 60_000
_PUBLISH_MS = 250
_QUEUE = 20_000
_ITEM_QUEUE = 10_000
_PAGE = 1000
_CLOCK_SECONDS = 30.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK_US = 1_500_000
_TICK_LOOK = 0.02
_METHOD = "OPC UA Server_ServerStatus_CurrentTime as it moves on, half the time between two looks as uncertainty"
_NEEDS_A_PERSON = (
    ua.uaerrors.BadUserAccessDenied,
    ua.uaerrors.BadIdentityTokenRejected,
    ua.uaerrors.BadIdentityTokenInvalid,
    ua.uaerrors.BadSecurityPolicyRejected,
    ua.uaerrors.BadSecurityModeRejected,
    ua.uaerrors.BadSecurityChecksFailed,
    ua.uaerrors.BadCertificateInvalid,
    ua.uaerrors.BadCertificateUntrusted,
    ua.uaerrors.BadCertificateTimeInvalid,
)


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a server: address, logon, and asyncua's security string (see the collector's option)."""

    url: str
    user: str
    password: str
    security: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to listen for: `values` are nodes by id or path; history is read from `events_from` on.

    `values_from` is, by node id, the time of the last known value.
    """

    values: tuple[str, ...]
    events_from: datetime
    values_from: Mapping[str, datetime]


class EventSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An event; `time_us` is the server's."""

    received_at: str
    time_us: int
    envelope: Envelope


class ValueSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a watched node; `first` is the one that it holds as the session begins.

    `kept` says whether the server keeps the node's history, so that nothing lies unread before it.
    """

    received_at: str
    envelope: Envelope
    first: bool
    kept: bool


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """Something the server sent that cannot be written in its own binary again; `data` is what the library shows."""

    received_at: str
    data: bytes
    reason: str


class CaughtUp(msgspec.Struct, frozen=True, kw_only=True):
    """All that the server keeps was passed on; `kept` says whether it keeps events at all."""

    kept: bool


class ClockRead(msgspec.Struct, frozen=True, kw_only=True):
    """The server's clock was measured."""

    clock: Clock


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """The session ended by itself."""

    error: CollectorError


Heard = EventSeen | ValueSeen | Unreadable | CaughtUp | ClockRead | Lost


class Session:
    """Starts to listen when entered; the thread has ended when left."""

    def __init__(self, access: Access, wanted: Wanted, clock: WallClock) -> None:
        self._access = access
        self._wanted = wanted
        self._clock = clock
        self._heard: queue.Queue[Heard] = queue.Queue()
        self._closing = threading.Event()
        self._seen: set[bytes] = set()
        self._merging = True
        self._kept: set[ua.NodeId] = set()
        self._thread = threading.Thread(target=self._main, name="opcua-session", daemon=True)

    def __enter__(self) -> "Session":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    def next(self, seconds: float) -> Heard | None:
        """What was heard next, or None when nothing was for so long."""
        try:
            return self._heard.get(timeout=seconds)
        except queue.Empty:
            return None

    def _main(self) -> None:
        try:
            asyncio.run(self._listen())
        except Exception as error:  # whatever ends the loop must be known to whoever waits on the queue
            self._heard.put(Lost(error=explain(error, self._access)))

    async def _listen(self) -> None:
        async with connected(self._access) as client:
            book = await NodeBook.open(client)
            await self._read_clock(client)
            subscription = await client.create_subscription(
                _PUBLISH_MS, queue_maxsize=_QUEUE, overflow=OverflowPolicy.DISCONNECT
            )
            event_filter = await _event_filter(client)
            await subscription.subscribe_events(client.nodes.server, evfilter=event_filter, queuesize=_ITEM_QUEUE)
            nodes = [await book.find(word) for word in self._wanted.values]
            kept = await self._read_event_history(client, book, event_filter)
            await self._read_value_history(book, nodes)
            for node in nodes:
                await subscription.subscribe_data_change(node, queuesize=_ITEM_QUEUE)
                await self._value(book, node, await _present(client, node), first=True)
            self._heard.put(CaughtUp(kept=kept))
            await self._pass_on(client, book, subscription)

    async def _pass_on(self, client: Client, book: NodeBook, subscription: Subscription) -> None:
        measured = asyncio.get_running_loop().time()
        while not self._closing.is_set():
            heard = await subscription.next_event(timeout=0.2)
            if isinstance(heard, OpcEvent):
                await self._event(book, list(heard.event.event_fields or []))
            elif isinstance(heard, DataChangeEvent):
                await self._value(book, heard.node, heard.data.monitored_item.Value, first=False)
            elif heard is None and self._merging:  # all that came while history was read is through
                self._merging = False
                self._seen.clear()
            elif isinstance(heard, StatusChangeEvent):
                raise ConnectionError("the server ended the subscription")
            if client.uaclient.state is not UaClientState.CONNECTED:
                raise ConnectionError("the connection broke")
            if asyncio.get_running_loop().time() - measured > _CLOCK_SECONDS:
                measured = asyncio.get_running_loop().time()
                await self._read_clock(client)

    async def _event(self, book: NodeBook, fields: list[ua.Variant]) -> None:
        try:
            data = encode(pack_event(fields))
            by_name = dict(zip(FIELDS, fields, strict=True))
        except Exception as error:  # the library names no error of its own for what it cannot encode
            self._refuse(fields, error)
            return
        identity, source = by_name["EventId"].Value, by_name["SourceNode"].Value
        if self._merging and identity is not None:
            if identity in self._seen:
                return
            self._seen.add(identity)
        moment = by_name["Time"].Value
        node = await book.facts(source) if source is not None else NodeFacts(id="none", path="none")
        envelope = Envelope(
            sort="event",
            data=data,
            node=node,
            namespaces=book.namespaces,
            kind=await book.standard_kind(by_name["EventType"].Value),
            fields=FIELDS,
        )
        time_us = 0 if moment is None else (aware(moment) - _EPOCH) // timedelta(microseconds=1)
        self._heard.put(EventSeen(received_at=self._now(), time_us=time_us, envelope=envelope))

    async def _value(self, book: NodeBook, node: Node, value: ua.DataValue, first: bool) -> None:
        try:
            data = encode(pack_value(value))
        except Exception as error:  # as for events
            self._refuse(value, error)
            return
        envelope = Envelope(
            sort="value",
            data=data,
            node=await book.facts(node.nodeid),
            namespaces=book.namespaces,
        )
        kept = node.nodeid in self._kept
        self._heard.put(ValueSeen(received_at=self._now(), envelope=envelope, first=first, kept=kept))

    def _refuse(self, what: object, error: Exception) -> None:
        reason = f"the notification cannot be encoded: {error!r}"
        shown = repr(what).encode("utf-8", "backslashreplace")
        self._heard.put(Unreadable(received_at=self._now(), data=shown, reason=reason))

    async def _read_event_history(self, client: Client, book: NodeBook, event_filter: ua.EventFilter) -> bool:
        """Passes on all events that the server kept since `events_from`; false when it keeps none."""
        server = client.nodes.server
        if ua.EventNotifier.HistoryRead not in await server.read_event_notifier():
            return False
        details = ua.ReadEventDetails(Filter=event_filter, EndTime=_ua_time(_EPOCH + _us(self._clock.now_us()) + _DAY))
        details.StartTime, details.NumValuesPerNode = _ua_time(self._wanted.events_from), _PAGE
        continuation: bytes | None = None
        while not self._closing.is_set():
            item = ua.HistoryReadValueId(NodeId=server.nodeid, ContinuationPoint=continuation)
            parameters = ua.HistoryReadParameters(HistoryReadDetails=details, NodesToRead=[item])
            (result,) = await client.uaclient.history_read(parameters)
            result.StatusCode.check()
            rows = list(result.HistoryData.Events or [])
            fresh = len(self._seen)
            for row in rows:
                await self._event(book, list(row.EventFields))
            continuation = result.ContinuationPoint
            if continuation is None and len(rows) < details.NumValuesPerNode:
                return True
            if continuation is None:  # cut off without saying so: go on from the last time, in larger steps if need be
                details.StartTime = _last_time(rows)
                details.NumValuesPerNode *= 1 if len(self._seen) > fresh else 2
        return True

    async def _read_value_history(self, book: NodeBook, nodes: list[Node]) -> None:
        """Passes on what watched nodes held since their last known value, where the server keeps it."""
        for node in nodes:
            if ua.AccessLevel.HistoryRead in await node.get_access_level():
                self._kept.add(node.nodeid)
            since = self._wanted.values_from.get((await book.facts(node.nodeid)).id)
            if since is None or node.nodeid not in self._kept:
                continue
            for value in await node.read_raw_history(since, _EPOCH + _us(self._clock.now_us()) + _DAY, 0):
                await self._value(book, node, value, first=False)

    async def _read_clock(self, client: Client) -> None:
        self._heard.put(ClockRead(clock=await measure(client, self._clock)))

    def _now(self) -> str:
        return utc_text(self._clock.now_us())


_DAY = timedelta(days=1)


@contextlib.asynccontextmanager
async def connected(access: Access) -> AsyncIterator[Client]:
    """A signed-in client; it does not reconnect by itself, as the gap would be nobody's."""
    client = Client(access.url, timeout=_TIMEOUT)
    client.name = client.description = "Trailseal collector"
    client.application_uri = "urn:trailseal:collector"
    client.session_timeout = _SESSION_MS
    if access.user:
        client.set_user(access.user)
        client.set_password(access.password)
    await client.set_security_string(access.security)
    await client.connect()
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # the server may be gone; what was heard is what counts
            await client.disconnect()


async def measure(client: Client, clock: WallClock) -> Clock:
    """The server's clock against ours, taken when CurrentTime moves on: some servers set it once a second only."""
    node = client.get_node(standard_id(ObjectIds.Server_ServerStatus_CurrentTime))
    first = value = await node.read_value()
    begun_us = before_us = asked_us = answered_us = clock.now_us()
    while value == first and answered_us - begun_us < _TICK_US:
        await asyncio.sleep(_TICK_LOOK)
        before_us, asked_us = asked_us, clock.now_us()
        value = await node.read_value()
        answered_us = clock.now_us()
    server_us = (aware(value) - _EPOCH) // timedelta(microseconds=1)
    return Clock(
        offset_us=server_us - (asked_us + answered_us) // 2,
        uncertainty_us=(answered_us - (begun_us if value == first else before_us) + 1) // 2,
        measured_at=utc_text(answered_us),
        method=_METHOD,
    )


def explain(error: Exception, access: Access) -> CollectorError:
    """What ended a session, as an error of the tree."""
    if isinstance(error, CollectorError):
        return error
    words = f"{error.__class__.__name__}: {error}" if str(error) else error.__class__.__name__
    if isinstance(error, _NEEDS_A_PERSON):
        return FatalSource(
            f"the OPC UA server at {access.url} refuses user {access.user!r}: {words}",
            advice="Check user, password, certificate and security of the source.",
        )
    if isinstance(error, UaError | OSError | TimeoutError):
        return RetriableSource(f"the OPC UA server at {access.url} cannot be listened to: {words}")
    return FatalSource(f"listening to the OPC UA server at {access.url} failed: {words}")


async def _present(client: Client, node: Node) -> ua.DataValue:
    """What a node holds now, with both time stamps, as a subscription gives it."""
    item = ua.ReadValueId(NodeId=node.nodeid, AttributeId=AttributeIds.Value)
    parameters = ua.ReadParameters(TimestampsToReturn=ua.TimestampsToReturn.Both, NodesToRead=[item])
    (value,) = await client.uaclient.read(parameters)
    return value


async def _event_filter(client: Client) -> ua.EventFilter:
    kinds = [client.get_node(standard_id(kind)) for kind in (ObjectIds.AuditEventType, ObjectIds.ConditionType)]
    return ua.EventFilter(SelectClauses=select_clauses(), WhereClause=await where_clause_from_evtype(kinds))


def _last_time(rows: list[ua.HistoryEventFieldList]) -> ua.DateTime:
    return _ua_time(aware(rows[-1].EventFields[FIELDS.index("Time")].Value))


def _ua_time(moment: datetime) -> ua.DateTime:
    return ua.DateTime.combine(moment.date(), moment.timetz())


def _us(instant_us: int) -> timedelta:
    return timedelta(microseconds=instant_us)
