"""One connection to an OPC UA server, in a thread and event loop of its own; what it hears comes out of a queue.

Order: subscribe first, then read what was missed from the server's history and what watched nodes hold now, then the
edits of histories, then say `CaughtUp`, then pass on what comes live: so nothing falls between history and
subscription. What comes twice is dropped by its EventId. A lost connection, an overflow in the server, bytes that break
a bound and a refused logon all end the session with `Lost`; connecting again is the runner's part.
"""

import asyncio
import queue
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
from asyncua import ua
from asyncua.client.ua_client import UaClientState
from asyncua.common.node import Node
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.uaerrors import UaStatusCodeError

from collectors.ot.opcua_binary import Ended, FileTime, Piece, RawEvent, RawValue, Unreadable
from collectors.ot.opcua_bounds import Refused
from collectors.ot.opcua_connect import Access, connected, explain, measure
from collectors.ot.opcua_edit_watch import EditWatch
from collectors.ot.opcua_facts import server_facts
from collectors.ot.opcua_fields import CONDITION_ID, FIELDS, select_clauses
from collectors.ot.opcua_heard import (
    CaughtUp,
    ClockRead,
    EventSeen,
    Garbled,
    Heard,
    Lost,
    ServerTold,
    Standing,
    ValueSeen,
)
from collectors.ot.opcua_history import History
from collectors.ot.opcua_nodes import NodeBook, standard_id, where_is_one_of
from collectors.ot.opcua_original import Envelope, NodeFacts, encode
from collectors.ot.opcua_subscription import Subscription
from collectors.ot.opcua_values import node_text
from collectors.ot.opcua_wire import BoundedClient
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, RetriableSource

_WAITING = 250
"""So much is heard ahead of who takes it."""
_CLOCK_SECONDS = 30.0
_LOOK_SECONDS = 0.2
_ROOM_SECONDS = 0.05
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_DAY_US = 86_400_000_000
_OVERFLOW = 0x0480
"""Bits of a StatusCode: values were lost before this one (Part 4, 7.39.1)."""
_NOWHERE = NodeFacts(id="none", path="none")
_PASSING = frozenset({"EventId", "ReceiveTime"})
"""Fields that may differ when an event is told again."""
_STATE = 16
_FILTER_REFUSED = (
    ua.uaerrors.BadEventFilterInvalid,
    ua.uaerrors.BadMonitoredItemFilterUnsupported,
    ua.uaerrors.BadMonitoredItemFilterInvalid,
    ua.uaerrors.BadFilterOperatorUnsupported,
    ua.uaerrors.BadFilterOperatorInvalid,
    ua.uaerrors.BadContentFilterInvalid,
)
_HISTORY_REFUSED = (
    ua.uaerrors.BadHistoryOperationUnsupported,
    ua.uaerrors.BadHistoryOperationInvalid,
    ua.uaerrors.BadServiceUnsupported,
    ua.uaerrors.BadNotSupported,
    ua.uaerrors.BadNotImplemented,
    ua.uaerrors.BadUserAccessDenied,
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to listen for: nodes by id or path; the history of events is read from `events_from` on.

    `values_from` is, by node id, the time of the last known value, `values_since` from when on the values of other
    watched nodes are read. Edits are looked for in `histories`, of values of the last `edit_window`, every
    `edit_seconds`; `known_edits` are those found before, by node id.
    """

    values: tuple[str, ...]
    events_from: datetime
    values_from: Mapping[str, datetime]
    values_since: datetime | None = None
    histories: tuple[str, ...] = ()
    known_edits: Mapping[str, Mapping[str, int]] = {}
    edit_window: timedelta = _DAY
    edit_seconds: float = 300.0


class Session:
    """Starts to listen when entered; the thread has ended when left."""

    def __init__(self, access: Access, wanted: Wanted, clock: WallClock) -> None:
        self._access = access
        self._wanted = wanted
        self._clock = clock
        self._heard: queue.Queue[Heard] = queue.Queue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._main, name="opcua-session", daemon=True)

    def __enter__(self) -> "Session":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    def next(self, seconds: float) -> Heard | None:
        """The next thing heard, or None when nothing came in that time. After `Lost` nothing more comes."""
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
            try:
                await _Listener(client, self._wanted, self._clock, self._closing, self._heard).run()
            except CollectorError:
                raise
            except (UaStatusCodeError, OSError, TimeoutError) as error:
                if client.refused is None:
                    raise
                raise self._quarantined(client.refused) from error
            except Refused as refused:
                raise self._quarantined(refused) from refused
            except Exception as error:  # asyncua's decoder names no error of its own for bytes that are none of its
                unread = Refused(f"an answer cannot be read: {error!r}", client.last_answer)
                raise self._quarantined(unread) from error

    def _quarantined(self, refused: Refused) -> RetriableSource:
        """The session's end, after its cause was handed over."""
        received_at = utc_text(self._clock.now_us())
        if refused.data:
            self._heard.put(Garbled(received_at=received_at, data=refused.data, reason=refused.reason))
        return RetriableSource(
            f"the OPC UA server at {self._access.url} sent what breaks the rules of OPC UA: {refused.reason}",
            advice="See what was quarantined; tell the server's vendor, or find out who stands between.",
        )


class _Listener:
    """The work of one session over a client that is signed in."""

    def __init__(
        self,
        client: BoundedClient,
        wanted: Wanted,
        clock: WallClock,
        closing: threading.Event,
        heard: "queue.Queue[Heard]",
    ) -> None:
        self._client = client
        self._wanted = wanted
        self._clock = clock
        self._closing = closing
        self._heard = heard
        self._history = History(client, closing)
        self._seen: set[bytes] = set()
        self._merging = True
        self._watched: list[Node] = []
        self._kept: set[ua.NodeId] = set()

    async def run(self) -> None:
        self._book = await NodeBook.open(self._client)
        await self._read_clock()
        self._subscription = await Subscription.begin(self._client)
        event_filter = await self._listen_for_events()
        self._watched = [await self._book.find(word) for word in self._wanted.values]
        histories = [(await self._book.find(word)).nodeid for word in self._wanted.histories]
        watched = [*(node.nodeid for node in self._watched), *histories]
        await self._say(ServerTold(facts=await server_facts(self._client, self._book.namespaces, watched)))
        edits = EditWatch(
            self._history,
            self._book,
            histories,
            self._wanted.known_edits,
            self._wanted.edit_window,
            self._clock,
        )
        kept = await self._read_event_history(event_filter)
        await self._read_value_history()
        await self._subscription.watch([node.nodeid for node in self._watched])
        await self._read_present()
        await self._subscription.refresh_conditions()
        await self._look_for_edits(edits)
        await self._say(CaughtUp(kept=kept))
        await self._pass_on(edits)

    async def _pass_on(self, edits: EditWatch) -> None:
        now = asyncio.get_running_loop().time
        measured = looked = now()
        while not self._closing.is_set():
            piece = await self._subscription.next(_LOOK_SECONDS)
            if piece is not None:
                await self._take(piece)
            elif self._merging:  # all that came while history was read is through
                self._merging = False
                self._seen.clear()
            if self._client.uaclient.state is not UaClientState.CONNECTED or self._subscription.is_silent:
                raise ConnectionError("the connection broke")
            if now() - measured > _CLOCK_SECONDS:
                measured = now()
                await self._read_clock()
            if self._wanted.histories and now() - looked > self._wanted.edit_seconds:
                looked = now()
                await self._look_for_edits(edits)

    async def _take(self, piece: Piece) -> None:
        if isinstance(piece, RawEvent):
            await self._event(piece)
        elif isinstance(piece, RawValue):
            if piece.handle < len(self._watched):
                missed = piece.value.StatusCode is not None and piece.value.StatusCode.value & _OVERFLOW == _OVERFLOW
                await self._value(self._watched[piece.handle], piece, missed=missed)
        elif isinstance(piece, Ended):
            raise ConnectionError(f"the server ended the subscription: {piece.status.name}")
        else:
            await self._garbled(piece)

    async def _event(self, event: RawEvent) -> None:
        if len(event.fields) != len(FIELDS):
            reason = f"an event with {len(event.fields)} fields where {len(FIELDS)} were asked for"
            await self._garbled(Unreadable(data=event.data, reason=reason))
            return
        values = {name: variant.Value for name, variant in zip(FIELDS, event.fields, strict=True)}
        kind = values["EventType"]
        standard = await self._book.standard_kind(kind) if isinstance(kind, ua.NodeId) else ""
        if standard == "EventQueueOverflowEventType":
            raise ConnectionError("the server could not keep all events for us")
        if standard == "RefreshRequiredEventType":
            await self._subscription.refresh_conditions()
        if not standard:
            await self._garbled(Unreadable(data=event.data, reason="an event of a type that the server does not know"))
        if not self._book.is_listened(standard):
            return
        identity = values["EventId"]
        if self._merging and isinstance(identity, bytes):
            known = sha256(identity).digest()
            if known in self._seen:
                return
            self._seen.add(known)
        moment = values["Time"]
        limit = self._clock.now_us() + _DAY_US  # a time far off must not move the cursor there
        envelope = Envelope(
            sort="event",
            data=encode(event.data),
            node=await self._node_of(values),
            namespaces=self._book.namespaces,
            kind=standard,
            fields=FIELDS,
        )
        await self._say(
            EventSeen(
                received_at=self._now(),
                time_us=min(moment.unix_us, limit) if isinstance(moment, FileTime) else 0,
                envelope=envelope,
                standing=None if standard.startswith("Audit") else _standing(values, self._book.namespaces),
            )
        )

    async def _node_of(self, values: Mapping[str, object]) -> NodeFacts:
        """The node that an event speaks of."""
        for name in ("UpdatedNode", "DeletedNode", "SourceNode"):
            node = values[name]
            if isinstance(node, ua.NodeId) and not node.is_null():
                return await self._book.facts(node)
        return _NOWHERE

    async def _value(self, node: Node, value: RawValue, missed: bool) -> None:
        envelope = Envelope(
            sort="value",
            data=encode(value.data),
            node=await self._book.facts(node.nodeid),
            namespaces=self._book.namespaces,
        )
        await self._say(ValueSeen(received_at=self._now(), envelope=envelope, missed=missed))

    async def _garbled(self, piece: Unreadable) -> None:
        await self._say(Garbled(received_at=self._now(), data=piece.data, reason=piece.reason))

    async def _listen_for_events(self) -> ua.EventFilter:
        """Lets the server choose what concerns us; one that can't gets asked for everything."""
        server, clauses = standard_id(ObjectIds.Server), select_clauses()
        event_filter = ua.EventFilter(
            SelectClauses=clauses, WhereClause=where_is_one_of(await self._book.listened_kinds())
        )
        try:
            await self._subscription.listen_for_events(server, event_filter)
        except _FILTER_REFUSED:
            event_filter = ua.EventFilter(SelectClauses=clauses)
            await self._subscription.listen_for_events(server, event_filter)
        return event_filter

    async def _read_event_history(self, event_filter: ua.EventFilter) -> bool:
        """Passes on all events that the server kept since `events_from`; false when it keeps none."""
        server = self._client.nodes.server
        if ua.EventNotifier.HistoryRead not in await server.read_event_notifier():
            return False
        try:
            async for piece in self._history.events(server.nodeid, event_filter, self._wanted.events_from, self._end()):
                await self._take(piece)
        except _HISTORY_REFUSED:
            return False
        return True

    async def _read_value_history(self) -> None:
        """Passes on what watched nodes held since their last known value, where the server keeps it."""
        for node in self._watched:
            if await self._history.is_kept(node.nodeid):
                self._kept.add(node.nodeid)
            facts = await self._book.facts(node.nodeid)
            since = self._wanted.values_from.get(facts.id, self._wanted.values_since)
            if since is None or node.nodeid not in self._kept:
                continue
            try:
                async for piece in self._history.values(node.nodeid, since, self._end()):
                    if isinstance(piece, RawValue):
                        await self._value(node, piece, missed=False)
                    else:
                        await self._garbled(piece)
            except _HISTORY_REFUSED:
                self._kept.discard(node.nodeid)

    async def _read_present(self) -> None:
        """Passes on what watched nodes hold now."""
        if self._watched:
            present = await self._client.present([node.nodeid for node in self._watched])
            for node, value in zip(self._watched, present.values, strict=True):
                await self._value(node, value, missed=node.nodeid not in self._kept)

    async def _look_for_edits(self, edits: EditWatch) -> None:
        async for found in edits.look():
            await self._say(found)

    async def _read_clock(self) -> None:
        await self._say(ClockRead(clock=await measure(self._client, self._clock)))

    async def _say(self, heard: Heard) -> None:
        """Waits for room, so that a slow ledger holds up the server and not the memory."""
        while self._heard.qsize() >= _WAITING and not self._closing.is_set():  # noqa: ASYNC110 (a thread makes room)
            await asyncio.sleep(_ROOM_SECONDS)
        self._heard.put(heard)

    def _end(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self._clock.now_us()) + _DAY

    def _now(self) -> str:
        return utc_text(self._clock.now_us())


def _standing(values: Mapping[str, object], namespaces: tuple[str, ...]) -> Standing | None:
    condition, branch = values[CONDITION_ID], values["BranchId"]
    if not isinstance(condition, ua.NodeId):
        return None
    key = node_text(condition, namespaces)
    if isinstance(branch, ua.NodeId) and not branch.is_null():
        key = f"{key} {node_text(branch, namespaces)}"
    said = "\n".join(f"{name}={value!s}" for name, value in values.items() if name not in _PASSING)
    state = sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:_STATE]
    return Standing(condition=key, state=state, retained=values["Retain"] is True)
