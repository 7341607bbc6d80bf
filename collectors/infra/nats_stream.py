"""One connection to a NATS server: reads a JetStream stream from a given message on, and leaves nothing behind.

The consumer is made for the reading and acknowledges nothing, so the stream is as it was. The client library is
asynchronous; it is driven from the caller's thread, and rests while the caller does: nothing is read ahead but one
batch.
"""

import asyncio
import ssl
from collections.abc import Coroutine
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamInfo
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from collectors.clocks import clock_told
from collectors.facts import facts, fingerprint
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, FatalSource, RetriableSource
from ledger.core.run import SourceFacts
from ledger.core.times import Clock

T = TypeVar("T")
_TIMEOUT: Final = 5.0
_UNUSED_SECONDS: Final = 60.0
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_METHOD: Final = (
    "creation time of the collector's own JetStream consumer, half the time until the answer as uncertainty"
)
_SETTINGS: Final = (
    "name",
    "subjects",
    "retention",
    "storage",
    "discard",
    "max_msgs",
    "max_bytes",
    "max_age",
    "max_msg_size",
    "max_msgs_per_subject",
    "duplicate_window",
    "mirror",
    "sources",
)
_OLD_TOKENS: Final = 9
"""So many parts a message's reply subject has without a domain; with one, two more stand before the stream's name."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a server, and as whom. `ca`, `certificate` and `key` are files; empty: the system's, none."""

    url: str
    stream: str
    subject: str = ""
    user: str = ""
    password: str = ""
    token: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The stream as it stands: `made` is when it was made (`utc_text`), `told` what server and stream say of
    themselves: version, how the stream is set up, and whether what it holds can be taken out of it.
    """

    made: str
    first: int
    last: int
    retention: str
    limits: str
    told: SourceFacts | None


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message; `time` in nanoseconds since 1970."""

    subject: str
    sequence: int
    time: str
    headers: dict[str, str]
    data: bytes


class Stream:
    """Connected while entered. Every method raises RetriableSource or FatalSource that names server and stream."""

    def __init__(self, access: Access, clock: WallClock) -> None:
        self._access = access
        self._clock = clock
        self._loop = asyncio.new_event_loop()
        self._client = Client()
        self._closed = asyncio.Event()
        self._errors: list[str] = []
        self._consumer = ""
        self._subscription: JetStreamContext.PullSubscription | None = None
        self._delivered = 0
        self.clock: Clock | None = None
        """The server's clock, once `start` has measured it."""

    def __enter__(self) -> Self:
        try:
            self._run(self._connect())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def facts(self) -> Facts:
        info: StreamInfo = self._run(self._jetstream.stream_info(self._access.stream))
        config, state = info.config, info.state
        limits = {
            "messages": config.max_msgs,
            "bytes": config.max_bytes,
            "seconds": config.max_age,
            "messages a subject": config.max_msgs_per_subject,
        }
        said = [f"{limit:g} {what}" for what, limit in limits.items() if limit is not None and limit > 0]
        return Facts(
            made=utc_text(_us(info.created)),
            first=state.first_seq,
            last=state.last_seq,
            retention=str(getattr(config.retention, "value", config.retention) or "limits"),
            limits=", ".join(said),
            told=facts(
                version=f"NATS {self._client.connected_server_version._server_version}",
                schema=fingerprint(f"{name}={getattr(config, name)!r}" for name in _SETTINGS),
                audit_trail=f"deleting of messages {'denied' if config.deny_delete else 'allowed'}, "
                f"purging {'denied' if config.deny_purge else 'allowed'}{', sealed' if config.sealed else ''}",
            ),
        )

    def start(self, sequence: int) -> None:
        """Reads from this number on."""
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=sequence,
            ack_policy=AckPolicy.NONE,
            filter_subject=self._access.subject or None,
            inactive_threshold=_UNUSED_SECONDS,
        )
        asked_us = self._clock.now_us()
        info = self._run(self._jetstream.add_consumer(self._access.stream, config))
        answered_us = self._clock.now_us()
        self._consumer = info.name
        if info.created is not None:
            self.clock = clock_told(_us(info.created), asked_us, answered_us, _METHOD)
        self._subscription = self._run(
            self._jetstream.pull_subscribe_bind(consumer=info.name, stream=self._access.stream)
        )

    def fetch(self, number: int, seconds: float) -> list[Message]:
        """The next messages, in order and without one left out; fewer when so many do not come in that time."""
        assert self._subscription is not None, "started before"
        try:
            found = self._run(self._fetch(self._subscription, number, seconds))
        except TimeoutError:
            return []
        return [self._read(one) for one in found]

    def look_alive(self) -> None:
        """Raises RetriableSource when the server has forgotten the reading."""
        self._run(self._jetstream.consumer_info(self._access.stream, self._consumer))

    async def _fetch(self, subscription: JetStreamContext.PullSubscription, number: int, seconds: float) -> list[Msg]:
        return await subscription.fetch(number, timeout=seconds)

    def _read(self, message: Msg) -> Message:
        parts = message.reply.split(".")
        sequence, delivered, time = parts[5:8] if len(parts) == _OLD_TOKENS else parts[7:10]
        if int(delivered) != self._delivered + 1:
            raise self._explain(NatsError("a message was lost on the way"))
        self._delivered += 1
        return Message(message.subject, int(sequence), time, dict(message.headers or {}), message.data)

    async def _connect(self) -> None:
        access = self._access

        async def note(error: Exception) -> None:
            self._errors = [*self._errors[-4:], str(error) or error.__class__.__name__]

        async def note_end() -> None:
            self._closed.set()

        await self._client.connect(
            access.url,
            name="Trailseal collector",
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=int(_TIMEOUT),
            error_cb=note,
            disconnected_cb=note_end,
            closed_cb=note_end,
            tls=_tls(access),
            user=access.user or None,
            password=access.password or None,
            token=access.token or None,
        )
        self._jetstream = self._client.jetstream(timeout=_TIMEOUT)

    def _end(self) -> None:
        try:
            self._loop.run_until_complete(asyncio.wait_for(self._leave(), _TIMEOUT))
        except (NatsError, OSError, TimeoutError):
            pass  # the server may be gone; it forgets an unused consumer by itself
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _leave(self) -> None:
        try:
            if self._consumer and self._client.is_connected:
                await self._jetstream.delete_consumer(self._access.stream, self._consumer)
        finally:
            await self._client.close()

    async def _unless_closed(self, work: Coroutine[Any, Any, T]) -> T:
        """The library lets an answer be waited for that a closed connection can't bring."""
        task, closed = asyncio.ensure_future(work), asyncio.ensure_future(self._closed.wait())
        done, _ = await asyncio.wait((task, closed), return_when=asyncio.FIRST_COMPLETED)
        closed.cancel()
        if task in done:
            return task.result()
        task.cancel()
        await asyncio.wait((task,))
        raise NatsError("the server closed the connection")

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._loop.run_until_complete(self._unless_closed(work))
        except TimeoutError:
            if self._subscription is not None:
                raise
            raise self._explain(NatsError(f"no answer within {_TIMEOUT:.0f} s")) from None
        except (NatsError, OSError) as error:
            raise self._explain(error) from None

    def _explain(self, error: Exception) -> CollectorError:
        access = self._access
        where = f"the NATS server at {access.url}"
        words = "; ".join(dict.fromkeys([str(error) or error.__class__.__name__, *self._errors[-1:]]))
        who = f"user {access.user!r}" if access.user else "the collector"
        if "authorization" in words.lower() or "permissions violation" in words.lower():
            return FatalSource(
                f"{where} refuses {who}: {words}",
                advice="Check user, password and token, and the account's right to read the stream by $JS.API.",
            )
        if isinstance(error, ssl.SSLError) or "certificate" in words.lower():
            return FatalSource(
                f"no TLS with {where}: {words}",
                advice="Check the server's certificate and name, and the options ca, certificate and key.",
            )
        if isinstance(error, NotFoundError) and self._consumer == "":
            return FatalSource(
                f"{where} has no stream {access.stream!r}", advice="Check the option stream, and the account."
            )
        if isinstance(error, ServiceUnavailableError | NoRespondersError) and self._consumer == "":
            return FatalSource(
                f"{where} has no JetStream for {who}: {words}",
                advice="Enable JetStream for the account: only a stream keeps messages for those who are away.",
            )
        if isinstance(error, APIError) and not isinstance(error, NotFoundError | ServiceUnavailableError):
            return FatalSource(
                f"{where} does not let {who} read stream {access.stream!r}: {error.description}",
                advice="A stream whose messages go once they are consumed cannot be read beside its consumers: let the "
                "server mirror it into a stream with limits retention, and read that.",
            )
        return RetriableSource(f"{where} cannot be read: {words}")


def _tls(access: Access) -> ssl.SSLContext | None:
    if not access.url.startswith("tls:"):
        return None
    try:
        context = ssl.create_default_context(cafile=access.ca or None)
        if access.certificate:
            context.load_cert_chain(access.certificate, access.key or None)
    except OSError as error:  # ssl.SSLError is one
        raise FatalSource(
            f"the certificates of the NATS source at {access.url} cannot be read: {error}",
            advice="Check the files of the options ca, certificate and key.",
        ) from None
    return context


def _us(moment: datetime | None) -> int:
    return 0 if moment is None else int((moment - _EPOCH).total_seconds() * 1_000_000)
