"""What a person does to their own components: a new password, a further device, the end of a lost one, of sessions.

Each change asks for the password anew, but for taking something away: a session that somebody else got hold of adds
nothing to an account.
"""

import secrets as random
from typing import Any, Final

import msgspec

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound
from ledger.people import passkeys
from ledger.people.access import Caller
from ledger.people.attempts import not_accepted, refuse_locked
from ledger.people.components import Component, read_components, secret_of, unchanged
from ledger.people.credentials import read_account, view
from ledger.people.kinds import AccountEntry
from ledger.people.making import gone, moving, new_device, new_passkey, new_password, retired, words_of
from ledger.people.passwords import require_strong
from ledger.people.person_kinds import CredentialSort, Purpose
from ledger.people.profile import Profile, read_profile
from ledger.people.resets import Resets
from ledger.people.sessions import OpenSession, checked, superseding
from ledger.people.totp import new_secret, picture, uri
from ledger.people.uses import spend
from ledger.people.way import Means, Way
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG

PURPOSE: Final = "further component"
STEP_SECONDS: Final = 900


class OwnComponent(msgspec.Struct, frozen=True, kw_only=True):
    """A component as its person sees it."""

    component: str
    sort: CredentialSort
    title: str | None
    since: str
    entry: int


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A new device's secret, for an authenticator, or else what a browser needs to make a passkey; `state` goes with
    what it shows first.
    """

    state: str
    secret: str
    uri: str
    svg: str
    passkey: dict[str, Any] | None = None


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    session: str
    secret: str


class _Mine(msgspec.Struct, frozen=True, kw_only=True):
    account: AccountEntry
    components: list[Component]
    kept: dict[str, str]
    profile: Profile
    origin: str


class Own(Way):
    """Safe to use from any number of threads; what takes a password takes an `Effort` of time."""

    def __init__(self, means: Means, resets: Resets) -> None:
        super().__init__(means)
        self._resets = resets

    def components(self, caller: Caller) -> list[OwnComponent]:
        """What the person signs in with."""
        return [
            OwnComponent(
                component=one.name,
                sort=one.sort,
                title=one.body.title,
                since=utc_text(one.set_us),
                entry=one.index,
            )
            for one in self._mine(caller).components
        ]

    def sessions(self, caller: Caller) -> list[OpenSession]:
        """The person's sessions, this one among them."""
        return self._sessions.of(require_person(caller))

    def end_sessions(self, caller: Caller) -> int:
        """Ends every session of the person but this one; returns how many."""
        return self._sessions.end_others(
            require_person(caller), caller.session, "ended by its person", caller.authority
        )

    def change_password(self, caller: Caller, old: str, new: str, peer: str) -> int:
        """Sets a new password; other sessions end. Returns the entry's index.

        Raises NotAuthenticated for a wrong old one, which counts as a refused component; SchemaViolation for a weak
        new one.
        """
        mine = self._mine(caller)
        first = self._show(mine, old, peer)
        require_strong(new, mine.profile.password_length, words_of(mine.account))
        if self._passwords.matches(mine.kept[first.name], new):
            raise Conflict("this is the present password", advice="Take another one.")
        made = new_password(self._passwords, mine.account.account, new, "changed by the person", caller.authority)

        def check(transaction: Transaction) -> None:
            refuse_locked(transaction, mine.account.account)
            if not unchanged(transaction, [first]):
                raise _meanwhile()
            made.enter(transaction)
            moving(transaction, [first])

        drafts = [draft(retired(first, "changed by the person", caller.authority)), made.draft]
        placed = self._store.append(SYSTEM_LOG, checked(superseding(drafts, gone([first]), _meanwhile()), check))
        self._directory.forget()
        self._sessions.end_others(mine.account.account, caller.session, "the password was changed", caller.authority)
        return placed[1].index

    def offer(self, caller: Caller, password: str, peer: str) -> Offer:
        """Begins to add a device or a passkey; raises NotAuthenticated for a wrong password."""
        mine = self._mine(caller)
        self._show(mine, password, peer)
        account, secret, nonce = mine.account.account, new_secret(), random.token_hex(16)
        address = uri(secret, account, mine.origin)
        title = mine.account.title if isinstance(mine.account.title, str) else account
        known = [one.body.passkey for one in mine.components if one.body.passkey is not None]
        options = None
        if self._origin is not None:
            options = passkeys.making_options(passkeys.site_of(self._origin), account, title, nonce, known)
        step = _Step(account=account, session=caller.session or "", secret=secret)
        return Offer(
            state=self._states.seal(PURPOSE, step, STEP_SECONDS, nonce),
            secret=secret,
            uri=address,
            svg=picture(address),
            passkey=options,
        )

    def add(
        self, caller: Caller, state: str, code: str | None, made: dict[str, Any] | None, title: str | None
    ) -> OwnComponent:
        """Adds the device that showed this code, or the passkey that was made; SchemaViolation for any other."""
        step, held = self._states.open(PURPOSE, state, _Step)
        if step.account != require_person(caller) or step.session != caller.session:
            raise AccessDenied("this step was begun in another session", advice="Begin again.")
        if made is not None:
            new = new_passkey(self._origin, step.account, made, held.nonce, title, caller.authority)
        else:
            now_us = self._store.clock.now_us()
            new = new_device(self._devices, step.account, step.secret, code or "", title, caller.authority, now_us)

        def check(transaction: Transaction) -> None:
            spend(transaction, held.nonce, held.until_us)
            new.enter(transaction)

        self._store.append(SYSTEM_LOG, Batch([new.draft], before=check))
        self._directory.forget()
        return next(one for one in self.components(caller) if one.component == new.name)

    def revoke(self, caller: Caller, component: str, reason: str) -> int:
        """Ends a lost device or passkey at once, and every session of the person, this one too."""
        return self._resets.revoke(require_person(caller), component, reason, caller.authority)

    def _mine(self, caller: Caller) -> _Mine:
        account = require_person(caller)
        with self._store.reading() as connection:
            found = read_account(self._store, connection, account)
            if found is None:
                raise AccessDenied(f"there is no account {account!r}")
            components = read_components(self._store, connection, account)
            kept = {
                one.name: secret_of(connection, one)["argon2"]
                for one in components
                if one.sort is CredentialSort.PASSWORD
            }
            return _Mine(
                account=found[0],
                components=components,
                kept=kept,
                profile=read_profile(connection),
                origin=view(connection).origin,
            )

    def _show(self, mine: _Mine, password: str, peer: str) -> Component:
        """The password's component, if this is it; a wrong one counts as a refused component."""
        account = mine.account.account
        first = next((one for one in mine.components if one.sort is CredentialSort.PASSWORD), None)
        if first is None:
            raise Conflict("this account has no password", advice="Ask those who administer the accounts for a code.")
        if not self._passwords.matches(mine.kept[first.name], password):
            self._attempts.refused(account, Purpose.SIGN_IN, CredentialSort.PASSWORD.value, peer)
            raise not_accepted()
        self._attempts.require_open(account)
        return first


def require_person(caller: Caller) -> str:
    """The account of a caller who signed in; raises NotFound for a token, and for a session that a link began."""
    if not caller.person or caller.session is None:
        raise NotFound("only a person who signed in has components", advice="Sign in with name and password.")
    return caller.account


def _meanwhile() -> Conflict:
    return Conflict("it was changed meanwhile", advice="Look at it again, and then decide.")
