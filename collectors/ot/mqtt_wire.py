"""MQTT packets to and from bytes, for MQTT 5 and 3.1.1; any bytes give packets or MalformedPacket.

The library speaks MQTT 5. The packets of 3.1.1 that a subscriber needs differ by the property length alone (none
there, 0 here), by the protocol level in CONNECT, and by the return codes of CONNACK, SUBACK and UNSUBACK, so they are
turned into one another byte for byte and the library stays the only parser.
"""

from typing import Final, Literal

import mqtt5
import msgspec

Version = Literal["5", "3.1.1"]

_CONNACK, _PUBLISH, _SUBACK, _UNSUBACK, _DISCONNECT, _AUTH = 2, 3, 9, 11, 14, 15
_LEVEL_AT: Final = 6
_PROPERTIES_AT: Final = 10
_MAX_HEADER: Final = 5
_USER_PROPERTY, _CORRELATION, _SUBSCRIPTION = 0x26, 0x09, 0x0B
_TEXTS: Final = frozenset({0x03, 0x08, _USER_PROPERTY})
_SIZES: Final = {0x01: 1, 0x02: 4, 0x23: 2}
"""Properties of a PUBLISH (MQTT 5, 2.2.2.2): those that are texts, and the sizes of numbers."""
_RETURN_CODES: Final = {0: 0x00, 1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}
"""CONNACK's return code in 3.1.1 → reason code in 5."""


class MalformedPacket(Exception):
    """The other side sent bytes that are no MQTT packet of this version."""


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A PUBLISH with a well-formed frame that holds what MQTT does not allow: kept whole, so that it is not sent again.

    `packet_id` is None for QoS 0.
    """

    data: bytes
    reason: str
    packet_id: int | None
    qos: int


class Wire:
    """Encodes and decodes one direction each; keeps the bytes of a packet that has not come whole."""

    def __init__(self, version: Version) -> None:
        self._old = version == "3.1.1"
        self._rest = bytearray()
        self._needed = 0

    def encode(self, packet: "mqtt5.Packet") -> bytes:
        """The packet's bytes; for 3.1.1 it must use nothing that only MQTT 5 has."""
        data = packet.write()
        if not self._old:
            return data
        if isinstance(packet, mqtt5.ConnectPacket):
            start = _body_at(data)
            level = start + _LEVEL_AT
            data = _without(data[:level] + b"\x04" + data[level + 1 :], start + _PROPERTIES_AT)
            if packet.will is None:
                return data
            client = _body_at(data) + _PROPERTIES_AT
            return _without(data, client + 2 + int.from_bytes(data[client : client + 2]))
        if isinstance(packet, mqtt5.SubscribePacket | mqtt5.UnsubscribePacket):
            return _without(data, _body_at(data) + 2)
        if isinstance(packet, mqtt5.PublishPacket):
            start = _body_at(data)
            return _without(data, start + 2 + int.from_bytes(data[start : start + 2]) + (2 if int(packet.qos) else 0))
        return data

    def feed(self, data: bytes) -> list["mqtt5.Packet | Unreadable"]:
        """The packets that are whole now. Raises MalformedPacket; what came whole before it is lost with it."""
        self._rest += data
        if len(self._rest) < self._needed:
            return []
        packets: list[mqtt5.Packet | Unreadable] = []
        at = 0
        with memoryview(self._rest) as buffer:
            try:
                while at < len(buffer):
                    size = _size(buffer[at : at + _MAX_HEADER])
                    self._needed = size or 0
                    if size is None or at + size > len(buffer):
                        break
                    packets.append(self._read(buffer[at : at + size]))
                    at += size
                    self._needed = 0
            except (ValueError, IndexError) as error:
                raise MalformedPacket(str(error)) from None
        del self._rest[:at]
        return packets

    def _read(self, buffer: memoryview) -> "mqtt5.Packet | Unreadable":
        if buffer[0] >> 4 != _PUBLISH:
            return _parse(bytes(buffer), self._old)
        data = bytes(buffer)
        try:
            if self._old:
                data = _as_new(data)
            _check_texts(data)
            return mqtt5.read(memoryview(data))[0]
        except (ValueError, IndexError) as error:
            return _unreadable(bytes(buffer), str(error))


def _parse(data: bytes, old: bool) -> "mqtt5.Packet":
    """A packet that the broker makes itself; raises ValueError and IndexError."""
    try:
        return mqtt5.read(memoryview(_as_new(data) if old else data))[0]
    except BaseException as error:  # the library panics at text that is not UTF-8
        if error.__class__.__module__ == "pyo3_runtime":
            raise ValueError("a text that is not UTF-8") from None
        raise


def _check_texts(data: bytes) -> None:
    """Raises ValueError for a PUBLISH with text that is not UTF-8, at which the library would panic.

    What else can be wrong with it, the library finds.
    """
    start = _body_at(data)
    at = _check_text(data, start)
    if data[0] >> 1 & 3:
        at += 2
    length, at = _varint(data, at)
    end = min(at + length, len(data))
    while at < end:
        kind, at = data[at], at + 1
        if kind in _TEXTS:
            at = _check_text(data, at)
            if kind == _USER_PROPERTY:
                at = _check_text(data, at)
        elif kind == _CORRELATION:
            at += 2 + int.from_bytes(data[at : at + 2])
        elif kind == _SUBSCRIPTION:
            _, at = _varint(data, at)
        else:
            at += _SIZES.get(kind, len(data))


def _check_text(data: bytes, at: int) -> int:
    """Where the text that begins here ends."""
    end = at + 2 + int.from_bytes(data[at : at + 2])
    data[at + 2 : end].decode()
    return end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value, place = 0, 0
    while place < 4:
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        place += 1
        if byte < 0x80:
            return value, at + place
    raise ValueError("a length of more than four bytes")


def _unreadable(data: bytes, reason: str) -> Unreadable:
    """Raises ValueError where not even the packet id can be told."""
    start, qos = _body_at(data), data[0] >> 1 & 3
    at = start + 2 + int.from_bytes(data[start : start + 2])
    packet_id = int.from_bytes(data[at : at + 2]) if qos else None
    if qos == 3 or at + 2 > len(data) or packet_id == 0:
        raise ValueError(reason)
    return Unreadable(data=data, reason=f"no valid MQTT message: {reason}", packet_id=packet_id, qos=qos)


def _as_new(data: bytes) -> bytes:
    """A whole packet of 3.1.1 as the packet of 5 that says the same."""
    start = _body_at(data)
    kind, body = data[0] >> 4, data[start:]
    if kind == _PUBLISH:
        at = 2 + int.from_bytes(body[:2]) + (2 if data[0] & 0x06 else 0)
        body = body[:at] + b"\x00" + body[at:]
    elif kind == _CONNACK:
        if len(body) != 2 or body[1] not in _RETURN_CODES:
            raise ValueError("no CONNACK of MQTT 3.1.1")
        body = bytes((body[0], _RETURN_CODES[body[1]], 0))
    elif kind == _SUBACK:
        body = body[:2] + b"\x00" + body[2:]
    elif kind == _UNSUBACK:
        body = body + b"\x00\x00"
    elif kind in (_DISCONNECT, _AUTH):
        raise ValueError("a packet that no server of MQTT 3.1.1 sends")
    return data[:1] + _encode_length(len(body)) + body


def _size(data: memoryview) -> int | None:
    """The bytes of the packet that begins here, header and all; None when its length has not come whole."""
    try:
        start = _body_at(data)
    except IndexError:
        return None
    return start + sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(data[1:start]))


def _body_at(data: bytes | memoryview) -> int:
    """Where a packet's body begins; IndexError when its length has not come whole."""
    at = 1
    while data[at] & 0x80:
        at += 1
        if at > 4:
            raise ValueError("a length of more than four bytes")
    return at + 1


def _encode_length(length: int) -> bytes:
    digits = bytearray()
    while True:
        length, low = divmod(length, 128)
        digits.append(low | (0x80 if length else 0))
        if not length:
            return bytes(digits)


def _without(data: bytes, at: int) -> bytes:
    """The packet without the property length at `at`, which must be 0."""
    if data[at]:
        raise ValueError("the packet has properties, which MQTT 3.1.1 has not")
    start = _body_at(data)
    body = data[start:at] + data[at + 1 :]
    return data[:1] + _encode_length(len(body)) + body
