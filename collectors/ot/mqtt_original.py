"""The original of an MQTT record: the message as the broker delivered it, payload byte for byte, and when we got it.

What changes from one delivery of a message to the next (packet id, DUP, time left until expiry) is not part of it.
"""

from base64 import b64encode
from hashlib import sha256

import msgspec

from collectors.mapping.expression import Item
from collectors.ot.mqtt_feed import Message
from collectors.payload import pack, read_payload, unpack
from ledger.core.errors import SkippableRecord

MEDIA_TYPE = "application/json"


class Envelope(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A message: its payload is `text`, or `base64` where it is not UTF-8.

    `received` is our time; `number` counts the messages of the source that were handed over. `correlation` is base64,
    `properties` are MQTT 5's user properties in order.
    """

    topic: str
    qos: int
    received: str
    number: int
    retain: bool = False
    text: str | None = None
    base64: str | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation: str | None = None
    properties: tuple[tuple[str, str], ...] = ()


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Envelope)


def write_envelope(message: Message) -> bytes:
    """The bytes of the original."""
    packet = message.packet
    text, base64 = pack(packet.payload)
    correlation = packet.correlation_data
    return _ENCODER.encode(
        Envelope(
            topic=packet.topic,
            qos=int(packet.qos),
            retain=packet.retain,
            text=text,
            base64=base64,
            content_type=packet.content_type,
            response_topic=packet.response_topic,
            correlation=None if correlation is None else b64encode(correlation).decode("ascii"),
            properties=tuple(packet.user_properties),
            received=message.received_at,
            number=message.number,
        )
    )


def read_envelope(data: bytes) -> Envelope:
    """Raises SkippableRecord for bytes that are no envelope."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SkippableRecord(f"no original of an MQTT message: {error}") from None


def message_item(envelope: Envelope, form: str) -> Item:
    """What a mapping sees of a message, its payload in the form `json`, `text` or `bytes`.

    `digest` is SHA-256 over topic, payload and user properties, in hexadecimal: the same for the same message again.
    """
    return {
        "topic": envelope.topic,
        "levels": envelope.topic.split("/"),
        "qos": envelope.qos,
        "retain": envelope.retain,
        "received": envelope.received,
        "number": envelope.number,
        "digest": _digest(envelope),
        "content_type": envelope.content_type,
        "response_topic": envelope.response_topic,
        "correlation": envelope.correlation,
        "properties": dict(envelope.properties),
        "payload": read_payload(envelope.text, envelope.base64, form),
    }


def _digest(envelope: Envelope) -> str:
    payload = envelope.text.encode("utf-8", "surrogatepass") if envelope.text is not None else b""
    if envelope.base64 is not None:
        payload = unpack(envelope.text, envelope.base64)
    head = msgspec.json.encode((envelope.topic, envelope.properties))
    return sha256(head + payload).hexdigest()
