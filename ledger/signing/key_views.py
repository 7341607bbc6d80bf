"""Signing keys as people see them, and what is put before them on the way to one."""

import msgspec

from ledger.core.binding import Attestation, BindingStatement, Registration, short_fingerprint
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
    test_due: str | None = None
    """The last day for which a passkey is tested (21 CFR 11.300(e)); none: for ever, or no passkey."""
    test_overdue: bool = False
    """It signs nothing until it was tested again."""


class IdentityCheck(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody's identity was verified: by which means, on which day, by whom."""

    how: str
    on: str
    by: str


class KeyToVouch(msgspec.Struct, frozen=True, kw_only=True):
    """A key that waits for a voucher: whose it is said to be, and the fingerprint that its person reads out.

    `subject` and `issuer`: of the certificate, for who signs elsewhere. Of one key alone is told by which `modes` the
    voucher can vouch for it, and the check of `identity` that it rests on.
    """

    key_id: str
    fingerprint: str
    account: str
    name: str
    mode: Mode
    request: str
    vouchers: tuple[str, ...]
    backup_eligible: bool = False
    subject: str | None = None
    issuer: str | None = None
    modes: tuple[Mode, ...] = ()
    identity: IdentityCheck | None = None


class ToAttest(msgspec.Struct, frozen=True, kw_only=True):
    """An attestation that is put before a voucher: what it says, and what a passkey is challenged with (base64).

    `credential` and `rp_id`: of the passkey that it is to be signed by.
    """

    id: str
    statement: Attestation
    subject: BindingStatement
    mode: Mode
    challenge: str
    credential: str | None = None
    rp_id: str | None = None


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


def fingerprint_of(key_id: str) -> str:
    """A key's id in groups of four hex digits, for its person to read out and a voucher to compare."""
    return short_fingerprint(bytes.fromhex(key_id))
