"""Sparkplug B over MQTT: births, deaths, data and commands of edge nodes and devices, and the state of hosts.

How a message is cut into originals stands in `collectors.ot.sparkplug_parts`, how they become records in
`collectors.ot.sparkplug_record`, what is remembered in `collectors.ot.sparkplug_state`, the session in
`collectors.ot.mqtt_feed`.

- Read only: a rebirth is asked for only where the option says so, as it makes every edge node send all it has.
- Each edge node counts its messages from 0 to 255: a number that is missing is a gap, and old values of that node are
  then marked so. Data has QoS 0 by the specification, so what came while nobody listened is lost, and a gap.
- Sparkplug does not say who published: neither who changed a value nor who gave a command.
- It has no clock of a broker: each edge node stamps its own time. A broker's version is read where it publishes one
  (option `version_topic`).
"""

from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Final

import msgspec
import re2

from collectors.base import CheckReport, Collector, Option, Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.options import read_list, read_map
from collectors.ot.mqtt_check import check_broker
from collectors.ot.mqtt_feed import Feed, Message, Place
from collectors.ot.mqtt_options import OPTIONS, SECRETS, choose, read_access, read_wanted, told_by
from collectors.ot.sparkplug_original import PARSER, PARSER_VERSION
from collectors.ot.sparkplug_parts import Cutter, Told
from collectors.ot.sparkplug_payload import Payload
from collectors.ot.sparkplug_record import Reader
from collectors.ot.sparkplug_state import Memory, read_memory
from ledger.core.clock import WallClock
from ledger.core.errors import FatalSource, SkippableRecord
from ledger.core.record import Interval, Original, Record
from ledger.core.run import Gap, RunBatch, SourceState
from ledger.core.source import SourceConfig

_SAVE_SECONDS: Final = 300.0
_ASK_SECONDS: Final = 60.0
_MAX_SEQS: Final = 30_000
_BOOLEAN: Final = 11


class Cursor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`seqs` is the count of each edge node; `saved`: the snapshot is as new as the cursor."""

    place: Place
    seqs: dict[str, int] = {}
    saved: bool = True


class Sparkplug(Collector):
    """See the module."""

    type = "sparkplug"
    title = "Sparkplug B (edge nodes and devices over MQTT)"
    parser = PARSER
    parser_version = PARSER_VERSION
    streaming = True
    lacks = (
        "who changed a value or gave a command",
        "the broker's clock",
        "old values of its own: the last that was heard is given, marked as inferred",
        "what was published while the collector was away (data has QoS 0), beyond the count that shows it",
    )
    options = (
        *OPTIONS,
        Option(name="topics", meaning="topic filters, comma-separated", default="spBv1.0/#, STATE/#"),
        Option(name="metrics", meaning="metrics that are told, by name, comma-separated; * for any text", default="*"),
        Option(name="equipment", meaning="GROUP/NODE or GROUP/NODE/DEVICE = equipment, comma-separated (derived)"),
        Option(name="batch", meaning="GROUP/NODE[/DEVICE]/METRIC that names the batch = equipment, comma-separated"),
        Option(
            name="rebirth", meaning="ask a node for a rebirth when its births are not known: no or yes", default="no"
        ),
    )
    secrets = SECRETS

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self.access = read_access(self)
        self._wanted = read_wanted(self, read_list(self.option("topics")))
        self.batches = read_map(self.option("batch"), "batch")
        self.selected = _selection(read_list(self.option("metrics")), self.batches)
        self.may_ask = choose(self, "rebirth", ("no", "yes")) == "yes"
        self.tells = told_by(self)
        self._heartbeat = self.number("heartbeat_seconds", 1, 86_400)
        self._reader = Reader(config.id, read_map(self.option("equipment"), "equipment"), self.batches)

    def derive(self, original: Original) -> Record:
        return self._reader.derive(original)

    def check(self) -> CheckReport:
        return check_broker(self.access, self._wanted)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id)
        listener = _Listener(self, cursor, read_memory(state.snapshot, self.config.id))
        feed = Feed(
            self.access,
            self._wanted,
            listener,
            lambda: BatchBuilder(self.config.id, self.clock, self.derive, None),
            self.clock,
            heartbeat=self._heartbeat,
            version=self.option("version_topic"),
        )
        return feed.runs(cursor.place if cursor else None, state.cursor, stop)


class _Listener:
    """What one call of `collect` knows of the edge nodes."""

    def __init__(self, source: Sparkplug, cursor: Cursor | None, memory: Memory) -> None:
        self._source = source
        self._memory = memory
        self._cutter = Cutter(memory, source.selected, source.batches)
        self._heard: dict[str, str] = {}
        self._asked: dict[str, float] = {}
        self._to_ask: list[str] = []
        self._changed = self._structural = self._closing = self._save = False
        self._saved_at = monotonic()
        self._contact = cursor.place.at if cursor else None
        if cursor is not None:
            for edge, seq in cursor.seqs.items():
                memory.node(edge).seq = seq
            if not cursor.saved:
                memory.forget_values()
                self._changed = True
            memory.missed()

    def take(self, message: Message, builder: BatchBuilder) -> None:
        """Adds the records of a message, or the message as rejected."""
        try:
            told = self._cutter.cut(message)
        except Exception as error:  # no input ends a run
            reason = str(error) if isinstance(error, SkippableRecord) else f"the parser failed on it: {error!r}"
            builder.reject(message.packet.payload, "application/octet-stream", reason, message.received_at)
            return
        for envelope in told.envelopes:
            builder.add(envelope.original(), message.received_at)
        self._note(told, message, builder)

    def cursor(self, place: Place) -> str:
        """The cursor at the end of a batch; `snapshot` is asked for after it, and agrees with it."""
        seqs = {edge: node.seq for edge, node in self._memory.nodes.items() if node.seq is not None}
        self._save = self._changed and (
            self._structural or self._closing or monotonic() - self._saved_at > _SAVE_SECONDS
        )
        text = msgspec.json.encode(Cursor(place=place, seqs=seqs, saved=self._save or not self._changed)).decode()
        if len(text) - len(place.memory) > _MAX_SEQS:
            raise FatalSource(
                f"source {self._source.config.id!r} has {len(seqs)} edge nodes, more than one cursor can hold",
                advice="Register several sources, each with the topics of some groups: spBv1.0/GROUP/#.",
            )
        return text

    def snapshot(self) -> bytes | None:
        """The memory, when it is time to keep it."""
        if not self._save:
            return None
        self._changed = self._structural = False
        self._saved_at = monotonic()
        return self._memory.encode()

    def closing(self) -> None:
        """The next batch is the last of this call."""
        self._closing = True

    def outgoing(self) -> list[tuple[str, bytes]]:
        """Requests for a rebirth, where they are allowed."""
        asked, self._to_ask = self._to_ask, []
        return [_rebirth(edge, self._source.clock.now_us() // 1000) for edge in asked]

    def _note(self, told: Told, message: Message, builder: BatchBuilder) -> None:
        edge = told.topic.edge
        if told.missing:
            after = self._heard.get(edge) or self._contact or message.received_at
            between = Interval(after=min(after, message.received_at), before=message.received_at)
            reason = f"{told.missing} messages are missing in its count (or {told.missing} and a multiple of 256 more)"
            builder.gaps.append(Gap(subject=f"edge node {edge}", reason=reason, between=between))
        if told.topic.kind == "STATE":
            return
        self._heard[edge] = message.received_at
        self._changed = True
        self._structural = self._structural or told.structural
        if self._source.may_ask and (told.unborn or told.missing):
            now = monotonic()
            if now - self._asked.get(edge, -_ASK_SECONDS) >= _ASK_SECONDS:
                self._asked[edge] = now
                self._to_ask.append(edge)


def _rebirth(edge: str, now_ms: int) -> tuple[str, bytes]:
    """The command by which a node is asked for its births (specification 3.0, section 6.4.22)."""
    group, _, node = edge.partition("/")
    payload = Payload(timestamp=now_ms)
    payload.metrics.add(name="Node Control/Rebirth", timestamp=now_ms, datatype=_BOOLEAN, boolean_value=True)
    return f"spBv1.0/{group}/NCMD/{node}", payload.SerializeToString()


def _selection(patterns: tuple[str, ...], batches: Mapping[str, str]) -> Callable[[str], bool]:
    """Whether a metric is told; those that name a batch always are."""
    if patterns == ("*",):
        return lambda _: True
    words = "|".join(".*".join(re2.escape(part) for part in pattern.split("*")) for pattern in patterns)
    test = re2.compile(f"(?s)^(?:{words})$")
    return lambda name: test.search(name) is not None or any(path.endswith(f"/{name}") for path in batches)
