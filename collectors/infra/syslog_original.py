"""The original of a syslog record: the message as it came, and from whom, as a JSON object.

`peer` is the sender's address, `transport` tls, tcp or udp, `certificate` the subject that a client certificate names,
`received` our time, `id` the identity (`collectors.infra.syslog_identity`), the bytes as `text` where they are UTF-8,
else as `base64`. `problem` says why the bytes are no message.
"""

import msgspec

from collectors.payload import pack, unpack
from ledger.core.errors import SkippableRecord

MEDIA_TYPE = "application/json"


class Envelope(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """See the module."""

    peer: str
    transport: str
    received: str
    id: str
    text: str | None = None
    base64: str | None = None
    certificate: str | None = None
    problem: str | None = None

    def data(self) -> bytes:
        """The bytes as they came; raises SkippableRecord where there are none."""
        return unpack(self.text, self.base64)


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends: address, way, and the subject of the certificate that was shown."""

    peer: str
    transport: str
    certificate: str | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Envelope)


def write_envelope(sender: Sender, received: str, identity: str, data: bytes, problem: str = "") -> bytes:
    """The original's bytes."""
    text, base64 = pack(data)
    return _ENCODER.encode(
        Envelope(
            peer=sender.peer,
            transport=sender.transport,
            received=received,
            id=identity,
            text=text,
            base64=base64,
            certificate=sender.certificate,
            problem=problem or None,
        )
    )


def read_envelope(data: bytes) -> Envelope:
    """Raises SkippableRecord for what is no original of this type."""
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SkippableRecord(f"not the original of a syslog message: {error}") from None
