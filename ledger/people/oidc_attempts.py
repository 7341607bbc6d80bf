"""What was begun at the identity provider: each can be ended once, soon, and only in the browser that began it.

The browser keeps one random secret in a cookie; state, PKCE verifier and nonce are HMACs of it, so that an answer that
another browser was given fits nothing here (login CSRF), and the database holds only the digest of the state.
"""

import hmac
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import delete, func, insert, select

from ledger.core import canonical
from ledger.core.errors import NotAuthenticated, RateLimited, SignInUnreachable
from ledger.core.oidc_proof import to_base64url
from ledger.people.oidc import Agreed, IdentityProvider
from ledger.people.oidc_client import Granted, new_secret
from ledger.people.oidc_tables import provider_attempt
from ledger.store.store import Store

COOKIE: Final = "trailseal-provider"
ATTEMPT_US: Final = 600_000_000
"""How long somebody has to authenticate at the provider."""
MAX_OPEN: Final = 10_000
"""Attempts that may be open at once: strangers can't fill the database."""
_TRANSIENT: Final = frozenset({"server_error", "temporarily_unavailable"})


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser goes, and the secret that it keeps meanwhile."""

    address: str
    secret: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider sent the browser back with."""

    state: str
    code: str | None = None
    iss: str | None = None
    error: str | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt came to: the tokens, and the nonce that they must bear."""

    granted: Granted
    nonce: str


class ProviderAttempts:
    """Safe to use from any number of threads and processes."""

    def __init__(self, store: Store, provider: IdentityProvider) -> None:
        self._store = store
        self._provider = provider

    def begin(self, found: Agreed, about: dict[str, Any], more: dict[str, str], nonce: str | None = None) -> Begun:
        """Begins something at the provider; `about` says what, and must be said again to end it.

        `nonce`: the one to be used in place of the secret's own. Raises SignInUnreachable, RateLimited.
        """
        secret = new_secret()
        state, now = _derived(secret, "state"), self._store.clock.now_us()
        address = self._provider.client(found).address(
            state, nonce or _derived(secret, "nonce"), _derived(secret, "verifier"), more
        )
        column = provider_attempt.c
        with self._store.writing() as connection:
            connection.execute(delete(provider_attempt).where(column.at_us < now - ATTEMPT_US))
            if (connection.scalar(select(func.count()).select_from(provider_attempt)) or 0) >= MAX_OPEN:
                raise RateLimited("too many sign-ins were begun and not ended", advice="Wait some minutes.")
            connection.execute(
                insert(provider_attempt).values(state=_digest(state), about=_said(found, about), at_us=now)
            )
        return Begun(address=address, secret=secret)

    def end(
        self, found: Agreed, secret: str | None, answer: Answer, about: dict[str, Any], nonce: str | None = None
    ) -> Ended:
        """Uses an answer up, and exchanges its code. Raises NotAuthenticated and SignInUnreachable.

        An answer that fits this browser is used up by this, whatever comes of it.
        """
        if not secret or not hmac.compare_digest(_derived(secret, "state").encode(), answer.state.encode()):
            raise NotAuthenticated(
                "this was not begun in this browser", advice="Begin again here, and end it in the same browser."
            )
        if not self._take(answer.state, _said(found, about)):
            raise NotAuthenticated(
                "this was ended before, is too old, or was begun for something else", advice="Begin again."
            )
        client = self._provider.client(found)
        if answer.iss is None and client.description().authorization_response_iss_parameter_supported:
            raise NotAuthenticated("the answer does not say which provider it comes from", advice="Begin again.")
        if answer.iss is not None and answer.iss != found.body.issuer:
            raise NotAuthenticated("the answer comes from another provider", advice="Begin again.")
        if answer.error in _TRANSIENT:
            raise SignInUnreachable("the identity provider says that it is not able to answer now")
        if answer.error is not None or not answer.code:
            raise NotAuthenticated(
                "the identity provider did not authenticate anybody", advice="Begin again, or use another way."
            )
        granted = client.exchange(answer.code, _derived(secret, "verifier"))
        return Ended(granted=granted, nonce=nonce or _derived(secret, "nonce"))

    def _take(self, state: str, about: str) -> bool:
        column, now = provider_attempt.c, self._store.clock.now_us()
        with self._store.writing() as connection:
            taken = connection.execute(
                delete(provider_attempt).where(
                    column.state == _digest(state), column.about == about, column.at_us >= now - ATTEMPT_US
                )
            )
            return taken.rowcount == 1


def _derived(secret: str, what: str) -> str:
    return to_base64url(hmac.digest(secret.encode(), b"trailseal/provider/v1\0" + what.encode(), "sha256"))


def _digest(state: str) -> str:
    return sha256(state.encode()).hexdigest()


def _said(found: Agreed, about: dict[str, Any]) -> str:
    """What it is about, under which agreement: an answer of a provider that was replaced ends nothing."""
    return canonical.dumps({**about, "agreement": found.index}).decode()
