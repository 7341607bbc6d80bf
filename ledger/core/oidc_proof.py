"""Whether an ID token proves that a person signed a statement at the site's identity provider: decided offline.

What is needed besides the token stands in entries of before: the provider's key set with the terms that it was used
under (`ProviderKeys`), and the subject that the signer's account is linked to. Nothing is asked of the provider.

    JWS compact (RFC 7515), alg RS256, ES256 or Ed25519 (its older name EdDSA too) by a key of the set
    no `crit`, no key that the token brings itself
    iss, aud (and azp)      the provider, and this ledger as its client
    nonce                   base64url of `challenge_of(statement)`: the token is for this statement and no other
    auth_time, iat          from the statement's time on, for no longer than the window
    acr                     one of those that the site demands

Everything is strict: base64url without padding and with no spare bits, JSON with no member twice.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ledger.core import canonical
from ledger.core.clock import MICROSECONDS, parse_utc
from ledger.core.errors import LedgerError, SignatureInvalid
from ledger.core.record import Name, Text
from ledger.core.signature import Mode, Statement, challenge_of

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA", "Ed25519")
"""All that a token may be signed with; `none` and keys that are shared are not among them."""
LEEWAY_S: Final = 30
"""By how much the clocks of provider and ledger may differ."""
WINDOW_S: Final = 600
"""How long after the statement was made the person may have authenticated for it."""
MIN_RSA_BITS: Final = 2048
MAX_TOKEN: Final = 64 * 1024

Coordinate = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+$", max_length=2048)]


class ProviderKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A public key as the provider publishes it (RFC 7517): RSA (`n`, `e`), P-256 (`x`, `y`) or Ed25519 (`x`)."""

    kty: Name
    kid: Name | None = None
    alg: Name | None = None
    crv: Name | None = None
    n: Coordinate | None = None
    e: Coordinate | None = None
    x: Coordinate | None = None
    y: Coordinate | None = None


class ProviderKeys(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The provider's keys, and the terms on which its tokens are taken.

    `claim` is the member of the token that names the person; `acr`: of these classes of authentication one is needed to
    sign, and without any nobody signs there.
    """

    issuer: Text
    client_id: Name
    claim: Name
    keys: tuple[ProviderKey, ...]
    acr: tuple[Name, ...] = ()


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says, as far as it is relied on; times are seconds of the epoch."""

    subject: str
    acr: str
    auth_time: int
    issued: int
    expires: int
    kid: str | None


def nonce_of(statement: Statement) -> str:
    """The nonce with which the provider is asked to authenticate the signer of this statement."""
    return to_base64url(challenge_of(statement))


def verify_provider_proof(
    statement: Statement, token: str, keys: ProviderKeys, subject: str, *, entered_us: int | None = None
) -> Claims:
    """What the token says, if it proves that the statement's signer authenticated for it; else SignatureInvalid.

    `keys` are those of the entry that the proof names, which has to stand before the signature; `subject` is the one
    that the entry `statement.binding` links the signer's account to. `entered_us`: when the signature was entered, by
    which time the token must not have expired.
    """
    if statement.mode is not Mode.PROVIDER:
        raise SignatureInvalid(f"the statement was to be signed by {statement.mode.value}, not at a provider")
    if not keys.acr:
        raise SignatureInvalid("the site demanded no class of authentication then, so nothing could be signed there")
    header, payload = _opened(token, keys.keys)
    claims = _claims(header, payload, keys)
    if not hmac.compare_digest(_text(payload, "nonce"), nonce_of(statement)):
        raise SignatureInvalid("the token was issued for another statement: its nonce differs")
    if claims.subject != subject:
        raise SignatureInvalid("the token is about another person than the signer's account is linked to")
    made = parse_utc(statement.signed_at) // MICROSECONDS
    if not made - LEEWAY_S <= claims.auth_time <= made + WINDOW_S:
        raise SignatureInvalid("the person did not authenticate afresh for this statement, or did so too late")
    if not claims.auth_time - LEEWAY_S <= claims.issued <= made + WINDOW_S + LEEWAY_S:
        raise SignatureInvalid("the token was not issued upon that authentication")
    if claims.expires < claims.issued or (
        entered_us is not None and claims.expires + LEEWAY_S < entered_us // MICROSECONDS
    ):
        raise SignatureInvalid("the token had expired")
    return claims


def usable(key: ProviderKey) -> bool:
    """Whether a published key is one that tokens are taken from: of a sort and size that are allowed, for signing."""
    try:
        return _public(key) is not None
    except (LedgerError, ValueError):
        return False


def to_base64url(data: bytes) -> str:
    """RFC 7515: base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of strict base64url; SignatureInvalid for padding, white space, other letters and spare bits."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise SignatureInvalid("the token holds what is not base64url") from None
    if to_base64url(data) != text:
        raise SignatureInvalid("the token holds base64url in a form that is not the one form of its bytes")
    return data


def _opened(token: str, keys: Sequence[ProviderKey]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload of a token that a key of the set signed."""
    if len(token) > MAX_TOKEN:
        raise SignatureInvalid("the token is larger than a token can be")
    parts = token.split(".")
    if len(parts) != 3:
        raise SignatureInvalid("this is not a signed token (JWS compact)")
    header, payload = _object(parts[0], "header"), _object(parts[1], "payload")
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise SignatureInvalid(f"a token signed with {str(algorithm)[:20]!r} is never taken")
    if "crit" in header or "b64" in header:
        raise SignatureInvalid("the token demands an extension that is not known here")
    kid = header.get("kid")
    fitting = [
        key
        for key in keys
        if (kid is None or key.kid == kid) and _same(key.alg or algorithm, algorithm) and _same(_sort(key), algorithm)
    ]
    if len(fitting) != 1:
        raise SignatureInvalid("the token was signed with a key that is not in the provider's entered key set")
    _verify(fitting[0], f"{parts[0]}.{parts[1]}".encode("ascii"), from_base64url(parts[2]))
    return header, payload


def _object(part: str, what: str) -> dict[str, Any]:
    try:
        found = canonical.loads(from_base64url(part))
    except SignatureInvalid:
        raise
    except LedgerError as error:
        raise SignatureInvalid(f"the token's {what} is not strict JSON: {error.message}") from None
    if not isinstance(found, dict):
        raise SignatureInvalid(f"the token's {what} is not an object")
    return found


def _sort(key: ProviderKey) -> str | None:
    return {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "Ed25519"}.get((key.kty, key.crv))


def _same(one: str | None, other: str) -> bool:
    """Whether two names are of one algorithm: RFC 9864 gave Ed25519 a name of its own."""
    return one is not None and one.replace("EdDSA", "Ed25519") == other.replace("EdDSA", "Ed25519")


def _public(key: ProviderKey) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey | None:
    match _sort(key):
        case "RS256" if key.n and key.e:
            made = rsa.RSAPublicNumbers(_number(key.e), _number(key.n)).public_key()
            return made if made.key_size >= MIN_RSA_BITS else None
        case "ES256" if key.x and key.y:
            return ec.EllipticCurvePublicNumbers(_number(key.x), _number(key.y), ec.SECP256R1()).public_key()
        case "Ed25519" if key.x:
            return Ed25519PublicKey.from_public_bytes(from_base64url(key.x))
    return None


def _verify(key: ProviderKey, signed: bytes, signature: bytes) -> None:
    try:
        public = _public(key)
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(public, ec.EllipticCurvePublicKey) and len(signature) == 64:
            r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
            public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        elif isinstance(public, Ed25519PublicKey):
            public.verify(signature, signed)
        else:
            raise SignatureInvalid("the key or the signature of the token is not of a form that is taken")
    except (InvalidSignature, ValueError):
        raise SignatureInvalid("the token's signature does not verify under the provider's key") from None


def _claims(header: dict[str, Any], payload: dict[str, Any], keys: ProviderKeys) -> Claims:
    if _text(payload, "iss") != keys.issuer:
        raise SignatureInvalid("the token was issued by another provider")
    audience = payload.get("aud")
    parties = [audience] if isinstance(audience, str) else audience
    if not isinstance(parties, list) or keys.client_id not in parties:
        raise SignatureInvalid("the token was issued for another client")
    if payload.get("azp", None if len(parties) > 1 else keys.client_id) != keys.client_id:
        raise SignatureInvalid("the token was issued for another client: azp differs")
    acr = _text(payload, "acr")
    if acr not in keys.acr:
        raise SignatureInvalid(f"the person authenticated by {acr[:80]!r} only, which is not what the site demands")
    return Claims(
        subject=_text(payload, keys.claim),
        acr=acr,
        auth_time=_instant(payload, "auth_time"),
        issued=_instant(payload, "iat"),
        expires=_instant(payload, "exp"),
        kid=header.get("kid"),
    )


def _text(payload: dict[str, Any], member: str) -> str:
    found = payload.get(member)
    if not isinstance(found, str) or not found:
        raise SignatureInvalid(f"the token has no {member}")
    return found


def _instant(payload: dict[str, Any], member: str) -> int:
    found = payload.get(member)
    if type(found) is not int:
        raise SignatureInvalid(f"the token has no {member}")
    return found


def _number(text: str) -> int:
    return int.from_bytes(from_base64url(text))
