"""Windows event logs (EVTX files): every event of a channel, in order of its EventRecordID, with what is missing.

How a log is read stands in `collectors.infra.evtx_log`. `path` names the files of one channel of one host: the log
itself over a share, copies that are exported regularly, archives that Windows makes of a full log.

- EventRecordID is the log's own gap-free counter: numbers that are missing are a gap, whether events were overwritten
  before they were read, or removed from the file. What stands in several files is taken once.
- A log whose numbers begin anew (a new installation) is told by its times; that is a gap too.
- The original is the event as JSON, as the library gives it: in the file it is spread over templates of its chunk.
- The chunk that is being written may end within a record; that one is read at the next look.
- A file does not say what time its host has: the source's clock is not known. Of itself it tells the version of its
  format; that auditing was changed are events of the channel Security (1100, 1102, 4719), and records.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from collectors.base import Check, CheckReport, Option, Stop, judge_clock, read_cursor
from collectors.batch import BatchBuilder
from collectors.facts import SCHEMA, facts
from collectors.infra.evtx_log import Chunk, LogRecord, chunks, file_format, records
from collectors.infra.tail_files import find
from collectors.mapping.collector import MappedCollector, json_item
from collectors.mapping.expression import Item
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, RetriableSource, SkippableRecord
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceFacts, SourceState
from ledger.core.source import SourceConfig

MEDIA_TYPE: Final = "application/json"


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """The last EventRecordID that was handed over, when Windows wrote that event, and ours of the last look."""

    record: int
    written: str
    at: str


class Evtx(MappedCollector):
    """See the module."""

    type = "evtx"
    title = "Windows event log (EVTX files)"
    format = "1"
    tells = (SCHEMA,)
    options = (
        Option(name="path", meaning="files of one channel; their name may have wildcards (*, ?, [ ])", required=True),
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._path = Path(self.option("path"))

    def item(self, original: Original) -> Item:
        return event_item(original.data)

    def check(self) -> CheckReport:
        try:
            found, damaged = self._chunks()
        except CollectorError as error:
            return CheckReport(checks=(Check(name="files", ok=False, says=error.message, advice=error.advice),))
        checks = [Check(name="files", ok=False, says=why, advice="Name the files more narrowly.") for why in damaged]
        if not found:
            checks.append(Check(name="records", ok=True, says=f"{self._path} holds no event yet"))
        else:
            says = f"events {found[0].first} to {max(one.last for one in found)} in {self._path}"
            checks.append(Check(name="records", ok=True, says=says))
            checks.append(self._try_records(found[-1]))
        return CheckReport(checks=(*checks, judge_clock(None)))

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id)
        last, written = (cursor.record, cursor.written) if cursor else (0, "")
        since = cursor.at if cursor else utc_text(self.clock.now_us())
        text, builder = state.cursor, self._builder()
        found, _ = self._chunks()
        builder.facts = self._facts(found)
        if self._began_anew(found, last, written):
            builder.gaps.append(self._gap(since, f"the numbers begin anew after {last}: what came after it is lost"))
            last = 0
        for chunk in found:
            if stop.is_set():
                break
            if chunk.last <= last and not chunk.newest:
                continue
            try:
                events, errors = records(chunk)
            except OSError as error:
                raise self._away(chunk.path, error) from None
            received = utc_text(self.clock.now_us())
            why = "" if not errors or chunk.newest else f"; unreadable in {chunk.path.name}: {errors[0]}"
            for event in events:
                if event.id <= last:
                    continue
                if last and event.id > last + 1:
                    builder.gaps.append(self._gap(since, f"events {last + 1} to {event.id - 1} are not there{why}"))
                builder.add(self.original(event.text.encode("utf-8", "replace"), MEDIA_TYPE), received)
                last, written = event.id, event.written
                if builder.full:
                    following = self._cursor(last, written)
                    yield builder.build(text, following)
                    text, builder = following, self._builder()
            if not chunk.newest and last < chunk.last:
                builder.gaps.append(self._gap(since, f"events {last + 1} to {chunk.last} are not there{why}"))
                last = chunk.last
        yield builder.build(text, self._cursor(last, written))

    def _chunks(self) -> tuple[list[Chunk], list[str]]:
        """The chunks of all files in order of their numbers, and which files are none; raises RetriableSource."""
        found: list[Chunk] = []
        damaged: list[str] = []
        for one in find(self._path, ()):
            try:
                found += chunks(one.path)
            except SkippableRecord as error:
                damaged.append(error.message)
            except OSError as error:
                raise self._away(one.path, error) from None
        found.sort(key=lambda one: (one.first, one.last, one.path.name))
        newest = max(found, key=lambda one: one.last, default=None)
        return [msgspec.structs.replace(one, newest=one is newest) for one in found], damaged

    def _facts(self, found: list[Chunk]) -> SourceFacts | None:
        newest = next((one.path for one in found if one.newest), None)
        try:
            return None if newest is None else facts(schema=file_format(newest))
        except OSError as error:
            raise self._away(newest or self._path, error) from None

    def _began_anew(self, found: list[Chunk], last: int, written: str) -> bool:
        """Whether the newest event has a number that was handed over already, and a later time."""
        newest = max(found, key=lambda one: one.last, default=None)
        if newest is None or newest.last >= last:
            return False
        events = records(newest)[0]
        return bool(events) and events[-1].written > written

    def _try_records(self, chunk: Chunk) -> Check:
        events, errors = records(chunk)
        refused = [why for event in events if (why := self._refusal(event))]
        if refused or (errors and not chunk.newest):
            return Check(
                name="mapping",
                ok=False,
                says=f"{len(refused) + len(errors)} events give no record: {[*refused, *errors][0]}",
                advice="Correct the mapping, or see whether the file is damaged.",
            )
        return Check(name="mapping", ok=True, says=f"{len(events)} events tried, all give records")

    def _refusal(self, event: LogRecord) -> str:
        try:
            self.derive(self.original(event.text.encode("utf-8", "replace"), MEDIA_TYPE))
        except SkippableRecord as error:
            return f"event {event.id}: {error.message}"
        return ""

    def _cursor(self, record: int, written: str) -> str:
        return msgspec.json.encode(Cursor(record=record, written=written, at=utc_text(self.clock.now_us()))).decode()

    def _gap(self, since: str, reason: str) -> Gap:
        now = utc_text(self.clock.now_us())
        return Gap(subject=str(self._path), reason=reason, between=Interval(after=min(since, now), before=now))

    def _away(self, path: Path, error: OSError) -> RetriableSource:
        return RetriableSource(
            f"{path} cannot be read: {error.strerror}", advice="Give the collector's account the right to read it."
        )

    def _builder(self) -> BatchBuilder:
        return BatchBuilder(self.config.id, self.clock, self.derive, None)


def event_item(data: bytes) -> Item:
    """What a mapping sees: `system` (provider, event_id, time, record, channel, computer, user, level, …), `data` (the
    event's named data), `fields` (the same as a list of `name` and `value`) and `event`, all of it.
    """
    event = json_item(data).get("Event")
    if not isinstance(event, dict) or not isinstance(event.get("System"), dict):
        raise SkippableRecord("no Windows event: it has no System")
    system = event["System"]
    named = _data(event)
    return {
        "system": {
            "provider": _attribute(system, "Provider", "Name"),
            "event_id": _text(system.get("EventID")),
            "level": _text(system.get("Level")),
            "task": _text(system.get("Task")),
            "opcode": _text(system.get("Opcode")),
            "keywords": _text(system.get("Keywords")),
            "time": _attribute(system, "TimeCreated", "SystemTime"),
            "record": _text(system.get("EventRecordID")),
            "channel": _text(system.get("Channel")),
            "computer": _text(system.get("Computer")),
            "user": _attribute(system, "Security", "UserID"),
            "process": _attribute(system, "Execution", "ProcessID"),
        },
        "data": named,
        "fields": [{"name": name, "value": value} for name, value in named.items()],
        "event": event,
    }


def _data(event: Mapping[str, object]) -> dict[str, object]:
    """EventData, or what stands in UserData, without attributes."""
    found = event.get("EventData")
    if not isinstance(found, dict) and isinstance(user := event.get("UserData"), dict):
        found = next((value for name, value in user.items() if isinstance(value, dict) and name != "#attributes"), None)
    if not isinstance(found, dict):
        return {}
    return {
        name: _plain(value)
        for name, value in found.items()
        if not name.startswith("#") and not name.startswith("xmlns")
    }


def _plain(value: object) -> object:
    return value["#text"] if isinstance(value, dict) and "#text" in value else value


def _text(value: object) -> str | None:
    plain = _plain(value)
    return None if plain is None or isinstance(plain, dict | list) else str(plain)


def _attribute(system: Mapping[str, object], element: str, name: str) -> str | None:
    found = system.get(element)
    attributes = found.get("#attributes") if isinstance(found, dict) else None
    return _text(attributes.get(name)) if isinstance(attributes, dict) else None
