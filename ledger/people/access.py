"""Who may do what: the scopes of grants, what a route may declare, and the caller that a request turned out to be."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.errors import AccessDenied


class Scope(StrEnum):
    """What a grant allows."""

    INGEST = "ingest"
    """Hand over runs of the sources that the grant names, and of no other."""
    READ = "read"
    """Search, entries, originals, proofs, checkpoints."""
    VERIFY = "verify"
    """Start and cancel verification runs."""
    TILES = "tiles"
    """Leaf data and tiles, where the site doesn't publish them."""
    ADMIN = "admin"
    """Accounts and grants."""
    CONFIGURE = "configure"
    """What the site says of its systems: maps, inventory, and the life of sources."""


class Door(StrEnum):
    """What a route declares that asks for no scope."""

    OPEN = "open"
    """Anyone: health, public keys, the exchange of a sign-in link for a session."""
    CALLER = "caller"
    """Any authenticated caller, whatever its scopes."""
    PUBLISHED = "published"
    """Anyone where the site publishes its tiles, else scope `tiles`."""
    SIGNED = "signed"
    """Whoever's signature the body bears: an edge agent."""
    CERTIFIED = "certified"
    """An edge agent in use, over TLS with its own certificate."""


Access = Scope | Door


def allow(access: Access) -> dict[str, Access]:
    """What a route handler declares as its `opt`; a route without it makes the application refuse to start."""
    return {"access": access}


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who a request comes from, and what allows it. `expires_us`: until when, at the latest."""

    account: str
    scopes: frozenset[Scope]
    sources: frozenset[str]
    authority: Authority
    expires_us: int | None = None
    grant: str | None = None
    session: str | None = None

    def require_source(self, source: str) -> None:
        """Raises AccessDenied unless the caller's grant is bound to this source."""
        if source not in self.sources:
            raise AccessDenied(
                f"{self.account} holds no grant for source {source!r}",
                advice="Use the token that was issued for this source.",
            )
