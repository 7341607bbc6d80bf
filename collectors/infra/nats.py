"""NATS JetStream: every message of a stream, in the stream's order, each once.

How a stream is read stands in `collectors.infra.nats_stream`, the original in `collectors.infra.nats_original`.

- The cursor is the stream's own number of the last message handed over. The reading leaves nothing at the server.
- Without a subject filter, a missing number is a message that the stream had and no longer has: a gap. With one,
  numbers of other subjects are missing too: a gap is then stated only where the stream's beginning has moved on.
- A stream that was made anew, or set back to an older state, is read from its beginning, after a gap.
- The server's clock is the creation time of the consumer that each call makes.
- Of itself it tells the server's version, the set-up of the stream, and whether messages can be taken out of it.
"""

from collections.abc import Iterator, Mapping
from time import monotonic
from typing import Final

import msgspec

from collectors.base import Check, CheckReport, Option, Secret, Stop, judge_clock, read_cursor
from collectors.batch import BatchBuilder
from collectors.facts import AUDIT_TRAIL, SCHEMA, VERSION
from collectors.infra.nats_original import MEDIA_TYPE, message_item, write_envelope
from collectors.infra.nats_stream import Access, Facts, Message, Stream
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.payload import FORMATS, known_form
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError, FatalSource
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceState
from ledger.core.source import SourceConfig

_LOOK_SECONDS: Final = 0.25
_FLUSH_SECONDS: Final = 1.0
_ALIVE_SECONDS: Final = 20.0
_FETCH: Final = 250
_BATCH_BYTES: Final = 8 * 1024 * 1024


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """`sequence` is the number of the last message handed over, `made` when the stream was made, `at` our time of the
    last contact.
    """

    sequence: int
    made: str
    at: str


class Nats(MappedCollector):
    """See the module."""

    type = "nats"
    title = "NATS JetStream (messages of a stream)"
    format = "1"
    streaming = True
    tells = (VERSION, SCHEMA, AUDIT_TRAIL)
    options = (
        Option(name="url", meaning="the server, nats://HOST:PORT or tls://HOST:PORT", required=True),
        Option(name="stream", meaning="name of the stream", required=True),
        Option(name="subject", meaning="only messages of this subject, as audit.*.line1.>; empty for all"),
        Option(name="payload", meaning=f"what a payload is: {', '.join(FORMATS)}", default="json"),
        Option(name="user", meaning="user name; empty for none"),
        Option(name="ca", meaning="file of the authorities that the server's certificate may come from (PEM)"),
        Option(name="certificate", meaning="file of the collector's own certificate (PEM)"),
        Option(name="key", meaning="file of its key (PEM)"),
        Option(name="heartbeat_seconds", meaning="how often an idle run is handed over", default="60"),
    )
    secrets = (
        Secret(name="password", meaning="the user's password", required=False),
        Secret(name="token", meaning="a token, in place of user and password", required=False),
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self.access = Access(
            **{name: self.option(name) for name in ("url", "stream", "subject", "user", "ca", "certificate", "key")},
            password=self.secret("password"),
            token=self.secret("token"),
        )
        if not self.access.url.startswith(("nats://", "tls://")) or "@" in self.access.url:
            raise ConfigError(
                f"{self.access.url!r} is no address of a NATS server",
                advice="Write nats://HOST:PORT or tls://HOST:PORT; user and password have options of their own.",
            )
        self._form = known_form(self.option("payload"))
        self.heartbeat = self.number("heartbeat_seconds", 1, 86_400)

    def item(self, original: Original) -> Item:
        return message_item(original.data, self._form)

    def check(self) -> CheckReport:
        checks: list[Check] = []
        try:
            with Stream(self.access, self.clock) as stream:
                facts = stream.facts()
                checks.append(_readable(self.access, facts))
                checks.append(_kept(facts))
                stream.start(facts.last + 1)
                checks.append(judge_clock(stream.clock))
                return CheckReport(checks=tuple(checks), clock=stream.clock)
        except CollectorError as error:
            refused = Check(name="stream", ok=False, says=error.message, advice=error.advice)
            return CheckReport(checks=(*checks, refused))

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id)
        with Stream(self.access, self.clock) as stream:
            facts = stream.facts()
            if not _is_kept(facts):
                told = _kept(facts)
                raise FatalSource(told.says, advice=told.advice)
            run = _Run(self, state.cursor, cursor, facts)
            stream.start(run.sequence + 1)
            run.builder.source_clock = stream.clock
            idle_at = monotonic()
            while True:
                try:
                    messages = stream.fetch(_FETCH, _LOOK_SECONDS)
                    if messages:
                        idle_at = monotonic()
                    elif monotonic() - idle_at > _ALIVE_SECONDS:
                        stream.look_alive()
                        idle_at = monotonic()
                except CollectorError:
                    if run.pending:
                        yield run.finish(stream)
                    raise
                for message in messages:
                    run.take(message)
                    if run.full:
                        yield run.finish(stream)
                over = stop.is_set() and len(messages) < _FETCH
                if over or run.due():
                    yield run.finish(stream)
                if over or stop.is_set():
                    return


class _Run:
    """What one call of `collect` has read and not yet handed over."""

    def __init__(self, source: Nats, text: str | None, cursor: Cursor | None, facts: Facts) -> None:
        self._source = source
        self._text = text
        self._facts = facts
        self._contact = cursor.at if cursor else self._now()
        self._bytes = 0
        self._begun = monotonic()
        self.builder = BatchBuilder(source.config.id, source.clock, source.derive, None)
        self.builder.facts = facts.told
        self.sequence = cursor.sequence if cursor else max(facts.first - 1, 0)
        if cursor is not None:
            self._compare(cursor)

    @property
    def pending(self) -> bool:
        return bool(len(self.builder) or self.builder.gaps)

    @property
    def full(self) -> bool:
        return self.builder.full or self._bytes > _BATCH_BYTES

    def take(self, message: Message) -> None:
        self._contact = self._now()
        if not self._source.access.subject:
            self._miss(message.sequence)
        self.sequence = message.sequence
        self._bytes += len(message.data)
        data = write_envelope(
            self._source.access.stream,
            message.subject,
            message.sequence,
            message.time,
            message.headers,
            message.data,
        )
        self.builder.add(self._source.original(data, MEDIA_TYPE), self._contact)

    def due(self) -> bool:
        """Whether it is time to hand over: something new for a moment, or silence for a heartbeat."""
        waited = monotonic() - self._begun
        return waited > (_FLUSH_SECONDS if self.pending else self._source.heartbeat)

    def finish(self, stream: Stream) -> RunBatch:
        """The run so far; a new one begins."""
        following = Cursor(sequence=self.sequence, made=self._facts.made, at=self._now())
        text = msgspec.json.encode(following).decode()
        batch = self.builder.build(self._text, text)
        self._text, self._begun, self._bytes = text, monotonic(), 0
        self.builder = BatchBuilder(self._source.config.id, self._source.clock, self._source.derive, stream.clock)
        return batch

    def _compare(self, cursor: Cursor) -> None:
        """Whether the stream still is the one that was read, and still has what follows."""
        facts = self._facts
        if cursor.made != facts.made:
            self._gap(f"stream {self._source.access.stream}", "the stream was made anew")
        elif facts.last < cursor.sequence:
            reason = f"the stream ends at {facts.last}, and {cursor.sequence} was read: it was set back"
            self._gap(f"stream {self._source.access.stream}", reason)
        else:
            if self._source.access.subject and facts.first > cursor.sequence + 1:
                self._miss(facts.first)
            return
        self.sequence = max(facts.first - 1, 0)

    def _miss(self, sequence: int) -> None:
        """States what is missing before the message of this number."""
        number = sequence - self.sequence - 1
        if number > 0:
            first, last = self.sequence + 1, sequence - 1
            reason = f"{number} messages were deleted before they were read: by a limit of the stream or a person"
            self._gap(f"messages {first} to {last}", reason)
            self.sequence = last

    def _gap(self, subject: str, reason: str) -> None:
        before = self._now()
        between = Interval(after=min(self._contact, before), before=before)
        self.builder.gaps.append(Gap(subject=subject, reason=reason, between=between))

    def _now(self) -> str:
        return utc_text(self._source.clock.now_us())


def _is_kept(facts: Facts) -> bool:
    return facts.retention == "limits"


def _readable(access: Access, facts: Facts) -> Check:
    number = max(facts.last - facts.first + 1, 0)
    what = f" of subject {access.subject}" if access.subject else ""
    says = f"stream {access.stream} can be read{what}; it holds {number} messages, the last is number {facts.last}"
    return Check(name="stream", ok=True, says=says)


def _kept(facts: Facts) -> Check:
    if not _is_kept(facts):
        return Check(
            name="retention",
            ok=False,
            says=f"the stream gives its messages away (retention {facts.retention}): what others consumed is gone",
            advice="Let the server mirror it into a stream with limits retention, and read that.",
        )
    if facts.limits:
        says = f"the stream keeps at most {facts.limits}; what is deleted before it is read will be stated as a gap"
        return Check(name="retention", ok=True, says=says)
    return Check(name="retention", ok=True, says="the stream keeps its messages without limit")
