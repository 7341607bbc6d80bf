"""One look at a repository of backups, or at a folder of reports: hands over what came and what went."""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from collectors.base import MAX_SNAPSHOT, Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.compare.look import object_id
from collectors.infra.backup_original import MEDIA_TYPE, BackupOriginal
from collectors.infra.backup_program import Program
from collectors.infra.drop_folder import Arrived, Drop, Stamp, arrivals, listed
from collectors.verbatim import items
from ledger.core.clock import WallClock, parse_utc, utc_text
from ledger.core.errors import FatalSource
from ledger.core.record import Original
from ledger.core.run import RunBatch, SourceFacts, SourceState

_BATCH_BYTES: Final = 4 * 1024 * 1024
_PROGRESS: Final = ("status", "verbose_status")
"""Kinds of restic's messages that tell only how far it is."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs there were, when the last look began that was told whole, and when the last check began."""

    look: int = 0
    at: str = ""
    checked: str = ""


class Memory(msgspec.Struct, kw_only=True):
    """Snapshots as last told (id → the program's JSON), and files that were read."""

    snapshots: dict[str, str] = {}
    files: dict[str, Stamp] = {}


class BackupLook:
    """Tells once what is there."""

    def __init__(
        self,
        state: SourceState,
        clock: WallClock,
        new_builder: Callable[[], BatchBuilder],
        wrap: Callable[[bytes], Original],
        told: SourceFacts | None = None,
    ) -> None:
        """`told` is what program or folder says of itself."""
        self._clock, self._new_builder, self._wrap, self._source = clock, new_builder, wrap, state.source
        self._cursor = read_cursor(state.cursor, Cursor, state.source) or Cursor()
        self._memory = _read_memory(state)
        self._text, self._snapshot = state.cursor, state.snapshot
        self._builder, self._bytes = new_builder(), 0
        self._builder.facts = told
        self._began = utc_text(clock.now_us())

    def repository(self, program: Program, check_us: int, stop: Stop) -> Iterator[RunBatch]:
        """Snapshots that came and went; then, where it is due, a check."""
        found, told = program.snapshots(), self._memory.snapshots
        ended = max(utc_text(self._clock.now_us()), self._cursor.at)
        for identity in [one for one in told if one not in found]:
            self._add(
                BackupOriginal(
                    kind="gone",
                    key=f"gone/{self._cursor.look + 1}/{identity}",
                    program=program.name,
                    text=told.pop(identity),
                    after=self._cursor.at or ended,
                    before=ended,
                )
            )
            if self._full:
                yield self._finish()
        for identity, text in found.items():
            if told.get(identity) != text:
                key = f"snapshot/{identity}"
                self._add(BackupOriginal(kind="snapshot", key=key, program=program.name, text=text))
                told[identity] = text
            if self._full:
                yield self._finish()
        self._cursor = msgspec.structs.replace(self._cursor, at=max(self._began, self._cursor.at))
        if not self._due(check_us) or stop.is_set():
            yield self._finish()
            return
        if len(self._builder):  # a check takes its time: what is known already need not wait for it
            yield self._finish()
        self._check(program)
        yield self._finish()

    def reports(self, drop: Drop, stop: Stop) -> Iterator[RunBatch]:
        """Reports in files that are new or were written anew."""
        for arrived in arrivals(drop, self._memory.files, self._clock, stop):
            try:
                texts = [] if arrived.cut else _objects(arrived.data)
            except (ValueError, RecursionError) as error:
                if not arrived.young:
                    self._refuse(arrived, f"not JSON in UTF-8: {error}")
                continue
            if arrived.cut:
                self._refuse(arrived, f"longer than {drop.max_bytes} bytes; these are its first")
                continue
            for text in texts:
                self._add(_report(arrived, text))
                if self._full:
                    yield self._finish()
            self._memory.files[arrived.name] = arrived.stamp
        if not stop.is_set():
            there = listed(drop)
            self._memory.files = {name: stamp for name, stamp in self._memory.files.items() if name in there}
            self._cursor = msgspec.structs.replace(self._cursor, at=max(self._began, self._cursor.at))
        yield self._finish()

    @property
    def _full(self) -> bool:
        return self._builder.full or self._bytes >= _BATCH_BYTES

    def _due(self, check_us: int) -> bool:
        last = self._cursor.checked
        return bool(check_us) and (not last or self._clock.now_us() - parse_utc(last) >= check_us)

    def _check(self, program: Program) -> None:
        began = utc_text(self._clock.now_us())
        checked = program.checked()
        self._add(
            BackupOriginal(
                kind="check",
                key=f"check/{began}",
                program=program.name,
                version=program.version(),
                at=began,
                ended=utc_text(self._clock.now_us()),
                code=checked.code,
                output=checked.output,
                statistics=checked.statistics,
            )
        )
        self._cursor = msgspec.structs.replace(self._cursor, checked=began)

    def _add(self, original: BackupOriginal) -> None:
        data = msgspec.json.encode(original)
        self._builder.add(self._wrap(data), utc_text(self._clock.now_us()))
        self._bytes += len(data)

    def _refuse(self, arrived: Arrived, reason: str) -> None:
        received = utc_text(self._clock.now_us())
        self._builder.reject(arrived.data, MEDIA_TYPE, f"{arrived.name}: {reason}", received)
        self._bytes += len(arrived.data)
        self._memory.files[arrived.name] = arrived.stamp

    def _finish(self) -> RunBatch:
        self._cursor = msgspec.structs.replace(self._cursor, look=self._cursor.look + 1)
        text, snapshot = msgspec.json.encode(self._cursor).decode(), msgspec.json.encode(self._memory)
        if len(snapshot) > MAX_SNAPSHOT:
            raise FatalSource(
                f"source {self._source!r} has more snapshots or files than a snapshot of the collector holds",
                advice="Register several sources, or keep fewer there.",
            )
        batch = self._builder.build(self._text, text, None if snapshot == self._snapshot else snapshot)
        self._text, self._snapshot = text, snapshot
        self._builder, self._bytes = self._new_builder(), 0
        return batch


def _objects(data: bytes) -> list[str]:
    """The JSON objects of a file, byte for byte: one, those of an array, or one a line; none that only tell progress.

    Raises ValueError for anything else.
    """
    text = data.decode("utf-8-sig").strip()
    lines = [line for line in text.splitlines() if line.strip()]
    if text.startswith("["):
        found = items(text)
    elif len(lines) > 1 and _is_object(lines[0]):
        found = [line.strip() for line in lines]
    else:
        found = [text]
    values = [json.loads(one) for one in found]
    if not all(isinstance(value, dict) for value in values):
        raise ValueError("not only objects")
    return [one for one, value in zip(found, values, strict=True) if value.get("message_type") not in _PROGRESS]


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _report(arrived: Arrived, text: str) -> BackupOriginal:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return BackupOriginal(
        kind="report",
        key=object_id(f"report/{arrived.name}/{digest}"),
        text=text,
        file=arrived.name,
        at=utc_text(arrived.modified_us),
    )


def _read_memory(state: SourceState) -> Memory:
    """Raises FatalSource where what was told is lost."""
    if state.cursor is None:
        return Memory()
    try:
        return msgspec.json.decode(state.snapshot or b"", type=Memory)
    except msgspec.DecodeError:
        raise FatalSource(
            f"the snapshot of source {state.source!r} is lost: what was told of its backups is not known",
            advice="Register the source anew under another id.",
        ) from None
