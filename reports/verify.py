"""Verifies an evidence package offline: no ledger, no network, nothing but the file and a key from outside it.

Exit codes: 0 everything holds under a key or policy that was given from outside, or by the card of its checkpoint; 1
something is wrong, and file or entry are named; 2 consistent with itself, but its origin is not authenticated, as
nothing from outside says whose it is.

Every byte counts: the container (`strictzip`), the file set, both manifests, the seal, the checkpoint, every line of
every file; the CSV is made again from the records and compared. Files are read as streams, so memory does not grow with
the number of records. It rests on `ledger.core` alone.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ledger.core.card import Card
from ledger.core.checkpoint import Checkpoint
from ledger.core.cosignature import parse_log_key
from ledger.core.errors import IntegrityError, LedgerError, SignatureInvalid
from ledger.core.hashing import b64
from ledger.core.led_keys import Checked
from ledger.core.note import VerifierKey, parse_note
from ledger.core.policy import Policy
from ledger.core.renewals import DISTRUSTED, Weak
from ledger.core.statement import open_report
from reports import bag, layout
from reports.bag import Digests
from reports.carded import cards_beside
from reports.checks import Problems, check_entries, check_records, find_keys
from reports.copies import Copies
from reports.decided import decided_checks
from reports.gone import Disposed
from reports.imports import origin_checks
from reports.key_life import KeyLife
from reports.layout import Description
from reports.lines import RecordLine
from reports.origins import Origins
from reports.proof_of_all import MAX_LINE as MAX_PROOF_LINE
from reports.proof_of_all import ProofOfAllCheck
from reports.proofs import Proofs
from reports.rules import OccupationRules
from reports.signed import Signatures
from reports.stamped import TimeStamps
from reports.strictzip import StrictZip
from reports.verdict import Check, ExitCode, Outcome, PackageVerdict

_SMALL = 1 << 20
_MANIFEST = 1 << 22


def verify_package(
    path: Path,
    vkeys: Sequence[str] = (),
    policy: Policy | None = None,
    *,
    post_quantum: bool = False,
    tsa_roots: Sequence[bytes] = (),
    cards: Sequence[Card] = (),
    weak: Weak = DISTRUSTED,
) -> PackageVerdict:
    """The verdict on a package file, whatever it holds; never raises for what is wrong with it.

    `vkeys` are verifier keys of logs (C2SP signed-note), from outside the package; `policy` may ask for witnesses too.
    `tsa_roots`: certificates (DER) of time-stamp authorities, from outside, to which its time-stamps are to chain.
    `weak`: algorithms that are distrusted, each from when on (µs); a time-stamp that rests on one holds if it was
    renewed before. `cards`: checkpoint cards; one of the package's own log and size has to have its root, and
    authenticates it.
    `post_quantum`: the log has to have signed with ML-DSA-44 too. Raises MalformedNote for a key that is none,
    ConfigError where both kinds of key are asked for and are not given.
    """
    if vkeys and policy is None:
        policy = Policy.of_log_keys([parse_log_key(vkey) for vkey in vkeys])
    if post_quantum:
        policy = (policy or Policy.of_log_keys(())).with_post_quantum()
    problems = Problems()
    run = _Verification(problems, policy, TimeStamps(problems, tsa_roots, weak), cards)
    try:
        with StrictZip.open(path) as package:
            run.container(package)
            run.everything(package)
    except _Stopped:
        pass
    except LedgerError as error:
        problems.add(run.at, str(error))
    except OSError as error:
        problems.add(path.name, f"cannot be read: {error.strerror or error}")
    except Exception as error:
        # Whatever a hostile file makes a parser do, the answer is that the file is wrong.
        problems.add(run.at, f"cannot be read: {type(error).__name__}: {error}")
    return run.verdict()


class _Stopped(Exception):
    """What is wrong leaves nothing to go on with."""


class _Verification:
    """One verification: `at` names what is being read, for the problem that stops it."""

    def __init__(
        self, problems: Problems, policy: Policy | None, stamps: TimeStamps, cards: Sequence[Card] = ()
    ) -> None:
        self._problems = problems
        self._stamps = stamps
        self._policy = policy
        self._cards = cards
        self._carded = False
        self._checks: list[Check] = []
        self._description: Description | None = None
        self.at = "the zip container"

    def container(self, package: StrictZip) -> None:
        """The bag's one folder, and the set of its files."""
        folders = {name.partition("/")[0] for name in package.members}
        if len(folders) != 1:
            raise IntegrityError(f"has {len(folders)} folders at its top, not the one of a bag")
        (folder,) = folders
        self._prefix = f"{folder}/"
        names = {name.removeprefix(self._prefix) for name in package.members}
        for name in sorted((layout.PAYLOAD | layout.TAGS) - names):
            self._problems.add(name, "is missing")
        self._signed = bool(names & layout.SIGNED)
        for name in sorted(layout.SIGNED - names if self._signed else ()):
            self._problems.add(name, "is missing")
        for name in sorted(name for name in names if not layout.known(name, self._signed)):
            self._problems.add(name, "is no file of a package")
        self._stop_if_wrong()
        self._holds("Container", f"one strict zip of {len(names)} files, every byte of it accounted for")

    def everything(self, package: StrictZip) -> None:
        """All other checks. What is wrong is noted and the next one made, as long as there is something to read."""
        files = self._digests(package)
        self.at = layout.DESCRIPTION
        description = self._describe(package)
        self.at = layout.ENTRIES
        keys = find_keys(package, self._prefix)
        self.at = layout.KEY_LIFE
        life = KeyLife(keys.created)
        if layout.KEY_LIFE in files:
            life.read(package, self._prefix, self._read(package, layout.CHECKPOINT, _SMALL))
        self.at = layout.CHECKPOINT
        head = self._origin(package, description, life)
        life.prove(self._problems)
        self._checks += life.checks(keys.report)
        self.at = layout.ENTRIES
        origins, rules = Origins(description.origin), OccupationRules(description.rules)
        runs = check_entries(package, self._prefix, description, head, self._problems, origins, rules)
        self.at = layout.SEAL
        self._seal(package, description, files, life.history.at(head.size)[0].vkey, keys.report)
        self.at = layout.SIGNATURES
        disposed = Disposed(description.selection, head.size, keys.created.number, self._problems)
        signatures = Signatures(description.origin, self._problems, disposed)
        if self._signed:
            signatures.read(package, self._prefix, head)
        for index, leaf in origins.signable:
            signatures.record(index, leaf)
        if len(signatures.found) != description.signatures:
            self._problems.add(layout.SIGNATURES, f"does not hold the signatures that {layout.DESCRIPTION} says")
        if len(signatures.beside.papers) != description.papers:
            self._problems.add(layout.SIGNATURES, f"does not hold the papers that {layout.DESCRIPTION} says")
        self.at = layout.STAMPS
        self._stamps.read(package, self._prefix, head, description.time_stamps, description.renewals)
        self.at = layout.RECORDS
        proofs = Proofs(files, self._read(package, layout.CHECKPOINT, _SMALL), self._problems)
        of_all = None
        if layout.PROOF_OF_ALL in files:
            lines = package.lines(self._prefix + layout.PROOF_OF_ALL, MAX_PROOF_LINE)
            of_all = ProofOfAllCheck(lines, head, description.records, self._problems)
        if (of_all is not None) is not description.proof_of_all:
            self._problems.add(layout.PROOF_OF_ALL, f"is not there as {layout.DESCRIPTION} says")

        def seen(line: RecordLine, checked: Checked) -> None:
            signatures.record(line.index, b64(checked.hash), bool(line.withheld))
            self._stamps.record(line.index, checked.leaf.logged_at)
            proofs.record(line)
            if of_all is not None:
                of_all.record(line.index, checked.hash)

        counted = check_records(
            package,
            self._prefix,
            description,
            head,
            files[layout.TABLE],
            self._problems,
            origins,
            rules,
            seen,
        )
        proofs.finish(description.proofs)
        if of_all is not None:
            of_all.finish()
        for index in signatures.beside.wrong:
            self._problems.add(f"entry {index} in {layout.SIGNATURES}", "is of another version than this package holds")
        self._checks += disposed.finish(package, self._prefix, description)
        self.at = layout.COPIES
        made = [one.index for one in signatures.found]
        copies = Copies(package, self._prefix, self._problems).check(signatures.beside, made, description.copies)
        self._checks.append(
            Check(
                name="Records",
                outcome=Outcome.FAILS if self._problems else Outcome.HOLDS,
                says=f"{counted.records} records, each to have the body that its leaf commits to and its place in the "
                "log's tree",
                not_proven="that what a source reported was true: only that it has not changed since it was received",
            )
        )
        whole = runs.runs and counted.covered == counted.records == runs.records
        word = (
            "all that they hold is here: a proof by the chain of runs"
            if whole
            else ("which of the log's records answer the selection is a signed statement, not proven by this package")
        )
        self._checks.append(
            Check(
                name="Completeness",
                outcome=Outcome.FAILS if self._problems else Outcome.HOLDS if runs.runs else Outcome.UNKNOWN,
                says=f"{runs.runs} unbroken collection runs hold {runs.records} records, and none of those is missing "
                f"unseen; {counted.covered} of the package's {counted.records} records are among them; {word}",
                not_proven="that the selection asked for everything, or that a source gave everything it had",
            )
        )
        self._checks += [*origin_checks(origins, signatures.signers), *self._stamps.checks()]
        self._checks += decided_checks(origins.decided, signatures.statements)
        if self._signed:
            self._checks += [*signatures.checks(), *copies]

    def verdict(self) -> PackageVerdict:
        """The sum of it."""
        found = self._description
        wrong = bool(self._problems)
        code = (
            ExitCode.WRONG if wrong else ExitCode.HOLDS if self._policy or self._carded else ExitCode.NOT_AUTHENTICATED
        )
        by = "under a key" if self._policy else "by the card of its checkpoint"
        summary = {
            ExitCode.HOLDS: f"The package holds: every check passed, {by}, from outside the package.",
            ExitCode.WRONG: "Something is wrong with this package. Do not rely on anything in it.",
            ExitCode.NOT_AUTHENTICATED: "The package is consistent with itself; its origin is NOT authenticated.",
        }[code]
        return PackageVerdict(
            exit_code=code,
            summary=summary,
            checks=tuple(self._checks),
            problems=tuple(self._problems),
            package=found.package if found else None,
            origin=found.origin if found else None,
            size=found.size if found else None,
            root=found.root if found else None,
            records=found.records if found else None,
        )

    def _digests(self, package: StrictZip) -> dict[str, Digests]:
        files: dict[str, Digests] = {}
        for name in package.members:
            self.at = name.removeprefix(self._prefix)
            files[self.at] = bag.digest(package.stream(name))
        self._manifests(package, files, bag.MANIFESTS, [name for name in files if name.startswith(bag.PAYLOAD)])
        self._manifests(package, files, bag.TAG_MANIFESTS, layout.TAGGED)
        if self._read(package, bag.DECLARATION) != bag.DECLARATION_TEXT:
            self._problems.add(bag.DECLARATION, "is not the declaration of a bag of this kind")
        return files

    def _manifests(
        self, package: StrictZip, files: dict[str, Digests], manifests: Iterable[str], names: Iterable[str]
    ) -> None:
        chosen = {name: files[name] for name in names}
        for manifest in manifests:
            algorithm = manifest.removesuffix(".txt").rpartition("-")[2]
            listed = self._read(package, manifest, _MANIFEST)
            if listed == bag.manifest(chosen, algorithm):
                continue
            lines = set(listed.decode("utf-8", "replace").splitlines())
            for name, digests in sorted(chosen.items()):
                if f"{getattr(digests, algorithm)}  {name}" not in lines:
                    self._problems.add(name, f"is not the file that {manifest} lists")
            self._problems.add(manifest, "does not list exactly the files that are there")

    def _describe(self, package: StrictZip) -> Description:
        description = layout.decode_description(self._read(package, layout.DESCRIPTION))
        self._description = description
        if f"{description.package}/" != self._prefix:
            raise IntegrityError(f"names package {description.package!r}, but the bag's folder is {self._prefix!r}")
        return description

    def _origin(self, package: StrictZip, description: Description, life: KeyLife) -> Checkpoint:
        """The checkpoint, under the outside key or policy; without either, under the keys that the package names,
        and by the card."""
        note = self._read(package, layout.CHECKPOINT, _SMALL)
        if self._policy is not None:
            found = life.authenticate(note, self._policy)
            head = found.head
            by = "signed by a key from outside the package"
            if found.rotations:
                by = (
                    f"signed by {life.history.at(head.size)[0].vkey}, to which {found.rotations} rotations lead from a "
                    "key from outside the package, each signed by the key before"
                )
            self._holds(
                "Origin",
                f"the checkpoint of {head.origin} at size {head.size} is {by}",
                "who holds that key: compare it with the log's card, not with the package",
            )
        else:
            head = life.inside(note)
        self._carded, cards = cards_beside(head, self._cards, self._problems)
        if self._policy is None and self._carded:
            self._holds(
                "Origin",
                f"the checkpoint of {head.origin} at size {head.size} is authenticated by the card, which has its root",
                "whose hand signed the card: see the paper",
            )
        elif self._policy is None:
            self._checks.append(
                Check(
                    name="Origin",
                    outcome=Outcome.UNKNOWN,
                    says="NOT authenticated: no key, policy or card of its checkpoint from outside the package was "
                    "given (--vkey, --policy, --card)",
                    not_proven="who made this package: anybody can make one that is consistent with itself",
                )
            )
        self._checks += cards
        if (head.origin, head.size, b64(head.root)) != (description.origin, description.size, description.root):
            self._problems.add(layout.DESCRIPTION, "does not describe the log, size and root of the checkpoint")
        return head

    def _seal(
        self, package: StrictZip, description: Description, files: dict[str, Digests], log_key: str, report_key: str
    ) -> None:
        """The seal: signed by the report key, over the digests of everything else in the bag."""
        if self._read(package, layout.KEYS) != layout.keys_text(log_key, report_key):
            self._problems.add(layout.KEYS, "does not name the keys of the entries")
        note = self._read(package, layout.SEAL, _SMALL)
        if len(parse_note(note).signatures) != 1:
            raise SignatureInvalid("has more than the one signature of the report key")
        payload = open_report(note, description.origin, VerifierKey.parse(report_key))
        payload.pop("origin")
        due = layout.seal_payload(description, files)
        if payload == due:
            self._holds("Seal", "the log's report key signed the bag's manifests, and so every file in it")
            return
        sealed = payload.get("files")
        for name, found in sorted(files.items()):
            if isinstance(sealed, dict) and name in sealed and sealed[name] != found.sha256:
                self._problems.add(name, "is not the file that was sealed")
        self._problems.add(layout.SEAL, "was made for other contents: files or manifests differ from what it signs")

    def _read(self, package: StrictZip, name: str, limit: int = _SMALL) -> bytes:
        return package.read(self._prefix + name, limit)

    def _holds(self, name: str, says: str, not_proven: str = "") -> None:
        self._checks.append(Check(name=name, outcome=Outcome.HOLDS, says=says, not_proven=not_proven))

    def _stop_if_wrong(self) -> None:
        if self._problems:
            raise _Stopped
