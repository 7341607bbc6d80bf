"""The keys of a ledger, one for each purpose, whichever provider holds them.

`<log>.log` signs checkpoints, `<log>.report` evidence packages, `<log>.receipt` receipts for agents, `notice` what goes
to webhooks: Ed25519 keys of the provider. `<log>.mldsa` signs checkpoints beside the first, where a log has it.
`digest` holds the secrets of the keyed content digest, `pepper` what sealed keys rest on besides the database, `mail`
and `oidc-client` what the mail server and the identity provider are shown. A secret stands in no log, entry or error.
"""

import os
import secrets
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ledger.core.clock import SystemClock, WallClock
from ledger.core.cosignature import MldsaLogSigner
from ledger.core.digests import Digests
from ledger.core.errors import ConfigError
from ledger.core.hashing import b64
from ledger.core.note import NoteSigner, PrivateKey, Signer
from ledger.core.notice import notice_key_name
from ledger.core.statement import receipt_key_name, report_key_name
from ledger.trust.files import exclusively
from ledger.trust.providers.base import Provider
from ledger.trust.providers.choice import provider_of
from ledger.trust.providers.files import FileSecrets
from ledger.trust.providers.options import KeyOptions
from ledger.trust.providers.sealed import require_passphrase
from ledger.trust.providers.stored import SEED_SIZE, create_seed, read_seed, require_seed

CLIENT_SECRET: Final = "TRAILSEAL_OIDC_CLIENT_SECRET"  # noqa: S105 - the name of a variable
MAIL_PASSWORD: Final = "TRAILSEAL_MAIL_PASSWORD"  # noqa: S105 - the name of a variable
DIGEST, PEPPER, NOTICE, MAIL, CLIENT = "digest", "pepper", "notice", "mail", "oidc-client"


class Keys:
    """What signs and what is secret in one ledger. Safe to use from several threads."""

    def __init__(
        self, folder: Path, options: KeyOptions | None = None, origin: str = "", clock: WallClock | None = None
    ) -> None:
        """`folder` is that of the keys, in the ledger's; `origin` the ledger's own. Nothing is opened yet."""
        self.options = options or KeyOptions()
        self.provider: Provider = provider_of(folder, self.options, origin)
        self._folder = folder
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._digests: tuple[object, Digests] | None = None

    def require_ready(self) -> None:
        """Raises ConfigError, and changes nothing, where the provider could not make a key now."""
        if self.options.seals:
            require_passphrase(self.options.passphrase.read(self._folder.parent))
        if self.options.signer_apart:
            require_passphrase(self.options.signer_passphrase.read(self._folder.parent))
        self.provider.require_ready()

    @property
    def signs_here(self) -> bool:
        """Whether this process can open the logs' keys, as far as that depends on a passphrase of their own."""
        return not self.options.signer_apart or self.options.signer_passphrase.given(self._folder.parent)

    def require_signer(self) -> None:
        """Raises ConfigError where the logs' keys lie apart, and this process is not given what opens them."""
        if not self.signs_here:
            raise ConfigError(
                f"the logs' keys are opened by a passphrase of their own, in {self.options.signer_passphrase.place}, "
                "which this process is not given",
                advice="Start `trailseal signer` where it is given: it signs for all processes of this ledger.",
            )

    def create_log_keys(self, log: str) -> None:
        """Makes the keys of a new log; raises ConfigError rather than overwrite one."""
        self.provider.create(f"{log}.log")
        self.provider.create(f"{log}.report")

    def create_post_quantum_key(self, log: str) -> None:
        """Makes the ML-DSA-44 key of a log, which signs once an entry says so; raises ConfigError for a second one."""
        create_seed(self.provider.secrets, f"{log}.mldsa")

    def remove_post_quantum_key(self, log: str) -> None:
        """Destroys the ML-DSA-44 key of a log, which signs no more."""
        self.provider.secrets.remove(f"{log}.mldsa")

    def post_quantum_signer(self, log: str, origin: str) -> MldsaLogSigner | None:
        """Signs checkpoints of a log with ML-DSA-44; None where it has no such key."""
        name = f"{log}.mldsa"
        kept = self.provider.secrets.read(name)
        if kept is None:
            return None
        return MldsaLogSigner(origin, require_seed(self.provider.secrets, name, kept), self._clock)

    def log_signers(self, log: str, origin: str) -> tuple[Signer, ...]:
        """Signers of every key of a log that is at hand, its Ed25519 key first."""
        other = self.post_quantum_signer(log, origin)
        signers = [NoteSigner(origin, self.provider.key(name)) for name in self._log_names(log)]
        return tuple(signers) if other is None else (*signers, other)

    def take_over(self, log: str, seed: bytes) -> None:
        """Takes in the next key of a log beside its present one, before the entry by which it comes into force."""
        self.provider.take(f"{log}.log-next", seed)

    def prepare_next(self, log: str, origin: str) -> NoteSigner:
        """Makes the key that a log may promise as its next one, and keeps it with the others.

        There are at most two: the promised one, and the one after it. Raises ConfigError for a third.
        """
        free = [name for name in _promised(log) if not self.provider.has(name)]
        if not free:
            raise ConfigError(
                f"log {log} has two next keys already", advice="Promise one of them: `trailseal key show` tells which."
            )
        self.provider.create(free[0])
        return NoteSigner(origin, self.provider.key(free[0]))

    def prepared(self, log: str, origin: str) -> tuple[NoteSigner, ...]:
        """The keys that `prepare_next` made and that are not in force yet."""
        return tuple(NoteSigner(origin, self.provider.key(name)) for name in _promised(log) if self.provider.has(name))

    def settle(self, log: str, origin: str, present: str, kept: Collection[str]) -> None:
        """Names the keys by what the log says: its `present` one (a verifier key), and those in `kept`; others are
        destroyed.
        """
        held = {str(NoteSigner(origin, self.provider.key(name)).verifier): name for name in self._log_names(log)}
        name = held.get(present)
        if name is not None and name != f"{log}.log":
            if name != f"{log}.log-old" and self.provider.has(f"{log}.log"):
                self.provider.rename(f"{log}.log", f"{log}.log-old")
            self.provider.rename(name, f"{log}.log")
        for name in (f"{log}.log-next", f"{log}.log-old"):
            if self.provider.has(name) and str(NoteSigner(origin, self.provider.key(name)).verifier) not in kept:
                self.provider.remove(name)

    def _log_names(self, log: str) -> list[str]:
        """While a log's key is rotated there is a next one, or an old one, beside it."""
        names = (f"{log}.log", f"{log}.log-next", f"{log}.log-old", *_promised(log))
        return [name for name in names if self.provider.has(name)]

    def log_signer(self, log: str, origin: str) -> NoteSigner:
        """Signs checkpoints of a log with Ed25519: key name = origin."""
        return NoteSigner(origin, self.provider.key(f"{log}.log"))

    def report_signer(self, log: str, origin: str) -> NoteSigner:
        """Signs evidence packages of a log; key name `<origin>/report` can never sign a checkpoint."""
        return NoteSigner(report_key_name(origin), self.report_key(log))

    def report_key(self, log: str) -> PrivateKey:
        """What `core.statement.sign_report` signs with."""
        return self.provider.key(f"{log}.report")

    def create_receipt_key(self, log: str) -> None:
        """Makes the key that signs receipts for agents' batches; raises ConfigError rather than overwrite one."""
        self.provider.create(f"{log}.receipt")

    def has_receipt_key(self, log: str) -> bool:
        """Whether the log has one: its first agent brings it."""
        return self.provider.has(f"{log}.receipt")

    def receipt_signer(self, log: str, origin: str) -> NoteSigner:
        """The receipt key under its name, `<origin>/receipt`."""
        return NoteSigner(receipt_key_name(origin), self.receipt_key(log))

    def receipt_key(self, log: str) -> PrivateKey:
        """What `core.batch.sign_receipt` signs with."""
        return self.provider.key(f"{log}.receipt")

    def create_notice_key(self) -> None:
        """Makes the key that signs notices to webhooks; raises ConfigError rather than overwrite one."""
        self.provider.create(NOTICE)

    def has_notice_key(self) -> bool:
        """Whether there is one: the first webhook brings it."""
        return self.provider.has(NOTICE)

    def notice_vkey(self, origin: str) -> str:
        """The public half, as a key event names it and a receiver pins it."""
        return str(self.notice_signer(origin).verifier)

    def notice_signer(self, origin: str) -> NoteSigner:
        """The key of notices under its name, `<origin>/notice`."""
        return NoteSigner(notice_key_name(origin), self.notice_key())

    def notice_key(self) -> PrivateKey:
        """What `core.notice.seal_notice` signs with."""
        return self.provider.key(NOTICE)

    def pepper(self) -> bytes:
        """What sealed keys and codes' secrets rest on besides the database; made at first use, if it is not there."""
        held = self.provider.secrets
        if held.read(PEPPER) is None:
            # Of two processes that make one at once, the first one's stays.
            held.add(PEPPER, b64(secrets.token_bytes(SEED_SIZE)).encode())
        return read_seed(held, PEPPER)

    def mail_password(self) -> str | None:
        """What the mail server is shown: TRAILSEAL_MAIL_PASSWORD, else what the provider keeps; None without either."""
        return self._shown(MAIL_PASSWORD, MAIL)

    def keep_mail_password(self, password: str) -> None:
        """Keeps what the mail server is shown, in place of an earlier one."""
        self.provider.secrets.replace(MAIL, password.encode())

    def client_secret(self) -> str | None:
        """What the site's identity provider is shown: the environment's, else what the provider keeps; None without."""
        return self._shown(CLIENT_SECRET, CLIENT)

    def keep_client_secret(self, secret: str) -> None:
        """Keeps the client secret in place of an earlier one."""
        self.provider.secrets.replace(CLIENT, secret.encode())

    def create_digest_secret(self) -> None:
        """Makes the secret of the keyed content digest."""
        create_seed(self.provider.secrets, DIGEST)

    def digests(self) -> Digests:
        """The keyed digests, as of now: under the secret in use and those before it."""
        held = self.provider.secrets
        stamp = held.stamp(DIGEST)
        with self._lock:
            known = self._digests
            if known is not None and known[0] == stamp:
                return known[1]
            lines = (held.read(DIGEST) or b"").split(b"\n")
            found = Digests([require_seed(held, DIGEST, line or None) for line in lines])
            if known is not None and known[1].keys == found.keys:
                found = known[1]  # who compares it with an earlier one sees that nothing changed
            self._digests = stamp, found
            return found

    def rotate_digest_secret(self) -> Digests:
        """Puts a new secret of the content digest into use. The earlier ones are kept: what was entered under them is
        known again by them, as long as the ledger lives.
        """
        new = b64(secrets.token_bytes(SEED_SIZE)).encode()
        with exclusively(self._folder / "digest.lock"):
            before = self.provider.secrets.read(DIGEST)
            if before is None:
                raise ConfigError(
                    "there is no digest secret", advice="Restore it from its backup; nothing was changed."
                )
            self.provider.secrets.replace(DIGEST, new + b"\n" + before)
        return self.digests()

    def problems(self) -> list[str]:
        """What is wrong with the keys' protection, in plain words; empty when nothing is."""
        found = self.provider.problems()
        if not self.options.seals:
            return found
        files = FileSecrets(self._folder)
        found += [problem for problem in files.problems() if problem not in found]
        plain = files.names()
        if plain:
            found.append(f"{', '.join(plain)}: key files in plain text beside the sealed file; remove them")
        found += self.options.passphrase.problems(self._folder.parent)
        return [*found, *self.options.signer_passphrase.problems(self._folder.parent)]

    def _shown(self, variable: str, name: str) -> str | None:
        given = os.environ.get(variable)
        if given is not None:
            return given
        kept = self.provider.secrets.read(name)
        return None if kept is None else kept.decode().rstrip("\n")


def _promised(log: str) -> tuple[str, str]:
    return f"{log}.log-promised-a", f"{log}.log-promised-b"
