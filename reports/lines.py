"""The lines of a package's JSON Lines files: what is written, and what the offline verifier reads back.

Every line is canonical JSON (RFC 8785) with LF after it. `body` and `leaf` are the exact bytes that the log holds: as
parts of a canonical text they stand there unchanged, so whoever has a line can compute commitment and leaf hash again.
"""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from ledger.core import canonical
from ledger.core.errors import NotCanonical
from ledger.core.hashing import unb64
from ledger.core.kinds import MAX_BODY
from ledger.core.led_keys import Checked, check_entry
from ledger.core.record import Digest
from ledger.core.vault import MAX_ORIGINAL

MAX_LINE: Final = 4 * MAX_BODY
"""Bytes of the longest line that holds an entry with its proof and its sealed values."""
MAX_ORIGINAL_LINE: Final = MAX_ORIGINAL * 4 // 3 + 4096
MAX_RUN_LINE: Final = 16 * MAX_BODY

Index = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Proof = Annotated[tuple[Digest, ...], msgspec.Meta(max_length=63)]


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Any line."""


class EntryRole(StrEnum):
    """Why an entry that is no record of the selection is in the package."""

    LOG = "log"
    REPORT_KEY = "report-key"
    VERIFICATION = "verification"
    SOURCE = "source"
    LIFE = "life"
    """Something that happened to a source of records: validated, changed, to be validated anew."""
    IMPORT = "import"
    """An import began or ended, of an archive whose records are in the package."""
    TRUE_COPY = "true-copy"
    FIRST_LIVE = "first-live"
    """The first run of the source that is collected live in the place of an archive."""
    BY_HAND = "by-hand"
    """A record was entered by hand, or a second person checked it."""
    EXCLUSION = "exclusion"
    """Records are excluded from an evaluation, or count in it again."""
    DEFERRAL = "deferral"
    """Findings about a batch were deferred."""
    ANSWER = "review-answer"
    """What was answered to whoever asked whether a batch's review is complete."""
    RUN = "run"
    RULE = "occupation-rule"
    """Records are derived to belong by it."""
    SYSTEM = "system"
    """The log's entry that holds the checkpoint of the system log."""


class SignedRole(StrEnum):
    """Why an entry of the system log is in the package."""

    LOG = "log"
    CEREMONY = "ceremony"
    KEY_BINDING = "key-binding"
    KEY_SET = "key-set"
    CREDENTIAL = "credential"
    """The link of an account to the identity provider; credentials of no other sort."""
    TRUST_ANCHOR = "trust-anchor"
    SIGNATURE = "signature"
    PAPER = "paper-signature"
    KEY_EVENT = "key-event"
    """What happened to the system log's own key."""
    DOCUMENT = "document"
    """The site's letter by 21 CFR 11.100(c); no other document."""
    DISPOSAL = "disposal"
    """Records of the package's scope went under it."""
    RETENTION_RULE = "retention-rule"
    """A disposal rests on it."""


class OriginalState(StrEnum):
    """What the package gives of a record's original."""

    NONE = "none"
    INCLUDED = "included"
    WITHHELD = "withheld"
    ERASED = "erased"
    """It went with a personal value that was erased: the record can no longer be derived from it again."""


class CopyState(StrEnum):
    """What the package gives of a file that an entry of the system log commits to."""

    INCLUDED = "included"
    WITHHELD = "withheld"
    """The scan of a print of a record whose values the package withholds, or an erasure took: the print shows them."""
    ERASED = "erased"
    """It is no longer in the ledger."""
    LEFT_OUT = "left-out"
    """The package holds as many files as one may."""


class SealedValue(_Line, frozen=True, kw_only=True):
    """A sealed value that is disclosed: its commitment in the body can be computed again from it."""

    member: str
    salt: Digest
    value: msgspec.Raw


class Reason(_Line, frozen=True, kw_only=True):
    """Why a record is derived to belong to the batch: equipment, interval (UTC), and the entries that bound it.

    The interval has the time before and after the occupation that parameter entry `rule` adds; `phase`: in which of
    these the record happened. `tag`: the asset map has this tag or room of the record stand for the equipment.
    """

    equipment: str
    started_by: Index
    after: str
    stopped_by: Index | None = None
    before: str | None = None
    certain: bool = True
    phase: Literal["before", "during", "after"] = "during"
    rule: Index | None = None
    tag: str | None = None


class RecordMarks(_Line, frozen=True, kw_only=True):
    """How a record that was `by_hand` stands (entered, to-check, checked, refused); the address that it `corrects`; the
    records of this log that it is `corrected_by`; the entries by which it was `excluded`, lifted or not.
    """

    by_hand: str | None = None
    corrects: str | None = None
    corrected_by: tuple[Index, ...] = ()
    excluded: tuple[Index, ...] = ()


class RecordLine(_Line, frozen=True, kw_only=True):
    """A record of the selection. `withheld` names the members whose sealed values are not disclosed.

    `imported`: it came from an old audit trail by the import that began with the entry of this address; it was not
    collected live. `mark`: its source was to be validated anew when it was collected. `marks`: it was entered by hand,
    corrected, or excluded from an evaluation.
    """

    index: Index
    basis: str
    leaf: msgspec.Raw
    salt: Digest
    body: msgspec.Raw
    proof: Proof
    original: OriginalState
    sealed: tuple[SealedValue, ...] = ()
    withheld: tuple[str, ...] = ()
    why: Reason | None = None
    imported: str | None = None
    mark: Literal["re-validate"] | None = None
    marks: RecordMarks | None = None


class EntryLine(_Line, frozen=True, kw_only=True):
    """Another entry that the package rests on."""

    role: EntryRole
    index: Index
    leaf: msgspec.Raw
    salt: Digest
    body: msgspec.Raw
    proof: Proof


class SignedLine(_Line, frozen=True, kw_only=True):
    """An entry of the system log: a signature, or what it is verified by; proven under `data/system-checkpoint`."""

    role: SignedRole
    index: Index
    leaf: msgspec.Raw
    salt: Digest
    body: msgspec.Raw
    proof: Proof


class KeyEventLine(_Line, frozen=True, kw_only=True):
    """A key event of the log. With a rotation: `note`, the first checkpoint that holds it, and the proof that the
    package's checkpoint continues that one.
    """

    index: Index
    leaf: msgspec.Raw
    salt: Digest
    body: msgspec.Raw
    proof: Proof
    note: str | None = None
    consistency: Proof = ()


class RunLine(_Line, frozen=True, kw_only=True):
    """The leaf hashes of all records of a collection run, from its first on, whether the package holds them or not."""

    run: Index
    leaves: tuple[Digest, ...]


class SetLine(_Line, frozen=True, kw_only=True):
    """Leaf hashes of a set that is signed by its root, from its entry of number `first` (from 0) on."""

    root: Digest
    first: Index
    leaves: tuple[Digest, ...]


class OriginalLine(_Line, frozen=True, kw_only=True):
    """The exact bytes that a source gave for the record of entry `index`, in base64."""

    index: Index
    salt: Digest
    data: str


class CopyLine(_Line, frozen=True, kw_only=True):
    """The file that entry `index` of the system log commits to: a letter's copy, or a scan; with its salt, where the
    package has it as `file`.
    """

    index: Index
    state: CopyState
    salt: Digest | None = None
    file: str | None = None


class StampLine(_Line, frozen=True, kw_only=True):
    """A time-stamp: entry `index` of the system log, by `tsa`, over the checkpoint of `size`, which `proof` continues.

    `pinned` is the entry that let the authority in, whose certificates the package has, with this `policy`.
    """

    index: Index
    tsa: str
    pinned: Index
    size: Index
    policy: str | None = None
    proof: Proof = ()
    revocation: tuple[str, ...] = ()


class Covered(_Line, frozen=True, kw_only=True):
    """What a renewal covers: the time-stamp, or renewal, of entry `index`, at `place` of the tree; `path` leads from
    there to its root (SHA-512, base64).
    """

    index: Index
    place: Index
    path: Annotated[tuple[str, ...], msgspec.Meta(max_length=63)]


class RenewalLine(_Line, frozen=True, kw_only=True):
    """A renewal of time-stamps: entry `index` of the system log, of `origin`, by `tsa`: the `count` time-stamps and
    renewals before its entry `high`, whose tree has `root`, were there when `token` (base64) was made.

    `pinned` and `policy` as in the line of a time-stamp.
    """

    index: Index
    tsa: str
    pinned: Index
    origin: str
    high: Index
    count: Index
    root: str
    token: str
    covers: tuple[Covered, ...]
    policy: str | None = None
    revocation: tuple[str, ...] = ()


Line = TypeVar("Line", bound=_Line)

_encoder = msgspec.json.Encoder(order="sorted")
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}


def encode_line(line: _Line) -> bytes:
    """The line's bytes with its LF. Raw parts must be canonical already; every other member is of a safe type."""
    return _encoder.encode(line) + b"\n"


def decode_line(data: bytes, kind: type[Line]) -> Line:
    """Reads a line strictly: canonical, with the members of its kind and no others; raises NotCanonical."""
    canonical.require_canonical(data)
    decoder = _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    try:
        line: Line = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotCanonical(f"not a line of this file: {error}") from None
    return line


def check_line(line: RecordLine | EntryLine | SignedLine, size: int, root: bytes) -> Checked:
    """Proves that the line's entry stands in the tree of that size and root, with exactly this body.

    Raises ChainBroken, NotCanonical, ProofInvalid or InvalidEntry.
    """
    proof = [unb64(item, 32) for item in line.proof]
    return check_entry(line.index, bytes(line.leaf), unb64(line.salt, 32), bytes(line.body), proof, size, root)
