"""Whether a certificate was revoked, told offline by what came with a signature: revocation lists and OCSP responses.

Each counts as far as the certificate's own issuer signed it, or a responder that the issuer let in for that (RFC 5280
§5, RFC 6960 §4.2.2.2). What says that a certificate was revoked counts whenever it was made. What says nothing against
it counts for the moment in question if it was made since, or was still to be relied on then. Nothing is fetched: where
nothing counts, it is not known.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID
from pyasn1.error import PyAsn1Error

from ledger.core import asn1
from ledger.core.cms import LEAST_RSA, decode, pss_of
from ledger.core.errors import SignatureInvalid

TOLERANCE: Final = timedelta(minutes=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})
_LIST_EXTENSIONS: Final = (x509.IssuingDistributionPoint, x509.CRLNumber, x509.AuthorityKeyIdentifier)
BROKEN: Final = (
    *(ValueError, TypeError, KeyError, UnsupportedAlgorithm, InvalidSignature),
    *(x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion),
)
"""What reading raises of what is no list, no response, or none that can be judged."""

Source = x509.CertificateRevocationList | ocsp.OCSPResponse


class Revocation(StrEnum):
    """What is known of a certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one certificate: by a `crl` or an `ocsp` response of that moment (µs), and since when."""

    subject: str
    state: Revocation
    by: str = ""
    made_us: int | None = None
    revoked_us: int | None = None
    reason: str = ""
    """Why it was revoked, in the words of RFC 5280 §5.3.1; empty where nothing is said."""


class _Word(msgspec.Struct, frozen=True):
    by: str
    made: datetime
    until: datetime | None
    revoked: datetime | None
    reason: str = ""


def read_source(data: bytes) -> Source:
    """A revocation list, or an OCSP response that answers (DER); raises ValueError for what is neither."""
    try:
        return x509.load_der_x509_crl(data)
    except BROKEN:
        found = ocsp.load_der_ocsp_response(data)
        if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise ValueError("the OCSP response is a refusal") from None
        return found


def readable(sources: Iterable[bytes]) -> Iterator[Source]:
    """Those that can be read; others tell nothing."""
    for data in sources:
        try:
            yield read_source(data)
        except BROKEN:
            continue


def told(certificate: x509.Certificate, issuer: x509.Certificate, sources: Iterable[Source], at_us: int) -> Told:
    """What is known of a certificate at a moment (µs), by what its issuer says."""
    at = _EPOCH + timedelta(microseconds=at_us)
    words: list[_Word] = []
    for source in sources:
        try:
            if isinstance(source, x509.CertificateRevocationList):
                words += _by_list(certificate, issuer, source)
            else:
                words += _by_response(certificate, issuer, source)
        except (*BROKEN, SignatureInvalid, PyAsn1Error):
            continue
    subject = certificate.subject.rfc4514_string()
    revoked = [(one.revoked, one) for one in words if one.revoked is not None]
    if revoked:
        since, first = min(revoked, key=lambda one: one[0])
        return Told(
            subject=subject,
            state=Revocation.REVOKED,
            by=first.by,
            made_us=_us(first.made),
            revoked_us=_us(since),
            reason=first.reason,
        )
    good = [one for one in words if _counts(one, certificate, at)]
    if not good:
        return Told(subject=subject, state=Revocation.UNKNOWN)
    last = max(good, key=lambda one: one.made)
    return Told(subject=subject, state=Revocation.GOOD, by=last.by, made_us=_us(last.made))


def _counts(word: _Word, certificate: x509.Certificate, at: datetime) -> bool:
    """Whether what says nothing against it counts at a moment; of certificates that ended, lists say nothing more."""
    since = word.made >= at - TOLERANCE or (word.until is not None and at <= word.until)
    return since and word.made <= certificate.not_valid_after_utc


def _by_list(
    certificate: x509.Certificate, issuer: x509.Certificate, crl: x509.CertificateRevocationList
) -> Iterator[_Word]:
    key, algorithm = issuer.public_key(), crl.signature_hash_algorithm
    if crl.issuer != issuer.subject or not _may(issuer, "crl_sign") or not _strong(key, algorithm):
        return
    if not crl.is_signature_valid(key):  # type: ignore[arg-type]
        return
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    if entry is None:
        if _covers(crl, certificate):
            yield _Word("crl", crl.last_update_utc, crl.next_update_utc, None)
        return
    since, reason = entry.revocation_date_utc, ""
    for one in entry.extensions:
        if isinstance(one.value, x509.CertificateIssuer):
            return  # it is another authority's certificate
        if isinstance(one.value, x509.CRLReason) and one.value.reason is x509.ReasonFlags.remove_from_crl:
            return  # a list of what changed takes it back: it was held, and is no more
        if isinstance(one.value, x509.CRLReason):
            reason = one.value.reason.value
        if isinstance(one.value, x509.InvalidityDate):
            since = min(since, one.value.invalidity_date_utc)
    yield _Word("crl", crl.last_update_utc, crl.next_update_utc, since, reason)


def _covers(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """Whether a list would name this certificate, were it revoked: it is whole, or the part that is due for it."""
    for one in crl.extensions:
        if one.critical and not isinstance(one.value, _LIST_EXTENSIONS):
            return False
        if not isinstance(one.value, x509.IssuingDistributionPoint):
            continue
        part = one.value
        is_authority = _is_authority(certificate)
        if part.indirect_crl or part.only_some_reasons or part.only_contains_attribute_certs or part.relative_name:
            return False
        if (part.only_contains_user_certs and is_authority) or (part.only_contains_ca_certs and not is_authority):
            return False
        if part.full_name and not set(part.full_name) & _points(certificate):
            return False
    return True


def _by_response(
    certificate: x509.Certificate, issuer: x509.Certificate, response: ocsp.OCSPResponse
) -> Iterator[_Word]:
    algorithm, pad = _signed_by(response)
    responder = next(filter(lambda one: _is_responder(one, issuer, response), (issuer, *response.certificates)), None)
    if responder is None or not _strong(responder.public_key(), algorithm):
        return
    _verify(responder.public_key(), response, algorithm, pad)
    for one in response.responses:
        asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, one.hash_algorithm).build()
        names = (one.serial_number, one.issuer_name_hash, one.issuer_key_hash)
        if names != (asked.serial_number, asked.issuer_name_hash, asked.issuer_key_hash):
            continue
        if one.certificate_status is ocsp.OCSPCertStatus.REVOKED:
            reason = "" if one.revocation_reason is None else one.revocation_reason.value
            yield _Word("ocsp", one.this_update_utc, one.next_update_utc, one.revocation_time_utc, reason)
        elif one.certificate_status is ocsp.OCSPCertStatus.GOOD:
            yield _Word("ocsp", one.this_update_utc, one.next_update_utc, None)


def _is_responder(one: x509.Certificate, issuer: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    """Whether a certificate is that of who signed a response: the issuer, or whom the issuer let in for it."""
    if response.responder_name is not None:
        named = response.responder_name == one.subject
    else:
        named = response.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(one.public_key()).digest
    if not named or one == issuer:
        return named
    try:
        one.verify_directly_issued_by(issuer)
        uses = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except BROKEN:
        return False
    in_date = one.not_valid_before_utc <= response.produced_at_utc <= one.not_valid_after_utc
    return in_date and ExtendedKeyUsageOID.OCSP_SIGNING in uses and _may(one, "digital_signature")


def _signed_by(response: ocsp.OCSPResponse) -> tuple[hashes.HashAlgorithm | None, padding.PSS | None]:
    """By which digest a response is signed, and how it is padded where that is RSASSA-PSS.

    Of an OCSP response the library of certificates reads no parameters; they stand beside the signature (RFC 6960).
    """
    if response.signature_algorithm_oid != SignatureAlgorithmOID.RSASSA_PSS:
        return response.signature_hash_algorithm, None
    whole = decode(response.public_bytes(Encoding.DER), asn1.rfc6960.OCSPResponse())
    basic = decode(bytes(whole["responseBytes"]["response"]), asn1.rfc6960.BasicOCSPResponse())
    pad, algorithm = pss_of(basic["signatureAlgorithm"])
    return algorithm, pad


def _verify(key: Any, response: ocsp.OCSPResponse, algorithm: Any, pad: padding.PSS | None) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(response.signature, response.tbs_response_bytes, pad or padding.PKCS1v15(), algorithm)
    elif pad is None:
        key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
    else:
        raise InvalidSignature


def _strong(key: object, algorithm: Any) -> bool:
    fit = isinstance(key, ec.EllipticCurvePublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA
    )
    return fit and algorithm is not None and algorithm.name in _HASHES


def _may(certificate: x509.Certificate, use: str) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return bool(getattr(found, use))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _points(certificate: x509.Certificate) -> set[x509.GeneralName]:
    """The places at which a certificate says that its list is."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return set()
    return {name for point in points for name in point.full_name or ()}


def _us(moment: datetime) -> int:
    return int((moment - _EPOCH) // timedelta(microseconds=1))
