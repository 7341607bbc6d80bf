"""Decides which value changes of watched nodes are records of their own.

A value that a person writes is heard twice: as audit event, which names the person, and as new value. Counting both
would make two changes of one. So a value is held back for a moment; if an audited write of the same node set the same
value at about the same time it is that write's echo, and only the remembered value moves on. What no audited write
explains is a change by someone unknown: a controller, a method, a server that does not audit.

Held back is only what may be a change that nobody explains: a value that is what the node held before, or that a write
already heard of explains, is decided at once.

The values are remembered from run to run (they are the snapshot), so that a change while nobody listened is seen too;
where the server keeps no history of the node, it is marked as a gap: more changes may lie between.
"""

import bisect
from collections import Counter, deque
from collections.abc import Iterator

import msgspec

from collectors.ot.opcua_original import Envelope
from collectors.ot.opcua_sample import Sample
from ledger.core.record import Value

HOLD_SECONDS = 1.0
"""So long a value waits for its audit event."""
_NEAR_US = 5_000_000
_WRITES = 10_000
"""So many different values that were written, and times of each, are compared, as when a long history is read."""


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
        self._held: deque[Held] = deque()
        self._waiting: Counter[str] = Counter()
        self._writes: dict[tuple[str, Value], list[int]] = {}

    @property
    def waiting(self) -> bool:
        return bool(self._held)

    def written(self, node: str, sample: Sample) -> None:
        """An audited write set this value."""
        times = self._writes.setdefault((node, sample.value), [])
        bisect.insort(times, sample.at_us)
        del times[:-_WRITES]
        while len(self._writes) > _WRITES:
            self._writes.pop(next(iter(self._writes)))

    def hold(self, held: Held) -> None:
        """Takes a value that was heard; what is told of it comes out of `decide`."""
        node = held.envelope.node.id
        if not self._waiting[node] and self._is_explained(node, held.sample):
            self._remember(node, held)
        else:
            self._held.append(held)
            self._waiting[node] += 1

    def decide(self, now: float) -> Iterator[Decided]:
        """The changes among the values whose time is up, in the order in which they were heard."""
        while self._held:
            held = self._held[0]
            node = held.envelope.node.id
            explained = self._is_explained(node, held.sample)
            if held.until > now and not explained:
                return
            self._held.popleft()
            self._waiting[node] -= 1
            before = self.remembered.get(node)
            self._remember(node, held)
            if before is not None and not explained:
                envelope = msgspec.structs.replace(held.envelope, before=before.data, gap=held.missed)
                yield Decided(received_at=held.received_at, envelope=envelope)

    def _remember(self, node: str, held: Held) -> None:
        before = self.remembered.get(node)
        if before is None or held.sample.at_us >= before.sample.at_us:
            self.remembered[node] = Remembered(sample=held.sample, data=held.envelope.data)

    def _is_explained(self, node: str, sample: Sample) -> bool:
        """Whether a value is no change by someone unknown: the first one, an old or the same one, or a write's echo."""
        before = self.remembered.get(node)
        return (
            before is None
            or sample.at_us < before.sample.at_us  # history repeats what is known
            or self._is_same(before.sample, sample)
            or self._is_echo(node, sample)
        )

    def _is_same(self, before: Sample, after: Sample) -> bool:
        return (before.value, before.status) == (after.value, after.status)

    def _is_echo(self, node: str, sample: Sample) -> bool:
        times = self._writes.get((node, sample.value), [])
        place = bisect.bisect_left(times, sample.at_us - _NEAR_US)
        return place < len(times) and times[place] <= sample.at_us + _NEAR_US
