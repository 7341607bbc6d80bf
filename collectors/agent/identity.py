"""Who an agent is: its own signing key, its certificate for the way to the ledger, and the ledger that it serves.

All in its folder (mode 700), in files that only their owner can read. Both private keys are made here and never leave.
"""

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from collectors.agent.files import write_whole
from ledger.core.batch import key_id
from ledger.core.clock import WallClock
from ledger.core.enrolment import Enrolled, Standing
from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.hashing import b64, unb64
from ledger.core.log_keys import follow
from ledger.core.note import VerifierKey, ed25519_public_key, split_vkey

KEY_FILE: Final = "agent.key"
ENROLLED_FILE: Final = "enrolled.json"
TLS_FILE: Final = "tls.pem"
AUTHORITY_FILE: Final = "authority.pem"
RENEW_AFTER: Final = 2 / 3
"""The part of a certificate's life after which a new one is asked for."""

_RESTORE: Final = "Restore it from a copy, or enrol the agent anew in another folder."


class Identity:
    """An enrolled agent, read from its folder."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError if there is none in the folder."""
        self.folder = folder
        try:
            self.seed = unb64((folder / KEY_FILE).read_text("ascii").strip(), 32)
            self.enrolled = msgspec.json.decode((folder / ENROLLED_FILE).read_bytes(), type=Enrolled)
        except (FileNotFoundError, NotADirectoryError):
            raise ConfigError(
                f"no agent is enrolled in {folder}", advice="Enrol it: trailseal agent enrol DIR --code …"
            ) from None
        except (ValueError, InvalidEntry) as error:
            raise ConfigError(f"the agent in {folder} cannot be read: {error}", advice="Enrol it anew.") from None
        self.public_key = ed25519_public_key(self.seed)
        self.key = key_id(self.public_key)

    @property
    def name(self) -> str:
        return self.enrolled.agent

    @property
    def origin(self) -> str:
        return self.enrolled.origin

    @property
    def receipt_key(self) -> bytes:
        """The public key by which the ledger's receipts are known."""
        return split_vkey(self.enrolled.receipt_key)[2]

    def successor(self, announced: Iterable[str]) -> VerifierKey:
        """The key of receipts to which these announcements lead from the known one; SignatureInvalid as `follow`."""
        return follow(self.origin, VerifierKey.parse(self.enrolled.receipt_key), announced)

    def follow(self, standing: Standing) -> None:
        """Knows from here on the keys that took over from those it knew, and keeps them: whatever is said later, the
        old ones may be stolen by then. Raises SignatureInvalid where one did not hand over to the next.
        """
        known = self.enrolled
        log_key = follow(self.origin, VerifierKey.parse(known.log_key), standing.rotations)
        found = msgspec.structs.replace(
            known, log_key=str(log_key), receipt_key=str(self.successor(standing.receipt_keys))
        )
        if found != known:
            write_whole(self.folder / ENROLLED_FILE, msgspec.json.encode(found))
            self.enrolled = found

    @property
    def tls_file(self) -> Path:
        """TLS key and certificate, in one file so that both change in one step."""
        return self.folder / TLS_FILE

    @property
    def authority_file(self) -> Path:
        return self.folder / AUTHORITY_FILE

    def certificate(self) -> x509.Certificate:
        """The certificate in use; raises ConfigError for a damaged one."""
        try:
            return x509.load_pem_x509_certificate(self.tls_file.read_bytes())
        except ValueError:
            raise ConfigError(f"the certificate in {self.tls_file} is damaged", advice=_RESTORE) from None

    def renewal_due(self, clock: WallClock) -> bool:
        """Whether two thirds of the certificate's life are over."""
        found = self.certificate()
        begins, ends = (at.timestamp() for at in (found.not_valid_before_utc, found.not_valid_after_utc))
        return clock.now_us() / 1e6 >= begins + (ends - begins) * RENEW_AFTER

    def keep_certificate(self, key: bytes, certificate: str) -> None:
        """From the next connection on this key and certificate are used."""
        write_whole(self.tls_file, key + certificate.encode())


def make_key(folder: Path) -> bytes:
    """The agent's signing key: made if the folder has none, and never made twice."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / KEY_FILE
    if not path.exists():
        write_whole(path, (b64(secrets.token_bytes(32)) + "\n").encode())
    return unb64(path.read_text("ascii").strip(), 32)


def make_request(agent: str) -> tuple[bytes, str]:
    """A new TLS key (PEM), and the request for its certificate (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, agent[:64])])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private, request.public_bytes(serialization.Encoding.PEM).decode()
