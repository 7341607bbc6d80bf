"""What a session hears, as it hands it on: one frozen struct a sort of thing."""

import msgspec

from collectors.ot.opcua_original import Envelope
from ledger.core.errors import CollectorError
from ledger.core.run import SourceFacts
from ledger.core.times import Clock


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a condition stands by an event: a digest of all that the event says but its id and when it was received.

    `retained` says that the server tells it again to whoever asks how things stand.
    """

    condition: str
    state: str
    retained: bool


class EventSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An event; `time_us` is the server's, `standing` is set for one of a condition."""

    received_at: str
    time_us: int
    envelope: Envelope
    standing: Standing | None = None


class ValueSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a watched node; `missed` says that changes before it may not have been heard."""

    received_at: str
    envelope: Envelope
    missed: bool


class EditSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An edit of the history of a node; `fingerprint` tells it from others, `value_us` is the time of the value."""

    received_at: str
    envelope: Envelope
    fingerprint: str
    value_us: int


class EditsServed(msgspec.Struct, frozen=True, kw_only=True):
    """All edits that the server gives of one node, by fingerprint, for values from `since_us` on."""

    node: str
    path: str
    since_us: int
    fingerprints: frozenset[str]


class EditsUnserved(msgspec.Struct, frozen=True, kw_only=True):
    """The server does not give the edits of one node."""

    path: str
    reason: str


class Garbled(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the server that are not what they ought to be."""

    received_at: str
    data: bytes
    reason: str


class CaughtUp(msgspec.Struct, frozen=True, kw_only=True):
    """All that the server keeps was passed on; `kept` says whether it keeps events at all."""

    kept: bool


class ClockRead(msgspec.Struct, frozen=True, kw_only=True):
    """The server's clock was measured."""

    clock: Clock


class ServerTold(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says of itself."""

    facts: SourceFacts | None


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """The session ended by itself."""

    error: CollectorError


Heard = (
    EventSeen | ValueSeen | EditSeen | EditsServed | EditsUnserved | Garbled | CaughtUp | ClockRead | ServerTold | Lost
)
