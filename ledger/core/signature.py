"""Electronic signatures: the statement that a person signs, and what proves that they did.

A statement says what is signed, in which version, what the signature means, and who signs as what, when and why, at
which state of the log the signer saw the content. Its canonical JSON is what every mode of signing covers:

    sealed key   Ed25519 by the person's key over `trailseal/statement/v1` LF ‖ statement
    passkey      WebAuthn assertion with challenge SHA-256(`trailseal/sign/v1` ‖ 0x00 ‖ statement)
    provider     ID token of the site's identity provider whose nonce is base64url of that same digest
    external     a qualified trust service's signature over the same bytes as a sealed key's

so that a signature cannot be moved to other content, another meaning, person or time (21 CFR 11.50, 11.70; draft
Annex 11 §13).
"""

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Annotated

import msgspec

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.errors import SchemaViolation
from ledger.core.hashing import b64, unb64
from ledger.core.members import Members
from ledger.core.merkle import root_of
from ledger.core.passkey import Base64Url
from ledger.core.record import Digest, Name, Text
from ledger.core.statement import Purpose, statement_message
from ledger.core.times import SafeInt

MAX_ENTRIES = 1000
"""Entries that a statement lists one by one, with their hashes; a larger set is fixed by its Merkle root alone."""
MAX_SET = 100_000
"""Entries of the largest set that can be signed."""
Runs = Annotated[str, msgspec.Meta(min_length=1, max_length=900_000)]
"""The entries of a set, as `core.members` writes them."""
HERE_US = 10 * 60 * 1_000_000
"""How long a person has to sign here, from the time that the statement says."""
ELSEWHERE_US = 60 * 60 * 1_000_000
"""How long they have to sign elsewhere and bring it back."""
_CHALLENGE = b"trailseal/sign/v1\0"


class TargetSort(StrEnum):
    """What a signature is over."""

    ENTRIES = "entries"
    REVIEW = "review"
    PACKAGE = "package"
    RECORD_SET = "record-set"
    DOCUMENT = "document"
    """A text or table of Trailseal's own: an accountability statement, an access review, a source's closing."""


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is signed: an id and version that people know, and the leaf hashes that fix the content.

    `root` is the RFC 6962 tree hash over the leaf hashes of `count` entries of log `origin`, in the order of their
    indices. `entries` and `leaves` (base64) list them; of a larger set `runs` tells which they are, and what they hold
    is fixed by the root alone.
    """

    sort: TargetSort
    id: Name
    version: Name
    origin: Name
    count: SafeInt
    root: Digest
    entries: tuple[SafeInt, ...] = ()
    leaves: tuple[Digest, ...] = ()
    runs: Runs | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoint of the target's log at which the signer saw the content."""

    origin: Name
    size: SafeInt
    root: Digest


class Words(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item of a controlled list as it was shown: its code, the exact text, the text's language, the list's version.

    `added`: what the person wrote besides.
    """

    code: Name
    text: Text
    language: Name
    version: Name
    added: Text | None = None


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """Who signs: user name, printed name, and the role in which."""

    account: Name
    name: Name
    role: Name


class Mode(StrEnum):
    """By which means the person signed."""

    SEALED_KEY = "sealed-key"
    PASSKEY = "passkey"
    PROVIDER = "provider"
    EXTERNAL = "external"


class Continuity(StrEnum):
    """21 CFR 11.200(a)(1): whether this was the first signing of an unbroken session, a later one, or in none."""

    FIRST = "first"
    LATER = "later"
    SINGLE = "single"


class Statement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person signs. `signed_at` is UTC, `zone` the site's IANA zone; `nonce` 32 random bytes, used once.

    `components` were shown for it. `binding`: the address of the key's binding in the system log, for modes with a key
    of the person's. `class_text`: what the signature is, legally, as it was shown.
    """

    origin: Name
    target: Target
    seen: Seen
    meaning: Words
    reason: Words
    signer: Signer
    signed_at: Name
    zone: Name
    nonce: Digest
    mode: Mode
    continuity: Continuity
    components: tuple[Name, ...]
    class_text: Text
    binding: Name | None = None
    request: Name | None = None
    """The address of the signing request that this answers."""
    on_behalf_of: Name | None = None
    delegation: Name | None = None


class KeyProof(msgspec.Struct, frozen=True, kw_only=True, tag_field="mode", tag="sealed-key"):
    """Ed25519 signature (base64) by the person's key."""

    key_id: Name
    signature: Annotated[str, msgspec.Meta(max_length=100)]


class PasskeyProof(msgspec.Struct, frozen=True, kw_only=True, tag_field="mode", tag="passkey"):
    """A WebAuthn assertion, raw (base64url)."""

    credential: Base64Url
    client_data: Base64Url
    authenticator_data: Base64Url
    signature: Base64Url


class ProviderProof(msgspec.Struct, frozen=True, kw_only=True, tag_field="mode", tag="provider"):
    """An ID token (compact JWS), and the address of the entry that holds the provider's key set of before."""

    token: Text
    keys: Name


class ExternalProof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="mode", tag="external"):
    """A signature of another service over the statement: its form (`cades-detached`), bytes, and who made it.

    `revocation`: lists and OCSP responses (DER) that were brought beside it, kept as evidence.
    """

    form: Name
    signature: Base64Url
    certificates: tuple[Base64Url, ...] = ()
    revocation: tuple[Base64Url, ...] = ()


Proof = KeyProof | PasskeyProof | ProviderProof | ExternalProof


class SignatureEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="signature/1"
):
    """A person signed the statement; the proof verifies offline.

    `session` and `network`: where it was made, by which the next one's continuity is judged; `terminal`: the enrolled
    terminal at which, by which the site's rules of places are.
    """

    statement: Statement
    proof: Proof
    authority: Authority
    session: Name | None = None
    network: Name | None = None
    terminal: Name | None = None


def lasting_us(mode: Mode) -> int:
    """Within how long after the time that its statement says a signature of this mode is entered."""
    return ELSEWHERE_US if mode is Mode.EXTERNAL else HERE_US


def statement_bytes(statement: Statement) -> bytes:
    """The statement's canonical JSON, which every mode covers."""
    return canonical.encode_struct(statement)


def signed_message(statement: Statement) -> bytes:
    """What a key of the person's, or an external service, signs."""
    return statement_message(Purpose.STATEMENT, statement.origin, msgspec.to_builtins(statement))


def challenge_of(statement: Statement) -> bytes:
    """The 32 bytes that a passkey is challenged with, and an identity provider's nonce."""
    return sha256(_CHALLENGE + statement_bytes(statement)).digest()


def target_root(leaves: Iterable[bytes]) -> str:
    """The tree hash (base64) over leaf hashes in the order of their indices: what a signature over a set fixes."""
    return b64(root_of(leaves))


def members(target: Target) -> Members:
    """The entries of a target; raises SchemaViolation where its list is out of order, or its text is none of a set."""
    return Members.of(target.entries) if target.runs is None else Members.read(target.runs)


def holds_together(target: Target) -> bool:
    """Whether a target's list, count and root say the same; of a set by its runs, whether runs and count do.

    The root of such a set is for who has the leaves of its entries.
    """
    try:
        listed = members(target)
    except SchemaViolation:
        return False
    if target.runs is not None:
        return not target.entries and not target.leaves and 0 < len(listed) == target.count <= MAX_SET
    sizes = 0 < len(target.entries) == len(target.leaves) == target.count
    return sizes and target_root(unb64(leaf, 32) for leaf in target.leaves) == target.root
