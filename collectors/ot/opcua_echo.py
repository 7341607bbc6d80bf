"""Decides which value changes of watched nodes are records of their own.

A value that a person writes is heard twice: as audit event, which names the person, and as new value. Counting both
would make two changes of one. So a value is held back for a moment; if an audited write of the same node set the same
value at about the same time it is that write's echo, and only the remembered value moves on. What no audited write
explains is a change by someone unknown: a controller, a method, a server that does not audit.

The values are remembered from run to run (they are the snapshot), so that a change while nobody listened is seen too;
where the server keeps no history of the node, it is marked as a gap: more changes may lie between.
"""

from collections import deque
from collections.abc import Iterator

import msgspec

from collectors.ot.opcua_original import Envelope
from collectors.ot.opcua_record import Sample

HOLD_SECONDS = 1.0
"""So long a value waits for its audit event."""
_NEAR_US = 5_000_000
_WRITES = 64


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A value that waits; `missed` means that changes before it may not have been heard."""

    until: float
    received_at: str
    sample: Sample
    envelope: Envelope
    missed: bool


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A change to be recorded."""

    received_at: str
    envelope: Envelope


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """The last value of a node: its sample, and the bytes of it."""

    sample: Sample
    data: str


class Echoes:
    """The values of one source's watched nodes, by node id; used from one thread."""

    def __init__(self, remembered: dict[str, Remembered]) -> None:
        self.remembered = dict(remembered)
        self._held: list[Held] = []
        self._writes: dict[str, deque[Sample]] = {}

    @property
    def waiting(self) -> bool:
        return bool(self._held)

    def written(self, node: str, sample: Sample) -> None:
        """An audited write set this value."""
        self._writes.setdefault(node, deque(maxlen=_WRITES)).append(sample)

    def hold(self, held: Held) -> None:
        self._held.append(held)

    def decide(self, now: float) -> Iterator[Decided]:
        """The changes among the values whose time is up, in the order in which they were heard."""
        while self._held and self._held[0].until <= now:
            held = self._held.pop(0)
            node = held.envelope.node.id
            before = self.remembered.get(node)
            if before is not None and held.sample.at_us < before.sample.at_us:
                continue  # history repeats what is known
            self.remembered[node] = Remembered(sample=held.sample, data=held.envelope.data)
            if before is None or self._is_same(before.sample, held.sample) or self._is_echo(node, held.sample):
                continue
            envelope = msgspec.structs.replace(held.envelope, before=before.data, gap=held.missed)
            yield Decided(received_at=held.received_at, envelope=envelope)

    def _is_same(self, before: Sample, after: Sample) -> bool:
        return (before.value, before.status) == (after.value, after.status)

    def _is_echo(self, node: str, sample: Sample) -> bool:
        return any(
            write.value == sample.value and abs(write.at_us - sample.at_us) <= _NEAR_US
            for write in self._writes.get(node, ())
        )
