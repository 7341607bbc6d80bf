"""A passkey's word, checked offline: a WebAuthn assertion over a challenge, by hand and with nothing but its raw bytes.

The key is kept as SPKI (DER) beside the COSE key that the authenticator gave, so no CBOR is read here.
"""

import binascii
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ledger.core import canonical
from ledger.core.errors import InvalidEntry, LedgerError, SignatureInvalid
from ledger.core.hashing import unb64

ES256, EDDSA, RS256 = -7, -8, -257
ALGORITHMS: Final = (ES256, EDDSA, RS256)
"""COSE algorithms that a signature may be of (RFC 9053), in order of preference."""

_USER_PRESENT, _USER_VERIFIED, _BACKUP_ELIGIBLE, _BACKED_UP, _EXTENSIONS = 0x01, 0x04, 0x08, 0x10, 0x80
_SHORTEST: Final = 37
"""Bytes of authenticator data without extensions: digest of the relying party's id, flags, counter."""
_RSA_BITS: Final = 2048

Base64Url = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]*$", max_length=1_000_000)]
"""Base64 with the alphabet for addresses, unpadded (RFC 4648 section 5)."""


class PasskeyKey(msgspec.Struct, frozen=True, kw_only=True):
    """What an assertion is held against: credential, public key (SPKI, base64), and where it belongs."""

    credential: Base64Url
    public_key: str
    algorithm: int
    rp_id: str
    web_origin: str


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticator said of itself in an assertion that holds."""

    counter: int
    backup_eligible: bool
    backed_up: bool


def b64url(data: bytes) -> str:
    """Base64url without padding."""
    return binascii.b2a_base64(data, newline=False).decode().rstrip("=").replace("+", "-").replace("/", "_")


def unb64url(text: str) -> bytes:
    """Decodes base64url only in its one correct spelling; raises InvalidEntry."""
    plain = text.replace("-", "+").replace("_", "/")
    return unb64(plain + "=" * (-len(text) % 4))


def verify_assertion(
    key: PasskeyKey, challenge: bytes, credential: str, client_data: str, authenticator_data: str, signature: str
) -> Assertion:
    """Returns what the authenticator said only if this very key answered this challenge; else raises SignatureInvalid.

    Checked: the type, the challenge, the exact origin and that no other page framed it, the relying party's id, that
    the person was present and was verified, the algorithm, the signature. The counter is the caller's to compare.
    """
    try:
        raw, data = unb64url(client_data), unb64url(authenticator_data)
        _require(credential == key.credential, "it is by another credential")
        _check_client(raw, key, challenge)
        said = _check_data(data, key)
        _check_signature(key, data + sha256(raw).digest(), unb64url(signature))
    except SignatureInvalid:
        raise
    except LedgerError as error:
        raise SignatureInvalid(f"the passkey's assertion is malformed: {error.message}") from None
    return said


def load_key(public_key: str, algorithm: int) -> Any:
    """The public key of an SPKI (base64) that fits the algorithm; raises SignatureInvalid."""
    try:
        key = load_der_public_key(unb64(public_key))
    except (ValueError, UnsupportedAlgorithm, InvalidEntry):
        raise SignatureInvalid("the passkey's public key cannot be read") from None
    fits = {
        ES256: isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1),
        EDDSA: isinstance(key, ed25519.Ed25519PublicKey),
        RS256: isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS,
    }
    _require(fits.get(algorithm, False), f"algorithm {algorithm} is none that may sign, or not the key's")
    return key


def _check_client(raw: bytes, key: PasskeyKey, challenge: bytes) -> None:
    said = canonical.loads(raw)
    _require(isinstance(said, dict), "its client data is no object")
    _require(said.get("type") == "webauthn.get", "it is no assertion")
    _require(said.get("challenge") == b64url(challenge), "it answers another challenge")
    _require(said.get("origin") == key.web_origin, "it was made for another page")
    _require(said.get("crossOrigin", False) is False and "topOrigin" not in said, "another page framed it")


def _check_data(data: bytes, key: PasskeyKey) -> Assertion:
    _require(len(data) >= _SHORTEST, "its authenticator data is too short")
    flags = data[32]
    _require(len(data) == _SHORTEST or bool(flags & _EXTENSIONS), "its authenticator data is too long")
    _require(data[:32] == sha256(key.rp_id.encode()).digest(), "it was made for another site")
    _require(bool(flags & _USER_PRESENT), "nobody was present")
    _require(bool(flags & _USER_VERIFIED), "the person was not verified")
    eligible, backed_up = bool(flags & _BACKUP_ELIGIBLE), bool(flags & _BACKED_UP)
    _require(eligible or not backed_up, "it says that it is backed up, and cannot be")
    return Assertion(counter=int.from_bytes(data[33:_SHORTEST], "big"), backup_eligible=eligible, backed_up=backed_up)


def _check_signature(key: PasskeyKey, signed: bytes, signature: bytes) -> None:
    public = load_key(key.public_key, key.algorithm)
    try:
        if key.algorithm == ES256:
            public.verify(signature, signed, ec.ECDSA(SHA256()))
        elif key.algorithm == EDDSA:
            public.verify(signature, signed)
        else:
            public.verify(signature, signed, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        raise SignatureInvalid("the passkey did not sign this") from None


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise SignatureInvalid(f"the passkey's assertion does not count: {what}")
