"""One connection to an MQTT broker: what it delivers, and acknowledgement only when told to.

- The session is persistent: what is published while nobody is connected is kept by the broker, and what was not
  acknowledged comes again on the next connection with the same packet id and the flag DUP.
- QoS 1 is answered with PUBACK and QoS 2 with PUBREC by `acknowledge` alone, which the caller calls once a message is
  durable elsewhere: a message whose PUBREC has gone out is never sent again.
- Back-pressure: nothing is read from the network but in `receive`; besides, an MQTT 5 broker has at most `window`
  messages under way. Idle, the connection is kept alive by `receive`; a caller that stays away longer than the keep
  alive finds the connection closed and the session whole.
"""

import contextlib
import socket
import ssl
from time import monotonic
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

import mqtt5
import msgspec

from collectors.ot.mqtt_wire import MalformedPacket, Unreadable, Version, Wire
from ledger.core.errors import CollectorError, ConfigError, FatalSource, RetriableSource

_P = TypeVar("_P", mqtt5.ConnAckPacket, mqtt5.SubAckPacket, mqtt5.UnsubAckPacket, mqtt5.PubAckPacket)
Incoming = mqtt5.PublishPacket | Unreadable

_TIMEOUT: Final = 10.0
_KEEP_ALIVE: Final = 60
_READ: Final = 65_536
_PACKET_IDS: Final = 65_535
_REFUSED: Final = frozenset({0x86, 0x87, 0x8A, 0x8C})
_NEEDS_A_PERSON: Final = frozenset({0x84, 0x85, 0x90, 0x9C, 0x9D})
_TAKEN_OVER: Final = 0x8E
_DENIED: Final = 0x80
"""Reason codes from here on say no."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a broker, and as whom. `ca`, `certificate` and `key` are files; empty: the system's, none."""

    url: str
    client_id: str
    version: Version = "5"
    user: str = ""
    password: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    session_seconds: int = 604_800
    window: int = 2000
    biggest: int | None = None
    """Bytes of the largest packet that is taken; None: any."""

    @property
    def place(self) -> tuple[str, int]:
        """Host and port; raises ConfigError for what is no address of a broker."""
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or parts.path.strip("/") or parts.username:
            raise ConfigError(
                f"{self.url!r} is no address of an MQTT broker", advice="Write mqtt://HOST:PORT or mqtts://HOST:PORT."
            )
        return parts.hostname, port or (8883 if self.encrypted else 1883)

    @property
    def encrypted(self) -> bool:
        return self.url.startswith("mqtts:")


class Wanted(msgspec.Struct, frozen=True):
    """One subscription: a topic filter and the highest QoS of what it delivers."""

    topic: str
    qos: int


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with a message that is answered (MQTT 5): where to, and by which the answer is known.

    `expires_s`: after how long the broker drops it where nobody took it.
    """

    topic: str | None = None
    correlation: bytes | None = None
    expires_s: int | None = None


class Session:
    """Connected while entered. Every method raises RetriableSource or FatalSource that names the broker."""

    def __init__(self, access: Access, *, clean: bool = False, will: tuple[str, bytes] | None = None) -> None:
        """`clean`: without a session that stays, to look and not to collect. `will`: topic and payload of the message
        (QoS 1) that the broker publishes should the connection break.
        """
        self._access = access
        self._clean = clean
        self._will = will
        self._wire = Wire(access.version)
        self._waiting: list[mqtt5.Packet | Unreadable] = []
        self._socket: socket.socket | None = None
        self._alive_seconds = float(_KEEP_ALIVE)
        self._heard = self._sent = 0.0
        self._pinged: float | None = None
        self._packet_id = 0
        self.pongs = 0
        """Answers to `ping` so far: all that was acknowledged before the ping has reached the broker."""
        self.silent = False
        """Whether the last wait was in vain."""
        self.answer = mqtt5.ConnAckPacket()

    def __enter__(self) -> Self:
        try:
            self._connect()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(CollectorError):
            self._send(mqtt5.DisconnectPacket())
        self._close()

    @property
    def resumed(self) -> bool:
        """Whether the broker had kept the session."""
        return self.answer.session_present

    def subscribe(self, wanted: list[Wanted]) -> list[int]:
        """The QoS that the broker granted for each; raises FatalSource for a topic that it refuses."""
        if not wanted:
            return []
        filters = [
            mqtt5.TopicFilter(one.topic, max_qos=mqtt5.QoS(one.qos), retain_as_published=False) for one in wanted
        ]
        reply = self._ask(mqtt5.SubscribePacket(self._next_id(), filters), mqtt5.SubAckPacket)
        for one, code in zip(wanted, reply.reason_codes, strict=True):
            if int(code) >= _DENIED:
                raise FatalSource(
                    f"the MQTT broker at {self._access.url} refuses {self._who} the topic {one.topic!r}: {_word(code)}",
                    advice="Give the account the right to subscribe to it, or correct the source's topics.",
                )
        return [int(code) for code in reply.reason_codes]

    def unsubscribe(self, topics: list[str]) -> None:
        if topics:
            self._ask(mqtt5.UnsubscribePacket(self._next_id(), topics), mqtt5.UnsubAckPacket)

    def publish(self, topic: str, payload: bytes) -> None:
        """Sends a message of QoS 0."""
        self._send(mqtt5.PublishPacket(topic, payload))

    def deliver(self, topic: str, payload: bytes, back: Back | None = None) -> bool:
        """Sends a message of QoS 1; returns once the broker has it: whether anybody is subscribed to it, as far as the
        broker tells. Raises FatalSource where it says no.
        """
        reply = self._ask(self._message(topic, payload, back or Back()), mqtt5.PubAckPacket)
        if int(reply.reason_code) >= _DENIED:
            raise FatalSource(
                f"the MQTT broker at {self._access.url} does not take a message of {self._who} on {topic!r}: "
                f"{_word(reply.reason_code)}",
                advice="Give the account the right to publish there.",
            )
        return reply.reason_code is not mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS

    def send(self, topic: str, payload: bytes, back: Back | None = None) -> None:
        """Sends a message of QoS 1, and does not wait for the broker."""
        self._send(self._message(topic, payload, back or Back()))

    def receive(self, seconds: float) -> list[Incoming]:
        """What was delivered, after a wait of at most so long; empty when nothing came."""
        packets, self._waiting = self._waiting or self._read(seconds), []
        found: list[Incoming] = []
        for packet in packets:
            if isinstance(packet, mqtt5.PublishPacket | Unreadable):
                found.append(packet)
            else:
                self._handle(packet)
        return found

    def acknowledge(self, messages: list[tuple[int, int]]) -> None:
        """Tells the broker that these messages (packet id and QoS) need not be sent again."""
        self._send(
            *(
                mqtt5.PubAckPacket(packet_id) if qos == 1 else mqtt5.PubRecPacket(packet_id)
                for packet_id, qos in messages
            )
        )

    def ping(self) -> None:
        if self._pinged is None:
            self._pinged = monotonic()
            self._send(mqtt5.PingReqPacket())

    @property
    def pinging(self) -> bool:
        """Whether a ping has not been answered yet."""
        return self._pinged is not None

    @property
    def idle(self) -> bool:
        """Whether nothing was sent for so long that the broker may have closed the connection, or soon will."""
        return monotonic() - self._sent > self._alive_seconds / 2

    @property
    def _who(self) -> str:
        return f"user {self._access.user!r}" if self._access.user else f"client {self._access.client_id!r}"

    def _connect(self) -> None:
        access = self._access
        host, port = access.place
        context = _tls(access) if access.encrypted else None
        try:
            self._socket = socket.create_connection((host, port), _TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:  # gone in the middle of the greeting
            raise self._lost(error) from None
        except ssl.SSLError as error:
            raise FatalSource(
                f"no TLS with the MQTT broker at {access.url}: {error.reason or error}",
                advice="Check the broker's certificate and name, and the source's options ca, certificate and key.",
            ) from None
        except OSError as error:
            raise self._lost(error) from None
        self._heard = monotonic()
        five = access.version == "5"
        self.answer = self._ask(
            mqtt5.ConnectPacket(
                access.client_id,
                username=access.user or None,
                password=access.password.encode() if access.password else None,
                clean_start=self._clean,
                will=mqtt5.Will(self._will[0], payload=self._will[1], qos=mqtt5.QoS.AT_LEAST_ONCE)
                if self._will
                else None,
                keep_alive=_KEEP_ALIVE,
                session_expiry_interval=access.session_seconds if five and not self._clean else 0,
                receive_max=access.window if five else 65_535,
                max_packet_size=access.biggest if five else None,
            ),
            mqtt5.ConnAckPacket,
        )
        if int(self.answer.reason_code):
            raise self._refusal(self.answer.reason_code, self.answer.reason_str)
        self._alive_seconds = float(self.answer.server_keep_alive or _KEEP_ALIVE)

    def _ask(self, question: mqtt5.Packet, kind: type[_P]) -> _P:
        """Sends and waits for the answer; what is delivered meanwhile waits for `receive`."""
        self._send(question)
        until = monotonic() + _TIMEOUT
        while monotonic() < until:
            packets = self._read(until - monotonic())
            for at, packet in enumerate(packets):
                if isinstance(packet, kind):
                    self._waiting += packets[at + 1 :]
                    return packet
                self._waiting.append(packet)
        raise self._lost(f"no {kind.__name__} within {_TIMEOUT:.0f} s")

    def _read(self, seconds: float) -> list["mqtt5.Packet | Unreadable"]:
        assert self._socket is not None, "used while entered"
        try:
            self._socket.settimeout(max(seconds, 0.001))
            data = self._socket.recv(_READ)
        except TimeoutError:
            if self._pinged is not None and monotonic() - max(self._pinged, self._heard) > _TIMEOUT:
                raise self._lost(f"no answer to a ping within {_TIMEOUT:.0f} s") from None
            self._keep_alive()
            self.silent = True
            return []
        except OSError as error:
            raise self._lost(error) from None
        if not data:
            raise self._lost("the broker closed the connection")
        self._heard = monotonic()
        self.silent = False
        self._keep_alive()
        try:
            return self._wire.feed(data)
        except MalformedPacket as error:
            raise self._lost(f"what it sends is not MQTT {self._access.version}: {error}") from None

    def _keep_alive(self) -> None:
        """Gives a sign of life, and asks for one, once half the time is over in which one is due."""
        if monotonic() - min(self._sent, self._heard) > self._alive_seconds / 2:
            self.ping()

    def _handle(self, packet: mqtt5.Packet | Unreadable) -> None:
        if isinstance(packet, mqtt5.PubRelPacket):  # its PUBREC went out when the message was durable
            self._send(mqtt5.PubCompPacket(packet.packet_id))
        elif isinstance(packet, mqtt5.PingRespPacket):
            self._pinged = None
            self.pongs += 1
        elif isinstance(packet, mqtt5.DisconnectPacket):
            raise self._refusal(packet.reason_code, packet.reason_str)

    def _send(self, *packets: mqtt5.Packet) -> None:
        if self._socket is None or not packets:
            return
        try:
            self._socket.settimeout(_TIMEOUT)
            self._socket.sendall(b"".join(self._wire.encode(packet) for packet in packets))
        except OSError as error:
            raise self._lost(error) from None
        self._sent = monotonic()

    def _message(self, topic: str, payload: bytes, back: Back) -> mqtt5.PublishPacket:
        return mqtt5.PublishPacket(
            topic,
            payload,
            qos=mqtt5.QoS.AT_LEAST_ONCE,
            packet_id=self._next_id(),
            response_topic=back.topic,
            correlation_data=back.correlation,
            message_expiry_interval=back.expires_s,
        )

    def _next_id(self) -> int:
        self._packet_id = self._packet_id % _PACKET_IDS + 1
        return self._packet_id

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _lost(self, why: object) -> RetriableSource:
        words = str(why) or why.__class__.__name__
        return RetriableSource(f"the MQTT broker at {self._access.url} cannot be listened to: {words}")

    def _refusal(self, code: mqtt5.ConnAckReasonCode | mqtt5.DisconnectReasonCode, words: str | None) -> CollectorError:
        name = _word(code) + (f" ({words})" if words else "")
        where = f"the MQTT broker at {self._access.url}"
        if int(code) in _REFUSED:
            return FatalSource(f"{where} refuses {self._who}: {name}", advice="Check the source's user and password.")
        if int(code) == _TAKEN_OVER:
            return FatalSource(
                f"{where} gave the session of client {self._access.client_id!r} to another connection",
                advice="Two collectors use one client id: stop one, or give each source a client_id of its own.",
            )
        if int(code) in _NEEDS_A_PERSON:
            return FatalSource(
                f"{where} does not take the connection: {name}",
                advice="Check address, protocol version and client_id of the source.",
            )
        return self._lost(name)


def _tls(access: Access) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=access.ca or None)
        if access.certificate:
            context.load_cert_chain(access.certificate, access.key or None)
    except OSError as error:  # ssl.SSLError is one
        raise FatalSource(
            f"the certificates of the MQTT source at {access.url} cannot be read: {error}",
            advice="Check the files of the options ca, certificate and key.",
        ) from None
    return context


def _word(code: object) -> str:
    """A reason code's name in the standard, which the library tells in its `repr` alone: <Kind.NAME: 135>."""
    return repr(code).rpartition(".")[2].partition(":")[0]
