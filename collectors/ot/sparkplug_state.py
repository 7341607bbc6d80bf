"""What a Sparkplug source remembers: what births defined, the last value of each metric, where nodes' counts stand.

It is the snapshot. Values move on with every message, and a snapshot a second would fill the ledger: so it is handed
over when births or deaths changed it, every few minutes, and at an orderly end. Counts stand in each cursor besides.
After a crash, values may be older than the cursor; they are then forgotten, as a wrong old value is worse than none.
"""

from typing import Final

import msgspec

from collectors.base import MAX_SNAPSHOT
from collectors.ot.sparkplug_original import Before, Definition, Plain
from ledger.core.errors import FatalSource

_MAX_METRICS: Final = 200_000
_TURN: Final = 256


class Known(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One metric: `at` is empty while its value is not known, `generation` that of its node when it was last told."""

    type: int = 0
    unit: str | None = None
    value: Plain = None
    at: str = ""
    generation: int = 0


class Node(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One edge node. `metrics` are by `device/name`, those of the node itself by `/name`.

    `generation` goes up whenever messages may have been missed.
    """

    seq: int | None = None
    generation: int = 0
    aliases: dict[int, str] = {}
    metrics: dict[str, Known] = {}


class Memory(msgspec.Struct, kw_only=True, omit_defaults=True):
    """All edge nodes, by group/node; used from one thread."""

    nodes: dict[str, Node] = {}

    def node(self, edge: str) -> Node:
        if edge not in self.nodes:
            self.nodes[edge] = Node()
        return self.nodes[edge]

    def forget_values(self) -> None:
        """No last value is known any more; definitions stay."""
        for node in self.nodes.values():
            for known in node.metrics.values():
                known.value, known.at = None, ""

    def missed(self) -> None:
        """Messages of any node may have been missed."""
        for node in self.nodes.values():
            node.generation += 1

    @property
    def full(self) -> bool:
        return sum(len(node.metrics) for node in self.nodes.values()) >= _MAX_METRICS

    def encode(self) -> bytes:
        """The snapshot; without values where it would be too large with them."""
        data = msgspec.json.encode(self)
        if len(data) > MAX_SNAPSHOT:
            self.forget_values()
            data = msgspec.json.encode(self)
        return data


def read_memory(snapshot: bytes | None, source: str) -> Memory:
    """Raises FatalSource for a snapshot that is none."""
    if snapshot is None:
        return Memory()
    try:
        return msgspec.json.decode(snapshot, type=Memory)
    except msgspec.DecodeError as error:
        raise FatalSource(
            f"the snapshot of source {source!r} cannot be read: {error}",
            advice="It was written by another collector version; register the source anew under another id.",
        ) from None


def count(node: Node, seq: int) -> int:
    """Takes the number of the node's next message; how many are missing before it, as far as 256 numbers can tell."""
    missing = 0 if node.seq is None else (seq - node.seq - 1) % _TURN
    node.seq = seq % _TURN
    if missing:
        node.generation += 1
    return missing


def begin_life(node: Node, device: str) -> None:
    """A birth: what was defined for the device, or with an empty name for the node itself, is defined anew."""
    prefix = f"{device}/"
    if not device:
        node.aliases = {}
    for key, known in node.metrics.items():
        if key.startswith(prefix):
            known.type, known.unit = 0, None


def last_value(node: Node, key: str) -> Before | None:
    """The last value of a metric, where it is known."""
    known = node.metrics.get(key)
    if known is None or not known.at:
        return None
    return Before(known.value, known.at, known.generation != node.generation)


def definition(node: Node, key: str) -> Definition:
    """What a birth said of a metric, as far as it is known."""
    known = node.metrics.get(key)
    return Definition() if known is None else Definition(known.type, known.unit)
