"""One-time codes by which a person sets their own components: nobody else ever knows one.

A code by itself opens only an account that never had components. Where some are left, the person shows them beside the
code: so whoever issues a code for a forgotten password can't use it themselves. Where none are left, two people decide
(`resets`). A code that was issued blocks signing in until it is used.
"""

import contextlib
import secrets as random
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import Draft, draft
from ledger.core.errors import AccessDenied, Conflict, NotAuthenticated, NotFound, SchemaViolation
from ledger.people import passkeys, secrets, tables
from ledger.people.administration import require_admin
from ledger.people.attempts import not_accepted, refuse_locked
from ledger.people.channels import Undelivered
from ledger.people.components import SECOND, Component, ever_had, find_component, read_components, secret_of, secret_row
from ledger.people.components import unchanged as still
from ledger.people.credentials import SystemView, current, read_account, view
from ledger.people.kinds import AccountEntry, AccountSort, AccountState
from ledger.people.making import Made, gone, moving, new_device, new_passkey, new_password, retired, words_of
from ledger.people.passwords import require_strong
from ledger.people.person_kinds import CodeWay, CredentialEntry, CredentialSort, CredentialState, Purpose
from ledger.people.profile import read_profile
from ledger.people.second import Proof
from ledger.people.secrets import ENROLMENT
from ledger.people.sessions import checked, superseding
from ledger.people.totp import new_secret, picture, uri
from ledger.people.uses import spend
from ledger.people.way import Way
from ledger.store.append import Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

HOURS: Final = 24
"""How long a code is good at most."""
STEP_SECONDS: Final = 900
"""How long a person may take to set their components, once the code was shown."""
PURPOSE: Final = "enrolment"
FOUNDERS: Final = 2
"""Once so many persons have components, whoever only has the ledger's folder gives no more codes."""
OWN: Final = frozenset({CredentialSort.PASSWORD, *SECOND, CredentialSort.OIDC})
"""Sorts of components that a person has; a code is none of them."""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A code that was issued: shown once, kept only as a digest."""

    account: str
    code: str
    expires_at: str
    index: int


class Mailed(msgspec.Struct, frozen=True, kw_only=True):
    """A code that went to its person's address, and was shown to nobody."""

    account: str
    expires_at: str
    index: int


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What a person who showed a good code is to show besides, and to set. `state` goes with the next step.

    `uri` and `svg` carry the secret of a new device, for an authenticator; `passkey`: what a browser needs to make a
    passkey in its place.
    """

    account: str
    state: str
    show: tuple[str, ...]
    set: tuple[str, ...]
    password_length: int
    secret: str | None = None
    uri: str | None = None
    svg: str | None = None
    passkey: dict[str, Any] | None = None
    show_passkey: dict[str, Any] | None = None


class Set(msgspec.Struct, frozen=True, kw_only=True):
    """What a person sets, and shows of what they have: `code` of the new device or `made`, a new passkey."""

    password: str | None = None
    title: str | None = None
    code: str | None = None
    made: dict[str, Any] | None = None
    shown_password: str | None = None
    shown: Proof = Proof()


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    code: str
    index: int
    secret: str


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    account: AccountEntry
    account_index: int
    code: Component
    components: list[Component]
    seen: SystemView

    def of(self, *sorts: CredentialSort) -> list[Component]:
        return [one for one in self.components if one.sort in sorts]


class Enrolment(Way):
    """Safe to use from any number of threads."""

    def issue(self, account: str, reason: str, authority: Authority, went: CodeWay = CodeWay.SHOWN) -> Code:
        """A code for a person, good for 24 hours; a password and earlier codes that they have end with it.

        Raises NotFound, AccessDenied (nobody issues one for themselves), Conflict (deactivated; or a code alone would
        open an account that somebody has used: then two people reset it).
        """
        with self._store.reading() as connection:
            found = read_components(self._store, connection, account)
            used = ever_had(connection, account, OWN)
        if used and not any(one.sort in SECOND for one in found):
            raise Conflict(
                f"account {account!r} has no second factor that its person could show beside a code",
                advice="Ask for a reset of the account, which another person confirms.",
            )
        ending = [one for one in found if one.sort in (CredentialSort.ENROLMENT, CredentialSort.PASSWORD)]
        return self.replace(account, ending, reason, authority, went=went)

    def mail(self, account: str, reason: str, authority: Authority) -> Mailed:
        """A code that goes to the person's address and is shown to nobody. Raises as `issue` and as `mailed`."""
        return self.mailed(account, authority, lambda went: self.issue(account, reason, authority, went))

    def mailed(self, account: str, authority: Authority, issue: Callable[[CodeWay], Code]) -> Mailed:
        """Mails the code that `issue` gives, which enters that it went so.

        Raises Conflict where the person has no address, the mail server does not answer, or does not take it; then no
        code is in force.
        """
        with self._code_mail.opened(account) as send:
            code = issue(CodeWay.MAILED)
            try:
                send(code.code, code.expires_at, code.index)
            except Undelivered as failed:
                self._take_back(code, authority)
                raise Conflict(
                    f"the code was not mailed, and is good no longer: {failed}",
                    advice="Try again, or have a code shown and hand it over.",
                ) from None
        return Mailed(account=account, expires_at=code.expires_at, index=code.index)

    def replace(
        self,
        account: str,
        ending: Sequence[Component],
        reason: str,
        authority: Authority,
        entries: Sequence[Draft] = (),
        check: Callable[[Transaction], None] | None = None,
        went: CodeWay = CodeWay.SHOWN,
    ) -> Code:
        """Takes these components away and issues a code, in one transaction with further entries; ends all sessions."""
        if authority.authenticated and authority.actor == account:
            raise AccessDenied("nobody issues a code for themselves", advice="Ask another security officer.")
        issued = secrets.issue(ENROLMENT, "code")
        expires_at = utc_text(self._store.clock.now_us() + HOURS * 3_600_000_000)
        entry = CredentialEntry(
            credential=issued.id,
            account=account,
            sort=CredentialSort.ENROLMENT,
            state=CredentialState.SET,
            reason=reason,
            authority=authority,
            expires_at=expires_at,
            went=went,
            secrets=(issued.ref,),
        )
        drafts = [*entries, *(draft(retired(one, reason, authority)) for one in ending), draft(entry, (issued.item,))]

        def allowed(transaction: Transaction) -> None:
            require_known(self._store, transaction, authority)
            index = current(transaction.connection, tables.account, account)
            if index is None:
                raise NotFound(f"there is no account {account!r}")
            found = read_account(self._store, transaction.connection, account)
            if (
                found is None
                or found[0].state is not AccountState.ACTIVE
                or found[0].sort is AccountSort.SERVICE
                or transaction.scratch.get(("deactivated", account))
            ):
                raise Conflict(f"account {account!r} is not that of an active person")
            if not still(transaction, ending):
                raise Conflict("its components were changed meanwhile", advice="Look at the account again.")
            if check is not None:
                check(transaction)
            moving(transaction, ending)

        placed = self._store.append(SYSTEM_LOG, checked(superseding(drafts, gone(ending), _meanwhile()), allowed))
        self._directory.forget()
        if ending:
            self._sessions.end_others(account, None, reason, authority)
        return Code(account=account, code=issued.text, expires_at=expires_at, index=placed[len(drafts) - 1].index)

    def begin(self, code: str) -> Begun:
        """What the person who has this code is to show and to set; raises NotAuthenticated unless the code is good."""
        with self._store.reading() as connection:
            found = self._find(connection, code)
            profile = read_profile(connection)
        second = found.of(*SECOND)
        password = found.of(CredentialSort.PASSWORD)
        nonce, secret = random.token_hex(16), "" if second else new_secret()
        step = _Step(account=found.account.account, code=found.code.name, index=found.code.index, secret=secret)
        title = found.account.title if isinstance(found.account.title, str) else found.account.account
        keys = [one.body.passkey for one in second if one.body.passkey is not None]
        address = uri(secret, step.account, found.seen.origin) if secret else None
        made, show = None, None
        if self._origin is not None:
            site = passkeys.site_of(self._origin)
            made = None if second else passkeys.making_options(site, step.account, title, nonce, [])
            show = passkeys.showing_options(site, nonce, keys) if keys else None
        return Begun(
            account=step.account,
            state=self._states.seal(PURPOSE, step, STEP_SECONDS, nonce),
            show=tuple(sorted({one.sort.value for one in (*password, *second)})),
            set=tuple(name for name, there in (("password", password), ("second", second)) if not there),
            password_length=profile.password_length,
            secret=secret or None,
            uri=address,
            svg=None if address is None else picture(address),
            passkey=made,
            show_passkey=show,
        )

    def finish(self, state: str, given: Set, network: str | None = None) -> str:
        """Sets what the person gives, and uses the code up, in one transaction; returns the account.

        Raises NotAuthenticated where something that they have was not shown rightly, which counts as a refused
        component; SchemaViolation for a weak password and for a code that isn't the new device's.
        """
        step, held = self._states.open(PURPOSE, state, _Step)
        with self._store.reading() as connection:
            code = find_component(self._store, connection, step.code)
            if code is None or code.index != step.index:
                raise _over()
            found = self._standing(connection, code)
            least = read_profile(connection).password_length
            second, password = found.of(*SECOND), found.of(CredentialSort.PASSWORD)
            kept = [secret_of(connection, one)["argon2"] for one in password]
            shown = self._second.look(connection, second, given.shown, held.nonce) if second else None
        used = [code]
        if password:
            if not any(self._passwords.matches(one, given.shown_password or "") for one in kept):
                self._refuse(step.account, "password", network)
            used += password
        if second:
            if shown is None:
                self._refuse(step.account, given.shown.method, network)
            else:
                used.append(shown.component)
        authority = found.seen.authority(step.account, True, (found.account_index, *(one.index for one in used)))
        # The device first: its code ages while Argon2 works.
        made = [] if second else [self._device(step, given, held.nonce, authority)]
        if not password:
            made.insert(0, self._password(found.account, given.password, least, authority))
        ends = retired(code, "used", authority)

        def check(transaction: Transaction) -> None:
            refuse_locked(transaction, step.account)
            moved = current(transaction.connection, tables.account, step.account) != found.account_index
            if moved or transaction.scratch.get(("deactivated", step.account)) or not still(transaction, used):
                raise _over()
            spend(transaction, held.nonce, held.until_us)
            if shown is not None:
                shown.use(transaction)
            for one in made:
                one.enter(transaction)
            moving(transaction, [code])

        drafts = [*(one.draft for one in made), draft(ends)]
        self._store.append(SYSTEM_LOG, checked(superseding(drafts, gone([code]), _over()), check))
        self._directory.forget()
        return step.account

    def _take_back(self, code: Code, authority: Authority) -> None:
        """Ends a code that reached nobody, unless it is over already."""
        key = secrets.parse(code.code)
        with self._store.reading() as connection:
            found = None if key is None else find_component(self._store, connection, key[1])
        if found is None:
            return

        def there(transaction: Transaction) -> None:
            if not still(transaction, [found]):
                raise _meanwhile()
            moving(transaction, [found])

        drafts = [draft(retired(found, "not mailed", authority))]
        with contextlib.suppress(Conflict):
            self._store.append(SYSTEM_LOG, checked(superseding(drafts, gone([found]), _meanwhile()), there))

    def _find(self, connection: Connection, code: str) -> _Found:
        key = secrets.parse(code)
        found = None
        if key is not None and key[0] == ENROLMENT:
            found = find_component(self._store, connection, key[1])
        if found is None or found.sort is not CredentialSort.ENROLMENT:
            raise _over()
        if not secrets.matches(code, secret_row(connection, found)):
            raise _over()
        return self._standing(connection, found)

    def _standing(self, connection: Connection, code: Component) -> _Found:
        """How things stand for the account of a code that is in force; raises NotAuthenticated for one that is over."""
        account = read_account(self._store, connection, code.body.account)
        expires_at = code.body.expires_at
        expired = expires_at is None or parse_utc(expires_at) <= self._store.clock.now_us()
        if expired or account is None or account[0].state is not AccountState.ACTIVE:
            raise _over()
        return _Found(
            account=account[0],
            account_index=account[1],
            code=code,
            components=read_components(self._store, connection, code.body.account),
            seen=view(connection),
        )

    def _refuse(self, account: str, method: str, network: str | None) -> None:
        self._attempts.refused(account, Purpose.SIGN_IN, method, network)
        raise not_accepted()

    def _password(self, account: AccountEntry, password: str | None, least: int, authority: Authority) -> Made:
        if password is None:
            raise SchemaViolation("a password is to be set")
        require_strong(password, least, words_of(account))
        return new_password(self._passwords, account.account, password, "set by the person", authority)

    def _device(self, step: _Step, given: Set, nonce: str, authority: Authority) -> Made:
        """The new second factor; what it showed first is entered with it: it was tried out."""
        if given.made is not None:
            return new_passkey(self._origin, step.account, given.made, nonce, given.title, authority)
        now_us = self._store.clock.now_us()
        return new_device(self._devices, step.account, step.secret, given.code or "", given.title, authority, now_us)


def require_known(store: Store, transaction: Transaction, authority: Authority) -> None:
    """Raises AccessDenied unless this authority may give codes and reset accounts.

    An administrator may. Whoever has the ledger's folder may at the first start: until two persons have components.
    """
    if authority.authenticated:
        require_admin(store, transaction, authority)
        return
    row = tables.credential.c
    there = select(row.account).where(
        row.log == SYSTEM_LOG, row.to_index.is_(None), row.sort != CredentialSort.ENROLMENT.value
    )
    if len(set(transaction.connection.scalars(there.distinct()))) >= FOUNDERS:
        raise AccessDenied(
            "the first start is over: direct access to the folder gives no more codes",
            advice="Sign in as a security officer, or give a token with scope admin.",
        )


def _over() -> NotAuthenticated:
    return NotAuthenticated(
        "this code is unknown, used or expired", advice="Ask those who administer the accounts for a new one."
    )


def _meanwhile() -> Conflict:
    return Conflict("its components were changed meanwhile", advice="Look at the account again.")
