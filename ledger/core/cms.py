"""A detached CMS signature by one signer, read strictly and held against bytes and certificate (RFC 5652, RFC 5035).

CAdES-BES: the signed attributes bind content type, the digest of the bytes and the signer's certificate, each once, and
the certificate's key signed these attributes. Whose certificate that is, `core.external` decides.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from pyasn1.codec.der import decoder, encoder
from pyasn1.error import PyAsn1Error

from ledger.core import asn1
from ledger.core.errors import SignatureInvalid

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
_RSA: Final = "1.2.840.113549.1.1.1"
_PSS: Final = "1.2.840.113549.1.1.10"
_BY_HASH: Final = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
"""Signature algorithms that name their digest."""
LEAST_RSA: Final = 2048
_OCSP_RESPONSE: Final = "1.3.6.1.5.5.7.16.2"
"""RFC 5940: an OCSP response among the revocation information of a CMS."""


def decode(data: bytes, spec: Any) -> Any:
    """The one value that `data` is; SignatureInvalid where it is none, or anything follows it."""
    try:
        value, rest = decoder.decode(data, asn1Spec=spec)
    except (PyAsn1Error, ValueError, TypeError, RecursionError) as error:
        raise SignatureInvalid(f"it is not well-formed (DER): {type(error).__name__}") from None
    if rest:
        raise SignatureInvalid("something follows its end")
    return value


def encode(value: Any) -> bytes:
    """The DER of what was decoded; SignatureInvalid where parts of it are none: decoding lets some pass."""
    try:
        return bytes(encoder.encode(value))
    except (PyAsn1Error, ValueError, TypeError, RecursionError) as error:
        raise SignatureInvalid(f"it is not well-formed (DER): {type(error).__name__}") from None


def signed_data(cms: bytes) -> Any:
    """The SignedData of a CMS; raises SignatureInvalid for a CMS of another sort."""
    outer = decode(cms, asn1.rfc5652.ContentInfo())
    if outer["contentType"] != asn1.rfc5652.id_signedData:
        raise SignatureInvalid("it is a CMS, but none of a signature")
    return decode(bytes(outer["content"]), asn1.rfc5652.SignedData())


def signer_of(cms: bytes) -> Any:
    """The SignerInfo of the only signer of a detached signature."""
    signed = signed_data(cms)
    content = signed["encapContentInfo"]
    if content["eContentType"] != asn1.rfc5652.id_data or content["eContent"].isValue:
        raise SignatureInvalid("it is not detached, over plain bytes")
    if len(signed["signerInfos"]) != 1:
        raise SignatureInvalid(f"it has {len(signed['signerInfos'])} signers: one person signs")
    return signed["signerInfos"][0]


def certificates_of(cms: bytes) -> list[bytes]:
    """The certificates that a CMS carries (DER)."""
    found = signed_data(cms)["certificates"]
    if not found.isValue:
        return []
    return [encode(one["certificate"]) for one in found if one.getName() == "certificate"]


def revocations_of(cms: bytes) -> list[bytes]:
    """The revocation lists and OCSP responses (DER) that a CMS carries: in its own field for them (RFC 5652 §10.2.1,
    RFC 5940), or as CAdES has it, among the unsigned attributes (`revocation-values`, RFC 5126 §6.3.4).
    """
    signed, found = signed_data(cms), []
    for one in signed["crls"] if signed["crls"].isValue else ():
        if one.getName() == "crl":
            found.append(encode(one["crl"]))
        elif str(one["other"]["otherRevInfoFormat"]) == _OCSP_RESPONSE:
            found.append(bytes(one["other"]["otherRevInfo"]))
    for signer in signed["signerInfos"]:
        for attribute in signer["unsignedAttrs"] if signer["unsignedAttrs"].isValue else ():
            if attribute["attrType"] == asn1.rfc5126.id_aa_ets_revocationValues:
                for value in attribute["attrValues"]:
                    values = decode(bytes(value), asn1.rfc5126.RevocationValues())
                    found += [encode(one) for one in values["crlVals"] if values["crlVals"].isValue]
                    found += [_answered(one) for one in values["ocspVals"] if values["ocspVals"].isValue]
    return found


def _answered(basic: Any) -> bytes:
    """A whole OCSP response around the basic one (RFC 6960 §4.2.1)."""
    whole = asn1.rfc6960.OCSPResponse()
    whole["responseStatus"] = "successful"
    whole["responseBytes"]["responseType"] = asn1.rfc6960.id_pkix_ocsp_basic
    whole["responseBytes"]["response"] = encode(basic)
    return encode(whole)


def is_signer(signer: Any, certificate: x509.Certificate) -> bool:
    """Whether the signer's identifier is this certificate's."""
    sid = signer["sid"]
    if sid.getName() == "subjectKeyIdentifier":
        try:
            found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
        except (x509.ExtensionNotFound, ValueError):
            return False
        return bool(bytes(sid["subjectKeyIdentifier"]) == found)
    both = sid["issuerAndSerialNumber"]
    issuer = encode(both["issuer"])
    return issuer == certificate.issuer.public_bytes() and int(both["serialNumber"]) == certificate.serial_number


def require_signed(signer: Any, certificate: x509.Certificate, message: bytes) -> int | None:
    """The signed attributes say these bytes and this certificate, and its key signed them; returns the signing time."""
    if not signer["signedAttrs"].isValue or not len(signer["signedAttrs"]):
        raise SignatureInvalid("it has no signed attributes: nothing binds the signer's certificate")
    algorithm = _HASHES.get(str(signer["digestAlgorithm"]["algorithm"]))
    if algorithm is None:
        raise SignatureInvalid("its digest is by none of SHA-256, SHA-384 and SHA-512")
    said = attributes_of(signer["signedAttrs"])
    if attribute(said, asn1.rfc5652.id_contentType, asn1.rfc5652.ContentType()) != asn1.rfc5652.id_data:
        raise SignatureInvalid("its signed attributes are of another sort of content")
    digest = bytes(attribute(said, asn1.rfc5652.id_messageDigest, asn1.rfc5652.MessageDigest()))
    if digest != _hash(algorithm, message):
        raise SignatureInvalid("it is over other bytes than this statement's")
    named = attribute(said, asn1.rfc5035.id_aa_signingCertificateV2, asn1.rfc5035.SigningCertificateV2())
    if not len(named["certs"]) or not is_named(named["certs"][0], certificate):
        raise SignatureInvalid("its signed attributes name another certificate than the signer's")
    attributes = asn1.rfc5652.SignedAttributes()
    attributes.extend(signer["signedAttrs"])
    _require_key(certificate, signer["signatureAlgorithm"], algorithm, bytes(signer["signature"]), attributes)
    return _signing_us(said)


def attributes_of(found: Any) -> dict[str, Any]:
    """Signed attributes by their type (dotted), each once and with one value; raises SignatureInvalid."""
    said: dict[str, Any] = {}
    for one in found:
        name = str(one["attrType"])
        if name in said or len(one["attrValues"]) != 1:
            raise SignatureInvalid("a signed attribute stands there twice, or with no one value")
        said[name] = one["attrValues"][0]
    return said


def attribute(said: dict[str, Any], name: Any, spec: Any) -> Any:
    """The value of a signed attribute that has to be there; raises SignatureInvalid."""
    value = said.get(str(name))
    if value is None:
        raise SignatureInvalid(f"signed attribute {name} is missing: it is no CAdES-BES signature")
    return decode(bytes(value), spec)


def is_named(named: Any, certificate: x509.Certificate) -> bool:
    """Whether an ESSCertIDv2 (RFC 5035) is this certificate's."""
    algorithm = _HASHES.get(str(named["hashAlgorithm"]["algorithm"]))
    if algorithm is None or bytes(named["certHash"]) != certificate.fingerprint(algorithm):
        return False
    serial = named["issuerSerial"]
    return not serial.isValue or int(serial["serialNumber"]) == certificate.serial_number


def _signing_us(said: dict[str, Any]) -> int | None:
    value = said.get(str(asn1.rfc5652.id_signingTime))
    if value is None:
        return None
    found = decode(bytes(value), asn1.rfc5652.Time())
    try:
        moment = found.getComponent().asDateTime
    except (PyAsn1Error, ValueError) as error:
        raise SignatureInvalid(f"its signing time cannot be read: {error}") from None
    return int((moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1))


def _require_key(
    certificate: x509.Certificate, named: Any, algorithm: hashes.HashAlgorithm, signature: bytes, attributes: Any
) -> None:
    data, key, oid = encode(attributes), certificate.public_key(), str(named["algorithm"])
    if _BY_HASH.get(oid, algorithm.name) != algorithm.name:
        raise SignatureInvalid("its signature is by another digest than its attributes")
    try:
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA and not oid.startswith("1.2.840.10045."):
            pad, own = pss_of(named) if oid == _PSS else (padding.PKCS1v15(), algorithm)
            if own.name != algorithm.name:
                raise SignatureInvalid("its signature is by another digest than its attributes")
            if oid in (_RSA, _PSS) or oid in _BY_HASH:
                key.verify(signature, data, pad, algorithm)
                return
        elif isinstance(key, ec.EllipticCurvePublicKey) and oid in _BY_HASH and oid.startswith("1.2.840.10045."):
            key.verify(signature, data, ec.ECDSA(algorithm))
            return
    except InvalidSignature:
        raise SignatureInvalid("the certificate's key did not sign this") from None
    raise SignatureInvalid(f"signatures by algorithm {oid} with a key of this sort are not taken")


def pss_of(named: Any) -> tuple[padding.PSS, hashes.HashAlgorithm]:
    """How RSASSA-PSS pads, and its digest, as an algorithm identifier says (RFC 4055).

    Raises SignatureInvalid where it says neither, or another digest than SHA-256, SHA-384 or SHA-512.
    """
    if not named["parameters"].isValue:
        raise SignatureInvalid("its RSASSA-PSS signature names no parameters")
    found = decode(bytes(named["parameters"]), asn1.rfc4055.RSASSA_PSS_params())
    own = _HASHES.get(str(found["hashAlgorithm"]["algorithm"])) if found["hashAlgorithm"].isValue else None
    mask = None
    if found["maskGenAlgorithm"].isValue:
        inner = decode(bytes(found["maskGenAlgorithm"]["parameters"]), asn1.rfc5280.AlgorithmIdentifier())
        mask = _HASHES.get(str(inner["algorithm"]))
    if own is None or mask is None:
        raise SignatureInvalid("its RSASSA-PSS signature is by another digest than SHA-256, SHA-384 or SHA-512")
    return padding.PSS(mgf=padding.MGF1(mask), salt_length=int(found["saltLength"])), own


def _hash(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()
