"""Takes one look at a Tryton server: its log, then the watched rows, then the log again until nothing came between."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from collectors.it.tryton_log import LogReader, LogReading, resource_of
from collectors.it.tryton_look import Look, Memory, log_row, parse_ranges
from collectors.it.tryton_models import Watched
from collectors.it.tryton_rpc import TrytonRpc
from ledger.core.clock import WallClock, parse_utc, utc_text

_TRIES = 5
_BEYOND = 5
_MOST_CANDIDATES = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Ids = dict[str, frozenset[int]]


class Watcher:
    """Looks through one session, with what the look before left."""

    def __init__(
        self,
        rpc: TrytonRpc,
        models: Mapping[str, Watched],
        memory: Memory,
        window: timedelta,
        clock: WallClock,
    ) -> None:
        self._rpc = rpc
        self._log = LogReader(rpc)
        self._models = models
        self._memory = memory
        self._known = {model: parse_ranges(memory.known.get(model, "")) for model in models}
        self._collected = frozenset(parse_ranges(memory.logs))
        self._window = window
        self._clock = clock

    def look(self, since: str | None) -> tuple[Look, str, bool]:
        """The look, when the reading of its rows began, and whether the log was at rest meanwhile.

        `since` is when the look before began to read its rows; null at the first.
        """
        reading, tries, settled = self._read_log(), 0, False
        while True:
            began = utc_text(self._clock.now_us())
            ids = {model: frozenset(self._rpc.search(model, [])) for model in self._models}
            spoken_of = {resource_of(text) for text in reading.rows.values()}
            rows = {
                f"{model},{identity}": text
                for model in self._models
                for identity, text in self._read(model, ids[model], spoken_of, since)
            }
            again = self._read_log()
            tries, settled, reading = tries + 1, again.ids == reading.ids, again
            if settled or tries == _TRIES:
                break
        at = utc_text(self._clock.now_us())
        resources = self._resources(reading, ids)
        logs = tuple(log_row(number, text, resources[number]) for number, text in reading.rows.items())
        return Look(at=at, since=since, log_ids=reading.ids, logs=logs, ids=ids, rows=rows), began, settled

    def _read_log(self) -> LogReading:
        return self._log.read(self._memory.low, self._collected)

    def _read(
        self, model: str, ids: frozenset[int], spoken_of: set[str], since: str | None
    ) -> Iterator[tuple[int, str]]:
        """Rows that are new, that the log speaks of, or that were written since a while before the look before."""
        wanted = {identity for identity in ids if f"{model},{identity}" in spoken_of} | (ids - self._known[model])
        if since:
            wanted |= set(self._rpc.search(model, [["write_date", ">=", self._server_time(since)]]))
        return self._rpc.rows(model, sorted(wanted), self._models[model].asked())

    def _server_time(self, at: str) -> dict[str, object]:
        """The start of the window before an instant of ours, by the server's clock and in Tryton's writing."""
        offset = self._rpc.source_clock.offset_us if self._rpc.source_clock else 0
        moment = _EPOCH + timedelta(microseconds=parse_utc(at) + offset) - self._window
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        return {"__class__": "datetime", **{name: getattr(moment, name) for name in names}}

    def _resources(self, reading: LogReading, ids: Ids) -> dict[int, str]:
        """Number of each new log row → what it speaks of; of a deleted thing it has to be found out."""
        named = {number: resource_of(text) for number, text in reading.rows.items()}
        if all(named.values()):
            return named
        found = self._log.find(self._gone(ids))
        return {number: resource or found.get(number, "") for number, resource in named.items()}

    def _gone(self, ids: Ids) -> set[str]:
        """Rows that were there before, and numbers that were given since and are not there."""
        gone = {
            resource
            for resource in self._memory.rows
            if (model := resource.partition(",")[0]) in ids and int(resource.partition(",")[2]) not in ids[model]
        }
        for model, present in ids.items():
            top = max(present, default=0)
            start = max(self._known[model], default=0) + 1
            numbers = range(max(start, top - _MOST_CANDIDATES), max(top, start) + _BEYOND)
            gone |= {f"{model},{number}" for number in numbers if number not in present}
        return gone
