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
from ledger.sources.maps import person_at

_NOBODY = (ActorKind.SERVICE, ActorKind.DEVICE)


class Performers(msgspec.Struct, frozen=True, kw_only=True):
    """Who did the work; `unresolved` of them are accounts of sources that no map gives to a person."""

    names: frozenset[str]
    unresolved: int


def performers_of(connection: Connection, log: int, bodies: Iterable[msgspec.Struct]) -> Performers:
    """The performers of these entries of a log, as its identity map has it now."""
    names: set[str] = set()
    unresolved: set[str] = set()
    known: dict[tuple[str, str, int], tuple[bool, str | None]] = {}
    for body in bodies:
        if not isinstance(body, RecordBody):
            authority = getattr(body, "authority", None)
            if isinstance(authority, Authority) and not authority.actor.startswith("service:"):
                names.add(authority.actor)
            continue
        record = body.record
        at_us = record.occurred_at.instant_us
        if at_us is None:
            at_us = parse_utc(body.received_at)
        for account in (record.actor.account, record.actor.on_behalf_of):
            if account is None or record.actor.kind in _NOBODY:
                continue
            key = (record.source, account, at_us)
            if key not in known:
                found = person_at(connection, log, *key)
                known[key] = (found is None or found.kind not in _NOBODY, None if found is None else found.person)
            human, person = known[key]
            if person is not None:
                names.add(person)
            elif human:
                unresolved.add(f"{record.source}:{account}")
    return Performers(names=frozenset(names | unresolved), unresolved=len(unresolved))
