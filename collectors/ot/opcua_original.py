"""The original of an OPC UA record: what the server sent, in its own binary, and what it says about the node.

A client library hands out decoded notifications only, so the bytes are its values encoded again by the same rules
(OPC UA Part 6), which loses the tenth of a microsecond of each time stamp.
"""

from base64 import b64decode, b64encode
from typing import Literal

import msgspec
from asyncua import ua

from collectors.ot.opcua_values import unpack_event
from ledger.core.record import Original

MEDIA_TYPE = "application/json"
PARSER = "opcua-binary"
PARSER_VERSION = "1"


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
    """

    sort: Literal["event", "value"]
    data: str
    node: NodeFacts
    namespaces: tuple[str, ...]
    kind: str = ""
    fields: tuple[str, ...] = ()
    part: Literal["", "start", "stop"] = ""
    before: str = ""
    gap: bool = False

    def original(self) -> Original:
        return Original(
            data=msgspec.json.encode(self), media_type=MEDIA_TYPE, parser=PARSER, parser_version=PARSER_VERSION
        )

    def event(self) -> dict[str, ua.Variant]:
        """Field name → variant. Raises ValueError where names and fields do not go together."""
        return dict(zip(self.fields, unpack_event(b64decode(self.data, validate=True)), strict=True))


def encode(data: bytes) -> str:
    """Bytes as an envelope holds them: base64 (RFC 4648 section 4)."""
    return b64encode(data).decode("ascii")
