"""What says whether an authority's certificates were revoked, fetched when it stamps, so that it is kept beside it.

An OCSP response where a certificate names a responder, else its revocation list. Nothing depends on getting either:
without, it is not known, and every surface says so. What was fetched is judged with the token, offline, for ever after.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from ledger.core.chain import certificate_of
from ledger.core.errors import LedgerError
from ledger.core.revocation import BROKEN, read_source

MAX_SOURCE: Final = 64 * 1024
"""Bytes of the largest list or response that is kept beside a time-stamp."""
MAX_TOTAL: Final = 128 * 1024


class Fetch(Protocol):
    """Gets what is at an address, by POST where there is a request; raises LedgerError where nothing is got."""

    def __call__(self, url: str, request: bytes | None, /) -> bytes: ...


def revocation_of(chain: Sequence[bytes], fetch: Fetch) -> tuple[bytes, ...]:
    """What could be got of a chain's certificates (DER, the signer's first), each in DER."""
    found: list[bytes] = []
    for one, issuer in pairwise([certificate_of(data) for data in chain]):
        for url, request in _asked(one, issuer):
            try:
                data = fetch(url, request)
                read_source(data)
            except (LedgerError, *BROKEN):
                continue
            if len(data) <= MAX_SOURCE and sum(map(len, found)) + len(data) <= MAX_TOTAL:
                found.append(data)
                break
    return tuple(found)


def _asked(one: x509.Certificate, issuer: x509.Certificate) -> Iterator[tuple[str, bytes | None]]:
    """Where to ask about a certificate, the responders first."""
    for access in _value(one, x509.AuthorityInformationAccess) or ():
        if access.access_method == AuthorityInformationAccessOID.OCSP:
            built = ocsp.OCSPRequestBuilder().add_certificate(one, issuer, hashes.SHA1())  # noqa: S303 - RFC 6960's own
            for url in _urls([access.access_location]):
                yield url, built.build().public_bytes(Encoding.DER)
    for point in _value(one, x509.CRLDistributionPoints) or ():
        for url in _urls(point.full_name or ()):
            yield url, None


def _urls(names: Sequence[x509.GeneralName]) -> Iterator[str]:
    for name in names:
        if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith(("http://", "https://")):
            yield name.value


def _value(one: x509.Certificate, sort: Any) -> Any:
    try:
        return one.extensions.get_extension_for_class(sort).value
    except x509.ExtensionNotFound:
        return None
