"""The certificate authority of a ledger's agents: it makes TLS certificates for this ledger's own ports and no other.

Its key stands in the keys folder (mode 600). Certificates are short-lived; what an agent may do is decided from its
entry at every request, never from a certificate alone.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from ledger.core.clock import WallClock
from ledger.core.enrolment import SERVER_NAME
from ledger.core.errors import ConfigError, SchemaViolation
from ledger.core.issuing import common_name, key_usage
from ledger.trust.files import exclusively, write_durably

LIFE_DAYS: Final = 90
AUTHORITY_DAYS: Final = 36_500
"""The authority lasts as long as the ledger: agents pin it."""
BEFORE: Final = timedelta(days=1)
"""A certificate is good from a day before it is made, for agents whose clock is behind; a short one from less."""
_RESTORE: Final = "Restore it from its backup; agents know the ledger by it."
_IDENTITY: Final = "urn:trailseal:agent:"


class Identity(msgspec.Struct, frozen=True):
    """Whom a client certificate was issued to: an agent, and the id of its signing key."""

    agent: str
    key: str


class AgentCa:
    """Issues certificates, an agent's good for `life_days`; several processes may share the folder."""

    def __init__(self, folder: Path, clock: WallClock, life_days: float = LIFE_DAYS) -> None:
        self._key_file = folder / "agents-ca.key"
        self._certificate_file = folder / "agents-ca.pem"
        self._lock = folder / "agents-ca.lock"
        self._clock = clock
        self._life = timedelta(days=life_days)

    def ensure(self) -> None:
        """Makes key and certificate of the authority where there are none yet; never overwrites any."""
        with exclusively(self._lock):
            if self._certificate_file.exists():
                return
            if self._key_file.exists():
                raise ConfigError(
                    f"{self._certificate_file} is not there, but its key is",
                    advice=_RESTORE,
                )
            key = ec.generate_private_key(ec.SECP256R1())
            name = common_name("Trailseal agents")
            certificate = (
                self._builder(key.public_key(), name, name, timedelta(days=AUTHORITY_DAYS))
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(key_usage(signs_certificates=True), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .sign(key, hashes.SHA256())
            )
            write_durably(self._certificate_file, certificate.public_bytes(serialization.Encoding.PEM))
            write_durably(self._key_file, _private(key))

    @property
    def pem(self) -> str:
        """The authority's certificate."""
        return self._certificate().public_bytes(serialization.Encoding.PEM).decode()

    @property
    def file(self) -> Path:
        """Where the authority's certificate stands."""
        return self._certificate_file

    @property
    def fingerprint(self) -> bytes:
        """The SHA-256 of the authority's certificate, which a one-time code carries."""
        return self._certificate().fingerprint(hashes.SHA256())

    def server(self) -> bytes:
        """A new key and certificate of the ledger's own ports, in one PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        return _private(key) + self._issue(
            key.public_key(),
            SERVER_NAME,
            x509.DNSName(SERVER_NAME),
            ExtendedKeyUsageOID.SERVER_AUTH,
            timedelta(days=LIFE_DAYS),
        )

    def client(self, agent: str, key_id: str, request: str) -> str:
        """The certificate of an agent for the TLS key that the request (PEM) proves it holds.

        Raises SchemaViolation for a request that is not signed with its key, or a key of another sort than P-256.
        """
        bad = SchemaViolation("this is no certificate request for a P-256 key that is signed with it")
        try:
            asked = x509.load_pem_x509_csr(request.encode())
            key = asked.public_key()
            if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
                raise bad
            if not asked.is_signature_valid:
                raise bad
        except (ValueError, UnsupportedAlgorithm, InvalidSignature):
            raise bad from None
        uri = x509.UniformResourceIdentifier(f"{_IDENTITY}{agent}:{key_id}")
        return self._issue(key, agent[:64], uri, ExtendedKeyUsageOID.CLIENT_AUTH, self._life).decode()

    def _issue(
        self,
        key: ec.EllipticCurvePublicKey,
        name: str,
        san: x509.GeneralName,
        use: x509.ObjectIdentifier,
        life: timedelta,
    ) -> bytes:
        authority = self._certificate()
        signer = self._signer(authority)
        signing_key = signer.public_key()
        return (
            self._builder(key, common_name(name), authority.subject, life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=True)
            .add_extension(x509.SubjectAlternativeName([san]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key), critical=False)
            .sign(signer, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )

    def _builder(
        self, key: ec.EllipticCurvePublicKey, subject: x509.Name, issuer: x509.Name, life: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.fromtimestamp(self._clock.now_us() // 1_000_000, UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - min(BEFORE, life / 10))
            .not_valid_after(now + life)
        )

    def check(self) -> None:
        """Raises ConfigError where key or certificate is not what was made; where there are none nothing is wrong."""
        if self._certificate_file.exists() or self._key_file.exists():
            self._signer(self._certificate())

    def _signer(self, authority: x509.Certificate) -> ec.EllipticCurvePrivateKey:
        """The authority's key; raises ConfigError unless it is its certificate's."""
        try:
            signer = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
            if isinstance(signer, ec.EllipticCurvePrivateKey) and signer.public_key() == authority.public_key():
                return signer
        except FileNotFoundError:
            raise ConfigError(f"{self._key_file} is not there", advice=_RESTORE) from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            pass  # what was wrong with it is never repeated
        raise ConfigError(f"{self._key_file} is not the key of {self._certificate_file.name}", advice=_RESTORE)

    def _certificate(self) -> x509.Certificate:
        try:
            found = x509.load_pem_x509_certificate(self._certificate_file.read_bytes())
            found.verify_directly_issued_by(found)
        except FileNotFoundError:
            raise ConfigError(
                f"{self._certificate_file} is not there", advice="It is made with the first `trailseal agent invite`."
            ) from None
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise ConfigError(f"{self._certificate_file} is damaged", advice=_RESTORE) from None
        return found


def identity(pem: str) -> Identity | None:
    """Whom a client certificate, verified by TLS, was issued to; None for a certificate of another sort."""
    try:
        found = x509.load_pem_x509_certificate(pem.encode())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return None
    for uri in names.get_values_for_type(x509.UniformResourceIdentifier):
        agent, _, key = uri.removeprefix(_IDENTITY).rpartition(":")
        if uri.startswith(_IDENTITY) and agent:
            return Identity(agent, key)
    return None


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
