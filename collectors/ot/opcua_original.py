"""The original of an OPC UA record: what the server sent, in its own binary, and what it says about the node.

An event, a value or an edit stands in the middle of a message that holds others, so its bytes are cut out of it. Of
version 1 they were encoded again from what a client library had decoded, without the last digit of a time; they are
read as ever.
"""

from base64 import b64decode, b64encode
from typing import Literal

import msgspec
from asyncua import ua

from collectors.ot.opcua_binary import unpack_event
from ledger.core.record import Original

MEDIA_TYPE = "application/json"
PARSER = "opcua-binary"
PARSER_VERSION = "2"


class NodeFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node as the server describes it: id by namespace URI, names from Objects down, engineering unit."""

    id: str
    path: str
    unit: str | None = None


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An original of this source, written as a JSON object.

    `data` are the event's fields, named in `fields`, or the value with its time stamps, in OPC UA binary, base64.
    `node` is what the server says about the node, `kind` the standard event type that the event's own type is or
    descends from; `part` says which of two records of one event is meant. `before` is the last value known of a
    watched node, `gap` that more changes may lie between the two.

    Of an edit of the history, `data` is the value that was inserted, replaced or deleted, `modification` who did it
    when, and `after` the value that took its place, where the server still gives it.
    """

    sort: Literal["event", "value", "edit"]
    data: str
    node: NodeFacts
    namespaces: tuple[str, ...]
    kind: str = ""
    fields: tuple[str, ...] = ()
    part: Literal["", "start", "stop"] = ""
    before: str = ""
    gap: bool = False
    modification: str = ""
    after: str = ""

    def original(self) -> Original:
        return Original(
            data=msgspec.json.encode(self), media_type=MEDIA_TYPE, parser=PARSER, parser_version=PARSER_VERSION
        )

    def event(self) -> dict[str, ua.Variant]:
        """Field name → variant. Raises ValueError where names and fields do not go together."""
        return dict(zip(self.fields, unpack_event(decode(self.data)), strict=True))


def encode(data: bytes) -> str:
    """Bytes as an envelope holds them: base64 (RFC 4648 section 4)."""
    return b64encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of `encode`; raises ValueError for anything else."""
    return b64decode(text, validate=True)
