"""Signing keys as people see them, and what is put before them on the way to one."""

import msgspec

from ledger.core.binding import Attestation, BindingStatement, Registration
from ledger.core.signature import Mode


class KnownKey(msgspec.Struct, frozen=True, kw_only=True):
    """A signing key as people see it."""

    key_id: str
    account: str
    mode: Mode
    state: str
    request: str
    vouchers: tuple[str, ...]
    signs: bool
    """Whether it can sign now."""
    backup_eligible: bool = False


class ToAttest(msgspec.Struct, frozen=True, kw_only=True):
    """An attestation that is put before a voucher: what it says, and what a passkey is challenged with (base64)."""

    id: str
    statement: Attestation
    subject: BindingStatement
    mode: Mode
    challenge: str


class ToProve(msgspec.Struct, frozen=True, kw_only=True):
    """A request that a passkey, or a certificate elsewhere, has yet to sign; `challenge` (base64) is the passkey's."""

    id: str
    statement: BindingStatement
    challenge: str


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A request that a passkey, or a certificate elsewhere, has yet to sign; with how the passkey was registered."""

    statement: BindingStatement
    registration: Registration | None
    reason: str
