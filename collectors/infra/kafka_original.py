"""The original of a record from a Kafka topic: key, value and headers byte for byte, and where they stood."""

import msgspec

from collectors.mapping.expression import Item
from collectors.payload import pack, read_payload
from ledger.core.errors import SkippableRecord

MEDIA_TYPE = "application/json"


class Bytes(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Bytes as `text`, or as `base64` where they are not UTF-8; neither: null."""

    text: str | None = None
    base64: str | None = None


NULL = Bytes()


class Header(Bytes, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One header; a name may come several times."""

    name: str


class Envelope(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A message. `time` is in milliseconds since 1970 and `time_of` says whose: `create` the producer's, `append` the
    broker's; null where there is none.
    """

    topic: str
    partition: int
    offset: int
    time: int | None = None
    time_of: str | None = None
    headers: tuple[Header, ...] = ()
    key: Bytes = NULL
    value: Bytes = NULL


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Envelope)


def packed(data: bytes | None) -> Bytes:
    """Bytes for an envelope."""
    return NULL if data is None else Bytes(*pack(data))


def write_envelope(envelope: Envelope) -> bytes:
    """The bytes of the original."""
    return _ENCODER.encode(envelope)


def message_item(data: bytes, key_form: str, value_form: str) -> Item:
    """What a mapping sees of a message; raises SkippableRecord for bytes that are no envelope.

    `identity` is topic, partition, offset and time. A value of null is a tombstone: its key was deleted.
    """
    try:
        envelope = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SkippableRecord(f"no original of a Kafka message: {error}") from None
    return {
        "topic": envelope.topic,
        "partition": envelope.partition,
        "offset": envelope.offset,
        "time": envelope.time,
        "time_of": envelope.time_of,
        "identity": f"{envelope.topic}/{envelope.partition}/{envelope.offset}@{envelope.time}",
        "headers": {
            header.name: header.text if header.base64 is None else header.base64 for header in envelope.headers
        },
        "key": _read(envelope.key, key_form),
        "value": _read(envelope.value, value_form),
        "tombstone": envelope.value == NULL,
    }


def _read(data: Bytes, form: str) -> object:
    return None if data.text is None and data.base64 is None else read_payload(data.text, data.base64, form)
