"""Writes an evidence package: from the evidence of one snapshot to one sealed file, verified before it has its name.

Everything goes through files beside the target, so memory does not grow with the number of records. The records are
read once; CSV and report are made from the very `records.jsonl` that is sealed.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from ledger.core import canonical
from ledger.core.address import Address
from ledger.core.binding import CeremonyEntry
from ledger.core.clock import utc_text
from ledger.core.errors import IntegrityError
from ledger.core.gone_records import RuleBody
from ledger.core.hashing import b64
from ledger.core.note import VerifierKey
from ledger.core.paper import PaperEntry
from ledger.core.signature import SignatureEntry, Target
from ledger.core.statement import open_report
from ledger.people.person_kinds import DocumentEntry
from ledger.present.messages import Language, speaking
from ledger.sources.kinds import SourceRegistered
from ledger.sources.statement import Statement
from ledger.trace.evidence import EvidenceSet, SignedPart
from ledger.trace.proven import ProvenEntry
from reports import bag, layout
from reports.copying import write_copies
from reports.dataset import Asked, ReportData, Tally
from reports.describing import about, describe
from reports.dictionary import dictionary_csv
from reports.encoding import entry_line, key_event_line, original_erased, record_line, signed_line
from reports.layout import Description
from reports.lines import EntryLine, EntryRole, OriginalLine, RunLine, SignedRole, encode_line
from reports.order import Timeline, rows_of
from reports.origins import ROLES, Origins
from reports.pdf import PageSize, write_report
from reports.proof_of_all import ProofOfAll
from reports.proofs import proof_file
from reports.reading import body_of
from reports.runs import Run
from reports.sections.howto import help_text
from reports.sets import set_lines
from reports.stamping import Stamping
from reports.standalone import verify_page
from reports.strictzip import CHUNK, ZipWriter
from reports.tables import Row, csv_chunks, signatures_csv
from reports.verdict import ExitCode
from reports.verify import verify_package
from reports.workbook import write_records

_UNTOLD = Asked()
_ROLES = {kind: role for role, kind in ROLES.items()}

Statements = Callable[[Sequence[str]], tuple[Statement, ...]]
"""Gives the equivalence statements of sources by their ids, as far as there are any."""

Decisions = Callable[[Collection[str]], Sequence[int]]
"""Gives the entries of what was deferred and answered of batches, in order."""

Seal = Callable[[Mapping[str, object]], bytes]
"""Signs a report statement's payload: `core.statement.sign_report` with the log's report key."""

Progress = Callable[[str, int], None]
"""Told what is done (`records`, `runs`, `table`, `workbook`, `report`, `seal`, `verify`), and how many of it are."""


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A finished package: what a `package-issued` entry says of it.

    `signers_hidden`: records of a signature whose signer's printed name the package hides; it doesn't meet 11.50 then.
    """

    package: str
    path: Path
    sha256: bytes
    bytes: int
    origin: str
    size: int
    records: int
    disclosed: bool
    selection: str
    verification: int | None
    signers_hidden: int = 0


def build(
    evidence: EvidenceSet,
    out: Path,
    seal: Seal,
    *,
    product: str,
    disclose: bool,
    decided: Decisions = lambda batches: (),
    zone: str = "UTC",
    page_size: PageSize = PageSize.A4,
    statements: Statements = lambda sources: (),
    asked: Asked = _UNTOLD,
    language: Language = Language.ENGLISH,
    progress: Progress = lambda step, done: None,
) -> Issued:
    """Writes the package to `out`, which either is not touched or is a complete package that verifies.

    `decided` gives the entries of what was deferred and answered of batches. `disclose` false withholds every sealed
    value, and every original of a record that has one. `statements` gives the equivalence statements of sources, for
    the report, which also says who `asked` and why; `language` is the report's. Raises IntegrityError where the
    evidence does not hold, SignatureInvalid when `seal` does not sign with the report key that the log vouches for,
    InvalidEntry when it would be too large for one file.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    stamp = utc_text(evidence.gathered_us)[:19].replace("-", "").replace(":", "")
    package = f"evidence-{stamp}Z-{secrets.token_hex(4)}"
    staging = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        writer = _Writer(evidence, decided, staging, package, progress)
        with speaking(language):
            return writer.write(out, seal, product, disclose, zone, page_size, statements, asked)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


class _Writer:
    def __init__(
        self, evidence: EvidenceSet, decided: Decisions, staging: Path, package: str, progress: Progress
    ) -> None:
        self._evidence, self._decided = evidence, decided
        self._package = package
        self._progress = progress
        self._staging = staging
        self._bag = staging / package
        (self._bag / "data").mkdir(parents=True)
        self._origins = Origins(evidence.origin)
        self._tally = Tally(evidence.source_ids(), self._origins)
        self._stamping = Stamping(evidence.stamps)

    def write(
        self,
        out: Path,
        seal: Seal,
        product: str,
        disclose: bool,
        zone: str,
        page_size: PageSize,
        statements: Statements,
        asked: Asked,
    ) -> Issued:
        evidence = self._evidence
        behind = self._behind()
        self._records(disclose)
        batches = self._origins.decided.about(msgspec.to_builtins(evidence.selection))
        behind += self._lines(map(evidence.entry, self._decided(batches)))
        self._entries(behind)
        said = statements(sorted(self._tally.covering))
        (self._bag / layout.STAMPS_FOLDER).mkdir()
        dating = self._stamping.write(self._put)
        data = self._tally.data(evidence, self._package, product, disclose, said, asked, dating)
        self._tables(data)
        self._report(data, zone, page_size)
        description = describe(data, proofs=self._proofs(data))
        self._put(layout.DESCRIPTION, layout.encode_description(description))
        self._put(layout.CHECKPOINT, evidence.checkpoint)
        lines = [encode_line(key_event_line(one)) for one in evidence.key_life()]
        if lines:
            self._put(layout.KEY_LIFE, b"".join(lines))
        self._put(layout.KEYS, layout.keys_text(evidence.log_key, evidence.report_key))
        self._put(layout.HELP, help_text(data).encode())
        with speaking(Language.ENGLISH):  # the members that it tells of have English names
            self._put(layout.DICTIONARY, dictionary_csv())
        self._put(layout.PAGE, verify_page())
        self._seal(description, data, seal)
        return self._finish(out, data)

    def _behind(self) -> list[EntryLine]:
        """The lines of what stands behind the records: registrations, lives, imports; taken in before any record."""
        evidence = self._evidence
        lines = []
        for entry in evidence.sources():
            lines.append(entry_line(EntryRole.SOURCE, entry))
            self._origins.source(lines[-1])
            registered = evidence.decode(entry)
            if isinstance(registered, SourceRegistered):
                self._tally.source(registered)
        lines += self._lines(evidence.background())
        for index, _ in self._origins.noticing:
            entry = evidence.entry(index)
            if entry.kind == "collection-run":
                self._origins.notice(index, body_of(entry_line(EntryRole.RUN, entry), Run))
        return lines

    def _lines(self, entries: Iterable[ProvenEntry]) -> Iterator[EntryLine]:
        """The lines of entries beside the records, each taken in with what was signed over it."""
        signed, papers = self._evidence.signed(), self._evidence.papers()
        for entry in entries:
            line = entry_line(_ROLES[entry.kind], entry)
            self._origins.enter(line, b64(entry.leaf_hash))
            over = signed.over(entry.index)
            if over:
                self._tally.signed_behind[entry.index] = over
                self._tally.signed.update(over)
            self._tally.by_hand.update(papers.get(entry.index, ()))
            yield line

    def _records(self, disclose: bool) -> None:
        signed, papers = self._evidence.signed(), self._evidence.papers()
        with self._open(layout.RECORDS) as records, self._open(layout.ORIGINALS) as originals:
            for one in self._evidence.records():
                hide = bool(one.sealed) and not disclose
                withheld = (one.original is not None and hide) or original_erased(one)
                records.write(encode_line(record_line(one, hide, self._origins)))
                if one.original is not None and not withheld:
                    kept = one.original
                    line = OriginalLine(index=one.entry.index, salt=b64(kept.salt), data=b64(kept.value))
                    originals.write(encode_line(line))
                self._tally.record(one, withheld, hide)
                self._stamping.record(one.entry.index)
                self._tally.signed.update(signed.over(one.entry.index))
                self._tally.by_hand.update(papers.get(one.entry.index, ()))
                if one.entry.index in papers and (hide or one.erased):
                    self._tally.hidden.add(str(Address(self._evidence.origin, one.entry.index)))
                self._progress("records", self._tally.totals.records)

    def _entries(self, behind: list[EntryLine]) -> None:
        evidence = self._evidence
        signed = evidence.signatures(self._tally.signed, self._tally.by_hand)
        if signed is not None:
            self._signatures(signed)
        with self._open(layout.ENTRIES) as entries, self._open(layout.RUNS) as runs:
            entries.write(encode_line(entry_line(EntryRole.LOG, evidence.created)))
            entries.write(encode_line(entry_line(EntryRole.REPORT_KEY, evidence.report_key_event)))
            if evidence.verification is not None:
                entries.write(encode_line(entry_line(EntryRole.VERIFICATION, evidence.verification)))
            if signed is not None:
                entries.write(encode_line(entry_line(EntryRole.SYSTEM, signed.bound)))
            for index in evidence.rules:
                entry = evidence.entry(index)
                self._tally.occupation_rule(index, evidence.decode(entry))
                entries.write(encode_line(entry_line(EntryRole.RULE, entry)))
            for line in behind:
                entries.write(encode_line(line))
            for run in evidence.runs(self._tally.covering):
                line = entry_line(EntryRole.RUN, run.entry)
                self._origins.run(line.index, body_of(line, Run))
                entries.write(encode_line(line))
                runs.write(
                    encode_line(RunLine(run=run.entry.index, leaves=tuple(b64(leaf) for leaf in run.leaf_hashes)))
                )
                self._tally.run(run)
                self._progress("runs", self._tally.runs)

    def _signatures(self, signed: SignedPart) -> None:
        """The system log's part: its creation, the bindings of keys, the first start, the signatures, in its order."""
        self._put(layout.SYSTEM, signed.checkpoint)
        sets: dict[str, Target] = {}
        with self._open(layout.SIGNATURES) as lines:
            for entry in (signed.created, *signed.entries):
                role = SignedRole.LOG if entry.index == 0 else SignedRole(entry.kind)
                lines.write(encode_line(signed_line(role, entry)))
                if role is SignedRole.RETENTION_RULE:
                    self._tally.rule(entry.index, msgspec.json.decode(entry.body, type=RuleBody))
                body = self._evidence.decode(entry)
                if isinstance(body, SignatureEntry | CeremonyEntry):
                    self._tally.signature(entry.index, body)
                elif isinstance(body, PaperEntry | DocumentEntry):
                    self._tally.beside(entry.index, body, signed.origin)
                if isinstance(body, SignatureEntry) and body.statement.target.runs is not None:
                    sets[body.statement.target.root] = body.statement.target
        if sets:
            with self._open(layout.SETS) as lines:
                for target in sets.values():
                    for line in set_lines(target, self._evidence.set_leaves):
                        lines.write(encode_line(line))
        self._put(layout.SIGNATURES_TABLE, signatures_csv(self._tally.signatures))
        (self._bag / layout.COPIES_FOLDER).mkdir()
        with self._open(layout.COPIES) as lines:
            self._tally.copies = write_copies(self._evidence, self._tally, signed.origin, self._put, lines.write)

    def _tables(self, data: ReportData) -> None:
        records = self._bag / layout.RECORDS
        with self._open(layout.TABLE) as table:
            for done, chunk in enumerate(csv_chunks(rows_of(records))):
                table.write(chunk)
                self._progress("table", done)
        write_records(self._told("workbook", rows_of(records)), self._bag / layout.WORKBOOK, about(data))

    def _proofs(self, data: ReportData) -> int:
        """A file with the proof of each record, where there are few, else one of all; returns how many files."""
        rows = rows_of(self._bag / layout.RECORDS)
        if data.totals.records > layout.MAX_PROOFS:
            with self._open(layout.PROOF_OF_ALL) as file:
                proof = ProofOfAll(file, data.size, data.totals.records)
                for row in rows:
                    proof.record(row.line, row.leaf_hash)
                proof.finish()
            return 0
        if data.totals.records:
            (self._bag / layout.PROOFS_FOLDER).mkdir()
        for row in rows:
            self._put(layout.proof(row.line.index), proof_file(row.line, data.checkpoint))
        return data.totals.records

    def _told(self, step: str, rows: Iterable[Row]) -> Iterator[Row]:
        for done, row in enumerate(rows, start=1):
            self._progress(step, done)
            yield row

    def _report(self, data: ReportData, zone: str, page_size: PageSize) -> None:
        timeline = Timeline(self._bag / layout.RECORDS, self._staging / "timeline")
        try:
            write_report(
                data,
                timeline.rows(),
                lambda number: self._bag / (layout.REPORT if number == 1 else layout.volume(number)),
                zone,
                page_size,
                lambda done: self._progress("report", done),
            )
        finally:
            timeline.close()

    def _seal(self, description: Description, data: ReportData, seal: Seal) -> None:
        self._progress("seal", 0)
        payload = {
            path.relative_to(self._bag).as_posix(): self._digest(path)
            for path in (self._bag / "data").rglob("*")
            if path.is_file()
        }
        self._put(bag.DECLARATION, bag.DECLARATION_TEXT)
        self._put(
            bag.INFO,
            bag.info(
                (
                    ("Bag-Software-Agent", data.product),
                    ("Bagging-Date", utc_text(data.gathered_us)[:10]),
                    ("External-Identifier", data.package),
                    ("External-Description", f"Evidence from log {data.origin} as of size {data.size}"),
                    ("Payload-Oxum", bag.oxum(payload.values())),
                )
            ),
        )
        for name in bag.MANIFESTS:
            self._put(name, bag.manifest(payload, _algorithm(name)))
        files = payload | {name: self._digest(self._bag / name) for name in layout.TAGGED - {layout.SEAL}}
        note = seal({**layout.seal_payload(description, files), "origin": data.origin})
        open_report(note, data.origin, VerifierKey.parse(data.report_key))
        self._put(layout.SEAL, note)
        tagged = {name: self._digest(self._bag / name) for name in layout.TAGGED}
        for name in bag.TAG_MANIFESTS:
            self._put(name, bag.manifest(tagged, _algorithm(name)))

    def _finish(self, out: Path, data: ReportData) -> Issued:
        packed = self._staging / "package.zip"
        with ZipWriter(packed) as package:
            for path in sorted(path for path in self._bag.rglob("*") if path.is_file()):
                package.add(path.relative_to(self._staging).as_posix(), path)
        self._progress("verify", 0)
        verdict = verify_package(packed, [data.log_key])
        if verdict.exit_code is not ExitCode.HOLDS:
            raise IntegrityError(
                f"the package that was written does not verify: {'; '.join(verdict.lines()[1:4])}",
                advice="It was not kept. Run `trailseal verify --full` on the ledger; report this with its message.",
            )
        digest = sha256()
        with packed.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
            os.fsync(file.fileno())
        size = packed.stat().st_size
        packed.replace(out)
        return Issued(
            package=data.package,
            path=out,
            sha256=digest.digest(),
            bytes=size,
            origin=data.origin,
            size=data.size,
            records=data.totals.records,
            disclosed=data.disclosed,
            selection=canonical.dumps(data.selection).decode(),
            verification=data.verification,
            signers_hidden=data.totals.signers_hidden,
        )

    def _open(self, name: str):  # type: ignore[no-untyped-def]
        return (self._bag / name).open("wb")

    def _put(self, name: str, data: bytes) -> None:
        (self._bag / name).write_bytes(data)

    def _digest(self, path: Path) -> bag.Digests:
        with path.open("rb") as file:
            return bag.digest(iter(lambda: file.read(CHUNK), b""))


def _algorithm(manifest: str) -> str:
    return manifest.removesuffix(".txt").rpartition("-")[2]
