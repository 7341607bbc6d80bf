"""Syslog: listens for messages of RFC 5424 and RFC 3164 over TLS (RFC 5425), TCP (RFC 6587) and UDP (RFC 5426).

How a message is read stands in `collectors.infra.syslog_message`, how a stream is divided in `syslog_framing`, what
identifies a message in `syslog_identity`, how it listens in `syslog_server`.

- Syslog knows no acknowledgement. A sender over TCP counts as delivered what reached this machine; a sender over UDP
  counts nothing. What was read is written to a spool at once, and stays there until the ledger has it, so the end of
  this process loses nothing of it. What a sender sent while nobody listened is stated as a gap, as is a connection that
  ended within a message: whether the sender tries again is its affair.
- While the spool is full nothing is read, so senders over TCP wait.
- The time of RFC 3164 has no year and no zone: the year nearest to the reception, the source's zone.
- The protocol tells no clock: a message says when it was made, not what time it is. Nor can a sender be asked for its
  version or settings.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from collectors.base import CheckReport, Option, Stop
from collectors.batch import BatchBuilder
from collectors.infra.entries import ENTRY_OPTIONS, EntryReader
from collectors.infra.spool import Spool
from collectors.infra.syslog_check import check_listening
from collectors.infra.syslog_feed import Feed
from collectors.infra.syslog_message import read_message
from collectors.infra.syslog_options import OPTIONS, check_tls, read_addresses, read_networks, tls_context
from collectors.infra.syslog_original import read_envelope
from collectors.infra.syslog_server import Listening, SyslogServer
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, SkippableRecord
from ledger.core.record import Original
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import SourceConfig

_MIB = 1024 * 1024
_TEXT = Option(name="format", meaning="how the text of a message is written: as `tail` has it", default="text")


class Syslog(MappedCollector):
    """See the module."""

    type = "syslog"
    title = "Syslog (TLS, TCP, UDP)"
    format = "1"
    streaming = True
    options = (*OPTIONS, _TEXT, *(option for option in ENTRY_OPTIONS if option.name != "format"))

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._addresses = read_addresses(self.option("listen"))
        self._tls = any(address.transport == "tls" for address in self._addresses)
        check_tls(self.option, self._tls)
        self._allow = read_networks(self.option("allow"))
        self._encoding = _encoding(self.option("encoding"))
        self._reader = EntryReader(self.option)
        if self._reader.headed:
            raise ConfigError("option 'columns' is empty", advice="Name the columns: a message has no header.")
        self._max_message = int(self.number("max_message", 480, 8 * _MIB))
        self._max_connections = int(self.number("max_connections", 1, 100_000))
        self._max_spool = int(self.number("spool_mib", 1, 1_000_000)) * _MIB
        self._heartbeat = self.number("heartbeat_seconds", 1, 86_400)

    def item(self, original: Original) -> Item:
        """The parts of the message (`read_message`), `entry` (the fields of its text), `host` (its host name, or else
        its sender's address), `elements` (its structured data as a list of `id` and `parameters`), `peer`,
        `transport`, `certificate`, `received` and `id`.
        """
        envelope = read_envelope(original.data)
        if envelope.problem is not None:
            raise SkippableRecord(envelope.problem)
        try:
            received = datetime.fromisoformat(envelope.received)
        except ValueError as error:
            raise SkippableRecord(f"the original's time of reception is none: {error}") from None
        parts = read_message(envelope.data(), received, self._encoding)
        text, elements = parts["message"], parts["structured_data"]
        assert isinstance(elements, dict), "the parser says so"
        parts["entry"] = self._reader.read(text) if isinstance(text, str) else {}
        parts["host"] = parts["hostname"] or envelope.peer
        parts["elements"] = [{"id": name, "parameters": found} for name, found in elements.items()]
        for name in ("peer", "transport", "certificate", "received", "id"):
            parts[name] = getattr(envelope, name)
        return parts

    def check(self) -> CheckReport:
        return check_listening(self._addresses, self.option, self._tls, self.clock)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        feed = Feed(
            state, self.clock, lambda: BatchBuilder(self.config.id, self.clock, self.derive, None), self.original
        )
        with ExitStack() as stack:
            folder = self.option("spool") or stack.enter_context(tempfile.TemporaryDirectory(prefix="trailseal-spool-"))
            spool = Spool(Path(folder), feed.position, self._max_spool)
            stack.callback(spool.close)
            server = stack.enter_context(SyslogServer(self._listening(feed.key), spool, self.clock))
            yield from feed.batches(spool, server, stop, kept=bool(self.option("spool")), heartbeat=self._heartbeat)

    def _listening(self, key: bytes) -> Listening:
        return Listening(
            addresses=self._addresses,
            tls=tls_context(self.option) if self._tls else None,
            allow=self._allow,
            clients=frozenset(read_list(self.option("clients"))),
            max_message=self._max_message,
            max_connections=self._max_connections,
            key=key,
        )


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, UnicodeError):
        raise ConfigError(f"option 'encoding' is {name!r}", advice="Use utf-8, cp1252, latin-1.") from None
    return name
