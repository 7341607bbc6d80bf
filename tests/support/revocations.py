"""What an authority of a test says of certificates: revocation lists and OCSP responses, beside a CMS or within it."""

import datetime
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyasn1.codec.der import decoder, encoder
from pyasn1.type import univ
from pyasn1_modules import rfc5126, rfc5280, rfc5652, rfc6960

from tests.support.outside import DAY, NOW, Outside

SHA256 = hashes.SHA256()
HOUR = datetime.timedelta(hours=1)
_OCSP = "1.3.6.1.5.5.7.16.2"


def certificate(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def crl(
    trust: Outside,
    revoked: Mapping[bytes, datetime.datetime] | None = None,
    *extensions: tuple[x509.ExtensionType, bool],
    made: datetime.datetime = NOW - HOUR,
    until: datetime.datetime = NOW + DAY,
    of_entry: tuple[x509.ExtensionType, ...] = (),
    root: bool = False,
    key: Any = None,
    digest: hashes.SHA224 | hashes.SHA256 = SHA256,
) -> bytes:
    """A list (DER) of the issuing authority, or of the root; `revoked`: certificates (PEM), each since when."""
    issuer = certificate(trust.root if root else trust.issuing)
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
    builder = builder.last_update(made).next_update(until)
    for pem, since in (revoked or {}).items():
        entry = x509.RevokedCertificateBuilder().serial_number(certificate(pem).serial_number).revocation_date(since)
        for value in of_entry:
            entry = entry.add_extension(value, False)
        builder = builder.add_revoked_certificate(entry.build())
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    own = trust._root_key if root else trust._key
    return builder.sign(key or own, digest).public_bytes(Encoding.DER)


def responder(
    trust: Outside,
    *,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
    uses: Any = ExtendedKeyUsageOID.OCSP_SIGNING,
    usage: x509.KeyUsage | None = None,
    until: datetime.datetime = NOW + DAY,
) -> tuple[bytes, Any]:
    """Somebody whom the issuing authority lets answer for it: certificate (PEM) and key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Responder")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(certificate(trust.issuing).subject)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(NOW - DAY).not_valid_after(until)
    made = made.add_extension(x509.ExtendedKeyUsage([uses]), False)
    made = made if usage is None else made.add_extension(usage, True)
    return made.sign(trust._key, hashes.SHA256()).public_bytes(Encoding.PEM), key


def response(
    trust: Outside,
    of: bytes,
    since: datetime.datetime | None = None,
    *,
    by: tuple[bytes, Any] | None = None,
    made: datetime.datetime = NOW - HOUR,
    until: datetime.datetime | None = NOW + DAY,
    digest: hashes.SHA224 | hashes.SHA256 = SHA256,
) -> bytes:
    """An OCSP response (DER) about a certificate (PEM), by the issuing authority or `by` somebody else."""
    issuer = certificate(trust.issuing)
    status = ocsp.OCSPCertStatus.GOOD if since is None else ocsp.OCSPCertStatus.REVOKED
    builder = ocsp.OCSPResponseBuilder().add_response(
        certificate(of), issuer, hashes.SHA1(), status, made, until, since, None
    )  # fmt: skip
    own = issuer if by is None else certificate(by[0])
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, own)
    builder = builder if by is None else builder.certificates([own])
    return builder.sign(trust._key if by is None else by[1], digest).public_bytes(Encoding.DER)


def answered(
    folder: Path, trust: Outside, of: bytes, by: tuple[bytes, Any], *options: str, revoked: bool = False
) -> bytes:
    """An OCSP response (DER) of now by such a responder, as `openssl ocsp` signs it with these options."""
    serial, until = f"{certificate(of).serial_number:x}", (NOW + DAY).strftime("%y%m%d%H%M%SZ")
    since = (NOW - DAY).strftime("%y%m%d%H%M%SZ") if revoked else ""
    line = ("R" if revoked else "V", until, since, "0" * (len(serial) % 2) + serial.upper(), "unknown", "/CN=somebody")
    key = by[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    given = {
        "index": "\t".join(line).encode() + b"\n",
        "of": of,
        "issuer": trust.issuing,
        "responder": by[0],
        "key": key,
    }
    folder.mkdir(exist_ok=True)
    for name, data in given.items():
        (folder / name).write_bytes(data)
    run = ("openssl", "ocsp", "-index", "index", "-CA", "issuer", "-issuer", "issuer", "-cert", "of", "-respout", "out")
    how = ("-rsigner", "responder", "-rkey", "key", "-rmd", "sha256", "-nmin", "60", *options)
    subprocess.run([*run, *how], cwd=folder, check=True, capture_output=True)
    return (folder / "out").read_bytes()


def within(cms: bytes, *, lists: tuple[bytes, ...] = (), responses: tuple[bytes, ...] = ()) -> bytes:
    """The CMS with these as CAdES has them: among the unsigned attributes of its signer."""
    values = rfc5126.RevocationValues()
    for one in lists:
        values["crlVals"].append(decoder.decode(one, asn1Spec=rfc5280.CertificateList())[0])
    for one in responses:
        whole = decoder.decode(one, asn1Spec=rfc6960.OCSPResponse())[0]
        basic = bytes(whole["responseBytes"]["response"])
        values["ocspVals"].append(decoder.decode(basic, asn1Spec=rfc6960.BasicOCSPResponse())[0])
    return with_attribute(cms, encoder.encode(values))


def with_attribute(cms: bytes, value: bytes) -> bytes:
    """The CMS with this as its revocation values, whatever it is."""

    def change(signed: Any) -> None:
        attribute = rfc5652.Attribute()
        attribute["attrType"] = rfc5126.id_aa_ets_revocationValues
        attribute["attrValues"].append(univ.Any(value))
        signed["signerInfos"][0]["unsignedAttrs"].append(attribute)

    return _changed(cms, change)


def in_field(cms: bytes, *, lists: tuple[bytes, ...] = (), responses: tuple[bytes, ...] = ()) -> bytes:
    """The CMS with these in its own field for them."""

    def change(signed: Any) -> None:
        for one in lists:
            choice = rfc5652.RevocationInfoChoice()
            choice["crl"] = decoder.decode(one, asn1Spec=rfc5280.CertificateList())[0]
            signed["crls"].append(choice)
        for one in responses:
            choice = rfc5652.RevocationInfoChoice()
            choice["other"]["otherRevInfoFormat"] = univ.ObjectIdentifier(_OCSP)
            choice["other"]["otherRevInfo"] = univ.Any(one)
            signed["crls"].append(choice)

    return _changed(cms, change)


def _changed(cms: bytes, change: Any) -> bytes:
    outer = decoder.decode(cms, asn1Spec=rfc5652.ContentInfo())[0]
    signed = decoder.decode(bytes(outer["content"]), asn1Spec=rfc5652.SignedData())[0]
    change(signed)
    outer["content"] = univ.Any(encoder.encode(signed))
    return bytes(encoder.encode(outer))
