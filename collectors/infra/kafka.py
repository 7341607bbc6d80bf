"""Kafka protocol: every message of some topics, in each partition's order, each once.

How partitions are read stands in `collectors.infra.kafka_reader`, the original in `collectors.infra.kafka_original`.

- The cursor is the next offset of each partition. No consumer group is joined and nothing is committed.
- Where the beginning of a partition has moved beyond the cursor, its retention deleted what was not read: a gap. Within
  a partition, numbers may be missing without loss (marks of transactions) or with it (compaction): offsets do not tell,
  so the check says how each topic is cleaned up.
- Partitions and topics that are new are read from their beginning.
- The protocol tells no clock, and no version of a broker; as its schema stand the topics and their partitions.
"""

from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Final, cast

import msgspec
from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_LOG_APPEND_TIME
from confluent_kafka import Message as KafkaMessage

from collectors.base import Check, CheckReport, Option, Secret, Stop, judge_clock, read_cursor
from collectors.batch import BatchBuilder
from collectors.facts import SCHEMA, facts, fingerprint
from collectors.infra.kafka_original import MEDIA_TYPE, Envelope, Header, message_item, packed, write_envelope
from collectors.infra.kafka_reader import Access, Place, Reader, compile_pattern
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from collectors.payload import FORMATS, known_form, pack
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError, FatalSource
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceFacts, SourceState
from ledger.core.source import SourceConfig

_LOOK_SECONDS: Final = 0.25
_FLUSH_SECONDS: Final = 1.0
_REFRESH_SECONDS: Final = 60.0
_FETCH: Final = 250
_BATCH_BYTES: Final = 8 * 1024 * 1024
_SECURITY: Final = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
_MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
Headers = Sequence[tuple[str, str | bytes | None]]
_TIMES: Final = {TIMESTAMP_CREATE_TIME: "create", TIMESTAMP_LOG_APPEND_TIME: "append"}


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`offsets` is the next one by topic and partition, `at` our time of the last contact."""

    cluster: str
    offsets: dict[str, dict[int, int]]
    at: str


class Kafka(MappedCollector):
    """See the module."""

    type = "kafka"
    title = "Kafka protocol (messages of topics)"
    format = "1"
    streaming = True
    tells = (SCHEMA,)
    options = (
        Option(name="brokers", meaning="HOST:PORT of some brokers, comma-separated", required=True),
        Option(name="topics", meaning="topics, comma-separated; one that begins with ^ is a pattern", required=True),
        Option(name="payload", meaning=f"what a value is: {', '.join(FORMATS)}", default="json"),
        Option(name="key_format", meaning=f"what a key is: {', '.join(FORMATS)}", default="text"),
        Option(name="tombstones", meaning="messages without a value: take or skip", default="take"),
        Option(name="start", meaning="what a first run reads: all that is there, or new messages only", default="all"),
        Option(name="security", meaning=f"one of: {', '.join(_SECURITY)}", default="plaintext"),
        Option(name="mechanism", meaning=f"for sasl: {', '.join(_MECHANISMS)}", default="SCRAM-SHA-512"),
        Option(name="user", meaning="for sasl: user name"),
        Option(name="ca", meaning="file of the authorities that brokers' certificates may come from (PEM)"),
        Option(name="certificate", meaning="file of the collector's own certificate (PEM)"),
        Option(name="key", meaning="file of its key (PEM)"),
        Option(name="heartbeat_seconds", meaning="how often an idle run is handed over", default="60"),
    )
    secrets = (Secret(name="password", meaning="for sasl: the user's password", required=False),)

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self.access = Access(
            client_id=f"trailseal-{config.id}",
            security=self._choose("security", _SECURITY),
            mechanism=self._choose("mechanism", _MECHANISMS),
            password=self.secret("password"),
            **{name: self.option(name) for name in ("brokers", "user", "ca", "certificate", "key")},
        )
        self.topics = read_list(self.option("topics"))
        for word in self.topics:
            if word.startswith("^"):
                compile_pattern(word)
        self._forms = known_form(self.option("key_format")), known_form(self.option("payload"))
        self.with_tombstones = self._choose("tombstones", ("take", "skip")) == "take"
        self.from_beginning = self._choose("start", ("all", "new")) == "all"
        self.heartbeat = self.number("heartbeat_seconds", 1, 86_400)

    def item(self, original: Original) -> Item:
        return message_item(original.data, *self._forms)

    def check(self) -> CheckReport:
        checks: list[Check] = []
        try:
            with Reader(self.access) as reader:
                cluster, places = reader.cluster(self.topics)
                number = len({place.topic for place in places})
                says = f"the brokers of cluster {cluster or '(unnamed)'} show {number} topics, {len(places)} partitions"
                checks.append(
                    Check(name="topics", ok=bool(places), says=says, advice="" if places else "Check the pattern.")
                )
                checks += _cleaning(reader, sorted({place.topic for place in places}))
        except CollectorError as error:
            return CheckReport(
                checks=(*checks, Check(name="cluster", ok=False, says=error.message, advice=error.advice))
            )
        return CheckReport(checks=(*checks, judge_clock(None)))

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id)
        with Reader(self.access) as reader:
            run = _Run(self, reader, state.cursor, cursor)
            run.refresh()
            while True:
                try:
                    messages, overtaken = reader.fetch(_FETCH, _LOOK_SECONDS)
                    for place in overtaken:
                        run.overtaken(place)
                    if overtaken or run.is_stale:
                        run.refresh()
                except CollectorError:
                    if run.pending:
                        yield run.finish()
                    raise
                for message in messages:
                    run.take(message)
                    if run.full:
                        yield run.finish()
                over = stop.is_set() and len(messages) < _FETCH
                if over or run.due():
                    yield run.finish()
                if over or stop.is_set():
                    return

    def _choose(self, name: str, words: tuple[str, ...]) -> str:
        value = self.option(name)
        if value not in words:
            raise ConfigError(
                f"source {self.config.id!r}: option {name!r} is {value!r}", advice=f"Use one of: {', '.join(words)}."
            )
        return value


class _Run:
    """What one call of `collect` has read and not yet handed over."""

    def __init__(self, source: Kafka, reader: Reader, text: str | None, cursor: Cursor | None) -> None:
        self._source = source
        self._reader = reader
        self._text = text
        self._cluster = cursor.cluster if cursor else None
        self._first = cursor is None
        self._contact = cursor.at if cursor else self._now()
        self._offsets: dict[Place, int] = {}
        self._started: set[Place] = set()
        self._bytes = 0
        self._begun = self._refreshed = monotonic()
        self._layout: SourceFacts | None = None
        self._builder = self._new_builder()
        if cursor is not None:
            for topic, partitions in cursor.offsets.items():
                self._offsets |= {Place(topic, number): offset for number, offset in partitions.items()}

    @property
    def pending(self) -> bool:
        return bool(len(self._builder) or self._builder.gaps)

    @property
    def full(self) -> bool:
        return self._builder.full or self._bytes > _BATCH_BYTES

    @property
    def is_stale(self) -> bool:
        """Whether it is time to look for new topics and partitions."""
        return monotonic() - self._refreshed > _REFRESH_SECONDS

    def refresh(self) -> None:
        """Reads all partitions that there are now, each from where it stands; states what is lost of new ones."""
        cluster, places = self._reader.cluster(self._source.topics)
        if self._cluster not in {None, cluster}:
            raise FatalSource(
                f"the Kafka brokers at {self._source.access.brokers} belong to cluster {cluster!r}, "
                f"and what was read came from {self._cluster!r}: offsets mean nothing there",
                advice="Correct the option brokers, or register the other cluster as a source of its own.",
            )
        self._cluster = cluster
        self._refreshed = monotonic()
        gone, new = sorted(set(self._offsets) - set(places)), sorted(set(places) - self._started)
        for place in gone:
            self._gap(f"topic {place.topic} partition {place.partition}", "it is no longer there")
            del self._offsets[place]
        for place in new:
            self._offsets[place] = self._start(place)
        self._started = set(places)
        self._first = False
        layout = facts(schema=fingerprint(f"{place.topic} {place.partition}" for place in places))
        if layout != self._layout:
            self._layout = self._builder.facts = layout
        if gone or new:
            self._reader.assign(self._offsets)

    def overtaken(self, place: Place) -> None:
        """The next message of a partition is gone: `refresh` finds where to go on, and states the gap."""
        self._started.discard(place)

    def take(self, message: KafkaMessage) -> None:
        topic, partition, offset = str(message.topic()), int(message.partition() or 0), int(message.offset() or 0)
        place = Place(topic, partition)
        if offset < self._offsets.get(place, 0):
            return
        self._contact = self._now()
        self._offsets[place] = offset + 1
        key, value = message.key(), message.value()
        if value is None and not self._source.with_tombstones:
            return
        self._bytes += len(key or b"") + len(value or b"")
        kind, time = message.timestamp()
        envelope = Envelope(
            topic=topic,
            partition=partition,
            offset=offset,
            time=time if kind in _TIMES else None,
            time_of=_TIMES.get(kind),
            headers=tuple(_header(name, data) for name, data in cast(Headers, message.headers() or ())),
            key=packed(_bytes(key)),
            value=packed(_bytes(value)),
        )
        self._builder.add(self._source.original(write_envelope(envelope), MEDIA_TYPE), self._contact)

    def due(self) -> bool:
        """Whether it is time to hand over: something new for a moment, or silence for a heartbeat."""
        waited = monotonic() - self._begun
        return waited > (_FLUSH_SECONDS if self.pending else self._source.heartbeat)

    def finish(self) -> RunBatch:
        """The run so far; a new one begins."""
        offsets: dict[str, dict[int, int]] = {}
        for place, offset in sorted(self._offsets.items()):
            offsets.setdefault(place.topic, {})[place.partition] = offset
        following = Cursor(cluster=self._cluster or "", offsets=offsets, at=self._now())
        text = msgspec.json.encode(following).decode()
        batch = self._builder.build(self._text, text)
        self._text, self._begun, self._bytes = text, monotonic(), 0
        self._builder = self._new_builder()
        return batch

    def _start(self, place: Place) -> int:
        """The offset to go on from, after a gap where what stood there is gone."""
        held = self._reader.range(place)
        known = self._offsets.get(place)
        if known is None:
            return held.next if self._first and not self._source.from_beginning else held.first
        where = f"topic {place.topic} partition {place.partition}"
        if known < held.first:
            lost = f"messages {known} to {held.first - 1} were deleted before they were read"
            self._gap(where, f"{lost}: by the topic's retention or a person")
            return held.first
        if known > held.next:
            self._gap(where, f"it ends before {held.next}, and {known - 1} was read: it was made anew or set back")
            return held.first
        return known

    def _gap(self, subject: str, reason: str) -> None:
        before = self._now()
        self._builder.gaps.append(
            Gap(subject=subject, reason=reason, between=Interval(after=min(self._contact, before), before=before))
        )

    def _new_builder(self) -> BatchBuilder:
        return BatchBuilder(self._source.config.id, self._source.clock, self._source.derive, None)

    def _now(self) -> str:
        return utc_text(self._source.clock.now_us())


def _bytes(data: str | bytes | None) -> bytes | None:
    """The library's types allow for text, which nothing here makes of the bytes that came."""
    return data.encode() if isinstance(data, str) else data


def _header(name: str, data: str | bytes | None) -> Header:
    text, base64 = (None, None) if data is None else pack(_bytes(data) or b"")
    return Header(name=name, text=text, base64=base64)


def _cleaning(reader: Reader, topics: Sequence[str]) -> Iterator[Check]:
    """How each topic is cleaned up; asks no more once one is not told."""
    for topic in topics:
        policy = reader.cleanup(topic)
        if policy is None:
            says = f"how {topic} is cleaned up is not told to this account"
            yield Check(name=f"topic {topic}", ok=True, says=says, advice="Make sure that it is not compacted.")
            return
        if "compact" in policy:
            yield Check(
                name=f"topic {topic}",
                ok=False,
                says=f"{topic} is compacted: of several messages of one key only the last is sure to stay",
                advice="Read a topic with cleanup.policy=delete, or let the collector run all the time.",
            )
        else:
            says = f"{topic} keeps every message until its retention is over"
            yield Check(name=f"topic {topic}", ok=True, says=says)
