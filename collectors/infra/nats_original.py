"""The original of a record from a NATS stream: the message as the stream holds it, payload byte for byte."""

import msgspec

from collectors.mapping.expression import Item
from collectors.payload import pack, read_payload
from ledger.core.errors import SkippableRecord

MEDIA_TYPE = "application/json"


class Envelope(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A message: its payload is `text`, or `base64` where it is not UTF-8.

    `sequence` is the stream's number, `time` when the stream took it, in nanoseconds since 1970, as decimal text.
    """

    stream: str
    subject: str
    sequence: int
    time: str
    headers: dict[str, str] = {}
    text: str | None = None
    base64: str | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Envelope)


def write_envelope(stream: str, subject: str, sequence: int, time: str, headers: dict[str, str], data: bytes) -> bytes:
    """The bytes of the original."""
    text, base64 = pack(data)
    return _ENCODER.encode(
        Envelope(
            stream=stream, subject=subject, sequence=sequence, time=time, headers=headers, text=text, base64=base64
        )
    )


def message_item(data: bytes, form: str) -> Item:
    """What a mapping sees of a message; raises SkippableRecord for bytes that are no envelope.

    `key` is the identity that the stream gives it: stream, number and time, as numbers begin anew with a new stream.
    """
    try:
        envelope = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SkippableRecord(f"no original of a NATS message: {error}") from None
    return {
        "stream": envelope.stream,
        "subject": envelope.subject,
        "levels": envelope.subject.split("."),
        "sequence": envelope.sequence,
        "time": envelope.time,
        "key": f"{envelope.stream}/{envelope.sequence}@{envelope.time}",
        "message_id": envelope.headers.get("Nats-Msg-Id"),
        "headers": envelope.headers,
        "payload": read_payload(envelope.text, envelope.base64, form),
    }
