"""Makes runs of what a syslog server has written to its spool."""

import secrets
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Final

import msgspec

from collectors.base import Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.infra.spool import Position, Spool
from collectors.infra.syslog_original import MEDIA_TYPE
from collectors.infra.syslog_server import SyslogServer
from ledger.core.clock import WallClock, utc_text
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceState

_FLUSH_SECONDS: Final = 0.5
_LOOK_SECONDS: Final = 0.1
_BATCH_BYTES: Final = 4 * 1024 * 1024


class Received(msgspec.Struct, frozen=True):
    """Of an envelope, when it was received."""

    received: str


_DECODER: Final = msgspec.json.Decoder(Received)


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far the spool was handed over, and when the source was last listened to."""

    segment: int
    offset: int
    at: str


class Feed:
    """Hands over what comes, from where the ledger stands."""

    def __init__(
        self,
        state: SourceState,
        clock: WallClock,
        new_builder: Callable[[], BatchBuilder],
        original: Callable[[bytes, str], Original],
    ) -> None:
        cursor = read_cursor(state.cursor, Cursor, state.source)
        self.position = Position(cursor.segment, cursor.offset) if cursor else Position()
        self._new_key = None if state.snapshot else secrets.token_bytes(32)
        self.key = state.snapshot or self._new_key or b""
        self._clock, self._new_builder, self._original = clock, new_builder, original
        self._last_contact = cursor.at if cursor else None
        self._text = state.cursor
        self._builder = new_builder()
        self._bytes = 0
        self._begun = monotonic()

    def batches(
        self, spool: Spool, server: SyslogServer, stop: Stop, *, kept: bool, heartbeat: float
    ) -> Iterator[RunBatch]:
        """Runs as long as it is listened to, then the rest. `kept`: the spool outlives this process."""
        self._note_absence(spool, kept)
        while not stop.is_set() and server.trouble is None:
            yield from self._take(spool, server, stop)
            self._note_broken(server)
            waited = monotonic() - self._begun
            if waited > (_FLUSH_SECONDS if self._pending else heartbeat):
                yield from self._finish(spool, server)
            spool.arrived.wait(0 if stop.is_set() else _LOOK_SECONDS)
        server.quiet()
        yield from self._take(spool, server, None)
        self._note_broken(server)
        yield from self._finish(spool, server)
        if server.trouble is not None:
            raise server.trouble

    @property
    def _pending(self) -> bool:
        return bool(len(self._builder) or self._builder.gaps)

    def _take(self, spool: Spool, server: SyslogServer, stop: Stop | None) -> Iterator[RunBatch]:
        """Runs of what is in the spool now; without `stop` of all of it."""
        spool.arrived.clear()
        while entries := spool.read(self.position):
            for entry, after in entries:
                self._add(entry)
                self.position = after
                if self._builder.full or self._bytes >= _BATCH_BYTES:
                    yield from self._finish(spool, server)
            if stop is not None and stop.is_set():
                return

    def _add(self, entry: bytes) -> None:
        received = _DECODER.decode(entry).received
        self._bytes += len(entry)
        self._builder.add(self._original(entry, MEDIA_TYPE), received)

    def _note_absence(self, spool: Spool, kept: bool) -> None:
        if self._last_contact is None:
            return
        self._note("senders", "nobody listened: what was sent meanwhile and is not sent again is lost")
        if kept and (spool.lost or spool.damaged):
            self._note("spool", "the spool is gone or was damaged: what was received and not handed over is lost")

    def _note_broken(self, server: SyslogServer) -> None:
        """Connections that ended within a message, one gap a sender."""
        for peer, at in dict(server.drain_broken()).items():
            reason = "a connection ended within a message: unless its sender sends it again, it is lost"
            self._builder.gaps.append(
                Gap(subject=f"sender {peer}", reason=reason, between=Interval(after=at, before=at))
            )

    def _note(self, subject: str, reason: str) -> None:
        now = utc_text(self._clock.now_us())
        between = Interval(after=min(self._last_contact or now, now), before=now)
        self._builder.gaps.append(Gap(subject=subject, reason=reason, between=between))

    def _finish(self, spool: Spool, server: SyslogServer) -> Iterator[RunBatch]:
        """The run so far; once the next one is asked for the ledger has it, and the spool forgets it."""
        position, now = self.position, utc_text(self._clock.now_us())
        text = msgspec.json.encode(Cursor(segment=position.segment, offset=position.offset, at=now)).decode()
        batch = self._builder.build(self._text, text, self._new_key)
        self._text, self._new_key, self._bytes, self._begun = text, None, 0, monotonic()
        self._builder = self._new_builder()
        yield batch
        spool.forget(position)
        server.go_on()
