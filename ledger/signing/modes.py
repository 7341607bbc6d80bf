"""By which modes a person can sign now: those that the site allows, and that the person has what it takes for."""

from typing import Final, Protocol

import msgspec

from ledger.core.signature import Mode
from ledger.people.profile import read_profile
from ledger.signing.history import active, read_history
from ledger.store.store import Store

_OWN: Final = (Mode.PASSKEY, Mode.SEALED_KEY, Mode.EXTERNAL)
"""What is signed here before what is brought back, the stronger first."""


class Offers(Protocol):
    """Signing at the site's identity provider (`signing.provider`)."""

    def offers(self, account: str) -> str | None:
        """The provider's host, if the person can sign there; asks nobody."""
        ...


class Modes(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody can sign by, as it is offered; `host`: the identity provider's, where that is among it."""

    modes: tuple[Mode, ...] = ()
    host: str | None = None


def modes_of(store: Store, provider: Offers, account: str) -> Modes:
    """What a person can sign by now; a key or link that waits for others, or for a checkpoint, is not among it."""
    with store.reading() as connection:
        allowed = read_profile(connection).signing_modes
        own = {one.key.mode for one in active(connection, read_history(store, connection), account)}
    host = provider.offers(account)
    found = [mode for mode in _OWN if mode in own and mode.value in allowed]
    return Modes(modes=(*found, Mode.PROVIDER) if host is not None else tuple(found), host=host)
