"""Signing in: name and password, then a second factor, then a session; or a passkey alone, which is both at once.

What is told of a refusal is the same whatever was wrong, and its time as well: for a name that has no password one is
looked at all the same. Between the steps nothing is kept here that a browser could bring along; the session is made at
the end, and no earlier one lives on in that browser.
"""

import secrets as random
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from ledger.core.entry import Draft, draft
from ledger.core.errors import AccessDenied, Conflict
from ledger.people import passkeys, tables
from ledger.people.attempts import came_in, not_accepted, refuse_locked
from ledger.people.components import SECOND, Component, find_component, read_components, secret_of, unchanged
from ledger.people.credentials import MINUTE_US, SystemView, current, read_account, view
from ledger.people.kinds import AccountEntry, AccountSort, AccountState
from ledger.people.making import gone, moving, new_password, password_entry, retired, words_of
from ledger.people.passwords import require_strong
from ledger.people.peppered import Held
from ledger.people.person_kinds import CredentialSort, Purpose
from ledger.people.places import inside
from ledger.people.profile import Profile, read_profile
from ledger.people.second import Proof, Shown
from ledger.people.secrets import Destroyed
from ledger.people.security import network_of
from ledger.people.sessions import Start, checked, superseding
from ledger.people.uses import spend
from ledger.people.way import Way
from ledger.store.append import Transaction
from ledger.store.logs import SYSTEM_LOG

STEP_SECONDS: Final = 300
"""How long somebody may take for the second step."""
HALF: Final = "second step"
ALONE: Final = "passkey alone"
DAY_US: Final = 86_400_000_000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The password was right, and this is asked for next; `state` goes with it. `passkey`: what a browser needs.

    `new_password`: the password is older than the site allows, and a new one is to be set with the next step, of
    at least `password_length` characters.
    """

    state: str
    second: tuple[str, ...]
    new_password: bool = False
    password_length: int = 0
    passkey: dict[str, Any] | None = None


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody signed in: their session's secret, for the cookie."""

    account: str
    session: str


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request comes from: its peer, and the secrets of session and terminal that its browser came with."""

    peer: str
    previous: str | None = None
    terminal: str | None = None


class Alone(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser needs to show a passkey in place of name and password; `state` goes with its answer."""

    state: str
    passkey: dict[str, Any]


class _Half(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    password: str
    index: int
    aged: bool
    second: bool


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    account: AccountEntry
    account_index: int
    components: list[Component]
    kept: dict[str, str]
    profile: Profile
    seen: SystemView

    def of(self, *sorts: CredentialSort) -> list[Component]:
        return [one for one in self.components if one.sort in sorts]


class Doorkeeper(Way):
    """Safe to use from any number of threads; `show_password` takes an `Effort` of time."""

    def show_password(self, account: str, password: str, visit: Visit) -> Asked | Begun:
        """The first step. Raises NotAuthenticated, in the same words and time whatever was wrong.

        Raises AccessDenied where all was right, but a second factor is needed that the account does not have.
        """
        found = self._find(account)
        if found is None:
            self._passwords.matches_nothing(password)
            raise not_accepted()
        shown = found.of(CredentialSort.PASSWORD)[-1]
        if not self._passwords.matches(found.kept[shown.name], password):
            self._attempts.refused(account, Purpose.SIGN_IN, CredentialSort.PASSWORD.value, visit.peer)
            raise not_accepted()
        self._attempts.require_open(account)
        if self._passwords.is_weaker(found.kept[shown.name]):
            found, shown = self._renew(found, shown, password)
        needed = found.profile.second_factor == "always" or not inside(visit.peer, found.profile.perimeter)
        aged = bool(found.profile.password_days) and (
            self._store.clock.now_us() - shown.set_us > found.profile.password_days * DAY_US
        )
        if not needed and not aged:
            return self._begin(found, [shown], [], visit)
        seconds = found.of(*SECOND) if needed else []
        if needed and not seconds:
            raise AccessDenied(
                "signing in takes a second factor, and this account has none",
                advice="Ask those who administer the accounts for a code to set one.",
            )
        half = _Half(account=account, password=shown.name, index=shown.index, aged=aged, second=needed)
        nonce = random.token_hex(16)
        keys = [one.body.passkey for one in seconds if one.body.passkey is not None]
        options = None
        if keys and self._origin is not None:
            options = passkeys.showing_options(passkeys.site_of(self._origin), nonce, keys)
        return Asked(
            state=self._states.seal(HALF, half, STEP_SECONDS, nonce),
            second=tuple(sorted({one.sort.value for one in seconds})),
            new_password=aged,
            password_length=found.profile.password_length,
            passkey=options,
        )

    def show_second(self, state: str, proof: Proof, visit: Visit, password: str | None = None) -> Begun:
        """The second step: begins the session. `password`: the new one, where one was asked for.

        Raises NotAuthenticated, and SchemaViolation for a new password that is too weak.
        """
        half, held = self._states.open(HALF, state, _Half)
        found = self._find(half.account)
        first = None if found is None else next((one for one in found.components if one.name == half.password), None)
        if found is None or first is None or first.index != half.index:
            raise not_accepted()
        used, uses = [first], []
        if half.second:
            shown = self._look(found, proof, held)
            if shown is None:
                self._attempts.refused(half.account, Purpose.SIGN_IN, proof.method, visit.peer)
                raise not_accepted()
            used.append(shown.component)
            uses.append(shown.use)
        drafts: list[Draft] = []
        ended: list[Component] = []
        if half.aged:
            drafts, ended = self._new_password(found, first, password)
        return self._begin(found, used, [_spending(held), *uses], visit, drafts, ended)

    def offer_passkey(self) -> Alone:
        """What a browser needs to sign somebody in by a passkey alone; raises NotFound where the site has none."""
        nonce = random.token_hex(16)
        return Alone(
            state=self._states.seal(ALONE, {}, STEP_SECONDS, nonce),
            passkey=passkeys.showing_options(passkeys.site_of(self._origin), nonce, []),
        )

    def show_passkey(self, state: str, answer: dict[str, Any], visit: Visit) -> Begun:
        """Begins the session of whoever's passkey this is: possession and verification in one. NotAuthenticated."""
        _, held = self._states.open(ALONE, state, dict[str, Any])
        name = passkeys.passkey_name(passkeys.shown_identifier(answer))
        with self._store.reading() as connection:
            component = find_component(self._store, connection, name)
        found = None if component is None else self._find(component.body.account, password=False)
        if found is None:
            raise not_accepted()
        shown = self._look(found, Proof(passkey=answer), held)
        if shown is None:
            self._attempts.refused(found.account.account, Purpose.SIGN_IN, CredentialSort.PASSKEY.value, visit.peer)
            raise not_accepted()
        return self._begin(found, [shown.component], [_spending(held), shown.use], visit)

    def _find(self, account: str, password: bool = True) -> _Found | None:
        """An account that somebody can sign in to now, with all that is in force for it; None for any other name."""
        with self._store.reading() as connection:
            named = read_account(self._store, connection, account)
            if named is None or named[0].state is not AccountState.ACTIVE or named[0].sort is AccountSort.SERVICE:
                return None
            components = read_components(self._store, connection, account)
            sorts = {one.sort for one in components}
            if CredentialSort.ENROLMENT in sorts or (password and CredentialSort.PASSWORD not in sorts):
                return None
            return _Found(
                account=named[0],
                account_index=named[1],
                components=components,
                kept={
                    one.name: secret_of(connection, one)["argon2"]
                    for one in components
                    if one.sort is CredentialSort.PASSWORD
                },
                profile=read_profile(connection),
                seen=view(connection),
            )

    def _look(self, found: _Found, proof: Proof, held: Held) -> Shown | None:
        with self._store.reading() as connection:
            return self._second.look(connection, found.of(*SECOND), proof, held.nonce)

    def _renew(self, found: _Found, shown: Component, password: str) -> tuple[_Found, Component]:
        """Stores the password as it would be stored today, now that it is at hand."""
        authority = found.seen.authority(found.account.account, True, (found.account_index, shown.index))
        entry = password_entry(
            self._passwords,
            shown.name,
            found.account.account,
            password,
            "stored anew, with the parameters of today",
            authority,
            tuple(Destroyed(index=shown.index, name=ref.name) for ref in shown.body.secrets),
        )

        def check(transaction: Transaction) -> None:
            if not unchanged(transaction, [shown]):
                raise not_accepted()
            moving(transaction, [shown])

        self._store.append(SYSTEM_LOG, checked(superseding([entry], gone([shown]), not_accepted()), check))
        self._directory.forget()
        again = self._find(found.account.account)
        if again is None:
            raise not_accepted()
        return again, next(one for one in again.components if one.name == shown.name)

    def _new_password(self, found: _Found, old: Component, password: str | None) -> tuple[list[Draft], list[Component]]:
        if password is None:
            raise Conflict(
                f"the password is older than {found.profile.password_days} days",
                advice="Send a new password with this step.",
            )
        require_strong(password, found.profile.password_length, words_of(found.account))
        if self._passwords.matches(found.kept[old.name], password):
            raise Conflict("this is the password that has to be changed", advice="Take another one.")
        account = found.account.account
        authority = found.seen.authority(account, True, (found.account_index, old.index))
        made = new_password(self._passwords, account, password, "the earlier one was too old", authority)
        return [draft(retired(old, "too old", authority)), made.draft], [old]

    def _begin(
        self,
        found: _Found,
        used: Sequence[Component],
        uses: Sequence[Callable[[Transaction], None]],
        visit: Visit,
        drafts: Sequence[Draft] = (),
        ended: Sequence[Component] = (),
    ) -> Begun:
        account = found.account.account
        authority = found.seen.authority(account, True, (found.account_index, *(one.index for one in used)))

        def check(transaction: Transaction) -> None:
            refuse_locked(transaction, account)
            moved = current(transaction.connection, tables.account, account) != found.account_index
            if moved or transaction.scratch.get(("deactivated", account)) or not unchanged(transaction, used):
                raise not_accepted()
            for use in uses:
                use(transaction)
            moving(transaction, ended)
            came_in(transaction, account)

        start = Start(
            authority=authority,
            methods=tuple(one.sort.value for one in used),
            network=network_of(visit.peer),
            terminal=visit.terminal,
            limit_us=found.profile.absolute_minutes * MINUTE_US,
            check=check,
            drafts=tuple(drafts),
            destroyed=tuple(gone(ended)),
        )
        return Begun(account=account, session=self._sessions.begin(start, visit.previous))


def _spending(held: Held) -> Callable[[Transaction], None]:
    return lambda transaction: spend(transaction, held.nonce, held.until_us)
