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
    """A request for a passkey that its key has yet to sign; `challenge` in base64."""

    id: str
    statement: BindingStatement
    challenge: str


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A passkey's request that its key has yet to sign, with how it was registered."""

    statement: BindingStatement
    registration: Registration
    reason: str
