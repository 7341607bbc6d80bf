"""A signature made elsewhere: a detached CMS over exactly these bytes, by one certificate that chains to an anchor.

CAdES-BES (RFC 5652, RFC 5035): the one signer's signed attributes bind content type, the digest of the bytes and the
signer's certificate; the signature is over these attributes, and the certificate chains (RFC 5280) to a trust anchor
of the site, each part of the chain valid at the moments in question. Decided without a network: whether a certificate
was revoked is told by what came with the signature (`core.revocation`), or not known; what a trusted list says of it
was not asked; and every surface says so.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyasn1.type.univ import ObjectIdentifier, SequenceOf

from ledger.core import asn1
from ledger.core.chain import BROKEN as BROKEN_CERTIFICATE
from ledger.core.chain import EPOCH, MAX_CERTIFICATES, certificate_of, chain_to, whole
from ledger.core.clock import utc_text
from ledger.core.cms import certificates_of, decode, is_signer, require_signed, revocations_of, signer_of
from ledger.core.errors import LedgerError, SchemaViolation, SignatureInvalid
from ledger.core.hashing import b64
from ledger.core.passkey import b64url, unb64url
from ledger.core.revocation import BROKEN, Revocation, Told, read_source, readable, told
from ledger.core.signature import ELSEWHERE_US, ExternalProof

FORM: Final = "cades-detached"
MAX_CMS: Final = 128 * 1024
MAX_REVOCATIONS: Final = 8
MAX_REVOCATION: Final = 256 * 1024
"""Bytes of all revocation lists and OCSP responses together that are kept beside a signature."""
TOLERANCE_US: Final = 5 * 60 * 1_000_000
"""By how much the clock that wrote a signing time may differ from ours."""
_QC_COMPLIANCE, _QC_TYPE, _FOR_SIGNATURES = "0.4.0.1862.1.1", "0.4.0.1862.1.6", "0.4.0.1862.1.6.1"
"""ETSI EN 319 412-5: a certificate's claim to be qualified, and what for."""


class Certified(msgspec.Struct, frozen=True, kw_only=True):
    """What a signature made elsewhere proves: whose certificate made it, by which anchor.

    `names`: the certificate's issuer and subject (base64 of their DER, one after the other), by which a person is
    known; `subject` and `issuer` the same for people (RFC 4514). `qualified`: the certificate claims to be qualified
    for signatures; that is its claim alone. `signing_us`: when the signer's device says that it signed.
    """

    names: str
    subject: str
    issuer: str
    anchor: bytes
    chain: tuple[bytes, ...]
    qualified: bool
    signing_us: int | None
    revocation: tuple[Told, ...] = ()
    """What is known of the chain's certificates, the signer's first; none of them was revoked by then."""


def verify_external(
    proof: ExternalProof, message: bytes, anchors: Iterable[bytes], moments: Sequence[int], window: tuple[int, int]
) -> Certified:
    """Returns only if the proof is one person's signature over `message`; raises SignatureInvalid, naming what is not.

    `anchors`: certificates of authorities (DER). `moments` (µs): when every certificate of the chain has to be valid.
    `window` (µs): between which moments the signer may say that it was made.
    """
    return _verified(proof, message, tuple(anchors), tuple(moments), window)


@lru_cache(maxsize=512)
def _verified(
    proof: ExternalProof,
    message: bytes,
    anchors: tuple[bytes, ...],
    moments: tuple[int, ...],
    window: tuple[int, int],
) -> Certified:
    """It depends on nothing else, and every look at the keys asks it of each binding again."""
    if proof.form != FORM:
        raise SignatureInvalid(f"signatures of form {proof.form!r} are not known here")
    try:
        data = unb64url(proof.signature)
        certificates = [certificate_of(unb64url(one)) for one in proof.certificates]
    except LedgerError as error:
        raise SignatureInvalid(f"the external signature cannot be read: {error.message}") from None
    if not 0 < len(certificates) <= MAX_CERTIFICATES or len(data) > MAX_CMS:
        raise SignatureInvalid("the external signature has no certificate, or is too large")
    signer, certificate = signer_of(data), certificates[0]
    if not is_signer(signer, certificate):
        raise SignatureInvalid("the CMS names another certificate as its signer's")
    signing_us = require_signed(signer, certificate, message)
    if signing_us is not None:
        if not window[0] - TOLERANCE_US <= signing_us <= window[1] + TOLERANCE_US:
            raise SignatureInvalid("the signer's device says that it was made at another time than the statement")
        moments = (*moments, signing_us)
    chain: list[x509.Certificate] = []
    trusted = [certificate_of(one) for one in anchors]
    for moment in moments:
        chain = chain_to(certificate, certificates[1:], trusted, moment, _signs)
    known = _revocation(proof, data, chain, window[0])
    return Certified(
        names=names_of(certificate),
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        anchor=chain[-1].public_bytes(Encoding.DER),
        chain=tuple(one.public_bytes(Encoding.DER) for one in chain[:-1]),
        qualified=claims_qualified(certificate),
        signing_us=signing_us,
        revocation=known,
    )


def _revocation(proof: ExternalProof, cms: bytes, chain: Sequence[x509.Certificate], made_us: int) -> tuple[Told, ...]:
    """What is known of a chain's certificates; raises SignatureInvalid for one that was revoked by the time by which
    the signature has to be here: nothing proves that it was made before.
    """
    sources = list(readable(_sources(proof, cms)))
    found = tuple(told(one, issuer, sources, made_us) for one, issuer in pairwise(chain))
    for one in found:
        if one.revoked_us is not None and one.revoked_us <= made_us + ELSEWHERE_US:
            since = utc_text(one.revoked_us)
            raise SignatureInvalid(f"certificate {one.subject} was revoked on {since}, before the signature was here")
    return found


def revocation_of(proof: ExternalProof, made_us: int) -> tuple[Told, ...]:
    """What is known of the signer's certificate, and of those above it, as far as they stand with the signature.

    For showing: whether the signature holds, and chains to an anchor, `verify_external` decides.
    """
    try:
        data = unb64url(proof.signature)
        known = [certificate_of(unb64url(one)) for one in proof.certificates[: MAX_CERTIFICATES + 1]]
        sources = list(readable(_sources(proof, data)))
    except LedgerError:
        return ()
    found: list[Told] = []
    one = known[0] if known else None
    while one is not None and one.issuer != one.subject and len(found) < MAX_CERTIFICATES:
        issuer = next((other for other in known if _issued(one, other)), None)
        unknown = Told(subject=one.subject.rfc4514_string(), state=Revocation.UNKNOWN)
        found.append(unknown if issuer is None else told(one, issuer, sources, made_us))
        one = issuer
    return tuple(found)


def with_anchor(proof: ExternalProof, certified: Certified) -> ExternalProof:
    """The proof with the anchor's certificate, so that it stands by itself what is known of the chain."""
    anchor = b64url(certified.anchor)
    if anchor in proof.certificates or len(proof.certificates) >= MAX_CERTIFICATES:
        return proof
    return msgspec.structs.replace(proof, certificates=(*proof.certificates, anchor))


def _sources(proof: ExternalProof, cms: bytes) -> list[bytes]:
    """Revocation lists and responses in a signature, as far as it can be read, and beside it."""
    beside = [unb64url(one) for one in proof.revocation[:MAX_REVOCATIONS]]
    try:
        return [*revocations_of(cms), *beside]
    except LedgerError:
        return beside


def _issued(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except BROKEN:
        return False
    return True


def loaded_revocation(data: bytes) -> bytes:
    """A revocation list (PEM or DER), or an OCSP response (DER), as it is kept; raises SchemaViolation for neither."""
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_crl(data).public_bytes(Encoding.DER)
        read_source(data)
    except BROKEN as error:
        raise SchemaViolation(
            f"this is no revocation list and no answer of an OCSP responder: {error}", advice="Bring it in PEM or DER."
        ) from None
    return data


def brought(cms: bytes, certificates: bytes = b"", revocation: Iterable[bytes] = ()) -> ExternalProof:
    """What a person brought as a proof: the CMS (DER), and the certificates of it and of `certificates` (PEM or DER).

    `revocation`: lists (PEM or DER) and OCSP responses (DER) that tell whether they were revoked.

    The signer's comes first. Raises SchemaViolation where it is none, or its signer's certificate is nowhere.
    """
    if not 0 < len(cms) <= MAX_CMS:
        raise SchemaViolation(f"a signature of {len(cms)} bytes is not taken", advice=f"At most {MAX_CMS} bytes.")
    try:
        signer = signer_of(cms)
        beside = loaded(certificates) if certificates else []
        known = list(dict.fromkeys((*beside, *map(certificate_of, certificates_of(cms)))))[: 4 * MAX_CERTIFICATES]
    except LedgerError as error:
        raise SchemaViolation(
            f"this is no detached signature that can be taken: {error.message}",
            advice="Bring back CAdES-BES: a detached CMS in DER with signed attributes, by one signer.",
        ) from None
    first = [one for one in known if is_signer(signer, one)]
    if not first:
        raise SchemaViolation(
            "the certificate of the signer is neither in the signature nor beside it",
            advice="Bring the certificate chain with it, as a PEM file.",
        )
    ordered = (first[0], *(one for one in known if one != first[0]))
    given = (b64url(one.public_bytes(Encoding.DER)) for one in ordered[:MAX_CERTIFICATES])
    told_by = [loaded_revocation(one) for one in revocation if one]
    if len(told_by) > MAX_REVOCATIONS or sum(map(len, told_by)) > MAX_REVOCATION:
        raise SchemaViolation(
            "more lists and responses were brought than are kept",
            advice=f"At most {MAX_REVOCATIONS}, of {MAX_REVOCATION} bytes together: bring OCSP responses.",
        )
    return ExternalProof(
        form=FORM, signature=b64url(cms), certificates=tuple(given), revocation=tuple(map(b64url, told_by))
    )


def loaded(data: bytes) -> list[x509.Certificate]:
    """The certificates of a file, PEM or one in DER; raises SchemaViolation where it holds none."""
    try:
        if b"-----BEGIN" in data:
            return [whole(one) for one in x509.load_pem_x509_certificates(data)]
        return [whole(x509.load_der_x509_certificate(data))]
    except BROKEN_CERTIFICATE as error:
        raise SchemaViolation(f"this is no certificate: {error}", advice="Bring it in PEM or DER.") from None


def names_of(certificate: x509.Certificate) -> str:
    """What a binding holds in place of a key: the certificate's issuer and subject (DER), in base64."""
    return b64(certificate.issuer.public_bytes() + certificate.subject.public_bytes())


def signer_certificate(proof: ExternalProof) -> x509.Certificate:
    """The certificate that a proof says is its signer's; raises SignatureInvalid for one that cannot be read."""
    try:
        return certificate_of(unb64url(proof.certificates[0]))
    except (LedgerError, IndexError):
        raise SignatureInvalid("the signer's certificate cannot be read") from None


def require_authority(certificate: x509.Certificate) -> None:
    """Raises SchemaViolation for a certificate that is no authority's."""
    try:
        holds = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        holds = False
    if not holds:
        raise SchemaViolation(
            f"{certificate.subject.rfc4514_string()} is no certificate of an authority",
            advice="A trust anchor is the certificate of the authority that issues, not that of a person.",
        )


def claims_qualified(certificate: x509.Certificate) -> bool:
    """Whether a certificate says of itself that it is qualified, for electronic signatures (EN 319 412-5)."""
    try:
        found = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3")).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    statements = {
        str(one["statementId"]): one["statementInfo"]
        for one in decode(found.public_bytes(), asn1.rfc3739.QCStatements())
    }
    if _QC_COMPLIANCE not in statements:
        return False
    kinds = statements.get(_QC_TYPE)
    if kinds is None or not kinds.isValue:
        return True
    return _FOR_SIGNATURES in {str(one) for one in decode(bytes(kinds), _OidList())}


class _OidList(SequenceOf):
    componentType = ObjectIdentifier()  # noqa: N815 - the library's name


def require_valid_at(certified: Certified, moment_us: int) -> None:
    """Raises SignatureInvalid where a certificate of the chain was not valid at that moment (µs)."""
    at = EPOCH + timedelta(microseconds=moment_us)
    for one in map(certificate_of, (*certified.chain, certified.anchor)):
        if not one.not_valid_before_utc <= at <= one.not_valid_after_utc:
            raise SignatureInvalid(f"certificate {one.subject.rfc4514_string()} was not valid at {at:%Y-%m-%dT%H:%M}Z")


def _signs(_policy: Any, _certificate: x509.Certificate, found: x509.KeyUsage | None) -> None:
    if found is None or not (found.digital_signature or found.content_commitment):
        raise ValueError("the certificate's key is not meant to sign")
