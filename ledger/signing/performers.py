"""Who did the work that is to be signed: from the records' actors through the identity map, and whoever caused entries.

What no map resolves is kept as `source:account`, and counts against an account of that name here: rather one witness
too few than a performer among the signers.
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.record import ActorKind, RecordBody
from ledger.core.review import Review
from ledger.sources.maps import Used, persons_at

_NOBODY = (ActorKind.SERVICE, ActorKind.DEVICE)


class Performers(msgspec.Struct, frozen=True, kw_only=True):
    """Who did the work; `unresolved` of them are accounts of sources that no map gives to a person."""

    names: frozenset[str]
    unresolved: int

    def includes(self, account: str) -> bool:
        """Whether who has this account here did some of it; an account of a source counts by its name alone too."""
        return account.casefold() in {name.casefold() for one in self.names for name in (one, one.rpartition(":")[2])}


def performers_of(connection: Connection, log: int, bodies: Iterable[msgspec.Struct]) -> Performers:
    """The performers of these entries of a log, as its identity map has it now."""
    names: set[str] = set()
    used: dict[Used, None] = {}
    for body in bodies:
        if isinstance(body, Review):
            continue  # who reviewed signs that they did; who did what is reviewed, the request names
        if not isinstance(body, RecordBody):
            authority = getattr(body, "authority", None)
            if isinstance(authority, Authority) and not authority.actor.startswith("service:"):
                names.add(authority.actor)
            continue
        record = body.record
        at_us = record.occurred_at.instant_us
        if at_us is None:
            at_us = parse_utc(body.received_at)
        if record.actor.kind not in _NOBODY:
            for name in (record.actor.account, record.actor.on_behalf_of):
                if name is not None:
                    used[record.source, name, at_us] = None
    unresolved: set[str] = set()
    for (source, account, _), found in zip(used, persons_at(connection, log, None, list(used)), strict=True):
        if found is not None and found.person is not None:
            names.add(found.person)
        elif found is None or found.kind not in _NOBODY:
            unresolved.add(f"{source}:{account}")
    return Performers(names=frozenset(names | unresolved), unresolved=len(unresolved))
