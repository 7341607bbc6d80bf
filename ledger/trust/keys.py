"""The key provider: secrets of a ledger, each in a file of its own that only its owner can read.

`keys/<log>.log.key`, `….report.key` and `….receipt.key` hold Ed25519 seeds, `keys/notice.key` the one that signs what
goes to webhooks, `keys/digest.key` the secret of the keyed content digest, `keys/mail.password` what the mail server is
shown. A secret never leaves this module but as a signer, and stands in no log, entry or error.
"""

import contextlib
import os
import secrets
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from ledger.core.errors import ConfigError
from ledger.core.hashing import b64, unb64
from ledger.core.note import NoteSigner
from ledger.core.notice import notice_key_name
from ledger.core.statement import receipt_key_name, report_key_name
from ledger.trust.files import sync_folder, write_durably

SEED_SIZE = 32
CLIENT_SECRET = "TRAILSEAL_OIDC_CLIENT_SECRET"  # noqa: S105 - the name of a variable
MAIL_PASSWORD = "TRAILSEAL_MAIL_PASSWORD"  # noqa: S105 - the name of a variable


class FileKeys:
    """Keys of a ledger in a folder (mode 700) of files (mode 600)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create_log_keys(self, log: str) -> None:
        """Makes the keys of a new log; raises ConfigError rather than overwrite one."""
        self._create(f"{log}.log")
        self._create(f"{log}.report")

    def create_digest_secret(self) -> None:
        """Makes the secret of the keyed content digest."""
        self._create("digest")

    def log_signer(self, log: str, origin: str) -> NoteSigner:
        """Signs checkpoints of a log: key name = origin."""
        return NoteSigner(origin, self._read(f"{log}.log"))

    def report_signer(self, log: str, origin: str) -> NoteSigner:
        """Signs evidence packages of a log; key name `<origin>/report` can never sign a checkpoint."""
        return NoteSigner(report_key_name(origin), self._read(f"{log}.report"))

    def report_seed(self, log: str) -> bytes:
        """The seed itself, for `core.statement.sign_report`; stays in memory for the one call."""
        return self._read(f"{log}.report")

    def create_receipt_key(self, log: str) -> None:
        """Makes the key that signs receipts for agents' batches; raises ConfigError rather than overwrite one."""
        self._create(f"{log}.receipt")

    def has_receipt_key(self, log: str) -> bool:
        """Whether the log has one: its first agent brings it."""
        return self._path(f"{log}.receipt").exists()

    def receipt_signer(self, log: str, origin: str) -> NoteSigner:
        """The receipt key under its name, `<origin>/receipt`."""
        return NoteSigner(receipt_key_name(origin), self._read(f"{log}.receipt"))

    def receipt_seed(self, log: str) -> bytes:
        """The seed itself, for `core.batch.sign_receipt`; stays in memory for the one call."""
        return self._read(f"{log}.receipt")

    def pepper(self) -> bytes:
        """What sealed keys and codes' secrets rest on besides the database; made at first use, if it is not there."""
        if not self._path("pepper").exists():
            made = f"pepper-{secrets.token_hex(8)}"
            self._create(made)
            # Of two processes that make one at once, the first one's stays.
            with contextlib.suppress(FileExistsError):
                os.link(self._path(made), self._path("pepper"))
            self._path(made).unlink()
            sync_folder(self._folder)
        return self._read("pepper")

    def create_notice_key(self) -> None:
        """Makes the key that signs notices to webhooks; raises ConfigError rather than overwrite one."""
        self._create("notice")

    def has_notice_key(self) -> bool:
        """Whether there is one: the first webhook brings it."""
        return self._path("notice").exists()

    def notice_vkey(self, origin: str) -> str:
        """The public half, as a key event names it and a receiver pins it."""
        return str(NoteSigner(notice_key_name(origin), self._read("notice")).verifier)

    def notice_seed(self) -> bytes:
        """The seed itself, for `core.notice.seal_notice`; stays in memory for the one call."""
        return self._read("notice")

    def mail_password(self) -> str | None:
        """What the mail server is shown: TRAILSEAL_MAIL_PASSWORD, else `keys/mail.password`; None without either."""
        given = os.environ.get(MAIL_PASSWORD)
        if given is not None:
            return given
        try:
            return (self._folder / "mail.password").read_text("utf-8").rstrip("\n")
        except FileNotFoundError:
            return None

    def client_secret(self) -> str | None:
        """What the site's identity provider is shown: the environment's, else `keys/oidc-client.key`; None without."""
        given = os.environ.get(CLIENT_SECRET)
        if given is not None:
            return given
        try:
            return (self._path("oidc-client").read_text("utf-8")).rstrip("\n")
        except FileNotFoundError:
            return None

    def keep_client_secret(self, secret: str) -> None:
        """Puts the client secret into `keys/oidc-client.key`, in place of an earlier one."""
        write_durably(self._path("oidc-client"), f"{secret}\n".encode(), mode=0o600)

    def content_digest(self) -> tuple[str, Callable[[bytes], bytes]]:
        """The digest secret's id, and the keyed digest (HMAC-SHA-256) under it."""
        secret = self._read("digest")
        key_id = sha256(b"trailseal/digest-key-id/v1\n" + secret).hexdigest()[:16]
        keyed = HMAC(secret, SHA256())

        def digest(data: bytes) -> bytes:
            # A copy of what has taken the key in already takes half the time of a start with the key: it is done once
            # for each record.
            own = keyed.copy()
            own.update(data)
            return own.finalize()

        return key_id, digest

    def problems(self) -> list[str]:
        """What is wrong with the files' protection, in plain words; empty when nothing is."""
        return [
            f"{path} can be read by others: set its mode to {'700' if path.is_dir() else '600'}"
            for path in [self._folder, *sorted([*self._folder.glob("*.key"), *self._folder.glob("*.password")])]
            if path.exists() and path.stat().st_mode & 0o077
        ]

    def _create(self, name: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(name)
        if path.exists():
            raise ConfigError(f"key file {path} exists already", advice="A key is never overwritten; move it away.")
        write_durably(path, (b64(secrets.token_bytes(SEED_SIZE)) + "\n").encode(), mode=0o600)

    def _read(self, name: str) -> bytes:
        path = self._path(name)
        try:
            text = path.read_text("ascii")
        except FileNotFoundError:
            raise ConfigError(
                f"key file {path} is not there", advice="Restore it from its backup; without it nothing can be signed."
            ) from None
        return unb64(text.strip(), SEED_SIZE)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.key"
