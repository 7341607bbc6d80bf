"""What a report is made from: plain facts, gathered while the evidence goes by; their size does not grow with it."""

from collections import Counter
from typing import Any, Final

import msgspec

from ledger.core.binding import CeremonyEntry
from ledger.core.clock import parse_utc, utc_text
from ledger.core.disposition import Deferral, defers
from ledger.core.errors import IntegrityError
from ledger.core.gone_records import RuleBody
from ledger.core.hashing import unb64
from ledger.core.instants import occurred
from ledger.core.paper import Paper, PaperEntry
from ledger.core.record import Action, Interval, RecordBody, Sealed
from ledger.core.run import Gap
from ledger.core.signature import ProviderProof, SignatureEntry
from ledger.core.signature import Statement as Signing
from ledger.core.times import Clock
from ledger.integrity.kinds import Verdict, Verification
from ledger.people.person_kinds import DocumentEntry
from ledger.present.manifest import Manifestation, manifestation
from ledger.present.messages import message
from ledger.present.states import State
from ledger.sources.kinds import CollectionRun, SourceRegistered
from ledger.sources.parameter_kinds import Parameter
from ledger.sources.statement import Statement
from ledger.trace.evidence import EvidenceRecord, EvidenceRun, EvidenceSet
from ledger.trace.gone import GoneRecords
from ledger.trace.selection import Basis
from ledger.trace.windows import Occupation
from ledger.trace.witnessed import WitnessedBy
from reports.actors import Actors
from reports.beside import Beside, Filed, LetterBody
from reports.lines import CopyState
from reports.origins import Origins
from reports.spread import Spread
from reports.stamping import Dating

LISTED: Final = 100
"""Gaps and unreachable intervals of a source that the report lists; all of them stand in `entries.jsonl`."""


class Coverage(msgspec.Struct, kw_only=True):
    """What the runs of one source say about it over the interval shown."""

    source: str
    title: str = ""
    type: str = ""
    runs: int = 0
    records: int = 0
    selected: int = 0
    duplicates: int = 0
    quarantined: int = 0
    first_started: str | None = None
    last_ended: str | None = None
    clock: Clock | None = None
    unreachable: list[Interval] = []
    unreachable_count: int = 0
    gaps: list[Gap] = []
    gaps_count: int = 0
    exposed: int = 0
    """Selected records of which the source says when it recorded them."""
    exposed_low_us: int = 0
    exposed_high_us: int = 0
    """The shortest and longest time from then until they were received: what happened in it is not covered."""


_SIGNING = frozenset({Action.SIGN, Action.APPROVE, Action.REJECT})
"""Actions that are a signature at the source: 21 CFR 11.50 wants the signer's printed name with each."""


class Totals(msgspec.Struct, kw_only=True):
    """What was counted over the records of the selection."""

    records: int = 0
    changes: int = 0
    read: int = 0
    derived: int = 0
    possible: int = 0
    uncertain: int = 0
    originals: int = 0
    originals_withheld: int = 0
    sealed: int = 0
    signers_hidden: int = 0
    inferred: int = 0
    unreasoned: int = 0
    first_us: int | None = None
    last_us: int | None = None
    logged_low_us: int | None = None
    logged_high_us: int | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked for the package, whether they proved who they are, and why, in their own words; empty: not told."""

    by: str = ""
    authenticated: bool = False
    why: str = ""


class ShownSignature(msgspec.Struct, frozen=True, kw_only=True):
    """An electronic signature of the package, by its entry in the system log; `letter`: the site's when it was made.

    `rests_on`: the entries of the identity provider's keys and of the signer's link, where its token signed.
    """

    address: str
    shown: Manifestation
    rests_on: tuple[str, str] | None = None
    letter: str = ""


class ShownCopy(msgspec.Struct, frozen=True, kw_only=True):
    """A letter's copy or a scan: what it is, what the package gives of it, and where."""

    filed: Filed
    entry: str
    state: CopyState
    file: str | None = None
    sha256: str | None = None


class ReportData(msgspec.Struct, frozen=True, kw_only=True):
    """All that the report says besides the records themselves."""

    package: str
    product: str
    origin: str
    size: int
    root: bytes
    checkpoint: bytes
    witnessed: WitnessedBy
    log_key: str
    report_key: str
    gathered_us: int
    selection: dict[str, Any]
    asked: Asked = Asked()
    disclosed: bool
    dating: Dating = Dating()
    totals: Totals
    actions: dict[str, int]
    actors: Actors
    spread: Spread
    coverage: tuple[Coverage, ...]
    runs: int
    occupations: tuple[Occupation, ...]
    undated: int
    unmatched: tuple[int, ...]
    verification: int | None
    verification_state: State
    verification_says: str
    signatures: tuple[ShownSignature, ...] = ()
    papers: tuple[Paper, ...] = ()
    copies: tuple[ShownCopy, ...] | None = None
    """None where there is nothing of the system log in the package."""
    founded: str | None = None
    system: str | None = None
    origins: Origins
    """What stands behind the records: imports, and the sources' lives."""
    signed_behind: dict[int, list[int]] = {}
    said: dict[int, Signing] = {}
    """What each signature says, by its entry in the system log."""
    statements: tuple[Statement, ...] = ()
    gone: GoneRecords = GoneRecords()
    """Records of the selection that were disposed of, by the system log's entries."""
    rules: dict[int, RuleBody] = {}
    """The rules of retention that they went by, by their entries."""
    occupation_rules: dict[int, Parameter] = {}
    """By which records are derived to belong, by their entries."""

    def approvers(self, index: int, body: Deferral) -> list[str]:
        """Who put a deferral in force, each with the signature's entry; none: it is not in force."""
        return [
            f"{said.signer.name} ({said.signer.account}), {self.system}#{at}"
            for at in self.signed_behind.get(index, ())
            if (said := self.said.get(at)) is not None and defers(body, said)
        ]

    def signers(self, index: int) -> list[str]:
        """Who signed an entry of the log that stands behind records, each with the signature's entry."""
        return [
            f"{one.shown.name} ({one.shown.account}), {one.address}"
            for one in self.signatures
            if int(one.address.rpartition("#")[2]) in self.signed_behind.get(index, ())
        ]


class Tally:
    """Counts what goes by."""

    def __init__(self, sources: tuple[str, ...], origins: Origins) -> None:
        self.origins = origins
        self.signed_behind: dict[int, list[int]] = {}
        self.totals = Totals()
        self.actions: Counter[str] = Counter()
        self.actors = Actors()
        self.spread = Spread()
        self.coverage = {source: Coverage(source=source) for source in sources}
        self.covering: dict[str, tuple[int, int]] = {}
        self.runs = 0
        self.signed: set[int] = set()
        self.by_hand: set[int] = set()
        self.hidden: set[str] = set()
        """The addresses of records with a signature by hand of which values are not in the package."""
        self.copies: list[ShownCopy] | None = None
        self._beside = Beside()
        self._signatures: list[ShownSignature] = []
        self._founded: str | None = None
        self._system: str | None = None
        self._said: dict[int, Signing] = {}
        self._rules: dict[int, RuleBody] = {}
        self._occupation_rules: dict[int, Parameter] = {}

    def occupation_rule(self, index: int, body: msgspec.Struct) -> None:
        """Takes a rule by which records are derived to belong; raises IntegrityError where it is no parameter."""
        if not isinstance(body, Parameter):
            raise IntegrityError(f"entry {index} is to be a parameter, and is none")
        self._occupation_rules[index] = body

    def rule(self, index: int, body: RuleBody) -> None:
        """Takes a rule of retention by which records of the selection went."""
        self._rules[index] = body

    def signature(self, index: int, body: SignatureEntry | CeremonyEntry) -> None:
        """Takes a signature over records that went by, or the first start that its key chains to."""
        self._system = body.statement.origin
        if isinstance(body, CeremonyEntry):
            text = unb64(body.fingerprint, 32).hex()
            self._founded = " ".join(text[at : at + 4] for at in range(0, len(text), 4))
            return
        self._said[index] = body.statement
        address = f"{body.statement.origin}#{index}"
        there = (body.proof.keys, body.statement.binding or "") if isinstance(body.proof, ProviderProof) else None
        letter = self._beside.letter_words(body.statement.origin, index)
        self._signatures.append(
            ShownSignature(address=address, shown=manifestation(body), rests_on=there, letter=letter)
        )

    def beside(self, index: int, body: PaperEntry | DocumentEntry, system: str) -> None:
        """Takes a handwritten signature, or a letter of the site's; in the order of the system log."""
        self._system = system
        if isinstance(body, DocumentEntry):
            letter = LetterBody(document=body.document, title=body.title, dated=body.dated, original=body.original)
            self._beside.enter(index, letter)
        else:
            self._beside.enter(index, body)

    def files(self) -> dict[int, Filed]:
        """The files that belong beside the signatures taken, by the entries that commit to them."""
        return self._beside.files(int(one.address.rpartition("#")[2]) for one in self._signatures)

    @property
    def signatures(self) -> list[tuple[str, Manifestation]]:
        """The signatures taken, each by its address."""
        return [(one.address, one.shown) for one in self._signatures]

    def record(self, one: EvidenceRecord, withheld: bool, hidden: bool) -> None:
        """Counts a record; `withheld`: its original is not in the package, `hidden`: nor are its sealed values."""
        record, totals, source = one.body.record, self.totals, one.body.record.source
        totals.records += 1
        totals.changes += len(record.changes)
        totals.read += one.basis is Basis.READ
        totals.derived += one.basis is Basis.DERIVED
        totals.possible += one.basis is Basis.POSSIBLE
        totals.uncertain += one.basis is Basis.DERIVED and one.why is not None and not one.why.certain
        totals.originals += one.original is not None and not withheld
        totals.originals_withheld += withheld
        totals.sealed += len(one.sealed)
        if record.action in _SIGNING and isinstance(record.actor.name, Sealed):
            totals.signers_hidden += hidden or "actor.name" in one.erased
        totals.inferred += any(change.inferred is not None for change in record.changes)
        totals.unreasoned += record.reason is None
        self.actions[record.action.value] += 1
        self.actors.record(one.body)
        self.spread.record(one.body, one.basis.value)
        found = self._source(source)
        found.selected += 1
        _expose(found, one.body)
        totals.logged_low_us = totals.logged_low_us or one.entry.logged_us
        totals.logged_high_us = one.entry.logged_us
        self.origins.count(source, one.entry.index)
        self.origins.decided.record(record)
        self.covering[source] = (self.covering.get(source, (one.entry.index, 0))[0], one.entry.index)
        span = occurred(one.body)
        if span is not None:
            totals.first_us = span.low_us if totals.first_us is None else min(totals.first_us, span.low_us)
            totals.last_us = span.high_us if totals.last_us is None else max(totals.last_us, span.high_us)

    def source(self, registered: SourceRegistered) -> None:
        """Takes a source's title and type from its registration."""
        found = self._source(registered.id)
        found.title, found.type = registered.title, registered.type

    def run(self, one: EvidenceRun) -> None:
        """Counts a run; the one that a chain is taken up at is not part of the interval shown."""
        if one.taken_up:
            return
        body: CollectionRun = one.body
        found = self._source(body.source)
        self.runs += 1
        found.runs += 1
        found.records += body.records
        found.duplicates += len(body.duplicates)
        found.quarantined += len(body.quarantined)
        found.first_started = found.first_started or body.started_at
        found.last_ended = body.ended_at
        found.clock = body.clock or found.clock
        found.unreachable_count += len(body.unreachable)
        found.gaps_count += len(body.gaps)
        found.unreachable += body.unreachable[: LISTED - len(found.unreachable)]
        found.gaps += body.gaps[: LISTED - len(found.gaps)]

    def data(
        self,
        evidence: EvidenceSet,
        package: str,
        product: str,
        disclosed: bool,
        statements: tuple[Statement, ...],
        asked: Asked,
        dating: Dating,
    ) -> ReportData:
        """The facts, once all evidence has gone by."""
        state, says = _verification(evidence)
        return ReportData(
            package=package,
            product=product,
            origin=evidence.origin,
            size=evidence.size,
            root=evidence.root,
            checkpoint=evidence.checkpoint,
            witnessed=evidence.witnessed,
            log_key=evidence.log_key,
            report_key=evidence.report_key,
            gathered_us=evidence.gathered_us,
            selection=msgspec.to_builtins(evidence.selection),
            asked=asked,
            disclosed=disclosed,
            dating=dating,
            totals=self.totals,
            actions=dict(sorted(self.actions.items())),
            actors=self.actors,
            spread=self.spread,
            coverage=tuple(self.coverage[source] for source in sorted(self.coverage)),
            runs=self.runs,
            occupations=evidence.occupations.intervals,
            undated=evidence.undated,
            unmatched=evidence.occupations.unmatched,
            verification=None if evidence.verification is None else evidence.verification.index,
            verification_state=state,
            verification_says=says,
            signatures=tuple(self._signatures),
            papers=self._beside.papers,
            copies=None if self.copies is None else tuple(self.copies),
            founded=self._founded,
            system=self._system,
            origins=self.origins,
            signed_behind=self.signed_behind,
            said=self._said,
            statements=statements,
            gone=evidence.gone,
            rules=self._rules,
            occupation_rules=self._occupation_rules,
        )

    def _source(self, source: str) -> Coverage:
        return self.coverage.setdefault(source, Coverage(source=source))


def _expose(found: Coverage, body: RecordBody) -> None:
    recorded = body.record.source_recorded_at
    if recorded is None or recorded.instant_us is None:
        return
    window = parse_utc(body.received_at) - recorded.instant_us
    found.exposed_low_us = window if not found.exposed else min(found.exposed_low_us, window)
    found.exposed_high_us = window if not found.exposed else max(found.exposed_high_us, window)
    found.exposed += 1


def _verification(evidence: EvidenceSet) -> tuple[State, str]:
    """What the last verification of the ledger says, level by level; empty where there is none."""
    if evidence.verification is None:
        return State.UNKNOWN, ""
    body = evidence.decode(evidence.verification)
    if not isinstance(body, Verification):
        return State.UNKNOWN, utc_text(evidence.verification.logged_us)
    levels = (
        message("report.ledger.level", level=one.level, verdict=message(f"report.ledger.{one.verdict.value}"))
        for one in body.levels
    )
    failed = any(one.verdict is Verdict.FAILS for one in body.levels)
    says = message(
        "report.ledger.said", at=utc_text(evidence.verification.logged_us), size=body.size, levels=", ".join(levels)
    )
    return State.FAILS if failed else State.HOLDS if body.holds else State.UNKNOWN, says
