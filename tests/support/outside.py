"""Certificates and signatures from outside: authorities of a test, and detached CMS as the `openssl` command makes."""

import datetime
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pyasn1.codec.der import encoder
from pyasn1.type.univ import ObjectIdentifier, SequenceOf
from pyasn1_modules import rfc3739

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
_QC_COMPLIANCE, _QC_TYPE, _ESIGN = "0.4.0.1862.1.1", "0.4.0.1862.1.6", "0.4.0.1862.1.6.1"


def us(moment: datetime.datetime) -> int:
    """Microseconds since the epoch."""
    return int(moment.timestamp()) * 1_000_000


class Holder:
    """Somebody with a certificate and its key, in files."""

    def __init__(self, folder: Path, name: str, chain: tuple[bytes, ...], key: bytes, pem: bytes) -> None:
        self.folder = folder
        self.pem, self.chain = pem, b"".join(chain)
        self.key_file, self.file, self.chain_file = (folder / f"{name}.{end}" for end in ("key", "pem", "chain.pem"))
        self.key_file.write_bytes(key)
        self.file.write_bytes(pem)
        self.chain_file.write_bytes(self.chain or pem)

    def sign(self, data: bytes, *options: str, cades: bool = True, certificates: bool = True) -> bytes:
        """A detached CMS over the data (DER), by `openssl cms`."""
        given = self.folder / "data.bin"
        given.write_bytes(data)
        return _openssl(
            *("cms", "-sign", "-binary", "-in", str(given), "-outform", "DER", "-md", "sha256"),
            *("-signer", str(self.file), "-inkey", str(self.key_file)),
            *(("-cades",) if cades else ()),
            *(("-certfile", str(self.chain_file)) if certificates else ("-nocerts",)),
            *options,
        )

    def add(self, cms: bytes, data: bytes) -> bytes:
        """The signature with this holder's beside it, as a second signer."""
        given, content = self.folder / "first.der", self.folder / "data.bin"
        given.write_bytes(cms)
        content.write_bytes(data)
        return _openssl(
            *("cms", "-resign", "-cades", "-binary", "-inform", "DER", "-in", str(given), "-outform", "DER"),
            *("-content", str(content), "-md", "sha256", "-signer", str(self.file), "-inkey", str(self.key_file)),
        )


class Outside:
    """A root authority with one below it that issues to people."""

    def __init__(self, folder: Path, name: str = "Trust Service", *, lists: bool = True) -> None:
        """`lists`: whether its keys are meant to sign revocation lists."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._root_key = ec.generate_private_key(ec.SECP384R1())
        self._key = ec.generate_private_key(ec.SECP256R1())
        root, self._issuer = _name(f"{name} Root"), _name(f"{name} Issuing")
        signing = _usage(key_cert_sign=True, crl_sign=lists)
        self._root = _certificate(
            root, root, self._root_key.public_key(), self._root_key, NOW - 365 * DAY, NOW + 3650 * DAY,
            (x509.BasicConstraints(ca=True, path_length=1), True), (signing, True),
        )  # fmt: skip
        self._own = _certificate(
            self._issuer, root, self._key.public_key(), self._root_key, NOW - 200 * DAY, NOW + 1000 * DAY,
            (x509.BasicConstraints(ca=True, path_length=0), True), (signing, True),
        )  # fmt: skip
        self.root, self.issuing = _pem(self._root), _pem(self._own)

    def person(
        self,
        name: str,
        serial: str,
        *,
        since: datetime.datetime = NOW - DAY,
        until: datetime.datetime = NOW + 30 * DAY,
        qualified: bool = False,
        uses_rsa: bool = False,
        usage: x509.KeyUsage | None = None,
    ) -> Holder:
        """A certificate for somebody, as a trust service issues it: name, country, and a number of theirs."""
        key = rsa.generate_private_key(65537, 2048) if uses_rsa else ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
                x509.NameAttribute(NameOID.SERIAL_NUMBER, serial),
            ]
        )
        uses = usage or _usage(content_commitment=True)
        more: list[tuple[x509.ExtensionType, bool]] = [
            (uses, True),
            (x509.BasicConstraints(ca=False, path_length=None), True),
        ]
        if qualified:
            more.append((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"), _statements()), False))
        made = _certificate(subject, self._issuer, key.public_key(), self._key, since, until, *more)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Holder(self._folder, f"{serial}-{made.serial_number:x}"[:40], (_pem(self._own),), private, _pem(made))


def _statements() -> bytes:
    statements = rfc3739.QCStatements()
    compliance, sort, kinds = rfc3739.QCStatement(), rfc3739.QCStatement(), SequenceOf(componentType=ObjectIdentifier())
    compliance["statementId"] = ObjectIdentifier(_QC_COMPLIANCE)
    kinds.append(ObjectIdentifier(_ESIGN))
    sort["statementId"] = ObjectIdentifier(_QC_TYPE)
    sort["statementInfo"] = encoder.encode(kinds)
    statements.extend([compliance, sort])
    return bytes(encoder.encode(statements))


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    key: CertificateIssuerPrivateKeyTypes,
    since: datetime.datetime,
    until: datetime.datetime,
    *extensions: tuple[x509.ExtensionType, bool],
) -> x509.Certificate:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    made = made.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
    for value, critical in extensions:
        made = made.add_extension(value, critical)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
    return made.sign(key, hashes.SHA256())


def _usage(**uses: bool) -> x509.KeyUsage:
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: uses.get(name, False) for name in names})


def encryption_only() -> x509.KeyUsage:
    """A key that is not meant to sign."""
    return _usage(key_encipherment=True)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _openssl(*arguments: str) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout
