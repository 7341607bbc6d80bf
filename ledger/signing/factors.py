"""What a person shows to sign, held against what the log has of them; each refusal is counted at the door.

Whatever was wrong, the answer is one: neither name nor component is told to be the wrong one, and a locked account is
answered alike.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from sqlalchemy import Connection

from ledger.core.errors import NotAuthenticated, NotSignatory, ReauthenticationRequired
from ledger.people.attempts import Attempts, not_accepted, refuse_locked
from ledger.people.components import SECOND as SECOND_SORTS
from ledger.people.components import Component, read_components, secret_of, unchanged
from ledger.people.device_tests import device_overdue
from ledger.people.passwords import Passwords
from ledger.people.person_kinds import CredentialSort, PasskeyFacts, Purpose
from ledger.people.second import Proof, SecondFactors
from ledger.store.append import Transaction
from ledger.store.store import Store

PASSWORD, SECOND, SIGNING_SECRET, SIGNING_PASSKEY = "password", "second-factor", "signing-secret", "signing-passkey"
IDENTITY_PROVIDER: Final = "identity-provider"
"""Fresh authentication at the site's identity provider, by the components that it asks for."""
CERTIFICATE: Final = "external-certificate"
"""A certificate whose key is elsewhere: what made the signature that is brought back."""
SECRET_LENGTH: Final = 512


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The components of a signing: what a person types, or the passkey that they sign in with.

    The assertion of a signing passkey is no component but the proof itself.
    """

    password: Annotated[str, msgspec.Meta(max_length=SECRET_LENGTH)] | None = None
    code: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    passkey: dict[str, Any] | None = None
    secret: Annotated[str, msgspec.Meta(max_length=SECRET_LENGTH)] | None = None

    def __repr__(self) -> str:
        return "Shown(…)"


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The components of sign-in that were right: their entries, and what of them is used up under the head lock."""

    components: tuple[Component, ...] = ()
    uses: tuple[Callable[[Transaction], None], ...] = ()

    @property
    def indices(self) -> tuple[int, ...]:
        return tuple(one.index for one in self.components)

    def use(self, transaction: Transaction) -> None:
        """Refuses a code that was used, or a component that was changed, meanwhile."""
        if not unchanged(transaction, self.components):
            raise not_accepted()
        for use in self.uses:
            use(transaction)


class Factors:
    """Safe to use from any number of threads; a password takes Argon2's time."""

    def __init__(
        self, store: Store, attempts: Attempts, second: SecondFactors, passwords: Passwords | None = None
    ) -> None:
        self._store = store
        self._attempts = attempts
        self._second = second
        self._passwords = passwords or Passwords()

    def check(
        self,
        account: str,
        needed: tuple[str, ...],
        shown: Shown,
        network: str | None,
        own: Callable[[], None],
        nonce: str = "",
    ) -> Accepted:
        """Returns only if all that is needed was shown and is right; `own` checks the signing key's part, and raises.

        `nonce`: what a passkey of sign-in was challenged with.

        Raises ReauthenticationRequired where something needed was not shown at all (nothing is counted then), and
        NotAuthenticated else, after it was counted.
        """
        given = {PASSWORD: shown.password, SECOND: shown.code or shown.passkey, SIGNING_SECRET: shown.secret}
        missing = [name for name in needed if name in given and not given[name]]
        if missing:
            raise ReauthenticationRequired(
                f"this signing takes {', '.join(needed)}; {', '.join(missing)} was not shown",
                advice="Show every component that is asked for, and sign again.",
            )
        self._attempts.require_open(account)
        with self._store.reading() as connection:
            found, wrong = self._sign_in_part(connection, account, needed, shown, nonce)
        try:
            own()
        except NotAuthenticated:
            wrong.append(SIGNING_SECRET if SIGNING_SECRET in needed else SIGNING_PASSKEY)
        if wrong:
            self.refuse(account, "+".join(needed), network)
        self._require_tested(account, found.components)
        return found

    def _require_tested(self, account: str, components: tuple[Component, ...]) -> None:
        """Raises NotSignatory where a device was right, but its test is overdue (21 CFR 11.300(e))."""
        with self._store.reading() as connection:
            for one in components:
                if one.sort in SECOND_SORTS and device_overdue(self._store, connection, account, one.name, one.set_us):
                    raise NotSignatory(
                        f"the test of your device {one.body.title or one.name!r} is overdue",
                        advice="Have a security officer test it and record that (`trailseal user qualify`), then sign.",
                    )

    def refuse(self, account: str, method: str, network: str | None) -> None:
        """Counts a refusal, and raises what every refusal is answered with."""
        self._attempts.refused(account, Purpose.SIGNING, method, network)
        raise not_accepted()

    def passkeys(self, account: str) -> list[PasskeyFacts]:
        """The passkeys that the person signs in with."""
        with self._store.reading() as connection:
            components = read_components(self._store, connection, account)
        return [one.body.passkey for one in components if one.body.passkey is not None]

    def is_login_password(self, account: str, text: str) -> bool:
        """Whether this is the password that the person signs in with."""
        with self._store.reading() as connection:
            components = read_components(self._store, connection, account)
            return any(self._is_password(connection, one, text) for one in components)

    def _sign_in_part(
        self, connection: Connection, account: str, needed: tuple[str, ...], shown: Shown, nonce: str
    ) -> tuple[Accepted, list[str]]:
        components = read_components(self._store, connection, account)
        used: list[Component] = []
        uses: list[Callable[[Transaction], None]] = []
        wrong = []
        if PASSWORD in needed:
            right = [one for one in components if self._is_password(connection, one, shown.password or "")]
            if not any(one.sort is CredentialSort.PASSWORD for one in components):
                self._passwords.matches_nothing(shown.password or "")
            used += right
            if not right:
                wrong.append(PASSWORD)
        if SECOND in needed:
            proof = Proof(code=shown.code, passkey=shown.passkey)
            found = self._second.look(connection, components, proof, nonce)
            if found is None:
                wrong.append(SECOND)
            else:
                used.append(found.component)
                uses.append(found.use)
        return Accepted(components=tuple(used), uses=tuple(uses)), wrong

    def _is_password(self, connection: Connection, one: Component, text: str) -> bool:
        return one.sort is CredentialSort.PASSWORD and self._passwords.matches(
            secret_of(connection, one)["argon2"], text
        )


def require_unlocked(transaction: Transaction, account: str) -> None:
    """Raises, in the words of any refusal, where the account was locked while its components were looked at."""
    refuse_locked(transaction, account)
