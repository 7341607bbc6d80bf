"""The site's identity provider as the ledger agreed with it, and its keys, entered before anything rests on them.

The client secret stands in no entry: it is read from the key folder or the environment at each use, and must be the
one whose keyed digest the entry holds. The key set is fetched by a schedule, before each signing, and whenever a token
names a key that is not in it; a changed set is an entry of its own.
"""

import hmac
import threading
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.digests import Digests
from ledger.core.entry import draft
from ledger.core.errors import ConfigError, Conflict, NotFound, SchemaViolation, SignInUnreachable
from ledger.core.hashing import b64
from ledger.core.oidc_proof import ProviderKeys
from ledger.people import oidc_tables
from ledger.people.administration import require_admin
from ledger.people.credentials import current, read_entry
from ledger.people.oidc_client import Client, ProviderClient, require_https
from ledger.people.oidc_kinds import IdentityProviderEntry, KeySetEntry, ProviderState
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

SITE: Final = "site"
"""Name of the one provider that a ledger has."""
CALLBACK: Final = "/sign-in/provider/callback"
"""Where the provider sends browsers back to: the path of every redirect address."""
SCHEDULE: Final = Authority(actor="service:identity-provider", authenticated=False)
"""Who enters keys that the schedule found."""
_SECRET_DOMAIN = b"trailseal/client-secret/v1\n"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Agreement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is agreed with the provider, as an administrator says it (`oidc_kinds.IdentityProviderEntry`)."""

    issuer: str
    client_id: str
    redirect_uri: str
    acr: tuple[str, ...]
    signing_acr: tuple[str, ...] = ()
    claim: str = "sub"


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """The agreement in force, and its entry."""

    body: IdentityProviderEntry
    index: int


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The key set in force, its entry, and when that was logged."""

    keys: ProviderKeys
    index: int
    logged_us: int


class Secret(msgspec.Struct, frozen=True):
    """Where the client secret is read from, and the ledger's keyed digests for it."""

    read: Callable[[], str | None]
    digests: Callable[[], Digests]


class IdentityProvider:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, secret: Secret) -> None:
        self._store = store
        self._secret = secret
        self._lock = threading.Lock()
        self._clients: tuple[int, ProviderClient] | None = None

    def find(self, connection: Connection | None = None) -> Agreed | None:
        """The agreement in force in this snapshot, or now; None where people don't sign in at a provider."""
        if connection is None:
            with self._store.reading() as snapshot:
                return self.find(snapshot)
        index = current(connection, oidc_tables.identity_provider, SITE)
        if index is None:
            return None
        body, _ = read_entry(self._store, connection, index, IdentityProviderEntry)
        return Agreed(body=body, index=index) if body.state is ProviderState.IN_USE else None

    def agreed(self) -> Agreed:
        """The agreement in force; raises NotFound where there is none."""
        found = self.find()
        if found is None:
            raise NotFound(
                "this site signs in at no identity provider",
                advice="Sign in with local components, or have one set: `trailseal user provider set`.",
            )
        return found

    def set(self, wanted: Agreement, reason: str, authority: Authority) -> tuple[int, int]:
        """From here on the provider is used so; returns the entries of the agreement and of its keys.

        The provider is asked for its description and its keys first. Raises SchemaViolation for an agreement that
        cannot be one, AccessDenied, and SignInUnreachable.
        """
        _check(wanted)
        secret = self._secret.read()
        before = self.find()
        client = ProviderClient(_client(wanted, secret), self._store.clock)
        keys = client.keys()
        entry = IdentityProviderEntry(
            provider=SITE,
            state=ProviderState.IN_USE,
            issuer=wanted.issuer,
            client_id=wanted.client_id,
            redirect_uri=wanted.redirect_uri,
            claim=wanted.claim,
            acr=wanted.acr,
            signing_acr=wanted.signing_acr,
            secret=None if secret is None else self._digest(secret),
            reason=reason,
            authority=authority,
        )
        held = ProviderKeys(
            issuer=wanted.issuer, client_id=wanted.client_id, claim=wanted.claim, acr=wanted.signing_acr, keys=keys
        )
        batch = Batch(
            [draft(entry), draft(KeySetEntry(provider=SITE, held=held, reason=reason, authority=authority))],
            before=self._unchanged(None if before is None else before.index, authority),
        )
        placed = self._store.append(SYSTEM_LOG, batch)
        return placed[0].index, placed[1].index

    def retire(self, reason: str, authority: Authority) -> int:
        """From here on nobody signs in at the provider; returns the entry's index. Raises NotFound."""
        found = self.agreed()
        entry = msgspec.structs.replace(
            found.body, state=ProviderState.RETIRED, secret=None, reason=reason, authority=authority
        )
        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=self._unchanged(found.index, authority)))[
            0
        ].index

    def client(self, found: Agreed) -> ProviderClient:
        """What the provider is asked through under an agreement.

        Raises ConfigError unless the client secret is the one that was agreed.
        """
        secret = self._secret.read()
        wanted = found.body.secret
        given = [] if secret is None else self._every_digest(secret)
        agreed = secret is None if wanted is None else any(hmac.compare_digest(wanted, one) for one in given)
        if not agreed:
            raise ConfigError(
                "the client secret is not the one that was agreed with the identity provider",
                advice="Put the right one back, or enter the new one: `trailseal user provider set`.",
            )
        with self._lock:
            if self._clients is None or self._clients[0] != found.index or self._clients[1].client.secret != secret:
                body = found.body
                client = Client(
                    issuer=body.issuer, client_id=body.client_id, redirect_uri=body.redirect_uri, secret=secret
                )
                self._clients = (found.index, ProviderClient(client, self._store.clock))
            return self._clients[1]

    def held(self, connection: Connection | None = None) -> Held:
        """The key set in force; raises NotFound before the first."""
        if connection is None:
            with self._store.reading() as snapshot:
                return self.held(snapshot)
        index = current(connection, oidc_tables.key_set, SITE)
        if index is None:
            raise NotFound("no key set of an identity provider was entered")
        body, logged_us = read_entry(self._store, connection, index, KeySetEntry)
        return Held(keys=body.held, index=index, logged_us=logged_us)

    def refresh(self, reason: str, authority: Authority = SCHEDULE) -> Held:
        """Fetches the provider's keys, and enters them if they changed; the set in force then.

        Raises NotFound without a provider, SignInUnreachable, AccessDenied.
        """
        found, before = self.agreed(), self.held()
        keys = self.client(found).keys()
        body = found.body
        now = ProviderKeys(
            issuer=body.issuer, client_id=body.client_id, claim=body.claim, acr=body.signing_acr, keys=keys
        )
        if _unordered(now) == _unordered(before.keys):
            return before

        def check(transaction: Transaction) -> None:
            if authority != SCHEDULE:
                require_admin(self._store, transaction, authority)
            if transaction.scratch.get(("key-set", SITE)) or (
                current(transaction.connection, oidc_tables.key_set, SITE) != before.index
            ):
                raise Conflict("the keys were entered meanwhile")
            transaction.scratch["key-set", SITE] = True

        entry = KeySetEntry(provider=SITE, held=now, reason=reason, authority=authority)
        try:
            self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))
        except Conflict:
            # Another process found the same change.
            return self.held()
        return self.held()

    def watch(self) -> None:
        """What the schedule does: enters the provider's keys if they changed; an outage is left to the next turn."""
        try:
            if self.find() is not None:
                self.refresh("found by the schedule")
        except SignInUnreachable:
            return

    def _digest(self, secret: str) -> str:
        return self._every_digest(secret)[0]

    def _every_digest(self, secret: str) -> list[str]:
        """Under the ledger's secret in use, and under those in whose time the client secret may have been agreed."""
        return [b64(one) for one in self._secret.digests().every(_SECRET_DOMAIN + secret.encode())]

    def _unchanged(self, index: int | None, authority: Authority) -> Callable[[Transaction], None]:
        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, authority)
            now = current(transaction.connection, oidc_tables.identity_provider, SITE)
            body = None if now is None else read_entry(self._store, transaction.connection, now, IdentityProviderEntry)
            stands = now if body is not None and body[0].state is ProviderState.IN_USE else None
            if transaction.scratch.get(("identity-provider", SITE)) or stands != index:
                raise Conflict("the identity provider was changed meanwhile", advice="Look at it again, then decide.")
            transaction.scratch["identity-provider", SITE] = True

        return check


def _client(wanted: Agreement, secret: str | None) -> Client:
    return Client(issuer=wanted.issuer, client_id=wanted.client_id, redirect_uri=wanted.redirect_uri, secret=secret)


def _check(wanted: Agreement) -> None:
    require_https(wanted.issuer)
    if urlsplit(wanted.issuer).query:
        raise SchemaViolation("an issuer has no query")
    parts = urlsplit(wanted.redirect_uri)
    plain = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not plain:
        require_https(wanted.redirect_uri)
    if parts.path != CALLBACK or parts.query or parts.fragment or "@" in parts.netloc:
        raise SchemaViolation(
            f"the redirect address must be this ledger's own {CALLBACK}",
            advice=f"Write https://HOST{CALLBACK}, as people reach the pages, and register just that at the provider.",
        )
    if not wanted.acr:
        raise SchemaViolation(
            "no class of authentication is demanded",
            advice="Name the acr that the provider says when somebody showed what the site demands.",
        )
    if not all((wanted.client_id, wanted.claim, *wanted.acr, *wanted.signing_acr)):
        raise SchemaViolation("client id, claim and classes of authentication cannot be empty")


def _unordered(keys: ProviderKeys) -> tuple[bytes, list[bytes]]:
    """The same for key sets that differ in the order of their keys alone."""
    ordered = sorted(canonical.encode_struct(key) for key in keys.keys)
    return canonical.encode_struct(msgspec.structs.replace(keys, keys=())), ordered
