"""The checks on a package's entries, runs and records, each a pass over one file or over files side by side."""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256, sha512
from typing import Any, Final

import msgspec

from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import parse_utc
from ledger.core.errors import ChainBroken, IntegrityError, LedgerError
from ledger.core.hashing import ZERO_HASH, b64, original_commitment, run_chain, sealed_commitment, unb64
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
    Checked,
    EntryLine,
    EntryRole,
    Line,
    OriginalLine,
    OriginalState,
    Reason,
    RecordLine,
    RunLine,
    SignedLine,
    check_line,
    decode_line,
)
from reports.strictzip import StrictZip
from reports.tables import Row, csv_chunks, row
from reports.verdict import Problem

MAX_PROBLEMS: Final = 50
_BY_INTERVAL: Final = frozenset({"derived", "possible"})

_KINDS = {
    EntryRole.LOG: "log-created",
    EntryRole.REPORT_KEY: "key-event",
    EntryRole.VERIFICATION: "verification",
    EntryRole.SOURCE: "source",
    EntryRole.RUN: "collection-run",
    EntryRole.SYSTEM: "log-binding",
}


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

    log: str
    report: str


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs, and how many records they hold together."""

    runs: int
    records: int


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many records the package has, and how many of them the package's runs hold."""

    records: int
    covered: int


class _LogCreated(msgspec.Struct, frozen=True, tag_field="schema", tag="log-created/1"):
    origin: str
    key: str


class _KeyEvent(msgspec.Struct, frozen=True, tag_field="schema", tag="key-event/1"):
    event: str
    purpose: str
    key: str


class _Run(msgspec.Struct, frozen=True, tag_field="schema", tag="collection-run/1"):
    source: str
    first: int | None
    records: int
    previous: int | None
    chain: str


def find_keys(package: StrictZip, prefix: str) -> Keys:
    """The keys of the first two entries, which are the log's creation and the report key's; nothing is proven yet."""
    entries = lines_of(package, prefix + layout.ENTRIES, EntryLine, MAX_LINE)
    log, report = next(entries, None), next(entries, None)
    if log is None or report is None or (log.role, report.role) != (EntryRole.LOG, EntryRole.REPORT_KEY):
        raise IntegrityError("does not begin with the entries of the log and of its report key")
    return Keys(log=body_of(log, _LogCreated).key, report=body_of(report, _KeyEvent).key)


def check_entries(
    package: StrictZip, prefix: str, description: Description, head: Checkpoint, problems: Problems
) -> Runs:
    """Proves every entry beside the records, the report key's purpose, and the unbroken chain of each source's runs."""
    runs = records = 0
    chains: dict[str, tuple[int, bytes]] = {}
    leaves = lines_of(package, prefix + layout.RUNS, RunLine, MAX_RUN_LINE)
    verification = None
    for entry in lines_of(package, prefix + layout.ENTRIES, EntryLine, MAX_LINE):
        where = f"entry {entry.index} in {layout.ENTRIES}"
        try:
            checked = check_line(entry, head.size, head.root)
            if checked.leaf.kind != _KINDS[entry.role]:
                raise IntegrityError(f"is of kind {checked.leaf.kind}, not what a {entry.role.value} entry is")
            if entry.role is EntryRole.LOG:
                _check_log(entry, head.origin)
            elif entry.role is EntryRole.REPORT_KEY:
                _check_report_key(entry, head.origin)
            elif entry.role is EntryRole.VERIFICATION:
                verification = entry.index
            elif entry.role is EntryRole.RUN:
                run = body_of(entry, _Run)
                if _check_run(entry.index, run, next(leaves, None), chains):
                    runs, records = runs + 1, records + run.records
        except LedgerError as error:
            problems.add(where, str(error))
    if next(leaves, None) is not None:
        problems.add(layout.RUNS, "has a run that the entries do not have")
    if runs != description.runs or verification != description.verification:
        problems.add(layout.DESCRIPTION, "does not describe the entries that are there")
    return Runs(runs=runs, records=records)


def check_records(
    package: StrictZip,
    prefix: str,
    description: Description,
    head: Checkpoint,
    table: Digests,
    problems: Problems,
    signed: Callable[[int, str], None] = lambda index, leaf: None,
) -> Counted:
    """Proves every record with its sealed values and its original, and that the CSV says what the records say.

    `signed` is told the index of each and its leaf hash (base64).
    """
    check = _Records(package, prefix, description, head, problems, signed)
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
        signed: Callable[[int, str], None],
    ) -> None:
        self._signed = signed
        self._lines = lines_of(package, prefix + layout.RECORDS, RecordLine, MAX_LINE)
        self._originals = lines_of(package, prefix + layout.ORIGINALS, OriginalLine, MAX_ORIGINAL_LINE)
        self._cover = _Cover(package, prefix)
        self._description = description
        self._head = head
        self._problems = problems
        self._count = {"query": 0, "read": 0, "derived": 0, "possible": 0}
        self._uncertain = self._with_original = self._withheld = self._covered = 0
        self._wanted: set[tuple[int, str, Action]] = set()
        self._edges: set[tuple[int, str, Action]] = set()

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
                self._signed(line.index, b64(checked.hash))
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
        for index, equipment, action in sorted(self._wanted - self._edges):
            self._problems.add(
                f"entry {index} in {layout.RECORDS}", f"is to be the {action.value} of {equipment}, and is not"
            )
        said = self._description
        total = sum(self._count.values())
        counted = (total, self._count["read"], self._count["derived"], self._count["possible"], self._uncertain)
        if counted != (said.records, said.read, said.derived, said.possible, said.uncertain):
            self._problems.add(layout.RECORDS, f"holds {total} records where {layout.DESCRIPTION} says {said.records}")
        if (self._with_original, self._withheld) != (said.originals, said.originals_withheld):
            self._problems.add(layout.ORIGINALS, f"does not hold the originals that {layout.DESCRIPTION} says")
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
        if line.basis == "read" and body.record.action in (Action.START, Action.STOP):
            self._edges |= (
                {(line.index, id_, body.record.action) for id_ in equipment} if line.basis == "read" else set()
            )
        if line.why is not None:
            self._check_reason(line.why, equipment, line.basis)
            _check_looks(line.why, looked(body), line.basis)
        elif line.basis == "read":
            selection = self._description.selection
            if (selection.get("kind"), selection.get("id")) not in {(kind.value, id_) for kind, id_ in links}:
                raise IntegrityError("does not carry the link that it was selected by")

    def _check_reason(self, why: Reason, equipment: Iterable[str], basis: str) -> None:
        if why.equipment not in equipment:
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


class _Cover:
    """The leaf hashes of the package's runs, looked up in rising order of index."""

    def __init__(self, package: StrictZip, prefix: str) -> None:
        self._runs = self._read(package, prefix)
        self._first = 0
        self._leaves: tuple[str, ...] = ()

    def leaf_hash(self, index: int) -> bytes | None:
        """The leaf hash that a run gives for this index; None where no run of the package holds it."""
        while index >= self._first + len(self._leaves):
            following = next(self._runs, None)
            if following is None:
                return None
            self._first, self._leaves = following
        return unb64(self._leaves[index - self._first], 32) if index >= self._first else None

    def _read(self, package: StrictZip, prefix: str) -> Iterator[tuple[int, tuple[str, ...]]]:
        leaves = lines_of(package, prefix + layout.RUNS, RunLine, MAX_RUN_LINE)
        for entry in lines_of(package, prefix + layout.ENTRIES, EntryLine, MAX_LINE):
            if entry.role is EntryRole.RUN:
                run, line = body_of(entry, _Run), next(leaves, None)
                if line is not None and run.first is not None:
                    yield run.first, line.leaves


def _check_log(entry: EntryLine, origin: str) -> None:
    if entry.index != 0 or body_of(entry, _LogCreated).origin != origin:
        raise IntegrityError(f"is not the beginning of log {origin}")


def _check_report_key(entry: EntryLine, origin: str) -> None:
    event = body_of(entry, _KeyEvent)
    if (event.event, event.purpose) != ("created", "report") or not event.key.startswith(report_key_name(origin) + "+"):
        raise IntegrityError(f"does not vouch for a report key of log {origin}")


def _check_run(index: int, run: _Run, line: RunLine | None, chains: dict[str, tuple[int, bytes]]) -> bool:
    """The run continues the source's run before it, and its chain runs over exactly these leaf hashes.

    The first run shown of a source may be one that others came before: it is where the chain is taken up, gives no leaf
    hashes, and is not counted (False).
    """
    chain = unb64(run.chain, 32)
    before = chains.get(run.source)
    chains[run.source] = (index, chain)
    taken_up = before is None and run.previous is not None
    if line is None or line.run != index or len(line.leaves) != (0 if taken_up else run.records):
        raise IntegrityError(f"does not have the leaf hashes of its {run.records} records in {layout.RUNS}")
    if taken_up:
        return False
    if before is not None and run.previous != before[0]:
        raise ChainBroken(f"does not continue run {before[0]} of source {run.source}: a run between is missing")
    found = before[1] if before is not None else ZERO_HASH
    for leaf in line.leaves:
        found = run_chain(found, unb64(leaf, 32))
    if found != chain:
        raise ChainBroken(f"its chain does not run over the {run.records} records that {layout.RUNS} gives")
    return True


def body_of(entry: EntryLine | SignedLine, kind: type[Any]) -> Any:
    """The body of an entry's line; raises IntegrityError where it is none of that kind."""
    try:
        return msgspec.json.decode(entry.body, type=kind)
    except msgspec.DecodeError as error:
        raise IntegrityError(f"entry {entry.index} is no {entry.role.value} entry: {error}") from None


def lines_of(package: StrictZip, name: str, kind: type[Line], limit: int) -> Iterator[Line]:
    """The lines of a file, each read strictly; raises IntegrityError, naming the line, for one that is none."""
    for number, data in enumerate(package.lines(name, limit), start=1):
        try:
            yield decode_line(data, kind)
        except LedgerError as error:
            raise IntegrityError(f"{name.partition('/')[2]} line {number}: {error}") from None
