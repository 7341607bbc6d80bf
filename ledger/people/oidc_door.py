"""Signing in at the site's identity provider, and linking one's own account to it.

Authorization code with PKCE. An outage is SignInUnreachable and is counted against nobody; a token that is refused is
NotAuthenticated. Sessions that begin so say `oidc` and the class of authentication that the provider vouched for.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from ledger.core.clock import parse_utc
from ledger.core.errors import AccessDenied, NotAuthenticated
from ledger.people import tables
from ledger.people.access import Caller
from ledger.people.attempts import refuse_locked
from ledger.people.credentials import MINUTE_US, current, read_account, read_entry, view
from ledger.people.kinds import AccountEntry, AccountState, SessionEntry
from ledger.people.oidc import SCHEDULE, Agreed, Held, IdentityProvider
from ledger.people.oidc_attempts import Answer, Begun, Ended, ProviderAttempts
from ledger.people.oidc_links import Link, Links
from ledger.people.oidc_token import MAX_AGE_S, SignedIn, check_id_token, key_named
from ledger.people.profile import read_profile
from ledger.people.security import network_of
from ledger.people.sessions import Sessions, Start
from ledger.people.tables import browser_session
from ledger.store.append import Transaction
from ledger.store.store import Store

METHOD: Final = "oidc"
FRESH_S: Final = 600
"""How long ago somebody may have authenticated who links their account."""
_SIGN_IN: Final = {"for": "sign-in"}


class ProviderDoor:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, sessions: Sessions, provider: IdentityProvider) -> None:
        self._store = store
        self._sessions = sessions
        self.provider = provider
        self.links = Links(store)
        self.attempts = ProviderAttempts(store, provider)

    def begin(self) -> Begun:
        """Where a browser is sent to sign in; raises NotFound without a provider, SignInUnreachable."""
        found = self.provider.agreed()
        more = {"acr_values": " ".join(found.body.acr), "max_age": str(MAX_AGE_S)}
        return self.attempts.begin(found, _SIGN_IN, more)

    def complete(
        self, secret: str | None, answer: Answer, peer: str, previous: str | None = None, terminal: str | None = None
    ) -> str:
        """Begins the session of the person whom the provider authenticated; returns its secret.

        `previous`: the session secret that the browser came with, which ends. Raises NotAuthenticated, AccessDenied
        for an identity that no account counts for, SignInUnreachable.
        """
        found = self.provider.agreed()
        person = self.shown(found, self.attempts.end(found, secret, answer, _SIGN_IN), found.body.acr)
        with self._store.reading() as connection:
            link = self.links.find(connection, found.body.issuer, person.subject)
            if link is None:
                raise AccessDenied(
                    "no account here belongs to that identity", advice="Ask a security officer to link your account."
                )
            if not link.counts:
                raise AccessDenied(
                    "the link of that identity waits for a second administrator", advice="Ask for it to be confirmed."
                )
            account = read_account(self._store, connection, link.account)
            profile, seen = read_profile(connection), view(connection)
        if account is None or not self._open(account[0]):
            raise NotAuthenticated("the account is not in use", advice="Ask a security officer.")
        start = Start(
            authority=seen.authority(link.account, True, (account[1], link.index)),
            methods=(METHOD, person.acr),
            network=network_of(peer),
            terminal=terminal,
            limit_us=profile.absolute_minutes * MINUTE_US,
            check=self._still(link, account[1]),
        )
        return self._sessions.begin(start, previous)

    def begin_link(self, caller: Caller) -> Begun:
        """Where somebody who is signed in is sent to show whom the provider knows them as.

        Raises AccessDenied unless other components began the session.
        """
        found = self.provider.agreed()
        self._require_other_components(caller)
        more = {"acr_values": " ".join(found.body.acr), "max_age": "0", "prompt": "login"}
        return self.attempts.begin(found, _linking(caller), more)

    def complete_link(self, caller: Caller, secret: str | None, answer: Answer) -> Link:
        """Links the caller's account to the subject that the provider authenticated; raises as `Links.link`."""
        found = self.provider.agreed()
        self._require_other_components(caller)
        person = self.shown(found, self.attempts.end(found, secret, answer, _linking(caller)), found.body.acr, FRESH_S)
        return self.links.link(
            caller.account,
            found.body.issuer,
            person.subject,
            "the person signed in there",
            caller.authority,
            shown=True,
        )

    def shown(self, found: Agreed, ended: Ended, acr: tuple[str, ...], max_age_s: int = MAX_AGE_S) -> SignedIn:
        """Whom a token is about. A key that is not entered yet is entered first, if the provider publishes it."""
        keys = self.provider.held().keys
        kid = key_named(ended.granted.id_token)
        if kid is not None and all(key.kid != kid for key in keys.keys):
            keys = self.provider.refresh("a token named a key that was not entered", SCHEDULE).keys
        return check_id_token(ended.granted, keys, ended.nonce, acr, self._store.clock.now_us(), max_age_s)

    def _open(self, account: AccountEntry) -> bool:
        ends = account.expires_at
        return account.state is AccountState.ACTIVE and (ends is None or parse_utc(ends) > self._store.clock.now_us())

    def _still(self, link: Link, account_index: int) -> Callable[[Transaction], None]:
        def check(transaction: Transaction) -> None:
            refuse_locked(transaction, link.account)
            self.links.require_current(transaction, link)
            if current(transaction.connection, tables.account, link.account) != account_index or (
                transaction.scratch.get(("deactivated", link.account))
            ):
                raise NotAuthenticated("the account was changed meanwhile", advice="Sign in again.")

        return check

    def _require_other_components(self, caller: Caller) -> None:
        methods: tuple[str, ...] = ()
        if caller.person and caller.session is not None:
            with self._store.reading() as connection:
                index = current(connection, browser_session, caller.session)
                if index is not None:
                    methods = read_entry(self._store, connection, index, SessionEntry)[0].methods
        if not methods or METHOD in methods:
            raise AccessDenied(
                "an account is linked out of a session that other components began",
                advice="Sign in with your password or passkey first.",
            )


def _linking(caller: Caller) -> dict[str, Any]:
    return {"for": "link", "account": caller.account, "session": caller.session or ""}


class ProviderView(msgspec.Struct, frozen=True, kw_only=True):
    """The agreement with the provider, and its keys, as they stand."""

    issuer: str
    client_id: str
    redirect_uri: str
    claim: str
    acr: tuple[str, ...]
    signing_acr: tuple[str, ...]
    secret: bool
    entry: int
    keys: tuple[str, ...]
    keys_entry: int


def provider_view(found: Agreed, held: Held) -> ProviderView:
    """What is shown of both."""
    body = found.body
    return ProviderView(
        issuer=body.issuer,
        client_id=body.client_id,
        redirect_uri=body.redirect_uri,
        claim=body.claim,
        acr=body.acr,
        signing_acr=body.signing_acr,
        secret=body.secret is not None,
        entry=found.index,
        keys=tuple(f"{key.kid or '(unnamed)'} {key.kty} {key.crv or ''}".strip() for key in held.keys.keys),
        keys_entry=held.index,
    )
