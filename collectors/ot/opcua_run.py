"""What one call of `collect` has heard and not yet handed over, and what it remembers for the next one."""

from collections.abc import Iterator, Mapping
from time import monotonic

import msgspec

from collectors.base import Stop
from collectors.batch import BatchBuilder
from collectors.ot.opcua_echo import HOLD_SECONDS, Echoes, Held, Remembered
from collectors.ot.opcua_heard import (
    CaughtUp,
    ClockRead,
    EditSeen,
    EditsServed,
    EditsUnserved,
    EventSeen,
    Garbled,
    Heard,
    ServerTold,
    Standing,
    ValueSeen,
)
from collectors.ot.opcua_original import Envelope
from collectors.ot.opcua_record import Reader
from collectors.ot.opcua_sample import sample_of, written_by
from ledger.core.clock import WallClock, parse_utc, utc_text
from ledger.core.errors import FatalSource
from ledger.core.record import Interval
from ledger.core.run import Gap, RunBatch, SourceState
from ledger.core.times import Clock

_FLUSH_SECONDS = 1.0
_MOST_CONDITIONS = 20_000
_MOST_EDITS = 200_000
"""So much is remembered; of what was forgotten, the ledger knows that it has it."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`events` is the server's time of the latest event handed over, `at` ours when the server was last heard."""

    events: str | None
    at: str


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot: by node id the last value of each watched node and the edits of each history (fingerprint and time
    of the value), by condition the digest of how it stands."""

    values: dict[str, Remembered] = {}
    conditions: dict[str, str] = {}
    edits: dict[str, dict[str, int]] = {}


class Run:
    """Use from one thread."""

    def __init__(
        self, source: str, clock: WallClock, reader: Reader, state: SourceState, cursor: Cursor | None
    ) -> None:
        memory = _memory(state.snapshot, source)
        self.echoes = Echoes(memory.values)
        self.caught_up = False
        self._conditions = dict(memory.conditions)
        self._edits = {node: dict(edits) for node, edits in memory.edits.items()}
        self._over_at: float | None = None
        self._source = source
        self._wall = clock
        self._reader = reader
        self._clock: Clock | None = None
        self._first_run = cursor is None
        self._last_contact = cursor.at if cursor else utc_text(clock.now_us())
        self._text = state.cursor
        self._snapshot = state.snapshot
        self._events_us = parse_utc(cursor.events) if cursor and cursor.events else None
        self._begun = monotonic()
        self._builder = self._new_builder()

    @property
    def known_edits(self) -> Mapping[str, Mapping[str, int]]:
        """The edits that were handed over, by node id."""
        return {node: dict(edits) for node, edits in self._edits.items()}

    def rest(self, always: bool = False) -> Iterator[RunBatch]:
        """Hands over all that is left, held values too; with `always` also when nothing is."""
        while always or self._pending or self.echoes.waiting:
            always = False
            self.settle(at_once=True)
            yield self.finish()

    def is_over(self, stop: Stop) -> bool:
        """Whether to end: told to, caught up, and values had their time to be explained by an audit event."""
        if not (self.caught_up and stop.is_set()):
            return False
        if self._over_at is None:
            self._over_at = monotonic() + HOLD_SECONDS
        return not self.echoes.waiting or monotonic() >= self._over_at

    def take(self, heard: Heard) -> None:
        if isinstance(heard, EventSeen):
            self._take_event(heard)
        elif isinstance(heard, ValueSeen):
            self._take_value(heard)
        elif isinstance(heard, EditSeen):
            self._edits.setdefault(heard.envelope.node.id, {})[heard.fingerprint] = heard.value_us
            self._add(heard.envelope, heard.received_at)
        elif isinstance(heard, EditsServed):
            self._take_served(heard)
        elif isinstance(heard, EditsUnserved):
            self._builder.gaps.append(self._gap(f"edits of {heard.path}", heard.reason))
        elif isinstance(heard, Garbled):
            self._builder.reject(heard.data, "application/octet-stream", heard.reason, heard.received_at)
        elif isinstance(heard, ClockRead):
            self._clock = self._builder.source_clock = heard.clock
        elif isinstance(heard, ServerTold):
            self._builder.facts = heard.facts
        elif isinstance(heard, CaughtUp):
            self.caught_up = True
            self._begun = 0.0
            if not heard.kept and not self._first_run:
                self._builder.gaps.append(self._gap("events", "the server keeps no event history"))

    def settle(self, at_once: bool = False) -> None:
        """Records the value changes that have waited long enough."""
        for decided in self.echoes.decide(float("inf") if at_once else monotonic()):
            self._add(decided.envelope, decided.received_at)
            if decided.envelope.gap:
                subject = f"values of {decided.envelope.node.path}"
                self._builder.gaps.append(self._gap(subject, "the server does not give every change of this node"))
            if self._builder.full:
                return

    def due(self, heartbeat: float) -> bool:
        """Whether it is time to hand over: full, something new for a moment, or silence for a heartbeat."""
        waited = monotonic() - self._begun
        return self._builder.full or waited > (_FLUSH_SECONDS if self._pending and self.caught_up else heartbeat)

    def finish(self) -> RunBatch:
        """The run so far; a new one begins."""
        remembered = Memory(values=self.echoes.remembered, conditions=self._conditions, edits=self._edits)
        memory = msgspec.json.encode(remembered)
        changed = memory != self._snapshot and (self._snapshot is not None or remembered != Memory())
        at = utc_text(self._wall.now_us())
        following = Cursor(events=utc_text(self._events_us) if self._events_us else None, at=at)
        text = msgspec.json.encode(following).decode()
        batch = self._builder.build(self._text, text, memory if changed else None)
        self._text, self._begun = text, monotonic()
        self._snapshot = memory if changed else self._snapshot
        self._builder = self._new_builder()
        return batch

    @property
    def _pending(self) -> bool:
        return bool(len(self._builder) or self._builder.gaps)

    def _take_event(self, heard: EventSeen) -> None:
        self._events_us = max(self._events_us or 0, heard.time_us)
        if heard.standing is not None and self._is_told(heard.standing):
            return
        if (write := written_by(heard.envelope)) is not None:
            self.echoes.written(heard.envelope.node.id, write)
        self._add(heard.envelope, heard.received_at)

    def _is_told(self, standing: Standing) -> bool:
        """Whether a condition stands as it was last told; remembered is what the server would tell again."""
        if self._conditions.get(standing.condition) == standing.state:
            return True
        self._conditions.pop(standing.condition, None)
        if standing.retained:
            self._conditions[standing.condition] = standing.state
            while len(self._conditions) > _MOST_CONDITIONS:
                self._conditions.pop(next(iter(self._conditions)))
        return False

    def _take_value(self, heard: ValueSeen) -> None:
        sample = sample_of(heard.envelope)
        if sample is None:
            self._add(heard.envelope, heard.received_at)
            return
        until = monotonic() + HOLD_SECONDS
        self.echoes.hold(
            Held(
                until=until, received_at=heard.received_at, sample=sample, envelope=heard.envelope, missed=heard.missed
            )
        )

    def _take_served(self, heard: EditsServed) -> None:
        """Forgets edits that the server gives no more, and says so of those that it still ought to give."""
        known = self._edits.get(heard.node, {})
        gone = sum(value_us >= heard.since_us for edit, value_us in known.items() if edit not in heard.fingerprints)
        if gone:
            reason = f"the server no longer gives {gone} edits that it gave before"
            self._builder.gaps.append(self._gap(f"edits of {heard.path}", reason))
        kept = {edit: value_us for edit, value_us in known.items() if edit in heard.fingerprints}
        most = max(0, _MOST_EDITS - sum(len(edits) for node, edits in self._edits.items() if node != heard.node))
        for edit in sorted(kept, key=kept.__getitem__)[: max(0, len(kept) - most)]:
            del kept[edit]
        self._edits[heard.node] = kept

    def _add(self, envelope: Envelope, received_at: str) -> None:
        for part in self._reader.parts(envelope):
            self._builder.add(part.original(), received_at)

    def _gap(self, subject: str, reason: str) -> Gap:
        between = Interval(after=self._last_contact, before=utc_text(self._wall.now_us()))
        return Gap(subject=subject, reason=reason, between=between)

    def _new_builder(self) -> BatchBuilder:
        return BatchBuilder(self._source, self._wall, self._reader.derive, self._clock)


def _memory(snapshot: bytes | None, source: str) -> Memory:
    if snapshot is None:
        return Memory()
    try:
        return msgspec.json.decode(snapshot, type=Memory)
    except msgspec.DecodeError as error:
        raise FatalSource(
            f"the snapshot of source {source!r} cannot be read: {error}",
            advice="It was written by another collector version; register the source anew under another id.",
        ) from None
