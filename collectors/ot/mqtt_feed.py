"""What an MQTT session delivers, as runs: each message handed over once, acknowledged when its run is durable.

- The first run begins the session: what was published before is not there, but for retained messages. A session that
  the broker already keeps under the client id is taken over as it is.
- A batch is handed over when it is full, a second old, or when the broker has fallen silent with several messages not
  acknowledged: many brokers have ten or twenty under way and wait.
- A broker that lost the session, that keeps no messages of QoS 0 for a subscriber that was away, or that counts what it
  dropped (option `dropped`): each is a gap.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from time import monotonic
from typing import Final, Protocol

import mqtt5
import msgspec

from collectors.base import Stop
from collectors.batch import BatchBuilder
from collectors.facts import facts
from collectors.ot.mqtt_memory import Memory
from collectors.ot.mqtt_session import Access, Incoming, Session, Wanted
from collectors.ot.mqtt_wire import Unreadable
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError
from ledger.core.record import Interval
from ledger.core.run import Gap, RunBatch
from ledger.core.vault import MAX_ORIGINAL

_FLUSH_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.2
_QUIET_SECONDS: Final = 0.01
_UNDER_WAY: Final = 8
_BATCH_BYTES: Final = 8 * 1024 * 1024
_SHOWN: Final = 65_536


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a session stands, for a cursor: `at` is our time of the last contact, `number` counts the messages handed
    over, `unkept` says that some had QoS 0, `dropped` is the broker's last count of what it dropped.
    """

    at: str
    topics: tuple[str, ...] = ()
    number: int = 0
    memory: str = ""
    unkept: bool = False
    dropped: int | None = None


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message that was not handed over before; `number` is its own for ever."""

    packet: mqtt5.PublishPacket
    received_at: str
    number: int


class Reader(Protocol):
    """What a collector does with the messages."""

    def take(self, message: Message, builder: BatchBuilder) -> None:
        """Adds to the batch what the message holds, whatever it is."""
        ...

    def cursor(self, place: Place) -> str:
        """The cursor at the end of the batch."""
        ...

    def snapshot(self) -> bytes | None:
        """The collector's own state at the end of the batch, asked for after `cursor`; None: unchanged."""
        ...

    def closing(self) -> None:
        """The next batch is the last of this call."""
        ...

    def outgoing(self) -> list[tuple[str, bytes]]:
        """Messages (topic and payload) to be published now, with QoS 0; most readers have none ever."""
        ...


class Feed:
    """The messages of one call of `collect`."""

    def __init__(
        self,
        access: Access,
        wanted: tuple[Wanted, ...],
        reader: Reader,
        new_builder: Callable[[], BatchBuilder],
        clock: WallClock,
        *,
        heartbeat: float,
        retained: bool = True,
        dropped: str = "",
        version: str = "",
    ) -> None:
        self._access = access
        self._wanted = {f"{one.qos} {one.topic}": one for one in wanted}
        self._reader = reader
        self._new_builder = new_builder
        self._clock = clock
        self._heartbeat = heartbeat
        self._retained = retained
        self._dropped_topic = dropped
        self._version_topic = version

    def runs(self, place: Place | None, cursor: str | None, stop: Stop) -> Iterator[RunBatch]:
        """From `place`, which `cursor` holds, until told to stop; raises RetriableSource and FatalSource."""
        self._begin(place, cursor)
        with Session(self._access) as session:
            self._join(session, place)
            if place is None:
                yield self._finish()
            while not (stop.is_set() and session.pongs):
                yield from self._listen(session)
            self._reader.closing()
            yield from self._hand_over(session)
            if self._trouble is not None:
                raise self._trouble

    def _begin(self, place: Place | None, cursor: str | None) -> None:
        now = utc_text(self._clock.now_us())
        self._place = place or Place(at=now)
        self._cursor = cursor
        self._number = self._place.number
        self._memory = Memory(self._place.memory)
        self._unkept = self._place.unkept
        self._dropped = self._place.dropped
        self._contact = self._place.at
        self._builder = self._new_builder()
        self._begun = monotonic()
        self._bytes = 0
        self._unacknowledged: list[tuple[int, int]] = []
        self._known: list[tuple[int, int]] = []
        self._quiet = False
        self._pongs = 0
        self._trouble: CollectorError | None = None
        self._version = ""

    def _join(self, session: Session, place: Place | None) -> None:
        """Subscribes to what the session lacks, states what can't have been kept, and asks for a first sign."""
        kept = set(self._place.topics) if session.resumed and place is not None else set()
        session.unsubscribe([word.partition(" ")[2] for word in sorted(kept - set(self._wanted))])
        session.subscribe([one for word, one in self._wanted.items() if word not in kept])
        if self._version_topic:  # each time anew, so that what is retained there comes again
            session.subscribe([Wanted(self._version_topic, 0)])
        if place is not None and not session.resumed:
            self._memory = Memory("")
            self._gap("messages", "the broker had not kept the session: what was published meanwhile is lost")
        elif place is not None and self._unkept:
            self._gap("messages of QoS 0", "a broker keeps none for a subscriber that is away")
        session.ping()

    def _listen(self, session: Session) -> Iterator[RunBatch]:
        try:
            messages = session.receive(self._patience())
        except CollectorError as trouble:
            self._trouble = trouble
            messages = []
        received_at = utc_text(self._clock.now_us())
        self._quiet = session.silent
        for message in messages:
            self._take(message, received_at)
            if self._builder.full or self._bytes > _BATCH_BYTES:
                yield from self._hand_over(session)
        if self._trouble is None:
            self._upkeep(session, received_at)
        if self._trouble is not None:
            if self._pending:
                self._reader.closing()
                yield self._finish()
            raise self._trouble
        if self._due():
            yield from self._hand_over(session)

    def _upkeep(self, session: Session, now: str) -> None:
        try:
            if self._known:
                session.acknowledge(self._known)
                self._known = []
            for topic, payload in self._reader.outgoing():
                session.publish(topic, payload)
            if session.pongs > self._pongs:
                self._pongs = session.pongs
                self._contact = now
                self._memory.answered()
            if self._quiet and not self._unacknowledged and self._memory.waiting and not session.pinging:
                self._memory.ask()
                session.ping()
        except CollectorError as trouble:
            self._trouble = trouble

    def _take(self, packet: Incoming, received_at: str) -> None:
        self._contact = received_at
        if isinstance(packet, Unreadable):
            self._reject(packet.data, packet.reason, received_at)
            if packet.packet_id is not None:
                self._unacknowledged.append((packet.packet_id, packet.qos))
            return
        if self._is_known(packet):
            if packet.packet_id is not None:
                self._known.append((packet.packet_id, packet.qos))
            return
        if packet.packet_id is None:
            self._unkept = True
        else:
            self._unacknowledged.append((packet.packet_id, packet.qos))
            self._memory.add(packet.packet_id, packet.topic, packet.payload)
        if len(packet.payload) > MAX_ORIGINAL // 2:
            self._reject(packet.payload, f"a message on {packet.topic!r} of {len(packet.payload)} bytes", received_at)
            return
        self._number += 1
        self._bytes += len(packet.payload)
        self._reader.take(Message(packet, received_at, self._number), self._builder)

    def _is_known(self, packet: mqtt5.PublishPacket) -> bool:
        """Whether the message needs no run: it was handed over before, or is not for the ledger."""
        if packet.topic == self._dropped_topic:
            self._count_dropped(packet.payload)
            return True
        if packet.topic == self._version_topic:
            self._note_version(packet.payload.decode("utf-8", "replace"))
            return True
        if packet.packet_id is not None and self._memory.is_again(
            packet.packet_id, packet.topic, packet.payload, flagged=packet.duplicate
        ):
            return True
        return packet.retain and not self._retained

    def _reject(self, data: bytes, reason: str, received_at: str) -> None:
        """Quarantines bytes; of more than an original can hold the beginning, with the digest of all."""
        if len(data) > MAX_ORIGINAL // 2:
            reason += f", SHA-256 {sha256(data).hexdigest()}, too large to keep: this is its beginning"
            data = data[:_SHOWN]
        self._bytes += len(data)
        self._builder.reject(data, "application/octet-stream", reason, received_at)

    def _count_dropped(self, payload: bytes) -> None:
        try:
            count = int(payload)
        except ValueError:
            return
        if self._dropped is not None and count > self._dropped:
            lost = count - self._dropped
            self._gap("messages", f"the broker says that it dropped {lost} messages, of this or another subscriber")
        self._dropped = count

    def _note_version(self, version: str) -> None:
        if version != self._version:
            self._version = version
            self._builder.facts = facts(version=version)

    @property
    def _pending(self) -> bool:
        return bool(len(self._builder) or self._builder.gaps or self._unacknowledged)

    def _patience(self) -> float:
        """How long to wait for the next message."""
        return _QUIET_SECONDS if len(self._unacknowledged) >= _UNDER_WAY else _LOOK_SECONDS

    def _due(self) -> bool:
        waited = monotonic() - self._begun
        if self._pending and self._quiet and len(self._unacknowledged) >= _UNDER_WAY:
            return True
        return waited > (_FLUSH_SECONDS if self._pending else self._heartbeat)

    def _hand_over(self, session: Session) -> Iterator[RunBatch]:
        """Gives the batch away; once that returns it is durable, and its messages are acknowledged."""
        yield self._finish()
        done, self._unacknowledged = self._unacknowledged, []
        if self._trouble is not None:
            return
        try:
            session.acknowledge(done)
            if not session.pinging:
                self._memory.ask()
                session.ping()
        except CollectorError as trouble:
            self._trouble = trouble

    def _finish(self) -> RunBatch:
        self._place = Place(
            at=self._contact,
            topics=tuple(self._wanted),
            number=self._number,
            memory=self._memory.text,
            unkept=self._unkept,
            dropped=self._dropped,
        )
        text = self._reader.cursor(self._place)
        batch = self._builder.build(self._cursor, text, self._reader.snapshot())
        self._cursor, self._begun, self._bytes = text, monotonic(), 0
        self._builder = self._new_builder()
        return batch

    def _gap(self, subject: str, reason: str) -> None:
        between = Interval(after=self._place.at, before=max(self._place.at, utc_text(self._clock.now_us())))
        self._builder.gaps.append(Gap(subject=subject, reason=reason, between=between))
