"""Which key is whose: bindings of signing keys to persons, and the chain from each to the first start.

A key counts only once its person signed for it with the key itself and two other people, whose own keys count, vouched
for that. The chain ends at the ceremony: two founders whose keys signed the keys of both, and whose fingerprint stands
on a card that they signed by hand. `core.key_history` decides all of it from entries alone, on line and off it.

    request      by the new key          over {"act":"request", …}       the key, whose it is, who checked the identity
    attestation  by each voucher's key   over {"act":"attestation", …}   the request's address and digest
    ceremony     by both founders' keys  over {"act":"ceremony", …}      both requests

each `trailseal/key-binding/v1` LF ‖ canonical JSON; a passkey answers SHA-256(`trailseal/bind/v1` ‖ 0x00 ‖ canonical
JSON) in its place. Who signs elsewhere has no key here: bound are issuer and subject of their certificate, which makes
a signature of the request (`core.external`); they vouch for nobody.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.errors import SignatureInvalid
from ledger.core.hashing import b64, unb64
from ledger.core.note import ed25519_verify
from ledger.core.passkey import Assertion, Base64Url, PasskeyKey, verify_assertion
from ledger.core.record import Digest, Name, Text
from ledger.core.signature import (
    ExternalProof,
    KeyProof,
    Mode,
    PasskeyProof,
)
from ledger.core.statement import Purpose, statement_message
from ledger.core.times import SafeInt
from ledger.core.vault import Destroyed, SecretRef

VOUCHERS: Final = 2
"""People who vouch for a key before it counts."""
FOUNDERS: Final = 2
_KEY_ID = b"trailseal/person-key-id/v1\n"
_CHALLENGE = b"trailseal/bind/v1\0"


class BoundKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A signing key. `public_key`: 32 bytes of Ed25519 for a sealed key, SPKI (DER) for a passkey, in base64; for who
    signs elsewhere issuer and subject of the certificate (DER, one after the other), with both for people to read.

    The rest is a passkey's: its credential, COSE algorithm, relying party and origin, the COSE key as it was given,
    and what the authenticator said of itself when it was registered.
    """

    mode: Mode
    key_id: Name
    public_key: Text
    credential: Base64Url | None = None
    algorithm: SafeInt | None = None
    rp_id: Name | None = None
    web_origin: Name | None = None
    cose_key: Base64Url | None = None
    aaguid: Name | None = None
    backup_eligible: bool = False
    backed_up: bool = False
    counter: SafeInt = 0
    subject: Text | None = None
    issuer: Text | None = None


class BindingStatement(msgspec.Struct, frozen=True, kw_only=True, tag_field="act", tag="request"):
    """What the new key signs. `identity`: the address of the check of this person's identity that it rests on."""

    origin: Name
    account: Name
    name: Name
    key: BoundKey
    identity: Name
    at: Name


class Attestation(msgspec.Struct, frozen=True, kw_only=True, tag_field="act", tag="attestation"):
    """What a voucher signs: that they know the key of request `request` (its statement's digest) to be that person's.

    `key`: the address of the voucher's own binding. `how`: by which means they know.
    """

    origin: Name
    request: Name
    digest: Digest
    account: Name
    name: Name
    key: Name
    how: Text
    at: Name


class FoundingKey(msgspec.Struct, frozen=True, kw_only=True):
    """A founder's key in the ceremony: the address of its request, and the digest of that request's statement."""

    account: Name
    name: Name
    role: Name
    request: Name
    key_id: Name
    digest: Digest


class CeremonyStatement(msgspec.Struct, frozen=True, kw_only=True, tag_field="act", tag="ceremony"):
    """What each of the two founders signs with their new key."""

    origin: Name
    founders: tuple[FoundingKey, ...]
    at: Name


class CeremonyEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="ceremony/1"
):
    """The first start: two named people began the ledger's accounts, and each signed the keys of both.

    The fingerprint, SHA-256 of what they signed, is on a card that both sign by hand; every later binding chains to
    these keys. `signatures` are the founders' (base64), in the order of the statement.
    """

    statement: CeremonyStatement
    signatures: tuple[Annotated[str, msgspec.Meta(max_length=100)], ...]
    fingerprint: Digest
    authority: Authority


class BindingEvent(StrEnum):
    """What can happen to a binding, in this order."""

    REQUESTED = "requested"
    ATTESTED = "attested"
    """The first voucher."""
    BOUND = "bound"
    """The second: from here on the key counts, once a checkpoint covers it."""
    RESEALED = "resealed"
    """The sealed key was sealed anew with dearer parameters; the key is the same."""
    REVOKED = "revoked"
    """From here on it signs nothing more; what it signed stays valid."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """How a passkey was registered, raw: what the browser gave, and the authenticator's attestation."""

    client_data: Base64Url
    attestation: Base64Url
    format: Name


class KeyBindingEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="key-binding/1"
):
    """Something happened to the binding of key `binding` (its id) to person `account`.

    `requested` bears statement and proof by the new key, with the sealed key beside it in the vault or the passkey's
    registration; `attested` and `bound` an attestation and the voucher's proof, with `network` and enrolled `terminal`
    from which they vouched, by which the site's rules of places are judged; `resealed` and `revoked` destroy the sealed
    key of before.
    """

    binding: Name
    event: BindingEvent
    account: Name
    reason: Text
    authority: Authority
    statement: BindingStatement | None = None
    attestation: Attestation | None = None
    proof: KeyProof | PasskeyProof | ExternalProof | None = None
    registration: Registration | None = None
    network: Name | None = None
    terminal: Name | None = None
    secrets: tuple[SecretRef, ...] = ()
    destroys: tuple[Destroyed, ...] = ()


ActStatement = BindingStatement | Attestation | CeremonyStatement


def key_id_of(public_key: bytes) -> str:
    """The id of a key: 128 bits of its digest, in hex."""
    return sha256(_KEY_ID + public_key).hexdigest()[:32]


def act_message(statement: ActStatement) -> bytes:
    """What an Ed25519 key signs of a request, an attestation or the ceremony."""
    return statement_message(Purpose.KEY_BINDING, statement.origin, msgspec.to_builtins(statement))


def act_challenge(statement: ActStatement) -> bytes:
    """What a passkey is challenged with in its place."""
    return sha256(_CHALLENGE + canonical.encode_struct(statement)).digest()


def digest_of(statement: ActStatement) -> str:
    """SHA-256 of what is signed, in base64: a request's digest, the ceremony's fingerprint."""
    return b64(sha256(act_message(statement)).digest())


def verify_proof(key: BoundKey, proof: object, message: bytes, challenge: bytes) -> Assertion | None:
    """Returns only if `key` proves this, with what its authenticator said where it is a passkey.

    Raises SignatureInvalid.
    """
    if key.mode is Mode.SEALED_KEY and isinstance(proof, KeyProof):
        if proof.key_id != key.key_id:
            raise SignatureInvalid(f"it is signed by key {proof.key_id}, not by {key.key_id}")
        if not ed25519_verify(unb64(key.public_key, 32), message, unb64(proof.signature)):
            raise SignatureInvalid(f"key {key.key_id} did not sign this")
        return None
    if key.mode is Mode.PASSKEY and isinstance(proof, PasskeyProof):
        return verify_assertion(
            PasskeyKey(
                credential=key.credential or "",
                public_key=key.public_key,
                algorithm=key.algorithm or 0,
                rp_id=key.rp_id or "",
                web_origin=key.web_origin or "",
            ),
            challenge,
            proof.credential,
            proof.client_data,
            proof.authenticator_data,
            proof.signature,
        )
    raise SignatureInvalid("the proof is of another sort than the key")


def short_fingerprint(digest: bytes) -> str:
    """128 bits of a digest in groups of four hex digits, for people to compare."""
    text = digest[:16].hex()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
