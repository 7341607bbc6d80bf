"""The parts of a time-stamp's response (RFC 3161) and token (RFC 5652, RFC 5035), read strictly; no moment is judged.

The libraries of RFC 3161 and of ASN.1 are loaded when the first response is read: few commands need them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256, sha384, sha512
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from ledger.core.chain import EPOCH
from ledger.core.errors import TimestampInvalid

MAX_RESPONSE: Final = 64 * 1024
"""Bytes of the largest response that is kept."""
DIGESTS: Final = {
    "2.16.840.1.101.3.4.2.1": ("sha256", sha256),
    "2.16.840.1.101.3.4.2.2": ("sha384", sha384),
    "2.16.840.1.101.3.4.2.3": ("sha512", sha512),
}
_FINGERPRINTS: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_ESS: Final = frozenset({"signing_certificate", "signing_certificate_v2"})
_GRANTED: Final = 0


def read_response(response: bytes) -> Any:
    """The response as its library has it, if it grants a token; raises TimestampInvalid."""
    from rfc3161_client import decode_timestamp_response

    if len(response) > MAX_RESPONSE:
        raise TimestampInvalid(f"the response has {len(response)} bytes, more than {MAX_RESPONSE}")
    try:
        found = decode_timestamp_response(response)
        if found.status != _GRANTED:
            said = "; ".join(found.status_string)[:200]
            raise TimestampInvalid(f"the authority did not grant it: status {found.status}{said and f', {said}'}")
        assert found.tst_info is not None
    except (ValueError, AssertionError) as error:
        raise TimestampInvalid(f"it is no response of a time-stamp authority: {error}") from None
    return found


def signed_of(token: bytes) -> tuple[Any, Any]:
    """The SignedData of a token with one signer, and the TSTInfo in it, all of it read."""
    from asn1crypto import cms, tsp  # type: ignore[import-untyped]

    try:
        outer = cms.ContentInfo.load(token, strict=True)
        if outer["content_type"].native != "signed_data":
            raise TimestampInvalid("its token is no signature")
        signed = outer["content"]
        content = signed["encap_content_info"]
        if content["content_type"].native != "tst_info" or len(signed["signer_infos"]) != 1:
            raise TimestampInvalid("its token is not of one time-stamp by one signer")
        info = tsp.TSTInfo.load(content["content"].contents, strict=True)
    except (ValueError, TypeError, KeyError) as error:
        raise TimestampInvalid(f"its token cannot be read: {error}") from None
    return signed, info


def signer_of(signed: Any, own: Sequence[x509.Certificate], embedded: Sequence[x509.Certificate]) -> x509.Certificate:
    """The certificate of a token's signer, one of `own` if there are any; the signed attributes name it."""
    signer = signed["signer_infos"][0]
    certificate = next((one for one in (*embedded, *own) if _is_signer(signer["sid"], one)), None)
    if certificate is None:
        raise TimestampInvalid("its signer's certificate is neither in it nor pinned")
    if own and certificate not in own:
        raise TimestampInvalid(f"{certificate.subject.rfc4514_string()} signed it, and is not the pinned one")
    if not _names(signer["signed_attrs"], certificate):
        raise TimestampInvalid("its signed attributes do not name its signer's certificate (ESSCertID)")
    found = extension(certificate, x509.ExtendedKeyUsage)
    if found is None or not found.critical or set(found.value) != {ExtendedKeyUsageOID.TIME_STAMPING}:
        raise TimestampInvalid("its signer's certificate is not for time-stamping alone (critical extended key usage)")
    return certificate


def _is_signer(sid: Any, certificate: x509.Certificate) -> bool:
    if sid.name != "issuer_and_serial_number":
        found = extension(certificate, x509.SubjectKeyIdentifier)
        return found is not None and bool(sid.chosen.native == found.value.digest)
    same = sid.chosen["serial_number"].native == certificate.serial_number
    return bool(same and sid.chosen["issuer"].dump() == certificate.issuer.public_bytes())


def _names(attributes: Any, certificate: x509.Certificate) -> bool:
    """Whether the signed attributes say, once, by ESSCertID or ESSCertIDv2, that this certificate's key signs."""
    ids = [one for one in attributes if one["type"].native in _ESS]
    if not ids or len({one["type"].native for one in ids}) != len(ids) or any(len(one["values"]) != 1 for one in ids):
        return False
    return all(
        len(one["values"][0]["certs"]) > 0 and _is_named(one["values"][0]["certs"][0], certificate) for one in ids
    )


def _is_named(named: Any, certificate: x509.Certificate) -> bool:
    digest: hashes.HashAlgorithm = hashes.SHA1()  # noqa: S303 - RFC 2634 knows no other
    serial = named["issuer_serial"].native
    if "hash_algorithm" in named:
        chosen = DIGESTS.get(named["hash_algorithm"]["algorithm"].dotted)
        if chosen is None:
            return False
        digest = _FINGERPRINTS[chosen[0]]
    elif serial is None:
        return False  # SHA-1 alone names nothing: the serial number has to be there, too
    same = serial is None or serial["serial_number"] == certificate.serial_number
    return bool(same and named["cert_hash"].native == certificate.fingerprint(digest))


def extension(one: x509.Certificate, sort: Any) -> Any:
    """A certificate's extension of that class; None without."""
    try:
        return one.extensions.get_extension_for_class(sort)
    except x509.ExtensionNotFound:
        return None


def us_of(moment: datetime) -> int:
    """Microseconds since the epoch."""
    return int((moment - EPOCH) // timedelta(microseconds=1))


def accuracy_of(info: Any) -> int:
    """How far off (µs) a TSTInfo says that its moment may be."""
    found = info["accuracy"].native
    if found is None:
        return 0
    return (found["seconds"] or 0) * 1_000_000 + (found["millis"] or 0) * 1000 + (found["micros"] or 0)
