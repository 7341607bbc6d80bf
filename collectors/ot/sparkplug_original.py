"""The original of a Sparkplug record: the message's bytes, and what earlier messages said that it needs to be read.

A message that tells of several times, or of very many metrics, gives several records. The original of each is the
payload without the metrics of the others, byte for byte, and a payload again.
"""

from base64 import b64decode, b64encode
from typing import Final, Literal

import msgspec

from ledger.core.errors import SkippableRecord
from ledger.core.record import Name, Original, Text
from ledger.core.times import SafeInt

MEDIA_TYPE: Final = "application/json"
PARSER: Final = "sparkplug-b"
PARSER_VERSION: Final = "1"

Plain = Text | SafeInt | bool | None
"""A metric's value as a record holds it."""


class Definition(msgspec.Struct, frozen=True, array_like=True):
    """What a birth said of a metric: its data type, and its unit, if any."""

    type: int = 0
    unit: Name | None = None


class Before(msgspec.Struct, frozen=True, array_like=True):
    """The last value known of a metric and its time (`utc_text`); `gap`: others may have come since."""

    value: Plain
    at: str
    gap: bool = False


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A message or a part of it. `data` is the payload, base64; `received` our time, `number` that of the delivery.

    `aliases` names the metrics that the payload has by alias, `known` their definitions, `before` their last values:
    what earlier messages said, and only of the metrics that are here. `part` counts the records of one message;
    `turn` says that this one tells the end or the beginning of a batch.
    """

    topic: str
    data: str
    received: str
    number: int
    part: int = 0
    turn: Literal["", "start", "stop"] = ""
    aliases: dict[int, str] = {}
    known: dict[str, Definition] = {}
    before: dict[str, Before] = {}

    @property
    def payload(self) -> bytes:
        try:
            return b64decode(self.data, validate=True)
        except ValueError as error:
            raise SkippableRecord(f"the payload is not base64: {error}") from None

    def original(self) -> Original:
        return Original(
            data=msgspec.json.encode(self), media_type=MEDIA_TYPE, parser=PARSER, parser_version=PARSER_VERSION
        )


def encode(data: bytes) -> str:
    """Bytes as an envelope holds them: base64 (RFC 4648 section 4)."""
    return b64encode(data).decode("ascii")


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """What a topic says: whose message, and of which kind; `node` is a host's name for STATE."""

    kind: str
    group: str
    node: str
    device: str = ""

    @property
    def edge(self) -> str:
        """The edge node, as group/node."""
        return f"{self.group}/{self.node}"

    @property
    def place(self) -> str:
        """Who the message is about."""
        return "/".join(part for part in (self.group, self.node, self.device) if part)


NODE_KINDS: Final = frozenset({"NBIRTH", "NDATA", "NCMD", "NDEATH"})
DEVICE_KINDS: Final = frozenset({"DBIRTH", "DDATA", "DCMD", "DDEATH"})


def read_topic(topic: str) -> Topic:
    """Raises SkippableRecord for a topic outside the namespace of Sparkplug B (specification 3.0, section 4)."""
    match topic.split("/"):
        case ["spBv1.0", "STATE", host] | ["STATE", host]:
            return Topic(kind="STATE", group="", node=host)
        case ["spBv1.0", group, kind, node] if kind in NODE_KINDS:
            return Topic(kind=kind, group=group, node=node)
        case ["spBv1.0", group, kind, node, device] if kind in DEVICE_KINDS:
            return Topic(kind=kind, group=group, node=node, device=device)
    raise SkippableRecord(f"{topic!r} is no topic of Sparkplug B")
