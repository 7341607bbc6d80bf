"""Where records come from: imported by which import, or collected live, and where their source stood then.

Fed with the package's entries in order, and then asked of each record; by whoever writes a package and by whoever
verifies it alike. It rests on `ledger.core` alone: bodies are read as far as they are needed here.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from ledger.core.errors import IntegrityError
from ledger.core.source import ARCHIVE, BY_HAND
from reports.decided import Decided
from reports.lines import EntryLine, EntryRole, RecordLine
from reports.marks import Marks
from reports.reading import body_of
from reports.runs import Run

REVALIDATE: Final = "re-validate"
ROLES: Final = {
    EntryRole.LIFE: "source-life",
    EntryRole.IMPORT: "import",
    EntryRole.TRUE_COPY: "true-copy",
    EntryRole.FIRST_LIVE: "collection-run",
    EntryRole.BY_HAND: "by-hand",
    EntryRole.EXCLUSION: "exclusion",
    EntryRole.DEFERRAL: "deferral",
    EntryRole.ANSWER: "review-answer",
}
"""The roles of entries that are read here, each with its kind."""


class Acted(msgspec.Struct, frozen=True):
    """Who caused an entry."""

    actor: str


class SourceBody(msgspec.Struct, frozen=True, tag_field="schema", tag="source/1"):
    """A source's registration."""

    id: str
    type: str


class LifeBody(msgspec.Struct, frozen=True, tag_field="schema", tag="source-life/1"):
    """Something that happened to a source, and where it stands from there on."""

    source: str
    event: str
    state: str
    reason: str
    authority: Acted
    sample: tuple[int, ...] = ()


class FileBody(msgspec.Struct, frozen=True):
    """The file of an old audit trail."""

    name: str
    sha256: str
    size: int
    stated: bool


class CountsBody(msgspec.Struct, frozen=True):
    """What became of its rows."""

    rows: int
    appended: int
    duplicates: int
    quarantined: int
    records: int


class DifferenceBody(msgspec.Struct, frozen=True):
    """What was found to be other than the old system counts."""

    what: str
    expected: int | None
    found: int


class OutcomeBody(msgspec.Struct, frozen=True):
    """What the ledger held of the file when the import ended."""

    counts: CountsBody
    first_occurred: str | None
    last_occurred: str | None
    differences: tuple[DifferenceBody, ...]
    runs: int
    last_run: int | None
    chain: str | None


class ImportBody(msgspec.Struct, frozen=True, tag_field="schema", tag="import/1"):
    """An import that began, or ended."""

    id: str
    source: str
    event: str
    state: str
    file: FileBody
    mapped: int | None
    mapping: str
    continues_in: str | None
    live_from: str | None
    authority: Acted
    begun: int | None
    outcome: OutcomeBody | None


class ExplainedBody(msgspec.Struct, frozen=True):
    """Why a difference is none of the copy's."""

    what: str
    why: str


class TrueCopyBody(msgspec.Struct, frozen=True, tag_field="schema", tag="true-copy/1"):
    """A person's statement that what was imported is a true copy."""

    id: str
    source: str
    finished: int
    file: FileBody
    counts: CountsBody
    mapped: int | None
    mapping: str
    statement: str
    sample: tuple[int, ...]
    compared: bool
    explained: tuple[ExplainedBody, ...]
    authority: Acted


class Import(msgspec.Struct, kw_only=True):
    """One import from its beginning to its end, and the statement about it; with the runs of it that went by."""

    begun: int
    body: ImportBody
    ended: int | None = None
    outcome: ImportBody | None = None
    stated: int | None = None
    true_copy: TrueCopyBody | None = None
    goes_on: int | None = None
    """The last entry with which the import of the same file began again: what was found at its end is of all."""
    first_live: tuple[int, str] | None = None
    """Entry and beginning of the first run of the source that is collected live in its place."""
    here: int = 0
    """Records of the package that it brought."""
    runs: int = 0
    appended: int = 0
    duplicates: int = 0
    quarantined: int = 0
    last: tuple[int, str] | None = None

    @property
    def recounted(self) -> bool:
        """Whether all of its runs went by, so that its figures were counted again."""
        return self.outcome is not None and self.outcome.outcome is not None and self.runs == self.outcome.outcome.runs

    @property
    def state(self) -> str:
        """Where it stands."""
        return "true copy" if self.true_copy is not None else (self.outcome or self.body).state


class Origins:
    """The sources' registrations, lives and imports of one log, as far as they went by."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._types: dict[str, str] = {}
        self._lives: dict[str, list[tuple[int, LifeBody]]] = {}
        self._noticed: dict[int, str] = {}
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self._imports: dict[str, list[Import]] = {}
        self._entries: list[tuple[int, str]] = []
        self.marks = Marks(origin)
        """What else is said beside records."""
        self.decided = Decided()
        """What was decided of the reviews of batches."""
        self.marked: dict[str, int] = {}
        self.imported = 0
        self.lives_seen = 0
        self.imports_seen = 0

    @property
    def imports(self) -> Iterator[Import]:
        """All imports, those of each source in their order."""
        return (one for source in sorted(self._imports) for one in self._imports[source])

    @property
    def lives(self) -> Mapping[str, list[tuple[int, LifeBody]]]:
        """What happened to each source, oldest first."""
        return self._lives

    @property
    def noticing(self) -> Iterator[tuple[int, str]]:
        """The runs that noticed a change of their source, by their entries."""
        return ((index - 1, source) for index, source in self._noticed.items())

    @property
    def signable(self) -> Iterator[tuple[int, str]]:
        """The entries that went by and may be signed, each with its leaf hash (base64)."""
        return iter(self._entries)

    def enter(self, line: EntryLine, leaf_hash: str) -> None:
        """Takes the next entry of one of the roles; raises IntegrityError for one that does not hold."""
        if line.role is EntryRole.LIFE:
            self._life(line.index, body_of(line, LifeBody))
        elif line.role is EntryRole.IMPORT:
            self._import(line.index, body_of(line, ImportBody))
        elif line.role is EntryRole.TRUE_COPY:
            self._true_copy(line.index, body_of(line, TrueCopyBody))
        elif line.role in (EntryRole.BY_HAND, EntryRole.EXCLUSION):
            self.marks.enter(line)
        elif line.role in (EntryRole.DEFERRAL, EntryRole.ANSWER):
            self.decided.enter(line)
        elif line.role is EntryRole.FIRST_LIVE:
            self._first_live(line.index, body_of(line, Run))
            return
        self._entries.append((line.index, leaf_hash))

    def source(self, line: EntryLine) -> None:
        """Takes a source's registration."""
        body = body_of(line, SourceBody)
        self._types[body.id] = body.type

    def run(self, index: int, run: Run) -> None:
        """Takes a collection run: it may belong to an import, or have noticed a change of its source."""
        self.notice(index, run)
        one = self._at(run.source, index)
        if one is not None:
            one.runs += 1
            one.appended += run.records
            one.duplicates += len(run.duplicates)
            one.quarantined += len(run.quarantined)
            one.last = (index, run.chain)

    def notice(self, index: int, run: Run) -> None:
        """Takes the run that noticed a change of its source: its records come from the changed source already."""
        if self._noticed.get(index + 1) == run.source and run.first is not None:
            self._spans.setdefault(run.source, []).append((run.first, run.first + run.records))

    def import_of(self, source: str, index: int) -> str | None:
        """The address of the entry with which the import of a record began; None for one that was collected live.

        Raises IntegrityError for a record of an archive whose import is not there, or does not reach so far.
        """
        one = self._at(source, index)
        if one is None:
            if self._types.get(source) == ARCHIVE or source in self._imports:
                raise IntegrityError(f"its source {source} is an archive, and the import that it came by is not there")
            return None
        return f"{self._origin}#{one.begun}"

    def mark_of(self, source: str, index: int) -> str | None:
        """`re-validate` where the source was to be validated anew when the record was collected."""
        lives = self._lives.get(source, ())
        at = bisect_right(lives, index, key=lambda one: one[0]) - 1
        if at >= 0 and lives[at][1].state == REVALIDATE:
            return REVALIDATE
        return REVALIDATE if any(low <= index < high for low, high in self._spans.get(source, ())) else None

    def record(self, source: str, line: RecordLine) -> None:
        """Takes a record as the package shows it; raises IntegrityError where it shows another origin or mark."""
        if source not in self._types:
            raise IntegrityError(f"the registration of its source {source} is not in the package")
        index = line.index
        due = self.import_of(source, index)
        if line.imported != due:
            raise IntegrityError(f"was imported by {due}, and is shown as " + (line.imported or "collected live"))
        if line.mark != self.mark_of(source, index):
            raise IntegrityError("does not say where its source stood when it was collected")
        self.marks.check(index, self._types[source] == BY_HAND, line.marks)
        self.count(source, index)

    def count(self, source: str, index: int) -> None:
        """Counts a record of which that is so."""
        one = self._at(source, index)
        if one is not None:
            one.here += 1
            self.imported += 1
        if self.mark_of(source, index) is not None:
            self.marked[source] = self.marked.get(source, 0) + 1

    def wrong(self) -> Iterator[tuple[int, str]]:
        """What does not hold of the imports once all runs went by: the entry, and why."""
        for one in self.imports:
            told = None if one.outcome is None else one.outcome.outcome
            if told is None or one.ended is None:
                continue
            counts = told.counts
            counted = (one.appended + one.duplicates + one.quarantined, one.appended, one.duplicates, one.quarantined)
            if one.recounted and counted != (counts.rows, counts.appended, counts.duplicates, counts.quarantined):
                yield one.ended, f"counts {counts.rows} rows, and its runs in this package hold {counted[0]}"
            if one.last is not None and one.last[0] == told.last_run and one.last[1] != told.chain:
                yield one.ended, "does not end with the chain of its last run"

    def _at(self, source: str, index: int) -> Import | None:
        """The import that was running at an index."""
        imports = self._imports.get(source, ())
        at = bisect_right(imports, index, key=lambda one: one.begun) - 1
        if at < 0:
            return None
        ended = imports[at].ended
        return imports[at] if ended is None or index < ended else None

    def _life(self, index: int, body: LifeBody) -> None:
        lives = self._lives.setdefault(body.source, [])
        if lives and lives[-1][0] >= index:
            raise IntegrityError("does not stand in the order of its source's life")
        lives.append((index, body))
        self.lives_seen += 1
        if body.event == "changed" and body.state == REVALIDATE:
            self._noticed[index] = body.source

    def _import(self, index: int, body: ImportBody) -> None:
        imports = self._imports.setdefault(body.source, [])
        self.imports_seen += 1
        if body.event == "begun":
            if imports and (imports[-1].ended is None or imports[-1].ended > index):
                raise IntegrityError(f"begins while import {imports[-1].body.id} has not ended")
            for earlier in imports:
                if earlier.body.id == body.id:
                    earlier.goes_on = index
            imports.append(Import(begun=index, body=body))
            return
        one = imports[-1] if imports else None
        if one is None or one.begun != body.begun or one.ended is not None or index < one.begun:
            raise IntegrityError(f"ends import {body.id}, whose beginning is not there")
        same = ("id", "source", "file", "mapping", "mapped", "continues_in", "live_from")
        if any(getattr(one.body, name) != getattr(body, name) for name in same) or body.outcome is None:
            raise IntegrityError(f"ends import {body.id} otherwise than it was begun")
        one.ended, one.outcome = index, body

    def _true_copy(self, index: int, body: TrueCopyBody) -> None:
        self.imports_seen += 1
        one = next((one for one in self._imports.get(body.source, ()) if one.ended == body.finished), None)
        if one is None or one.outcome is None or one.outcome.outcome is None or index < body.finished:
            raise IntegrityError(f"is about the end of import {body.id}, which is not there")
        said, outcome = one.outcome, one.outcome.outcome
        if (said.id, said.file, outcome.counts, said.mapped, said.mapping) != (
            *(body.id, body.file, body.counts, body.mapped, body.mapping),
        ):
            raise IntegrityError(f"states another file, mapping or figures than those that import {body.id} ended with")
        if [one.what for one in outcome.differences] != [one.what for one in body.explained]:
            raise IntegrityError(f"does not explain each difference that import {body.id} ended with")
        if body.authority.actor in (said.authority.actor, one.body.authority.actor):
            raise IntegrityError(f"was made by {body.authority.actor}, who imported {body.id}")
        one.stated, one.true_copy = index, body

    def _first_live(self, index: int, body: Run) -> None:
        wanted = [one for one in self.imports if one.body.continues_in == body.source]
        if not wanted or body.previous is not None:
            raise IntegrityError(f"is not the first run of a source that goes on where an archive ends: {body.source}")
        for one in wanted:
            one.first_live = (index, body.started_at)
