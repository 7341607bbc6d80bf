"""By which modes a person can sign now: those that the site allows, and that the person has what it takes for."""

from typing import Final, Protocol

import msgspec
from sqlalchemy import Connection

from ledger.core.errors import NotSignatory
from ledger.core.key_history import KeyHistory, Standing
from ledger.core.signature import Mode
from ledger.people.profile import read_profile
from ledger.signing.history import active, read_history
from ledger.signing.key_tests import require_tested
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


def chosen_key(store: Store, connection: Connection, history: KeyHistory, account: str, mode: Mode | None) -> Standing:
    """The key that a person signs with: of that mode, else their passkey before their sealed key.

    Raises NotSignatory where none counts, or its test is overdue.
    """
    allowed = read_profile(connection).signing_modes
    known = active(connection, history, account, mode)
    # Who signs elsewhere says so: it takes another way than what follows here.
    found = [one for one in known if one.key.mode.value in allowed and (mode or one.key.mode is not Mode.EXTERNAL)]
    if not found:
        raise NotSignatory(
            f"{account!r} has no signing key that counts yet",
            advice="Make one; two people vouch for it; it counts once a checkpoint covers that.",
        )
    chosen = max(found, key=lambda one: (one.key.mode is Mode.PASSKEY, one.requested))
    require_tested(store, connection, chosen)
    return chosen
