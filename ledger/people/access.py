"""Who may do what: the scopes of grants, what a route may declare, and the caller that a request turned out to be."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.errors import AccessDenied
from ledger.people.places import AtTerminal, Place


class Scope(StrEnum):
    """What a grant allows."""

    INGEST = "ingest"
    """Hand over runs of the sources that the grant names, and of no other."""
    READ = "read"
    """Search, entries, inclusion proofs, checkpoints: to look at, on the pages and over the API."""
    VERIFY = "verify"
    """Start and cancel verification runs."""
    TILES = "tiles"
    """Leaf data and tiles, where the site doesn't publish them."""
    ADMIN = "admin"
    """Accounts and grants."""
    CONFIGURE = "configure"
    """What the site says of its systems: maps, inventory, and the life of sources."""
    EXPORT = "export"
    """Take copies out: originals, leaves, bodies and proof files, packages, lists as CSV. Reading alone takes none."""
    REVIEW = "review"
    """Perform audit trail reviews."""
    APPROVE = "approve"
    """Approve what others reviewed."""
    OPERATE = "operate"
    """See how the service runs, and its jobs."""
    ENTER = "enter"
    """Enter by hand what no system records."""


OF_SERVICES: Final = frozenset(Scope) - {Scope.REVIEW, Scope.APPROVE, Scope.ENTER}
"""Scopes that a service account can be granted: only people review, approve, and enter by hand."""
SOURCE_BOUND: Final = frozenset({Scope.INGEST, Scope.CONFIGURE})
"""Scopes that a grant's list of sources narrows; reading goes by the site."""


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


def allow(access: Access, *, signs: bool = False) -> dict[str, Any]:
    """What a route handler declares as its `opt`; a route without it makes the application refuse to start.

    `signs`: somebody signs by it, which the site can bind to places.
    """
    return {"access": access, "signs": signs}


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """One grant of a caller: what it allows, and where.

    `sites`: the record logs that it is for, by name; `sources`: the sources that its source-bound scopes are for. Where
    a list is empty it is for all of them.
    """

    scopes: frozenset[Scope]
    grant: str = ""
    index: int | None = None
    role: str | None = None
    sites: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()

    def allows(self, scope: Scope, site: str | None, source: str | None) -> bool:
        if scope not in self.scopes or (self.sites and site is not None and site not in self.sites):
            return False
        return scope not in SOURCE_BOUND or not self.sources or source in self.sources


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who a request comes from, and what allows it.

    `expires_us`: until when, at the latest. `watched`: each view of this caller is entered (an inspector's). `person`:
    a person who authenticated; only such a caller ever signs. `places`: the site's rules of from where rights may be
    used; `terminal`: the one that the session began at, while that counts.
    """

    account: str
    authority: Authority
    rights: tuple[Right, ...] = ()
    expires_us: int | None = None
    grant: str | None = None
    session: str | None = None
    person: bool = False
    watched: bool = False
    places: tuple[Place, ...] = ()
    terminal: AtTerminal | None = None

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the caller may do somewhere."""
        return frozenset().union(*(right.scopes for right in self.rights))

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that the caller holds somewhere, in order."""
        return tuple(sorted({right.role for right in self.rights if right.role is not None}))

    def allows(self, scope: Scope, site: str | None = None, source: str | None = None) -> bool:
        """Whether a grant of the caller allows this; without `site` it is of no record log: the ledger's own affairs.

        A grant that names sources configures these alone, and nothing that belongs to no source.
        """
        return any(right.allows(scope, site, source) for right in self.rights)

    def sees(self, sites: Iterable[str]) -> list[str]:
        """Those of these record logs that the caller may read."""
        return [site for site in sites if self.allows(Scope.READ, site)]

    def require_source(self, source: str) -> None:
        """Raises AccessDenied unless a grant of the caller is bound to this source."""
        if not any(source in right.sources for right in self.rights):
            raise AccessDenied(
                f"{self.account} holds no grant for source {source!r}",
                advice="Use the token that was issued for this source.",
            )


def every_site(scopes: Iterable[Scope], sources: Iterable[str] = ()) -> tuple[Right, ...]:
    """The rights of a caller that is bound to no site."""
    return (Right(scopes=frozenset(scopes), sources=frozenset(sources)),)
