"""Secrets that Trailseal issues (service tokens, sign-in codes, sessions): shown once, kept only as a digest.

A secret's text is `<prefix>_<id>_<64 hex digits>`: the id is public, the digits are 256 random bits. With the 32-byte
salt of its own

    digest      D = SHA-256(0x03 ‖ salt ‖ canonical JSON of the text)
    vault row   value = salt ‖ canonical JSON of base64(D)
    entry body  commitment = base64 SHA-256(0x03 ‖ value)

so that every row of table `secret` is checked without knowing the secret: the first 32 bytes of its value are the salt,
the rest the value of an ordinary sealed-value commitment (hash registry, `core.hashing`). A body names its secrets in
`secrets`, and in `destroys` those of earlier entries of the log whose row went with it, in the same transaction.
"""

import hmac
import re
import secrets
from typing import Any, Final

import msgspec

from ledger.core import canonical
from ledger.core.entry import SALT_SIZE, SECRET, VaultItem
from ledger.core.hashing import b64, sealed_commitment
from ledger.core.vault import Destroyed as Destroyed
from ledger.core.vault import SecretRef as SecretRef

TOKEN: Final = "ts"  # noqa: S105 - a prefix, not a secret
"""Prefix of a service token."""
SESSION: Final = "ss"
"""Prefix of a browser session's secret."""
LINK: Final = "sl"
"""Prefix of a one-time sign-in code."""
TERMINAL: Final = "sd"
"""Prefix of the secret that an enrolled terminal holds."""
ENROLMENT: Final = "se"
"""Prefix of a one-time code by which a person sets their own components."""

_TEXT = re.compile(r"(ts|ss|sl|se|sd)_([0-9a-f]{16})_[0-9a-f]{64}", re.ASCII)


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret: its text, to be shown once, and what an entry and the vault keep of it."""

    id: str
    text: str
    ref: SecretRef
    item: VaultItem


def issue(prefix: str, name: str, public: str | None = None) -> Issued:
    """Makes a new secret of 256 random bits; `public`: the id of one that this one takes the place of."""
    public = public or secrets.token_hex(8)
    text = f"{prefix}_{public}_{secrets.token_hex(32)}"
    salt = secrets.token_bytes(SALT_SIZE)
    plain = canonical.dumps(_digest(salt, text))
    return Issued(
        id=public,
        text=text,
        ref=SecretRef(name=name, commitment=b64(sealed_commitment(salt, plain))),
        item=VaultItem(sort=SECRET, ordinal=0, salt=salt, value=salt + plain, meta=name),
    )


def keep(name: str, value: object, ordinal: int = 0) -> tuple[SecretRef, VaultItem]:
    """What an entry and the vault keep of a secret of somebody else's making: a password hash, a sealed key.

    `value` is JSON, and must be safe to lie in the database: it is checked by its commitment, but not hidden.
    """
    salt = secrets.token_bytes(SALT_SIZE)
    plain = canonical.dumps(value)
    ref = SecretRef(name=name, commitment=b64(sealed_commitment(salt, plain)))
    return ref, VaultItem(sort=SECRET, ordinal=ordinal, salt=salt, value=salt + plain, meta=name)


def kept(value: bytes) -> Any:
    """The JSON that `keep` was given, of a row for which `row_holds`."""
    return canonical.require_canonical(value[SALT_SIZE:])


def parse(text: str) -> tuple[str, str] | None:
    """Prefix and public id of a secret's text; None when it is not of the form."""
    match = _TEXT.fullmatch(text)
    return (match[1], match[2]) if match else None


def row_holds(ref: SecretRef, value: bytes) -> bool:
    """Whether a row of table `secret` is the one that an entry committed to. What verification checks of every row."""
    if len(value) <= SALT_SIZE:
        return False
    commitment = b64(sealed_commitment(value[:SALT_SIZE], value[SALT_SIZE:]))
    return hmac.compare_digest(commitment, ref.commitment)


def matches(text: str, value: bytes) -> bool:
    """Whether this is the secret that the row was made for, compared in constant time. Check `row_holds` first."""
    salt = value[:SALT_SIZE]
    return hmac.compare_digest(canonical.dumps(_digest(salt, text)), value[SALT_SIZE:])


def _digest(salt: bytes, text: str) -> str:
    return b64(sealed_commitment(salt, canonical.dumps(text)))
