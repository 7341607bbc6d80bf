"""Signing by fresh authentication at the site's identity provider: the ID token is the signature.

The nonce that the provider puts into the token is the digest of the statement, so that the token is over this statement
and no other. The provider is asked to authenticate the person anew, by a class that the site demands. Its keys stand in
an entry of before, under a checkpoint; a token by any other key is refused. What this rests on, and what the provider
could do, the page says (`signing.provider.rests`).
"""

from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import Connection

from ledger.core.address import Address
from ledger.core.errors import LedgerError, NotAuthenticated, ReauthenticationRequired, SignatureInvalid, SigningError
from ledger.core.oidc_proof import WINDOW_S, nonce_of
from ledger.core.signature import Mode, ProviderProof, Statement, statement_bytes
from ledger.people.credentials import view
from ledger.people.oidc import Agreed, Held, IdentityProvider
from ledger.people.oidc_attempts import Answer, Begun
from ledger.people.oidc_door import ProviderDoor
from ledger.people.oidc_links import Link
from ledger.people.oidc_token import check_id_token
from ledger.people.profile import read_profile
from ledger.signing.provider_check import verify_at
from ledger.store.checkpoints import covering
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

METHOD: Final = "oidc"
"""How `Statement.components` names it."""


class ProviderSigning:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, door: ProviderDoor) -> None:
        self._store = store
        self._door = door
        self._provider: IdentityProvider = door.provider

    def prepare(self, account: str) -> str:
        """What `Statement.binding` is to name: the person's link. Called before the statement is made.

        Enters the provider's keys if they changed. Raises SigningError, naming what is missing, and SignInUnreachable.
        """
        found = self._provider.agreed()
        held = self._provider.refresh("asked before a signing")
        with self._store.reading() as connection:
            link = self._link(connection, found, account)
            self._require(connection, found, held, link)
            return str(Address(view(connection).origin, link.index))

    def offers(self, account: str) -> str | None:
        """The provider's host, if this person can sign there as things stand; the provider is not asked."""
        with self._store.reading() as connection:
            found = self._provider.find(connection)
            try:
                if found is None:
                    return None
                held = self._provider.held(connection)
                self._require(connection, found, held, self._link(connection, found, account))
            except LedgerError:
                return None
        return urlsplit(found.body.issuer).netloc

    def begin(self, statement: Statement) -> Begun:
        """Where the signer's browser goes to authenticate for this statement; raises as `prepare`."""
        found = self._provider.agreed()
        self._require_statement(found, statement)
        # Some providers heed one of the two only.
        more = {"acr_values": " ".join(found.body.signing_acr), "max_age": "0", "prompt": "login"}
        return self._door.attempts.begin(found, _about(statement), more, nonce_of(statement))

    def complete(self, statement: Statement, secret: str | None, answer: Answer) -> ProviderProof:
        """The proof that the signer authenticated for this statement, already verified as it will be offline.

        Raises ReauthenticationRequired for a token that does not prove it, SignInUnreachable.
        """
        found = self._provider.agreed()
        held = self._require_statement(found, statement)
        nonce = nonce_of(statement)
        try:
            ended = self._door.attempts.end(found, secret, answer, _about(statement), nonce)
            check_id_token(
                ended.granted, held.keys, nonce, found.body.signing_acr, self._store.clock.now_us(), WINDOW_S
            )
        except NotAuthenticated as error:
            raise ReauthenticationRequired(error.message, advice=error.advice) from None
        with self._store.reading() as connection:
            proof = ProviderProof(token=ended.granted.id_token, keys=str(Address(view(connection).origin, held.index)))
            now, size = self._store.clock.now_us(), view(connection).size
            try:
                verify_at(connection, self._store.kinds, statement, proof, now, size)
            except SignatureInvalid as error:
                raise ReauthenticationRequired(error.message) from None
        return proof

    def _require_statement(self, found: Agreed, statement: Statement) -> Held:
        with self._store.reading() as connection:
            held = self._provider.held(connection)
            link = self._link(connection, found, statement.signer.account)
            self._require(connection, found, held, link)
            address = str(Address(view(connection).origin, link.index))
        if statement.mode is not Mode.PROVIDER or statement.binding != address:
            raise SigningError("the statement is not one that is signed at the identity provider by this person")
        return held

    def _link(self, connection: Connection, found: Agreed, account: str) -> Link:
        links = [one for one in self._door.links.of(connection, account) if one.issuer == found.body.issuer]
        if not links or not links[0].counts:
            raise SigningError(
                f"account {account!r} is not linked to the identity provider, or the link is not confirmed",
                advice="Sign in with other components and link the account, or have two administrators do so.",
            )
        return links[0]

    def _require(self, connection: Connection, found: Agreed, held: Held, link: Link) -> None:
        if Mode.PROVIDER.value not in read_profile(connection).signing_modes:
            raise SigningError(
                "this site does not sign at its identity provider", advice="Sign with local components instead."
            )
        if not found.body.signing_acr:
            raise SigningError(
                "no class of authentication is agreed for signing", advice="Sign with local components instead."
            )
        if held.keys.issuer != found.body.issuer or held.keys.acr != found.body.signing_acr:
            raise SigningError("the provider's keys were not entered under the present agreement")
        for index, what in ((held.index, "the identity provider's keys are"), (link.index, "the account's link is")):
            if covering(connection, SYSTEM_LOG, index) is None:
                raise SigningError(
                    f"{what} not under a checkpoint yet", advice="Wait for the next checkpoint, then sign again."
                )


def _about(statement: Statement) -> dict[str, Any]:
    return {"for": "signing", "statement": sha256(statement_bytes(statement)).hexdigest()}
