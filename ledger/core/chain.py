"""A certificate's chain to an anchor at a moment (RFC 5280): every part valid then, each allowed to issue the next.

Decided without a network. Whether a part was revoked, `core.revocation` tells; which anchors count, the caller.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from ledger.core.errors import SignatureInvalid

MAX_CERTIFICATES: Final = 8
"""The signer's and those between it and the anchor."""
MAX_CERTIFICATE: Final = 32 * 1024
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
BROKEN: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What reading a certificate raises that is none."""
_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
"""Extensions that may be critical: the chain's verification heeds them, or this module does."""

Usage = Callable[[Any, x509.Certificate, x509.KeyUsage | None], None]
"""Raises ValueError where the first certificate's key is not meant for what it did."""


def certificate_of(data: bytes) -> x509.Certificate:
    """The certificate (DER), all of it read; raises SignatureInvalid for what is none."""
    if len(data) > MAX_CERTIFICATE:
        raise SignatureInvalid("a certificate is too large")
    try:
        return whole(x509.load_der_x509_certificate(data))
    except BROKEN as error:
        raise SignatureInvalid(f"a certificate cannot be read: {error}") from None


def whole(certificate: x509.Certificate) -> x509.Certificate:
    """The certificate, all of it read: its parts are, else, only once they are asked for."""
    certificate.public_key()
    for part in (certificate.extensions, certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()):
        assert part is not None
    return certificate


def chain_to(
    certificate: x509.Certificate,
    between: Sequence[x509.Certificate],
    anchors: Iterable[x509.Certificate],
    moment_us: int,
    usage: Usage,
) -> list[x509.Certificate]:
    """The chain from a certificate to an anchor, all of it valid at that moment; raises SignatureInvalid.

    The first one's key usage is judged by `usage`, and has to be said where `usage` says so.
    """
    at = EPOCH + timedelta(microseconds=moment_us)
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise SignatureInvalid(
            f"the signer's certificate was not valid at {at:%Y-%m-%dT%H:%M:%SZ}: it is good from "
            f"{certificate.not_valid_before_utc:%Y-%m-%d} to {certificate.not_valid_after_utc:%Y-%m-%d}"
        )
    trusted = list(anchors)
    if not trusted:
        raise SignatureInvalid("no trust anchor was in force then")
    authority = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.CRITICAL, _may_issue)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _signs_certificates)
    )
    policy = (
        PolicyBuilder()
        .store(Store(trusted))
        .time(at)
        .max_chain_depth(MAX_CERTIFICATES)
        .extension_policies(
            ca_policy=authority,
            ee_policy=ExtensionPolicy.permit_all().may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, usage),
        )
        .build_client_verifier()
    )
    try:
        chain = list(policy.verify(certificate, list(between)).chain)
    except (VerificationError, ValueError) as error:
        raise SignatureInvalid(f"its certificate does not chain to a trust anchor of this site: {error}") from None
    for place, one in enumerate(chain):
        _require_constraints(one, place)
    return chain


def _require_constraints(one: x509.Certificate, place: int) -> None:
    for extension in one.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise SignatureInvalid(f"a certificate has critical extension {extension.oid.dotted_string}, unknown here")
        value = extension.value
        limit = value.path_length if isinstance(value, x509.BasicConstraints) and place else None
        if limit is not None and place - 1 > limit:
            raise SignatureInvalid("an authority of the chain may not have so many below it")


def _may_issue(_policy: Any, _certificate: x509.Certificate, found: x509.BasicConstraints) -> None:
    if not found.ca:
        raise ValueError("a certificate of the chain is no authority's")


def _signs_certificates(_policy: Any, _certificate: x509.Certificate, found: x509.KeyUsage | None) -> None:
    if found is not None and not found.key_cert_sign:
        raise ValueError("an authority's key is not meant to sign certificates")
