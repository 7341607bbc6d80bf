"""A time-stamp (RFC 3161): what an authority of time says of bytes, verified offline, as of the moment that it names.

It covers bytes by their digest: those of a checkpoint are its text, so a time-stamp does not depend on who signed it.
It holds if the token's one signer is the certificate that its signed attributes name (ESSCertID, ESSCertIDv2), that
certificate may time-stamp and do nothing else, and chains at that moment to a root that was pinned beforehand. Whether
it was revoked is told by what came with the token, as far as anything did; nothing is fetched.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from ledger.core.chain import BROKEN, MAX_CERTIFICATES, certificate_of, chain_to, whole
from ledger.core.clock import utc_text
from ledger.core.cms import revocations_of
from ledger.core.errors import SchemaViolation, SignatureInvalid, TimestampInvalid
from ledger.core.revocation import Revocation, Told, readable, told
from ledger.core.time_tokens import DIGESTS, accuracy_of, extension, read_response, signed_of, signer_of, us_of

TOLERANCE_US: Final = 5 * 60 * 1_000_000
"""By how much an authority's clock may differ from ours before that is something to look at."""
SHA256: Final = "sha256"
SHA512: Final = "sha512"
_OUTLIVED: Final = frozenset({"unspecified", "affiliationChanged", "superseded", "cessationOfOperation"})
"""Reasons of a revocation after which earlier time-stamps stay good (RFC 3161 §4)."""


class Pins(msgspec.Struct, frozen=True, kw_only=True):
    """What was pinned of an authority of time: roots, certificates between, its own if wanted, and its policy.

    All certificates are in DER. `own`: where there are any, only these time-stamp.
    """

    roots: tuple[bytes, ...]
    between: tuple[bytes, ...] = ()
    own: tuple[bytes, ...] = ()
    policy: str | None = None


class TimeStamp(msgspec.Struct, frozen=True, kw_only=True):
    """What a verified time-stamp says.

    `gen_us`: the moment (µs) that it names, `accuracy_us` how far off that may be. `algorithms`: what its proof rests
    on. `good_until_us`: when the first certificate of its chain ends. `compromised_us`: a key of its chain was revoked
    since, for what makes all that it made doubtful: only what was renewed before then still holds. `chain`: from the
    signer's to the root (DER).
    """

    gen_us: int
    accuracy_us: int
    policy: str
    serial: str
    nonce: int | None
    subject: str
    algorithms: tuple[str, ...]
    good_until_us: int
    chain: tuple[bytes, ...]
    revocation: tuple[Told, ...]
    compromised_us: int | None = None

    @property
    def by_us(self) -> int:
        """The moment by which the bytes were there, whichever way the authority's clock was off."""
        return self.gen_us + self.accuracy_us


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent to an authority (DER), and the nonce that its answer has to repeat."""

    data: bytes
    nonce: int


def new_request(message: bytes, algorithm: str = SHA256) -> Request:
    """Asks for a time-stamp over these bytes, with a nonce, and with the authority's certificate in the answer."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    chosen = {SHA256: HashAlgorithm.SHA256, SHA512: HashAlgorithm.SHA512}[algorithm]
    made = TimestampRequestBuilder(data=message, hash_algorithm=chosen, nonce=True, cert_req=True).build()
    assert made.nonce is not None
    return Request(data=made.as_bytes(), nonce=made.nonce)


def certificates_in(data: bytes) -> tuple[bytes, ...]:
    """The certificates (DER) of a file, PEM or one in DER; raises SchemaViolation for a file of none."""
    try:
        if b"-----BEGIN" in data:
            return _der([whole(one) for one in x509.load_pem_x509_certificates(data)])
        return _der([whole(x509.load_der_x509_certificate(data))])
    except BROKEN as error:
        raise SchemaViolation(f"this is no certificate: {error}", advice="Bring it in PEM or DER.") from None


def pins_of(certificates: Iterable[bytes], policy: str | None = None) -> Pins:
    """What these certificates (DER) pin: self-signed ones are roots, others stand by them.

    One that may time-stamp and issues nothing is the authority's own. Raises SchemaViolation where there is no root.
    """
    found = [certificate_of(one) for one in certificates]
    if policy is not None:
        _require_oid(policy)
    roots = [one for one in found if _is_root(one)]
    own = [one for one in found if one not in roots and _only_stamps(one)]
    if not roots or len(found) > MAX_CERTIFICATES:
        raise SchemaViolation(
            "no root is among these certificates, or there are too many",
            advice="Bring the authority's self-signed root; its own certificate can stand in the same PEM file.",
        )
    between = [one for one in found if one not in roots and one not in own]
    return Pins(roots=_der(roots), between=_der(between), own=_der(own), policy=policy)


def verify_time_stamp(
    response: bytes,
    message: bytes,
    pins: Pins,
    nonce: int | None = None,
    revocation: Iterable[bytes] = (),
    *,
    renewed: bool = False,
) -> TimeStamp:
    """Returns only if a whole response (DER) is a time-stamp over `message` by the pinned authority, as of its moment.

    `nonce`: that of the request, where it is known. `revocation`: lists and OCSP responses beside the token's own.
    `renewed`: whether a renewal from before its authority's key was doubtful covers it, the caller judges.
    Raises TimestampInvalid, saying what does not hold.
    """
    found = _verified(response, message, pins, nonce, tuple(revocation))
    if found.compromised_us is not None and not renewed:
        # RFC 3161 §4: a key that may have been misused dates nothing, one that was retired what it dated before.
        raise TimestampInvalid(
            f"{found.subject} was revoked on {utc_text(found.compromised_us)}, and its key may have been misused: its "
            "time-stamps from before count no more"
        )
    return found


def moment_of(response: bytes) -> tuple[int, int]:
    """The moment (µs) that a response names, and how far off that may be; nothing is verified by this."""
    info = signed_of(read_response(response).time_stamp_token())[1]
    return us_of(info["gen_time"].native), accuracy_of(info)


def differs(gen_us: int, accuracy_us: int, last_logged_us: int) -> bool:
    """Whether an authority says a moment that lies well before the last entry it covers was here, by our clock.

    One of the clocks is wrong then, and the time-stamp dates nothing.
    """
    return gen_us + accuracy_us + TOLERANCE_US < last_logged_us


def _der(found: Sequence[x509.Certificate]) -> tuple[bytes, ...]:
    return tuple(one.public_bytes(Encoding.DER) for one in found)


@lru_cache(maxsize=512)
def _verified(
    response: bytes, message: bytes, pins: Pins, nonce: int | None, revocation: tuple[bytes, ...]
) -> TimeStamp:
    """It depends on nothing else, and each look at a page asks it of the same few again."""
    try:
        return _judged(response, message, pins, nonce, revocation)
    except (ValueError, TypeError, KeyError) as error:  # parts are read where they are asked for
        raise TimestampInvalid(f"its token cannot be read: {error}") from None


def _judged(response: bytes, message: bytes, pins: Pins, nonce: int | None, revocation: tuple[bytes, ...]) -> TimeStamp:
    found = read_response(response)
    token = found.time_stamp_token()
    signed, info = signed_of(token)
    imprint = info["message_imprint"]
    known = DIGESTS.get(imprint["hash_algorithm"]["algorithm"].dotted)
    if known is None:
        raise TimestampInvalid("it covers a digest by none of SHA-256, SHA-384 and SHA-512")
    if imprint["hashed_message"].native != known[1](message).digest():
        raise TimestampInvalid("it is over other bytes than these")
    if nonce is not None and info["nonce"].native != nonce:
        raise TimestampInvalid("it does not repeat the nonce of the request: it may have been made before")
    policy = info["policy"].dotted
    if pins.policy is not None and policy != pins.policy:
        raise TimestampInvalid(f"it is by policy {policy}, not by {pins.policy}")
    gen_us = us_of(info["gen_time"].native)
    try:
        embedded = [
            certificate_of(bytes(one)) for one in sorted(found.signed_data.certificates)[: 4 * MAX_CERTIFICATES]
        ]
        certificate = signer_of(signed, [certificate_of(one) for one in pins.own], embedded)
        between = [*embedded, *(certificate_of(one) for one in pins.between)]
        chain = chain_to(certificate, between, [certificate_of(one) for one in pins.roots], gen_us, _stamps)
        # Those who put lists into their tokens put them there: the rest needs no second reading.
        own = revocations_of(token) if len(signed["crls"]) or len(signed["signer_infos"][0]["unsigned_attrs"]) else []
    except SignatureInvalid as error:
        raise TimestampInvalid(f"its signer is not the pinned authority: {error.message}") from None
    _require_signature(found, chain, message)
    sources = list(readable([*own, *revocation]))
    state = tuple(told(one, issuer, sources, gen_us) for one, issuer in pairwise(chain))
    for one in state:
        _require_unrevoked(one, gen_us)
    compromised = [one.revoked_us for one in state if one.revoked_us is not None and one.reason not in _OUTLIVED]
    return TimeStamp(
        gen_us=gen_us,
        accuracy_us=accuracy_of(info),
        policy=policy,
        serial=f"{info['serial_number'].native:x}",
        nonce=info["nonce"].native,
        subject=certificate.subject.rfc4514_string(),
        algorithms=_algorithms(known[0], signed["signer_infos"][0], chain),
        good_until_us=min(us_of(one.not_valid_after_utc) for one in chain),
        chain=_der(chain),
        revocation=state,
        compromised_us=min(compromised, default=None),
    )


def _require_signature(found: Any, chain: Sequence[x509.Certificate], message: bytes) -> None:
    from rfc3161_client import VerificationError, VerifierBuilder

    builder = VerifierBuilder(roots=[chain[-1]], intermediates=list(chain[1:-1]), tsa_certificate=chain[0])
    try:
        builder.build().verify_message(found, message)
    except (VerificationError, ValueError) as error:
        raise TimestampInvalid(f"its signature does not hold: {error}") from None


def _require_unrevoked(one: Told, gen_us: int) -> None:
    """A certificate that was revoked dates nothing from then on."""
    if one.state is not Revocation.REVOKED or one.revoked_us is None:
        return
    since = utc_text(one.revoked_us)
    if one.revoked_us <= gen_us:
        raise TimestampInvalid(f"certificate {one.subject} was revoked on {since}, before this time-stamp")


def _stamps(_policy: Any, _certificate: x509.Certificate, found: x509.KeyUsage | None) -> None:
    if found is not None and not (found.digital_signature or found.content_commitment):
        raise ValueError("the certificate's key is not meant to sign")


def _algorithms(imprint: str, signer: Any, chain: Sequence[x509.Certificate]) -> tuple[str, ...]:
    """The digests and keys that a time-stamp rests on: `sha256`, `rsa-2048`, `ec-secp256r1`."""
    digest = DIGESTS.get(signer["digest_algorithm"]["algorithm"].dotted)
    if digest is None:
        raise TimestampInvalid("its signature is by a digest that is none of SHA-256, SHA-384 and SHA-512")
    names = {imprint, digest[0]}
    for one in chain[:-1]:
        if one.signature_hash_algorithm is not None:
            names.add(one.signature_hash_algorithm.name)
    for one in chain:
        key = one.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            names.add(f"rsa-{key.key_size}")
        elif isinstance(key, ec.EllipticCurvePublicKey):
            names.add(f"ec-{key.curve.name}")
        else:
            names.add(type(key).__name__.lower())
    return tuple(sorted(names))


def _is_root(one: x509.Certificate) -> bool:
    if one.issuer != one.subject:
        return False
    try:
        one.verify_directly_issued_by(one)
    except (*BROKEN, InvalidSignature):
        return False
    return True


def _only_stamps(one: x509.Certificate) -> bool:
    uses, basic = extension(one, x509.ExtendedKeyUsage), extension(one, x509.BasicConstraints)
    issues = basic is not None and basic.value.ca
    return not issues and uses is not None and set(uses.value) == {ExtendedKeyUsageOID.TIME_STAMPING}


def _require_oid(policy: str) -> None:
    try:
        x509.ObjectIdentifier(policy)
    except ValueError:
        raise SchemaViolation(f"{policy!r} is no policy", advice="Write an OID, as in 1.3.6.1.4.1.13762.3.") from None
