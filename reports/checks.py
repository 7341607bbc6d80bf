"""The checks on a package's entries, runs and records, each a pass over one file or over files side by side."""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256, sha512
from typing import Final

import msgspec

from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import parse_utc
from ledger.core.errors import ChainBroken, IntegrityError, LedgerError
from ledger.core.hashing import b64, original_commitment, sealed_commitment, unb64
from ledger.core.led_keys import Checked
from ledger.core.log_created import LogCreated
from ledger.core.looks import Span, looked, within
from ledger.core.record import Action, LinkKind, RecordBody
from ledger.core.sealing import sealed_members
from ledger.core.statement import report_key_name
from reports import layout
from reports.bag import Digests
from reports.layout import Description
from reports.lines import (
    MAX_LINE,
    MAX_ORIGINAL_LINE,
    MAX_RUN_LINE,
    EntryLine,
    EntryRole,
    OriginalLine,
    OriginalState,
    Reason,
    RecordLine,
    RunLine,
    check_line,
)
from reports.origins import ROLES, Origins
from reports.reading import KEY_EVENT, LOG_CREATED, body_of, lines_of
from reports.rules import OccupationRules
from reports.runs import Cover, Run, check_run
from reports.strictzip import StrictZip
from reports.tables import Row, csv_chunks, row
from reports.verdict import Problem

MAX_PROBLEMS: Final = 50
_BY_INTERVAL: Final = frozenset({"derived", "possible"})

KINDS: Final = {
    EntryRole.LOG: "log-created",
    EntryRole.REPORT_KEY: "key-event",
    EntryRole.VERIFICATION: "verification",
    EntryRole.SOURCE: "source",
    EntryRole.RUN: "collection-run",
    EntryRole.RULE: "parameter",
    EntryRole.SYSTEM: "log-binding",
    **ROLES,
}
"""The kind of each role's entries."""


class Problems:
    """What is wrong, up to a limit: more would not help anybody."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, where: str, what: str) -> None:
        """Notes a problem; `where` is the file or entry."""
        if len(self._found) < MAX_PROBLEMS:
            self._found.append(Problem(where=where, what=what))

    def __bool__(self) -> bool:
        return bool(self._found)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that the package's own entries name; to be trusted only under an authenticated checkpoint."""

    created: LogCreated
    report: str


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs, and how many records they hold together."""

    runs: int
    records: int


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many records the package has, and how many of them the package's runs hold."""

    records: int
    covered: int


def find_keys(package: StrictZip, prefix: str) -> Keys:
    """The keys of the first two entries, which are the log's creation and the report key's; nothing is proven yet."""
    entries = lines_of(package, prefix + layout.ENTRIES, EntryLine, MAX_LINE)
    log, report = next(entries, None), next(entries, None)
    if log is None or report is None or (log.role, report.role) != (EntryRole.LOG, EntryRole.REPORT_KEY):
        raise IntegrityError("does not begin with the entries of the log and of its report key")
    return Keys(created=body_of(log, LOG_CREATED), report=body_of(report, KEY_EVENT).key)


def check_entries(
    package: StrictZip,
    prefix: str,
    description: Description,
    head: Checkpoint,
    problems: Problems,
    origins: Origins,
    rules: OccupationRules,
) -> Runs:
    """Proves every entry beside the records, the report key's purpose, and the unbroken chain of each source's runs.

    `origins` is told what stands behind the records, `rules` by what they belong; what does not hold is noted, too.
    """
    runs = records = 0
    chains: dict[str, tuple[int, bytes]] = {}
    leaves = lines_of(package, prefix + layout.RUNS, RunLine, MAX_RUN_LINE)
    verification = None
    for entry in lines_of(package, prefix + layout.ENTRIES, EntryLine, MAX_LINE):
        where = f"entry {entry.index} in {layout.ENTRIES}"
        try:
            checked = check_line(entry, head.size, head.root)
            if checked.leaf.kind != KINDS[entry.role]:
                raise IntegrityError(f"is of kind {checked.leaf.kind}, not what a {entry.role.value} entry is")
            if entry.role is EntryRole.LOG:
                _check_log(entry, head.origin)
            elif entry.role is EntryRole.REPORT_KEY:
                check_report_key(entry, head.origin)
            elif entry.role is EntryRole.VERIFICATION:
                verification = entry.index
            elif entry.role is EntryRole.SOURCE:
                origins.source(entry)
            elif entry.role is EntryRole.RULE:
                rules.enter(entry)
            elif entry.role in ROLES:
                origins.enter(entry, b64(checked.hash))
            elif entry.role is EntryRole.RUN:
                run = body_of(entry, Run)
                origins.run(entry.index, run)
                if check_run(entry.index, run, next(leaves, None), chains):
                    runs, records = runs + 1, records + run.records
        except LedgerError as error:
            problems.add(where, str(error))
    if next(leaves, None) is not None:
        problems.add(layout.RUNS, "has a run that the entries do not have")
    if runs != description.runs or verification != description.verification:
        problems.add(layout.DESCRIPTION, "does not describe the entries that are there")
    if (origins.imports_seen, origins.lives_seen) != (description.imports, description.lives):
        problems.add(layout.ENTRIES, f"does not hold the imports and lives of sources that {layout.DESCRIPTION} says")
    if origins.marks.seen != description.marks:
        problems.add(layout.ENTRIES, f"does not hold the entries by hand and exclusions that {layout.DESCRIPTION} says")
    decided = origins.decided
    if (len(decided.deferrals), len(decided.answers)) != (description.deferrals, description.answers):
        problems.add(layout.ENTRIES, f"does not hold the deferrals and answers that {layout.DESCRIPTION} says")
    if not rules.complete:
        problems.add(layout.ENTRIES, f"does not hold the rules of what belongs that {layout.DESCRIPTION} says")
    for index, why in origins.wrong():
        problems.add(f"entry {index} in {layout.ENTRIES}", why)
    return Runs(runs=runs, records=records)


def check_records(
    package: StrictZip,
    prefix: str,
    description: Description,
    head: Checkpoint,
    table: Digests,
    problems: Problems,
    origins: Origins,
    rules: OccupationRules,
    seen: Callable[[RecordLine, Checked], None],
) -> Counted:
    """Proves every record with its sealed values and its original, and that the CSV says what the records say.

    `seen` is told of each whose place in the log's tree is proven.
    """
    check = _Records(package, prefix, description, head, problems, origins, rules, seen)
    first, second = sha256(), sha512()
    for chunk in csv_chunks(check.rows()):
        first.update(chunk)
        second.update(chunk)
    if (first.hexdigest(), second.hexdigest()) != (table.sha256, table.sha512):
        problems.add(layout.TABLE, "does not say what the records say")
    return check.finish()


class _Records:
    """One pass over the records, side by side with originals and runs; memory holds the bounds of intervals only."""

    def __init__(
        self,
        package: StrictZip,
        prefix: str,
        description: Description,
        head: Checkpoint,
        problems: Problems,
        origins: Origins,
        rules: OccupationRules,
        seen: Callable[[RecordLine, Checked], None],
    ) -> None:
        self._origins = origins
        self._rules = rules
        self._seen = seen
        self._lines = lines_of(package, prefix + layout.RECORDS, RecordLine, MAX_LINE)
        self._originals = lines_of(package, prefix + layout.ORIGINALS, OriginalLine, MAX_ORIGINAL_LINE)
        self._cover = Cover(package, prefix)
        self._description = description
        self._head = head
        self._problems = problems
        self._count = {"query": 0, "read": 0, "derived": 0, "possible": 0}
        self._uncertain = self._with_original = self._withheld = self._covered = 0
        self._wanted: set[tuple[int, str, Action]] = set()
        self._edges: dict[tuple[int, str, Action], frozenset[str]] = {}
        """What bounds an occupation, with the orders that a record names which does not name the batch."""
        self._orders: set[str] = set()
        """The orders that records of the batch name together with it."""

    def rows(self) -> Iterator[Row]:
        """Each record's row, once it has been checked; a record that does not hold is noted and still shown."""
        last = -1
        for line in self._lines:
            where = f"entry {line.index} in {layout.RECORDS}"
            try:
                if line.index <= last:
                    raise IntegrityError("does not stand in the order of the log")
                last = line.index
                checked = check_line(line, self._head.size, self._head.root)
                self._seen(line, checked)
                one = row(line, checked.leaf, checked.hash)
                self._check(line, checked)
            except LedgerError as error:
                self._problems.add(where, str(error))
                continue
            yield one

    def finish(self) -> Counted:
        """Compares what was counted with what the package says, once all rows were read."""
        if next(self._originals, None) is not None:
            self._problems.add(layout.ORIGINALS, "has an original that no record names, or in another order")
        edges = {edge for edge, orders in self._edges.items() if not orders or orders & self._orders}
        for index, equipment, action in sorted(self._wanted - edges):
            self._problems.add(
                f"entry {index} in {layout.RECORDS}", f"is to be the {action.value} of {equipment}, and is not"
            )
        for index in self._origins.decided.of_others(self._description.selection):
            self._problems.add(f"entry {index} in {layout.ENTRIES}", "is about another batch than the package's")
        for index, what in self._rules.wrong():
            self._problems.add(f"entry {index} in {layout.RECORDS}", what)
        said = self._description
        total = sum(self._count.values())
        counted = (total, self._count["read"], self._count["derived"], self._count["possible"], self._uncertain)
        if counted != (said.records, said.read, said.derived, said.possible, said.uncertain):
            self._problems.add(layout.RECORDS, f"holds {total} records where {layout.DESCRIPTION} says {said.records}")
        if (self._with_original, self._withheld) != (said.originals, said.originals_withheld):
            self._problems.add(layout.ORIGINALS, f"does not hold the originals that {layout.DESCRIPTION} says")
        if (self._origins.imported, sum(self._origins.marked.values())) != (said.imported, said.marked):
            self._problems.add(layout.RECORDS, f"does not show the imported and marked that {layout.DESCRIPTION} says")
        return Counted(records=total, covered=self._covered)

    def _check(self, line: RecordLine, checked: Checked) -> None:
        if checked.leaf.kind != "record":
            raise IntegrityError(f"is of kind {checked.leaf.kind}, not a record")
        if line.basis not in self._count or (line.basis in _BY_INTERVAL) is not (line.why is not None):
            raise IntegrityError("does not say why it is in the selection")
        self._count[line.basis] += 1
        body = msgspec.json.decode(line.body, type=RecordBody)
        self._check_sealed(line, body)
        self._check_original(line, body)
        self._check_basis(line, body)
        self._rules.record(line, body)
        self._origins.record(body.record.source, line)
        self._origins.decided.record(body.record)
        covered = self._cover.leaf_hash(line.index)
        if covered is not None:
            self._covered += 1
            if covered != checked.hash:
                raise ChainBroken("is not the record that its collection run holds at this place")

    def _check_sealed(self, line: RecordLine, body: RecordBody) -> None:
        given = [(one.member, b64(sealed_commitment(unb64(one.salt, 32), bytes(one.value)))) for one in line.sealed]
        held = sealed_members(body.record)
        left = list(held)
        for one in given:
            if one not in left:
                raise IntegrityError(f"the disclosed value of {one[0]} is not the one that the body commits to")
            left.remove(one)
        if sorted(member for member, _ in left) != sorted(line.withheld):
            raise IntegrityError("does not name the sealed values that it withholds")
        if not self._description.disclosed and given:
            raise IntegrityError("discloses a value that the package says it withholds")

    def _check_original(self, line: RecordLine, body: RecordBody) -> None:
        if line.original is OriginalState.INCLUDED:
            given = next(self._originals, None)
            if given is None or given.index != line.index or body.original is None:
                raise IntegrityError(f"its original is not in {layout.ORIGINALS}")
            commitment = b64(original_commitment(unb64(given.salt, 32), unb64(given.data)))
            if commitment != body.original.commitment:
                raise IntegrityError(f"its original in {layout.ORIGINALS} is not the one that the body commits to")
            self._with_original += 1
        elif line.original is OriginalState.WITHHELD:
            if not line.withheld or body.original is None:
                raise IntegrityError("withholds an original without a sealed value that would be in it")
            self._withheld += 1
        elif line.original is OriginalState.ERASED:
            if body.original is None:
                raise IntegrityError("says that an original was erased that it never had")
            self._withheld += 1
        elif body.original is not None:
            raise IntegrityError("leaves out its original without saying so")

    def _check_basis(self, line: RecordLine, body: RecordBody) -> None:
        links = {(link.kind, link.id) for link in body.record.links}
        equipment = {id_ for kind, id_ in links if kind is LinkKind.EQUIPMENT}
        orders = frozenset(id_ for kind, id_ in links if kind is LinkKind.ORDER)
        if line.basis == "read":
            self._orders |= orders
        if body.record.action in (Action.START, Action.STOP) and (line.basis == "read" or orders):
            by = frozenset() if line.basis == "read" else orders
            self._edges |= {(line.index, id_, body.record.action): by for id_ in equipment}
        if line.why is not None:
            rooms = {id_ for kind, id_ in links if kind is LinkKind.LOCATION}
            self._check_reason(line.why, equipment, {body.record.object.id, *rooms}, line.basis)
            _check_looks(line.why, looked(body), line.basis)
        elif line.basis == "read":
            selection = self._description.selection
            if (selection.get("kind"), selection.get("id")) not in {(kind.value, id_) for kind, id_ in links}:
                raise IntegrityError("does not carry the link that it was selected by")

    def _check_reason(self, why: Reason, equipment: Iterable[str], tags: Iterable[str], basis: str) -> None:
        if why.tag is not None and why.tag not in tags:
            raise IntegrityError(f"has nothing to do with {why.tag}, which is to stand for equipment {why.equipment}")
        if why.tag is None and why.equipment not in equipment:
            raise IntegrityError(f"has nothing to do with equipment {why.equipment}")
        self._uncertain += basis == "derived" and not why.certain
        self._wanted.add((why.started_by, why.equipment, Action.START))
        if why.stopped_by is not None:
            self._wanted.add((why.stopped_by, why.equipment, Action.STOP))


def _check_looks(why: Reason, between: Span | None, basis: str) -> None:
    """A record that happened between two looks is derived where both lie in the occupation, else possible."""
    if between is None:
        if basis == "possible":
            raise IntegrityError("may belong by two looks, of which its body says nothing")
        return
    low, high = parse_utc(why.after), None if why.before is None else parse_utc(why.before)
    if between.high_us < low or (high is not None and between.low_us > high):
        raise IntegrityError("happened between two looks that are outside the occupation")
    if (basis == "derived") is not within(between, low, high):
        raise IntegrityError("is not in the occupation as far as the two looks say that it is")
    if basis == "possible" and why.certain:
        raise IntegrityError("is said to belong for certain, and lies in the occupation only in part")


def _check_log(entry: EntryLine, origin: str) -> None:
    if entry.index != 0 or body_of(entry, LOG_CREATED).origin != origin:
        raise IntegrityError(f"is not the beginning of log {origin}")


def check_report_key(entry: EntryLine, origin: str) -> None:
    """Raises IntegrityError for an entry that does not vouch for a report key of that log."""
    event = body_of(entry, KEY_EVENT)
    if (event.event, event.purpose) != ("created", "report") or not event.key.startswith(report_key_name(origin) + "+"):
        raise IntegrityError(f"does not vouch for a report key of log {origin}")
