"""The electronic signatures of a package, verified offline: nothing but the package, its log's key and `ledger.core`.

The package's log holds a checkpoint of the system log, so that log needs no key of its own from outside. Under that
checkpoint stand the signatures, the bindings of their keys, and the first start that all of them chain to.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ledger.core.anchors import TrustAnchorEntry
from ledger.core.binding import CeremonyEntry, KeyBindingEntry
from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.clock import parse_utc
from ledger.core.errors import IntegrityError, LedgerError, SignatureInvalid
from ledger.core.gone_records import DisposalBody, RuleBody
from ledger.core.hashing import b64, unb64
from ledger.core.key_events import KeyEvent1
from ledger.core.key_history import KeyHistory
from ledger.core.led_keys import Checked
from ledger.core.log_created import LogCreated, LogCreated2
from ledger.core.log_keys import LogKeyHistory
from ledger.core.oidc_history import ProviderHistory
from ledger.core.oidc_link import KeySetBody, LinkBody
from ledger.core.paper import PaperEntry
from ledger.core.signature import Mode, SignatureEntry, Statement, holds_together, lasting_us, statement_bytes
from reports import layout
from reports.beside import Beside, LetterBody
from reports.checks import Problems
from reports.gone import Disposed
from reports.lines import MAX_LINE, EntryLine, EntryRole, SignedLine, SignedRole, check_line
from reports.reading import KEY_EVENT, LOG_CREATED, body_of, lines_of
from reports.sets import Sets, SignedSet
from reports.strictzip import StrictZip
from reports.tables import signatures_csv
from reports.verdict import Check, Outcome

if TYPE_CHECKING:
    from ledger.present.manifest import Manifestation

_OWN_KEY: Final = (Mode.SEALED_KEY, Mode.PASSKEY, Mode.EXTERNAL)
_BODIES: Final[dict[SignedRole, Any]] = {
    SignedRole.CEREMONY: CeremonyEntry,
    SignedRole.KEY_BINDING: KeyBindingEntry,
    SignedRole.KEY_SET: KeySetBody,
    SignedRole.CREDENTIAL: LinkBody,
    SignedRole.TRUST_ANCHOR: TrustAnchorEntry,
    SignedRole.KEY_EVENT: KEY_EVENT,
    SignedRole.SIGNATURE: SignatureEntry,
    SignedRole.PAPER: PaperEntry,
    SignedRole.DOCUMENT: LetterBody,
    SignedRole.DISPOSAL: DisposalBody,
    SignedRole.RETENTION_RULE: RuleBody,
}
_NOT_PROVEN: Final = (
    "who sat at the keyboard, or that no further signature was left out; compare the fingerprint with the card that "
    "the founders signed by hand"
)
_NOT_PROVEN_THERE: Final = (
    "; nor that the identity provider let nobody but the signer authenticate, that whoever runs it issued no token in "
    "their name, or that whoever linked the accounts had the right to"
)
_TABLE: Final = 1 << 26
_LISTED: Final = 200
"""Signatures that the verdict lists one by one."""


class _LogBinding(msgspec.Struct, frozen=True, tag_field="schema", tag="log-binding/1"):
    origin: str
    size: int
    root: str
    checkpoint: str


class Signed(msgspec.Struct, kw_only=True):
    """A signature of the package, and what is found of it: `wrong` says why it does not hold."""

    index: int
    entry: SignatureEntry
    wrong: str = ""
    seen: int = 0
    """How many of the entries that it names are in the package, unchanged."""

    @property
    def own_key(self) -> bool:
        """Whether it is by a key of the signer's own, which chains to the first start."""
        return self.entry.statement.mode in _OWN_KEY

    @property
    def shown(self) -> "Manifestation":
        # Imported here: to verify takes the core alone; words are for whoever shows what was found.
        from ledger.present.manifest import manifestation

        return manifestation(self.entry)


class Signatures:
    """The signatures of one package. Fed with the package's records, it says which of them stand unchanged."""

    def __init__(self, origin: str, problems: Problems, disposed: Disposed) -> None:
        """`disposed` is told of what stands there of disposals."""
        self._origin = origin
        self._disposed = disposed
        self._problems = problems
        self._by_target: dict[int, list[tuple[Signed, str]]] = {}
        self._by_set: list[tuple[Signed, SignedSet]] = []
        self._sets = Sets()
        self._nonces: dict[str, int] = {}
        self.found: list[Signed] = []
        self.beside = Beside()
        self.system = ""
        self.fingerprint = ""

    def read(self, package: StrictZip, prefix: str, head: Checkpoint) -> None:
        """Verifies all that the package says of signatures; what is wrong is noted by the entry that it is wrong of."""
        note = package.read(prefix + layout.SYSTEM, MAX_LINE)
        lines = lines_of(package, prefix + layout.SIGNATURES, SignedLine, MAX_LINE)
        first = next(lines, None)
        if first is None or first.role is not SignedRole.LOG or first.index != 0:
            raise IntegrityError("does not begin with the creation of the system log")
        created = body_of(first, LOG_CREATED)
        keys = _system_keys(package, prefix, created)
        opened = open_checkpoint(note, created.origin, keys.verifiers)
        system = opened.checkpoint
        keys.check(system.size, system.size, opened.verified)
        self._require_bound(package, prefix, head, note)
        self._require_kind(check_line(first, system.size, system.root), "log-created")
        self.system = created.origin
        history, provider = KeyHistory(created.origin), ProviderHistory(created.origin)
        self._sets.read(package, prefix)
        last = 0
        for line in lines:
            try:
                if line.index <= last or line.role not in _BODIES:
                    raise IntegrityError("does not stand in the order of the system log")
                last = line.index
                checked = check_line(line, system.size, system.root)
                self._require_kind(checked, line.role.value)
                body = body_of(line, _BODIES[line.role])
                if isinstance(body, SignatureEntry):
                    self._signature(history, provider, line.index, body, checked)
                elif isinstance(body, PaperEntry | LetterBody):
                    self.beside.enter(line.index, body)
                elif isinstance(body, KeyEvent1):
                    continue  # taken in before, for the checkpoint
                elif isinstance(body, DisposalBody | RuleBody):
                    self._disposed.enter(line.index, body)
                elif isinstance(body, KeySetBody | LinkBody):
                    provider.enter(line.index, bytes(line.body), type(body), parse_utc(checked.leaf.logged_at))
                else:
                    history.enter(line.index, body)
            except LedgerError as error:
                self._problems.add(f"entry {line.index} in {layout.SIGNATURES}", str(error))
        for root in self._sets.unused():
            self._problems.add(layout.SETS, f"tells a set of root {root} that no signature is over")
        table = signatures_csv((f"{self.system}#{one.index}", one.shown) for one in self.found)
        if package.read(prefix + layout.SIGNATURES_TABLE, _TABLE) != table:
            self._problems.add(layout.SIGNATURES_TABLE, "does not say what the signatures say")
        if history.ceremony is not None:
            self.fingerprint = _grouped(history.ceremony.fingerprint)
        elif any(one.own_key for one in self.found):
            self._problems.add(layout.SIGNATURES, "has no first start that the keys would chain to")

    def record(self, index: int, leaf_hash: str, hidden: bool = False) -> None:
        """A record of the package as it stands in the log: whether it is what was signed; `hidden`: in part."""
        self._disposed.record(index)
        self.beside.record(f"{self._origin}#{index}", leaf_hash, hidden)
        in_sets = [(one, leaf) for one, found in self._by_set if (leaf := found.leaf(index)) is not None]
        for one, leaf in (*self._by_target.get(index, ()), *in_sets):
            if leaf == leaf_hash:
                one.seen += 1
            else:
                self._unsigned(one, index)

    def over(self, index: int) -> list[Signed]:
        """The valid signatures over an entry of the package's log, oldest first."""
        listed = {one.index: one for one, _ in self._by_target.get(index, ())}
        listed |= {one.index: one for one, found in self._by_set if found.leaf(index) is not None}
        return [one for _, one in sorted(listed.items()) if not one.wrong]

    def statements(self, index: int) -> list[Statement]:
        """What the valid signatures over an entry of the package's log say."""
        return [one.entry.statement for one in self.over(index)]

    def signers(self, index: int) -> list[str]:
        """Who signed an entry of the package's log, each with the signature's entry; of valid signatures alone."""
        return [f"{one.shown.name} ({one.shown.account}), {self.system}#{one.index}" for one in self.over(index)]

    def checks(self) -> Iterator[Check]:
        """What is said of all signatures, and then of each."""
        yield from self.beside.checks(self.system, (one.index for one in self.found))
        if not self.found:
            return
        good = sum(1 for one in self.found if not one.wrong)
        outcome = Outcome.FAILS if good < len(self.found) else Outcome.HOLDS
        there = [one for one in self.found if one.entry.statement.mode is Mode.PROVIDER]
        here = len(self.found) - len(there)
        says = f"{good} of {len(self.found)} electronic signatures are valid"
        good_there = sum(1 for one in there if not one.wrong)
        if there:
            says += (
                f"; {good_there} of {len(there)} by tokens of the site's identity provider, under keys and links that "
                f"{self.system} held before"
            )
        if here:
            says += f"; {good - good_there} of {here}" if there else ","
            says += f" by keys that chain to the first start of {self.system}; fingerprint {self.fingerprint}"
        yield Check(
            name="Signatures",
            outcome=outcome,
            says=says,
            not_proven=_NOT_PROVEN + (_NOT_PROVEN_THERE if there else ""),
        )
        for one in self.found[:_LISTED]:
            shown = one.shown
            state = Outcome.FAILS if one.wrong else Outcome.HOLDS
            word = one.wrong or (
                f"valid; {one.seen} of the {shown.entries} entries that it signs are in the package, unchanged"
            )
            yield Check(
                name=f"Signature {self.system}#{one.index}",
                outcome=state,
                says=f"{shown.sentence}. {word[0].upper()}{word[1:]}. {_certificate(one)}Fingerprint "
                f"{shown.fingerprint}; {self.beside.letter_words(self.system, one.index)}",
            )

    def _signature(
        self, history: KeyHistory, provider: ProviderHistory, index: int, body: SignatureEntry, checked: Checked
    ) -> None:
        one = Signed(index=index, entry=body)
        self.found.append(one)
        said = body.statement
        try:
            if self._nonces.setdefault(said.nonce, index) != index:
                raise SignatureInvalid(f"replayed: entry {self._nonces[said.nonce]} has used its nonce")
            signed_us, logged_us = parse_utc(said.signed_at), parse_utc(checked.leaf.logged_at)
            if said.mode is Mode.PROVIDER:
                provider.verify(body, index, logged_us)
            else:
                history.verify(body, index)
            self.beside.signature(f"{self.system}#{index}", b64(sha256(statement_bytes(said)).digest()))
            if not signed_us <= logged_us <= signed_us + lasting_us(said.mode):
                raise SignatureInvalid("it was not made at the time that it says")
            target = said.target
            if not holds_together(target) or target.origin != self._origin:
                raise SignatureInvalid("what it signs is of another log, or its list and root do not agree")
            if target.runs is not None:
                self._by_set.append((one, self._sets.of(target)))
            for target_index, leaf in zip(target.entries, target.leaves, strict=True):
                self._by_target.setdefault(target_index, []).append((one, leaf))
        except LedgerError as error:
            one.wrong = f"not valid: {error.message}"
            raise

    def _unsigned(self, one: Signed, index: int) -> None:
        one.wrong = f"unsigned: entry {index} is not what was signed, its content changed"
        self._problems.add(f"entry {one.index} in {layout.SIGNATURES}", one.wrong)

    def _require_bound(self, package: StrictZip, prefix: str, head: Checkpoint, note: bytes) -> None:
        """The package's log holds this very checkpoint of the system log."""
        for entry in lines_of(package, prefix + layout.ENTRIES, EntryLine, MAX_LINE):
            if entry.role is EntryRole.SYSTEM:
                self._require_kind(check_line(entry, head.size, head.root), "log-binding")
                if body_of(entry, _LogBinding).checkpoint.encode() == note:
                    return
        raise IntegrityError("its checkpoint is not one that the package's log holds")

    def _require_kind(self, checked: Checked, kind: str) -> None:
        if checked.leaf.kind != kind:
            raise IntegrityError(f"is of kind {checked.leaf.kind}, where {kind} is due")


def _system_keys(package: StrictZip, prefix: str, created: LogCreated) -> LogKeyHistory:
    """The system log's keys by its key events, which are proven with all other lines."""
    promise = created.next if isinstance(created, LogCreated2) else None
    keys = LogKeyHistory(created.origin, created.key, promise)
    for line in lines_of(package, prefix + layout.SIGNATURES, SignedLine, MAX_LINE):
        if line.role is SignedRole.KEY_EVENT:
            keys.enter(line.index, body_of(line, KEY_EVENT))
    return keys


def _certificate(one: Signed) -> str:
    """Of a signature made elsewhere: what else its reader has to know."""
    if one.entry.statement.mode is not Mode.EXTERNAL:
        return ""
    return f"{one.shown.class_text.removeprefix(one.entry.statement.class_text).strip()} "


def _grouped(digest: str) -> str:
    text = unb64(digest, 32).hex()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
