"""The base of drivers that look at a source and compare."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec

from collectors.base import Collector, Option, Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.compare.differences import Difference, differences, hand_over, settle, unread
from collectors.compare.look import Look
from collectors.compare.memory import Memory, digest, read_memory
from collectors.compare.original import MEDIA_TYPE, Envelope, read_envelope
from collectors.compare.record import Shown, differs, make_record, read_state
from collectors.mapping.expression import Item
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError
from ledger.core.record import Interval, Original, Record
from ledger.core.run import Gap, RunBatch, SourceState
from ledger.core.source import SourceConfig

UNSEEN = (
    "who made a change, and when within the interval between two looks",
    "a change that was undone before the next look",
)
"""What no comparison can tell."""


class Stopped(Exception):
    """A look ended before its end because it is time to stop; nothing of it counts."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs there were, and when the look began that the snapshot is of; empty while a first one is told."""

    look: int = 0
    at: str = ""


def baseline_option(default: str) -> Option:
    """The option that says how a first look is told."""
    return Option(
        name="baseline",
        meaning="what is recorded of the first look: each (a record an object) or one (a single record, with a digest)",
        default=default,
    )


class ComparingCollector(Collector):
    """A source that is looked at. `format` is the version of how its states are read.

    A driver lists `baseline_option` among its options, and implements `check`, `look` and `show`.
    """

    format: ClassVar[str]
    lacks: tuple[str, ...] = UNSEEN

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self.parser = self.type
        self.parser_version = self.format
        if self.option("baseline") not in ("each", "one"):
            raise ConfigError(
                f"source {config.id!r}: option 'baseline' is {self.option('baseline')!r}", advice="Use each or one."
            )

    @abstractmethod
    def look(self, stop: Stop, known: Memory) -> Look:
        """Reads all that is looked at; raises Stopped once `stop` is set, RetriableSource and FatalSource.

        `known` is what earlier looks found, for a driver that has to make sure before it leaves something out.
        """

    @abstractmethod
    def show(self, kind: str, identity: str, state: Item, facts: Mapping[str, str]) -> Shown:
        """What a state of an object of type `kind` says; a pure function. May raise any ordinary error."""

    def comparable(self, kind: str, old: str, new: str) -> bool:
        """Whether two states were read in the same way; where not, the object begins anew."""
        return True

    @property
    def scope(self) -> str:
        """What is looked at, in words; where it is another one than before, a new baseline is taken."""
        return ""

    @property
    def change_counter(self) -> tuple[str, str] | None:
        """Type and id of an object whose `Shown.count` the source raises with each change of others of that type."""
        return None

    def derive(self, original: Original) -> Record:
        return make_record(read_envelope(original.data), self.config.id, self.show)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id) or Cursor()
        memory = read_memory(state.snapshot, self.config.id)
        try:
            look = self.look(stop, memory)
        except Stopped:
            yield self._builder(None).build(state.cursor, state.cursor)
            return
        look.ended = max(look.began, look.ended, cursor.at)  # our clock may have been set back
        yield from _Telling(self, state, cursor, memory, look).runs()

    def _builder(self, look: Look | None) -> BatchBuilder:
        return BatchBuilder(self.config.id, self.clock, self.derive, None if look is None else look.clock)


class _Telling:
    """Hands over one look, in as many runs as it takes."""

    def __init__(
        self, source: ComparingCollector, state: SourceState, cursor: Cursor, memory: Memory, look: Look
    ) -> None:
        self._source = source
        self._cursor = cursor
        self._text = state.cursor
        self._snapshot = state.snapshot
        self._look = look
        self._gaps: list[Gap] = []
        if cursor.at and memory.scope != source.scope:
            self._gap("scope", "what is looked at was configured anew: changes until then are not known", cursor.at)
            memory, self._cursor = Memory(), Cursor(look=cursor.look)
        memory.scope = source.scope
        self._memory = memory
        self._builder = source._builder(look)
        self._builder.facts = look.facts

    def runs(self) -> Iterator[RunBatch]:
        self._reject()
        for subject, reason, since in unread(self._memory, self._cursor.at, self._look):
            self._gap(subject, reason, since)
        settled = settle(self._memory, self._cursor.at, self._look, self._source.scope)
        if not self._cursor.at and not self._memory.states and self._source.option("baseline") == "one":
            self._add_baseline(settled)
        else:
            yield from self._differences()
        self._builder.gaps += self._gaps
        yield self._finish(settled, at=self._look.began)

    def _differences(self) -> Iterator[RunBatch]:
        """All runs but the last: what was handed over is remembered at once, so that a restart goes on after it."""
        told = self._memory.copy()
        source = self._source
        found = list(
            differences(
                self._memory, self._cursor.at, self._look, lambda *pair: differs(source.show, *pair), source.comparable
            )
        )
        missed = self._missed(found)
        for difference in found:
            if self._builder.full:
                yield self._finish(told, at=self._cursor.at)
            self._add(difference, missed)
            hand_over(told, difference, self._look)

    def _missed(self, found: list[Difference]) -> bool:
        """Whether the source counted other changes than are visible; a gap then says so."""
        counter = self._source.change_counter
        if counter is None or (counted := self._counted(counter)) is None:
            return False
        kind, identity = counter
        visible = sum(one.sort == "changed" and one.type == kind and one.id != identity for one in found)
        if counted == visible:
            return False
        said = f"{counted} changes, and {visible} of them are visible" if counted > 0 else "again from a lower number"
        since = self._memory.seen(kind, identity, self._cursor.at)
        self._gap(f"{kind} {identity}", f"the source counted {said}", since)
        return True

    def _counted(self, counter: tuple[str, str]) -> int | None:
        """By how much the source's counter of changes went up; none where it was not read at both looks."""
        old, found = self._memory.state(*counter), self._look.get(counter)
        if old is None or found is None:
            return None
        counts = [self._source.show(*counter, read_state(text), {}).count for text in (old, found.state)]
        return None if counts[0] is None or counts[1] is None else counts[1] - counts[0]

    def _finish(self, memory: Memory, at: str) -> RunBatch:
        snapshot = memory.encode()
        following = msgspec.json.encode(Cursor(look=self._cursor.look + 1, at=at)).decode()
        batch = self._builder.build(self._text, following, None if snapshot == self._snapshot else snapshot)
        self._cursor = Cursor(look=self._cursor.look + 1, at=at)
        self._text, self._snapshot = following, snapshot
        self._builder = self._source._builder(self._look)
        return batch

    def _add(self, difference: Difference, missed: bool) -> None:
        found = difference.found
        self._write(
            Envelope(
                sort=difference.sort,
                look=self._cursor.look + 1,
                after=difference.after,
                before=max(self._look.ended, difference.after),
                type=difference.type,
                id=difference.id,
                old=difference.old,
                new=None if found is None else found.state,
                facts={} if found is None else dict(found.facts),
                more=missed and difference.sort == "changed",
            )
        )

    def _add_baseline(self, settled: Memory) -> None:
        envelope = Envelope(
            sort="baseline",
            look=self._cursor.look + 1,
            before=self._look.ended,
            objects=len(self._look),
            digest=digest(settled.encode()),
        )
        self._write(envelope)

    def _write(self, envelope: Envelope) -> None:
        source = self._source
        original = Original(
            data=envelope.encode(),
            media_type=MEDIA_TYPE,
            parser=source.parser,
            parser_version=source.parser_version,
        )
        self._builder.add(original, self._look.ended)

    def _reject(self) -> None:
        known = set(self._memory.refused)
        for one in self._look.refused:
            if one.digest not in known and not self._builder.full:
                known.add(one.digest)
                self._builder.reject(one.data, one.media_type, one.reason, self._look.ended)
        # What did not fit into this run comes with the next look.
        self._look.refused = [one for one in self._look.refused if one.digest in known]

    def _gap(self, subject: str, reason: str, since: str) -> None:
        between = Interval(after=since, before=max(self._look.ended, since))
        self._gaps.append(Gap(subject=subject, reason=reason, between=between))
