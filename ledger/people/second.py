"""Second factors as they are shown: a device's code or a passkey, each good once."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.people import passkeys
from ledger.people.components import Component, secret_of
from ledger.people.person_kinds import CredentialSort
from ledger.people.tables import door_use
from ledger.people.totp import DeviceSecrets, step_of
from ledger.people.uses import advance, last_of
from ledger.store.append import Transaction
from ledger.store.store import Store


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody shows beside a password: a device's code, or an authenticator's answer."""

    code: str | None = None
    passkey: dict[str, Any] | None = None

    @property
    def method(self) -> str:
        return (CredentialSort.TOTP if self.passkey is None else CredentialSort.PASSKEY).value


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A second factor that was right; `use` keeps it from being shown again, in the transaction of what it allows.

    `use` raises NotAuthenticated where it was shown already, or a later one was.
    """

    component: Component
    use: Callable[[Transaction], None]


class SecondFactors:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, devices: DeviceSecrets, origin: str | None) -> None:
        self._store = store
        self._devices = devices
        self._origin = origin

    def look(self, connection: Connection, components: Sequence[Component], proof: Proof, nonce: str) -> Shown | None:
        """Which of these components was shown rightly in the step with this nonce; None if none was."""
        if proof.passkey is not None:
            return self._passkey(connection, components, proof.passkey, nonce)
        return None if proof.code is None else self._code(connection, components, proof.code)

    def _code(self, connection: Connection, components: Sequence[Component], code: str) -> Shown | None:
        typed = "".join(code.split())
        for one in components:
            if one.sort is CredentialSort.TOTP:
                secret = self._devices.open(one.body.account, one.name, secret_of(connection, one))
                step = step_of(secret, typed, self._store.clock.now_us())
                if step is not None:
                    return Shown(component=one, use=_advancing(one.name, step))
        return None

    def _passkey(
        self, connection: Connection, components: Sequence[Component], answer: dict[str, Any], nonce: str
    ) -> Shown | None:
        name = passkeys.passkey_name(passkeys.shown_identifier(answer))
        one = next((found for found in components if found.name == name), None)
        if one is None or one.body.passkey is None:
            return None
        key = door_use.c.key == f"component:{name}"
        last = connection.scalar(select(door_use.c.value).where(key)) or 0
        count = passkeys.shown(passkeys.site_of(self._origin), answer, nonce, one.body.passkey, last)
        return None if count is None else Shown(component=one, use=_advancing(name, count, counts=False))


def _advancing(name: str, value: int, counts: bool = True) -> Callable[[Transaction], None]:
    def use(transaction: Transaction) -> None:
        # An authenticator without a counter says 0 each time; its challenge is good once all the same.
        if counts or value or last_of(transaction, name):
            advance(transaction, name, value)

    return use
