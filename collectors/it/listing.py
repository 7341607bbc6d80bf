"""The base of drivers that read lists of JSON over HTTP: the cursor, what is handed over, and the trying of a source.

- An item that changed comes with all its parts; those that were handed over before are left out where the cursor
  still knows them, and are duplicates to the ledger where it does not. A part that was changed afterwards at the
  source, within the window, comes again.
- A list that the source counts and does not give whole is a gap; so is an item that was gone when it was to be read.
- Where no page says what the schema is, it is the names of the members that items have ever had: one that comes new is
  another schema, one that is left out is not.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import timedelta

import msgspec

from collectors.base import Check, CheckReport, Stop, judge_clock, read_cursor
from collectors.batch import BatchBuilder
from collectors.facts import Members, facts
from collectors.it.http import Http, Limits, Pause, trust
from collectors.it.http_auth import Credentials
from collectors.it.listing_cursor import Cursor, Mark, Place
from collectors.it.listing_item import Gone, originals, short_of, whole
from collectors.it.listing_json import to_bytes
from collectors.it.listing_pages import Listed, Walk
from collectors.it.listing_spec import Spec
from collectors.mapping.collector import MappedCollector, json_item
from collectors.mapping.expression import Item
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError, FatalSource, SkippableRecord
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceFacts, SourceState
from ledger.core.source import SourceConfig

MEDIA_TYPE = "application/json"
BATCH_BYTES = 8 * 1024 * 1024
"""A run is handed over once its originals hold this many bytes."""
_LOOKED_INTO = 500
"""So many new items of a run show what members there are."""
_TRIED = 5
_US = timedelta(microseconds=1)


class ListingCollector(MappedCollector):
    """Reads what `spec` says from `base`, as whom `credentials` name; a driver sets the three in its constructor."""

    base: str
    credentials: Credentials
    spec: Spec
    limits: Limits

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._pause = Pause()

    @abstractmethod
    def more_checks(self, http: Http) -> list[Check]:
        """What else can be tried at such a source. Raises RetriableSource and FatalSource."""

    def headers(self) -> dict[str, str]:
        """What every request carries besides the credentials."""
        return {}

    def about(self, http: Http) -> SourceFacts | None:
        """What a page says of the source itself; asked once a run. Errors of the source are taken as no answer."""
        return None

    def item(self, original: Original) -> Item:
        return json_item(original.data)

    def check(self) -> CheckReport:
        checks: list[Check] = []
        try:
            with self._session(None) as http:
                checks.append(Check(name="sign-in", ok=True, says=f"{http.base} is asked as {http.account}"))
                checks += self.more_checks(http)
                checks += [self._try(http, each) for each in self.spec.each[:_TRIED]]
                clock = http.source_clock
        except (CollectorError, ConfigError) as error:
            return CheckReport(
                checks=(*checks, Check(name="source", ok=False, says=error.message, advice=error.advice))
            )
        return CheckReport(checks=(*checks, judge_clock(clock)), clock=clock)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id) or Cursor()
        with self._session(stop) as http:
            run = _Run(self, http, cursor, state.cursor)
            try:
                for each in self.spec.each:
                    yield from run.read(each, stop)
                    if stop.is_set():
                        break
            except CollectorError:
                if run.has_news:
                    yield run.hand_over()
                raise
            yield run.hand_over_last()

    def _session(self, stop: Stop | None) -> Http:
        self._pause.check(self.base)
        http = Http(
            self.base,
            self.clock,
            verify=trust(self.option("ca_file")),
            limits=self.limits,
            stop=stop,
            pause=self._pause,
        )
        http.headers.update(self.headers())
        try:
            self.credentials.sign_in(http)
            self._probe(http)
        except BaseException:
            http.close()
            raise
        return http

    def _probe(self, http: Http) -> None:
        if self.spec.probe and http.get(http.address(self.spec.probe)).status != 200:
            raise FatalSource(f"{http.base} has no page {self.spec.probe!r}", advice="Correct the option probe.")

    def _try(self, http: Http, each: str) -> Check:
        """Whether a list can be asked for, from its start and by time, and whether the mapping fits its first item."""
        name = f"list {each}" if each else "list"
        if self.spec.since:
            next(iter(Walk(http, self.spec, each, self.clock.now_us())), None)
        spec = msgspec.structs.replace(self.spec, page_size=min(self.spec.page_size, _TRIED))
        for listed in Walk(http, spec, each, spec.start):
            try:
                found = list(originals(spec, each, whole(http, spec, listed.text)))
                for data in found:
                    self.derive(self.original(data, MEDIA_TYPE))
            except Gone:
                continue
            except SkippableRecord as error:
                return Check(
                    name=name, ok=False, says=f"it can be read, and the mapping does not fit: {error}", advice=_FIT
                )
            if self.spec.time is not None and listed.at is None:
                return Check(name=name, ok=False, says="the time of its first item names no instant", advice=_ZONE)
            return Check(name=name, ok=True, says=f"it can be read, and its first item gives {len(found)} records")
        return Check(
            name=name,
            ok=True,
            says="it can be asked for, and it is empty: nothing was recorded yet, or the account may see nothing",
            advice="Let somebody change something, and look again; else check the account's rights.",
        )


_FIT = "Compare the mapping with an item (`trailseal source try-mapping`), and the options items, nested and keep."
_ZONE = "Correct the options time and time_format; where a time has no offset, set the source's zone."


class _Run:
    """One collection: fills runs from the lists, one after another."""

    def __init__(self, collector: ListingCollector, http: Http, cursor: Cursor, text: str | None) -> None:
        self._collector = collector
        self._spec = collector.spec
        self._http = http
        self._clock = collector.clock
        self._marks = {each: cursor.marks.get(each, Mark()) for each in self._spec.each}
        self._text = text
        self._began = utc_text(self._clock.now_us())
        self._members = Members(cursor.members)
        self._looked_into = 0
        self._builder = self._new_builder()
        self._bytes = 0

    @property
    def has_news(self) -> bool:
        return len(self._builder) > 0 or bool(self._builder.gaps)

    def hand_over(self) -> RunBatch:
        """What was filled so far, as a run; the next one begins."""
        cursor = msgspec.json.encode(Cursor(marks=self._marks, members=self._members.names)).decode()
        self._builder.source_clock = self._http.source_clock
        batch = self._builder.build(self._text, cursor)
        self._text, self._builder, self._bytes = cursor, self._new_builder(), 0
        return batch

    def hand_over_last(self) -> RunBatch:
        """What is left, and with it what the source says of itself."""
        try:
            told = self._collector.about(self._http)
        except CollectorError:
            told = None  # what was read counts, whether or not the source tells of itself
        told = told or SourceFacts()
        self._builder.facts = facts(told.version, told.schema or self._members.schema, told.audit_trail)
        return self.hand_over()

    def read(self, each: str, stop: Stop) -> Iterator[RunBatch]:
        """Reads one list; gives the runs that it fills, and leaves the rest in the one that is under way."""
        spec = self._spec
        place = Place(
            self._marks[each],
            window_us=spec.window // _US,
            lists=len(spec.each),
            moves=spec.sorted,
        )
        since = self._within_reach(each, place.since(spec.start, self._clock.now_us()))
        walk = Walk(self._http, spec, each, since, place.tag)
        try:
            for listed in walk:
                for data in self._found(each, listed):
                    if self._add(place, data, listed.at):
                        self._marks[each] = place.under_way()
                        yield self.hand_over()
                        if stop.is_set():
                            return
                place.passed(listed.at, self._present_us())
                if stop.is_set():
                    break
        finally:
            self._marks[each] = place.under_way()
        if stop.is_set():
            return
        if walk.missing:
            self._gap(each, f"{walk.missing} items fewer came than the source itself counts")
        self._marks[each] = place.finished(None if spec.detail else walk.tag, unchanged=walk.unchanged)

    def _within_reach(self, each: str, since: int | None) -> int | None:
        if since is None or self._spec.reach is None:
            return since
        oldest = self._present_us() - self._spec.reach // _US
        if since >= oldest:
            return since
        self._gap(each, f"the source answers for the last {self._spec.reach.days} days only", since, oldest)
        return oldest

    def _found(self, each: str, listed: Listed) -> list[bytes]:
        """The originals of an item; the item's own bytes where it cannot be taken apart, to be rejected then."""
        try:
            text = whole(self._http, self._spec, listed.text)
            missing = short_of(self._spec, text)
            if missing:
                self._gap(each, f"{missing} entries of an item fewer came than the item itself counts")
            return list(originals(self._spec, each, text))
        except Gone:
            self._gap(each, "an item was listed, and was gone when it was to be read")
            return []
        except SkippableRecord:
            return [to_bytes(listed.text)]

    def _add(self, place: Place, data: bytes, at: int | None) -> bool:
        """Adds what was not handed over yet; whether the run should be handed over now."""
        original = self._collector.original(data, MEDIA_TYPE)
        now_us = self._clock.now_us()
        if not place.is_new(self._content(original), at, now_us):
            return False
        self._builder.source_clock = self._http.source_clock
        if self._builder.add(original, utc_text(now_us)) is not None and self._looked_into < _LOOKED_INTO:
            self._looked_into += 1
            self._members.add(json_item(data))
        self._bytes += len(data)
        return self._builder.full or self._bytes >= BATCH_BYTES

    def _content(self, original: Original) -> bytes:
        """What decides whether it is the same: the record, or the bytes where no record can be made of them."""
        try:
            return msgspec.json.encode(self._collector.derive(original))
        except Exception:
            return original.data

    def _present_us(self) -> int:
        clock = self._http.source_clock
        return self._clock.now_us() + (0 if clock is None else clock.offset_us + clock.uncertainty_us)

    def _gap(self, each: str, reason: str, after_us: int | None = None, before_us: int | None = None) -> None:
        """A gap between two instants, or else within this run."""
        after = self._began if after_us is None else utc_text(after_us)
        before = utc_text(self._clock.now_us() if before_us is None else before_us)
        between = Interval(after=after, before=max(after, before))
        self._builder.gaps.append(Gap(subject=f"list {each}" if each else "list", reason=reason, between=between))

    def _new_builder(self) -> BatchBuilder:
        collector = self._collector
        return BatchBuilder(collector.config.id, self._clock, collector.derive, self._http.source_clock)
