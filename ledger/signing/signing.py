"""All that has to do with a person's signature, assembled."""

from collections.abc import Callable

from ledger.people.entrance import Entrance
from ledger.signing.bindings import Bindings, Told
from ledger.signing.ceremony import Ceremony
from ledger.signing.external import External
from ledger.signing.factors import Factors
from ledger.signing.lists import Lists
from ledger.signing.paper import PaperSignatures
from ledger.signing.passkeys import SigningPasskeys
from ledger.signing.person_keys import PersonKeys, Sealing
from ledger.signing.signatures import Provided, Signatures
from ledger.signing.vouching import Vouching
from ledger.store.store import Store


class Signing:
    """Signing in one ledger. Safe to use from any number of threads.

    `pepper` gives the key provider's secret; `zone` is the site's; `origin` the address of the pages, None where there
    are no passkeys; `sealing` what one look at a sealed key costs.
    """

    def __init__(
        self,
        store: Store,
        entrance: Entrance,
        pepper: Callable[[], bytes],
        zone: str,
        origin: str | None,
        provider: Provided | None = None,
        sealing: Sealing = Sealing(),  # noqa: B008 - frozen
        told: Told | None = None,
    ) -> None:
        keys = self.keys = PersonKeys(pepper, sealing)
        factors = Factors(store, entrance.attempts, entrance.second, entrance.passwords)
        self.lists = Lists(store)
        self.bindings = Bindings(store, keys, factors, told)
        self.vouching = Vouching(store, self.bindings, told)
        self.passkeys = SigningPasskeys(store, self.bindings, origin)
        self.ceremony = Ceremony(store, self.bindings)
        self.external = External(store, self.bindings)
        self.papers = PaperSignatures(store)
        self.signatures = Signatures(store, keys, self.bindings, factors, zone, origin, provider)
