"""What an edge agent and its ledger tell each other besides batches: enrolment, certificates, where the agent stands.

The one-time code carries the digest of the ledger's certificate authority: the agent knows whom it talks to before it
shows the code to anybody. Certificates are for transport alone; what an agent hands over is signed with its own key.
"""

from typing import Annotated, Final

import msgspec

from ledger.core.batch import KeyId, Number
from ledger.core.errors import InvalidEntry
from ledger.core.hashing import b64, unb64
from ledger.core.record import Digest, Name
from ledger.core.run import SourceState
from ledger.core.times import SafeInt

SERVER_NAME: Final = "trailseal-ledger"
"""The name in the server's certificate, whatever address it is reached at: its authority serves this ledger alone."""
SECRET_SIZE: Final = 32
Pem = Annotated[str, msgspec.Meta(max_length=16_384)]


class OneTimeCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a person carries from the ledger to the agent; `authority` is the SHA-256 of the authority's certificate."""

    agent: str
    log: str
    secret: bytes
    authority: bytes

    def text(self) -> str:
        """One line, as it is shown and typed."""
        return f"{self.agent}/{self.log}/{b64(self.secret + self.authority)}"


def read_code(text: str) -> OneTimeCode:
    """The code of that line; raises InvalidEntry for anything else."""
    agent, _, rest = text.strip().partition("/")
    log, _, digits = rest.partition("/")
    if not agent or not log:
        raise InvalidEntry("this is no one-time code", advice="Copy the whole line that `agent invite` printed.")
    raw = unb64(digits, 2 * SECRET_SIZE)
    return OneTimeCode(agent=agent, log=log, secret=raw[:SECRET_SIZE], authority=raw[SECRET_SIZE:])


class Enrolment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An invited agent's request: the code's secret, the public key that it made, and its TLS key's request (CSR)."""

    agent: Name
    log: Name
    secret: Digest
    public_key: Digest
    request: Pem


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent keeps of its enrolment: whom it serves, and by which keys it knows checkpoints and receipts."""

    agent: Name
    log: Name
    origin: Name
    log_key: str
    receipt_key: str
    epoch: Number
    sources: tuple[Name, ...]
    certificate: Pem
    authority: Pem


class CertificateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request (CSR) for the certificate of a new TLS key."""

    request: Pem


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate (PEM)."""

    certificate: Pem


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where an agent's epoch stands in the log: the last batch taken (0: none), its digest, what it may deliver.

    `checkpoint` is the log's latest, as published; `rotations` announce by which keys its key was replaced, each signed
    by the old and the new one, and `receipt_keys` so for the key that signs receipts.
    """

    agent: Name
    key: KeyId
    epoch: Number
    number: SafeInt
    digest: Digest | None
    sources: tuple[Name, ...]
    checkpoint: str | None
    rotations: tuple[str, ...] = ()
    receipt_keys: tuple[str, ...] = ()


class EpochStart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person carries to an agent that nothing comes back to, so that it begins a new epoch.

    `after`: the last number of the old epoch that the log has; `sources`: where the agent's sources stand there.
    """

    agent: Name
    epoch: Number
    after: SafeInt
    sources: tuple[SourceState, ...]
