"""One look at a log: reads each of its files from its place on, and hands over what is new."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from collectors.base import Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.facts import facts, fingerprint
from collectors.infra.entries import header_names
from collectors.infra.lines import MEDIA_TYPE, make_line
from collectors.infra.splitting import BEHIND, Piece, Rules, Splitter
from collectors.infra.tail_files import Broken, Found, LogFile, find
from collectors.infra.tail_places import Cursor, Place
from collectors.infra.tail_register import Register
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import FatalSource, RetriableSource
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceFacts, SourceState

_CHUNK: Final = 256 * 1024
_BATCH_BYTES: Final = 4 * 1024 * 1024
_SETTLED_US: Final = 60_000_000
"""A rotated file that was not changed for so long gets nothing more."""
_AGAIN_SECONDS: Final = 0.3


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What a tail reads: its files, and by what they are divided.

    `headed`: a file's first line names its columns, with `delimiter` between them. `told`: what a record says of the
    source itself, where it does.
    """

    path: Path
    rotated: tuple[str, ...]
    encoding: str
    rules: Rules
    splitter: type[Splitter] = Splitter
    headed: bool = False
    delimiter: str = ","
    told: Callable[[bytes], SourceFacts | None] | None = None
    only: Any = None
    without: Any = None

    def wanted(self, data: bytes) -> bool:
        """Whether the patterns `only` and `without` let a record be taken."""
        if self.only is not None and self.only.search(data) is None:
            return False
        return self.without is None or self.without.search(data) is None

    def header(self, file: LogFile) -> str | None:
        """The line that names the columns, once it is whole."""
        line, ended, _ = file.read(0, self.rules.max_bytes).partition(b"\n")
        return line.rstrip(b"\r").decode(self.encoding, "replace") if ended else None


class Look:
    """Reads once what is there."""

    def __init__(
        self,
        log: Log,
        state: SourceState,
        clock: WallClock,
        new_builder: Callable[[], BatchBuilder],
        original: Callable[[bytes, str], Original],
    ) -> None:
        cursor = read_cursor(state.cursor, Cursor, state.source)
        if cursor is not None and state.snapshot is None:
            raise FatalSource(
                f"the snapshot of source {state.source!r} is lost: its files can't be known again",
                advice="Register the source anew under another id.",
            )
        self._log, self._clock, self._new_builder, self._original = log, clock, new_builder, original
        self._text = state.cursor
        self._since = cursor.at if cursor else utc_text(clock.now_us())
        self._new_key = None if state.snapshot is not None else secrets.token_bytes(32)
        self._register = Register(cursor, state.snapshot or self._new_key or b"")
        self._builder = new_builder()
        self._bytes = 0
        self._at_end = False
        self._trouble: RetriableSource | None = None

    def batches(self, stop: Stop) -> Iterator[RunBatch]:
        """What is new, at least one batch. A file that seems gone may just be renamed: it is looked for twice."""
        self._builder.facts = self._columns()
        for again in (False, True):
            yield from self._pass(find(self._log.path, self._log.rotated), stop)
            if stop.is_set() or not self._register.gone() or again:
                break
            stop.wait(_AGAIN_SECONDS)
        if self._trouble is not None:
            if len(self._builder):
                yield self._finish()
            raise self._trouble
        if not stop.is_set():
            self._note_gone()
            self._register.trim(self._log.path)
        yield self._finish()

    def _columns(self) -> SourceFacts | None:
        """The columns that the log's file names; of several, the last by name: the newest, where dates are names."""
        live = [one.path for one in find(self._log.path, self._log.rotated) if one.live] if self._log.headed else []
        try:
            file = LogFile(max(live))
        except (ValueError, OSError):
            return None
        try:
            header = self._log.header(file)
        except (Broken, OSError):
            return None
        finally:
            file.close()
        return None if header is None else facts(schema=fingerprint(header_names(header, self._log.delimiter)))

    def _pass(self, found: list[Found], stop: Stop) -> Iterator[RunBatch]:
        self._trouble = None
        self._register.begin()
        known = {one.path: self._register.same_file(one) for one in found}
        for one in found:
            if stop.is_set():
                return
            place = self._register.still(one, known[one.path])
            if self._register.finished(one, place):
                continue
            try:
                file = LogFile(one.path)
            except FileNotFoundError:
                continue  # renamed since it was listed: found under its new name at the next look
            except OSError as error:
                self._cannot(one, error)
                continue
            try:
                yield from self._read(one, file, place, found, stop)
            except OSError as error:
                self._cannot(one, error)
            finally:
                file.close()

    def _read(
        self, one: Found, file: LogFile, place: Place | None, found: list[Found], stop: Stop
    ) -> Iterator[RunBatch]:
        try:
            if place is None:
                twin, place = self._register.recognise(one, file, self._settled(one))
                if twin:
                    return
            number, offset = self._register.number(place), place.offset if place else 0
            behind = file.read(max(0, offset - BEHIND), min(BEHIND, offset))
            splitter = self._log.splitter(self._log.rules, offset, place.long if place else False, behind)
            header = self._log.header(file) if self._log.headed else None
            if self._log.headed and header is None:
                self._register.unfinished(one)
                return
            for piece in self._pieces(file, splitter, lambda: self._ended(one, file, found), stop):
                self._take(one, number, piece, header)
                if self._builder.full or self._bytes >= _BATCH_BYTES:
                    self._register.stand(one, file, number, splitter, closed=False)
                    yield self._finish()
            closed = self._at_end and not splitter.waiting and self._ended(one, file, found)
            self._register.stand(one, file, number, splitter, closed=closed)
        except Broken as error:
            self._note_broken(one, error, place)

    def _pieces(self, file: LogFile, splitter: Splitter, ended: Callable[[], bool], stop: Stop) -> Iterator[Piece]:
        """The pieces of a file from the splitter's place on; what is left without an end too, if the file has ended.

        The bytes before each chunk are read again with it: where they differ, the file was truncated and written anew.
        """
        guard, self._at_end = splitter.behind, False
        while not stop.is_set():
            start = splitter.offset + splitter.waiting
            data = file.read(start - len(guard), len(guard) + _CHUNK)
            if not data.startswith(guard):
                return
            fresh = data[len(guard) :]
            if not fresh:
                self._at_end = True
                if ended():
                    yield from splitter.finish()
                return
            guard = data[-BEHIND:]
            yield from splitter.feed(fresh)

    def _take(self, one: Found, number: int, piece: Piece, header: str | None) -> None:
        received = utc_text(self._clock.now_us())
        self._note_facts(piece.data)
        if piece.problem:
            reason = f"{one.path.name}, byte {piece.offset}: {piece.problem}"
            self._builder.reject(piece.data, "text/plain", reason, received)
        elif (header is None or piece.offset) and self._log.wanted(piece.data):
            line = make_line(one.path.name, number, piece.offset, piece.data, header)
            self._builder.add(self._original(msgspec.json.encode(line), MEDIA_TYPE), received)
        else:
            return
        self._bytes += len(piece.data)

    def _note_facts(self, data: bytes) -> None:
        """What a record says of the source itself, whether or not the record is wanted."""
        told = None if self._log.told is None else self._log.told(data)
        if told is not None:
            known = self._builder.facts or SourceFacts()
            self._builder.facts = facts(
                told.version or known.version, told.schema or known.schema, told.audit_trail or known.audit_trail
            )

    def _ended(self, one: Found, file: LogFile, found: list[Found]) -> bool:
        """Whether nothing more will be written to a file: it is compressed, or another one is written now."""
        if file.packed:
            return True
        replaced = not one.live or any(other.live and other.mtime_ns > one.mtime_ns for other in found)
        return replaced and self._settled(one)

    def _settled(self, one: Found) -> bool:
        return self._clock.now_us() - one.mtime_ns // 1000 > _SETTLED_US

    def _note_gone(self) -> None:
        for place in self._register.gone():
            reason = f"it is gone, or its content is: what was written to it after byte {place.offset} is lost"
            self._note_gap(f"file {place.number} of {self._log.path}", reason)
            self._register.give_up(place)

    def _note_broken(self, one: Found, error: Broken, place: Place | None) -> None:
        """A damaged file is a gap, once; one that may still be written is looked at again."""
        if not self._settled(one):
            self._register.unfinished(one)
            return
        last = self._register.damaged(one, place)
        self._note_gap(str(one.path), f"it cannot be decompressed after byte {last.offset}: {error}")

    def _note_gap(self, subject: str, reason: str) -> None:
        now = utc_text(self._clock.now_us())
        between = Interval(after=min(self._since, now), before=now)
        self._builder.gaps.append(Gap(subject=subject, reason=reason, between=between))

    def _cannot(self, one: Found, error: OSError) -> None:
        self._register.unfinished(one)
        self._trouble = RetriableSource(
            f"{one.path} cannot be read: {error.strerror}",
            advice="Give the collector's account the right to read the log and its rotated files.",
        )

    def _finish(self) -> RunBatch:
        text = msgspec.json.encode(self._register.cursor(utc_text(self._clock.now_us()))).decode()
        batch = self._builder.build(self._text, text, self._new_key)
        self._text, self._new_key, self._bytes = text, None, 0
        self._builder = self._new_builder()
        return batch
