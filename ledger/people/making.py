"""Entries of components: a new password, device or passkey of a person, and the end of one."""

import secrets as random
from collections.abc import Sequence
from typing import Any

import msgspec
from webauthn.helpers import base64url_to_bytes

from ledger.core.authority import Authority
from ledger.core.entry import Draft, draft
from ledger.core.errors import Conflict, SchemaViolation
from ledger.people import passkeys, secrets, tables
from ledger.people.components import Component
from ledger.people.credentials import current
from ledger.people.kinds import AccountEntry
from ledger.people.passwords import Passwords
from ledger.people.person_kinds import CredentialEntry, CredentialSort, CredentialState
from ledger.people.secrets import Destroyed
from ledger.people.totp import DeviceSecrets, step_of
from ledger.people.uses import advance
from ledger.store.append import Transaction


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A new component: its entry ready to be appended, its name, and the step or counter that it showed already."""

    draft: Draft
    name: str
    showed: int | None = None

    def enter(self, transaction: Transaction) -> None:
        """Under the head lock: raises Conflict where it is somebody's already, and notes what it showed."""
        key = ("component-made", self.name)
        if transaction.scratch.get(key) or current(transaction.connection, tables.credential, self.name) is not None:
            raise Conflict("this authenticator's passkey is in use already", advice="Take another authenticator.")
        transaction.scratch[key] = True
        if self.showed is not None:
            advance(transaction, self.name, self.showed)


def new_password(passwords: Passwords, account: str, password: str, reason: str, authority: Authority) -> Made:
    """A password, under a name of its own."""
    name = f"password-{random.token_hex(8)}"
    return Made(draft=password_entry(passwords, name, account, password, reason, authority), name=name)


def password_entry(
    passwords: Passwords,
    name: str,
    account: str,
    password: str,
    reason: str,
    authority: Authority,
    destroys: tuple[Destroyed, ...] = (),
) -> Draft:
    """The entry of a password under a name; `destroys` names what it was stored as before."""
    ref, item = secrets.keep("password", {"argon2": passwords.keep(password)})
    entry = CredentialEntry(
        credential=name,
        account=account,
        sort=CredentialSort.PASSWORD,
        state=CredentialState.SET,
        reason=reason,
        authority=authority,
        secrets=(ref,),
        destroys=destroys,
    )
    return draft(entry, (item,))


def new_device(
    devices: DeviceSecrets, account: str, secret: str, code: str, title: str | None, authority: Authority, now_us: int
) -> Made:
    """A device that shows codes; raises SchemaViolation for a code that isn't its own: it is tried out first."""
    step = step_of(secret, "".join(code.split()), now_us)
    if step is None:
        raise SchemaViolation(
            "this is not the new device's code", advice="Check the device's clock, and type the code that it shows now."
        )
    name = f"totp-{random.token_hex(8)}"
    ref, item = secrets.keep("totp", devices.keep(account, name, secret))
    entry = CredentialEntry(
        credential=name,
        account=account,
        sort=CredentialSort.TOTP,
        state=CredentialState.SET,
        reason="set by the person; it showed a right code",
        authority=authority,
        title=title,
        secrets=(ref,),
    )
    return Made(draft=draft(entry, (item,)), name=name, showed=step)


def new_passkey(
    origin: str | None, account: str, answer: dict[str, Any], nonce: str, title: str | None, authority: Authority
) -> Made:
    """A passkey that an authenticator made in the step with this nonce; raises SchemaViolation for another answer."""
    facts, count = passkeys.made(passkeys.site_of(origin), answer, nonce)
    entry = CredentialEntry(
        credential=passkeys.passkey_name(base64url_to_bytes(facts.identifier)),
        account=account,
        sort=CredentialSort.PASSKEY,
        state=CredentialState.SET,
        reason="set by the person; the authenticator verified them",
        authority=authority,
        title=title,
        passkey=facts,
    )
    return Made(draft=draft(entry), name=entry.credential, showed=count or None)


def retired(component: Component, reason: str, authority: Authority) -> CredentialEntry:
    """The entry that ends a component, and destroys what is kept of its secret."""
    return msgspec.structs.replace(
        component.body,
        state=CredentialState.RETIRED,
        reason=reason,
        authority=authority,
        secrets=(),
        destroys=tuple(Destroyed(index=component.index, name=ref.name) for ref in component.body.secrets),
    )


def gone(components: Sequence[Component]) -> list[tuple[int, str]]:
    """The secrets that go with these components, by entry and name."""
    return [(one.index, ref.name) for one in components for ref in one.body.secrets]


def moving(transaction: Transaction, components: Sequence[Component]) -> None:
    """Tells later batches of the same group commit that these are in force no longer."""
    for one in components:
        transaction.scratch["component", one.name] = True


def words_of(account: AccountEntry) -> tuple[str, ...]:
    """Names of a person that a password may not hold."""
    return (account.account, account.title) if isinstance(account.title, str) else (account.account,)
