"""OPC UA (DCS, SCADA, MES): audit events with old and new values, alarms and conditions, values of watched nodes.

How an original becomes a record stands in `collectors.ot.opcua_record`, the connection in
`collectors.ot.opcua_session`, which value changes count in `collectors.ot.opcua_echo`.

- The cursor holds the server's time of the latest event and our time of the last good contact. A run begins by
  reading the event history from a little before the cursor; what is read twice has the same EventId and content.
- When the connection breaks, values that still wait for their audit event are recorded as they are: rather one change
  told twice, once by the audit event read later, than one not told.
- A server that keeps no event history cannot say what happened while nobody listened: a gap from the last contact on.
- Idle, a run is handed over every `heartbeat_seconds`, so that silence is proven and not assumed.
- The server's clock is read at the start and every half minute.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic

import msgspec

from collectors.base import CheckReport, Collector, Option, Secret, Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.options import read_list, read_map
from collectors.ot.opcua_check import check_server
from collectors.ot.opcua_echo import HOLD_SECONDS, Echoes, Held, Remembered
from collectors.ot.opcua_original import PARSER, PARSER_VERSION, Envelope
from collectors.ot.opcua_record import Reader, sample_of, written_by
from collectors.ot.opcua_session import (
    Access,
    CaughtUp,
    ClockRead,
    EventSeen,
    Heard,
    Lost,
    Session,
    Unreadable,
    ValueSeen,
    Wanted,
)
from ledger.core.clock import WallClock, parse_utc, utc_text
from ledger.core.errors import FatalSource
from ledger.core.record import Interval, Original, Record
from ledger.core.run import Gap, RunBatch, SourceState
from ledger.core.source import SourceConfig
from ledger.core.times import Clock

_FLUSH_SECONDS = 1.0
_LOOK_SECONDS = 0.2
_OVERLAP = timedelta(seconds=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`events` is the server's time of the latest event handed over, `at` ours when the server was last heard."""

    events: str | None
    at: str


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot: the last value of each watched node, by node id."""

    values: dict[str, Remembered] = {}


class OpcUa(Collector):
    """See the module."""

    type = "opcua"
    title = "OPC UA server (audit events, alarms, values)"
    parser = PARSER
    parser_version = PARSER_VERSION
    streaming = True
    options = (
        Option(name="url", meaning="endpoint, opc.tcp://HOST:PORT/PATH", required=True),
        Option(name="user", meaning="user name; empty for an anonymous session"),
        Option(
            name="security",
            meaning="POLICY,MODE,CERTIFICATE,KEY[,SERVER CERTIFICATE] (files), as Basic256Sha256,SignAndEncrypt,…",
        ),
        Option(name="values", meaning="nodes whose values are watched: node ids or paths, comma-separated"),
        Option(name="batch", meaning="path of a node that holds the running batch = equipment, comma-separated"),
        Option(name="equipment", meaning="path = equipment, comma-separated: nodes below link to it (derived)"),
        Option(name="service_accounts", meaning="user names that are no persons, besides the collector's own"),
        Option(name="history_days", meaning="how far back the first run reads the event history", default="30"),
        Option(name="heartbeat_seconds", meaning="how often an idle run is handed over", default="60"),
    )
    secrets = (Secret(name="password", meaning="the user's password", required=False),)

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        batches = read_map(self.option("batch"), "batch")
        self._values = tuple(dict.fromkeys((*read_list(self.option("values")), *batches)))
        self._history = timedelta(days=self.number("history_days", 0, 36_500))
        self._heartbeat = self.number("heartbeat_seconds", 1, 86_400)
        self._access = Access(
            url=self.option("url"),
            user=self.option("user"),
            password=self.secret("password"),
            security=self.option("security"),
        )
        self.reader = Reader(
            source=config.id,
            equipment=read_map(self.option("equipment"), "equipment"),
            batches=batches,
            services=frozenset((self.option("user"), *read_list(self.option("service_accounts")))),
        )

    def derive(self, original: Original) -> Record:
        return self.reader.derive(original)

    def check(self) -> CheckReport:
        return check_server(self._access, self._values, self.clock)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id)
        run = _Run(self, state, cursor, _memory(state.snapshot, self.config.id))
        with Session(self._access, self._wanted(cursor, run.echoes), self.clock) as session:
            while not run.is_over(stop):
                heard = session.next(_LOOK_SECONDS)
                if isinstance(heard, Lost):
                    yield from run.rest()
                    raise heard.error
                if heard is not None:
                    run.take(heard)
                run.settle()
                if run.due(self._heartbeat):
                    yield run.finish()
                    if stop.is_set() and not run.caught_up:
                        return
            yield from run.rest(always=True)

    def _wanted(self, cursor: Cursor | None, echoes: Echoes) -> Wanted:
        if cursor is None or cursor.events is None:
            start = _EPOCH + timedelta(microseconds=self.clock.now_us()) - self._history
        else:
            start = _EPOCH + timedelta(microseconds=parse_utc(cursor.events)) - _OVERLAP
        return Wanted(
            values=self._values,
            events_from=start,
            values_from={
                node: _EPOCH + timedelta(microseconds=known.sample.at_us) for node, known in echoes.remembered.items()
            },
        )


class _Run:
    """What one call of `collect` has heard and not yet handed over."""

    def __init__(self, source: OpcUa, state: SourceState, cursor: Cursor | None, memory: Memory) -> None:
        self.echoes = Echoes(memory.values)
        self.caught_up = False
        self._over_at: float | None = None
        self._source = source
        self._parts = source.reader.parts
        self._clock: Clock | None = None
        self._first_run = cursor is None
        self._last_contact = cursor.at if cursor else utc_text(source.clock.now_us())
        self._text = state.cursor
        self._snapshot = state.snapshot
        self._events_us = parse_utc(cursor.events) if cursor and cursor.events else None
        self._begun = monotonic()
        self._builder = self._new_builder()

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
        elif isinstance(heard, Unreadable):
            self._builder.reject(heard.data, "text/plain", heard.reason, heard.received_at)
        elif isinstance(heard, ClockRead):
            self._clock = self._builder.source_clock = heard.clock
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
                self._builder.gaps.append(self._gap(subject, "the server keeps no history of this node"))
            if self._builder.full:
                return

    def due(self, heartbeat: float) -> bool:
        """Whether it is time to hand over: full, something new for a moment, or silence for a heartbeat."""
        waited = monotonic() - self._begun
        return self._builder.full or waited > (_FLUSH_SECONDS if self._pending and self.caught_up else heartbeat)

    def finish(self) -> RunBatch:
        """The run so far; a new one begins."""
        memory = msgspec.json.encode(Memory(values=self.echoes.remembered))
        changed = memory != self._snapshot and bool(self.echoes.remembered)
        at = utc_text(self._source.clock.now_us())
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
        if (write := written_by(heard.envelope)) is not None:
            self.echoes.written(heard.envelope.node.id, write)
        self._add(heard.envelope, heard.received_at)

    def _take_value(self, heard: ValueSeen) -> None:
        sample = sample_of(heard.envelope)
        if sample is None:
            self._add(heard.envelope, heard.received_at)
            return
        missed = heard.first and not heard.kept
        until = monotonic() + HOLD_SECONDS
        self.echoes.hold(
            Held(until=until, received_at=heard.received_at, sample=sample, envelope=heard.envelope, missed=missed)
        )

    def _add(self, envelope: Envelope, received_at: str) -> None:
        for part in self._parts(envelope):
            self._builder.add(part.original(), received_at)

    def _gap(self, subject: str, reason: str) -> Gap:
        between = Interval(after=self._last_contact, before=utc_text(self._source.clock.now_us()))
        return Gap(subject=subject, reason=reason, between=between)

    def _new_builder(self) -> BatchBuilder:
        return BatchBuilder(self._source.config.id, self._source.clock, self._source.derive, self._clock)


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
