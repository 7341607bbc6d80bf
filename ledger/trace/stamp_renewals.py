"""The renewals that carry time-stamps beyond what these rest on: each with the proof that it covers the ones before it.

Of each authority the first renewal that covers a time-stamp is taken, then the first that covers that one, and so on:
a chain that a verifier without the ledger can walk.
"""

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection

from ledger.core.hashing import unb64
from ledger.core.kinds import KindRegistry
from ledger.core.passkey import unb64url
from ledger.core.renewals import paths
from ledger.core.timestamp_entries import TimestampRenewalEntry, Tsas
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.trust.renewing import Renewals, leaves
from ledger.trust.timestamp_reading import read_body


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """A time-stamp, or renewal, by its entry, and where it stands in the tree that was renewed."""

    index: int
    place: int
    path: tuple[bytes, ...]


class CarryingRenewal(msgspec.Struct, frozen=True, kw_only=True):
    """A renewal as a package has it. `origin` is that of the system log, whose entries before `high` it covers.

    `pinned` is the entry that pins the authority with these certificates (DER) and policy.
    """

    index: int
    tsa: str
    pinned: int
    certificates: tuple[bytes, ...]
    policy: str | None
    origin: str
    high: int
    count: int
    root: bytes
    token: bytes
    revocation: tuple[bytes, ...]
    covers: tuple[Covered, ...]


def renewals_of(
    connection: Connection, kinds: KindRegistry, tsas: Tsas, renewals: Renewals, stamps: Collection[int]
) -> tuple[CarryingRenewal, ...]:
    """The chains of renewals that hold of the time-stamps at these entries, in the order of the log."""
    if not stamps or not renewals.held:
        return ()
    bodies = {one.index: read_body(kinds, connection, one.index, TimestampRenewalEntry)[0] for one in renewals.held}
    wanted = _chains(bodies, stamps)
    origin = next(log.origin for log in read_logs(connection) if log.number == SYSTEM_LOG)
    in_order = list(leaves(kinds, connection))
    places = {index: place for place, (index, _) in enumerate(in_order)}
    hashes = [leaf for _, leaf in in_order]
    found = []
    for index in sorted(wanted):
        body = bodies[index]
        tsa = tsas.by_proposal(body.proposed)
        assert tsa is not None
        proven = paths(hashes[: body.count], [places[one] for one in wanted[index]])
        covers = tuple(Covered(index=one, place=places[one], path=proven[places[one]]) for one in sorted(wanted[index]))
        found.append(
            CarryingRenewal(
                index=index,
                tsa=body.tsa,
                pinned=tsa.proposed,
                certificates=tsa.certificates,
                policy=tsa.policy,
                origin=origin,
                high=body.high,
                count=body.count,
                root=unb64(body.root, 64),
                token=unb64url(body.token),
                revocation=tuple(map(unb64url, body.revocation)),
                covers=covers,
            )
        )
    return tuple(found)


def _chains(bodies: dict[int, TimestampRenewalEntry], stamps: Collection[int]) -> dict[int, set[int]]:
    """What each renewal is to be proven to cover."""
    wanted: dict[int, set[int]] = {}
    waiting, authorities = list(stamps), {body.tsa for body in bodies.values()}
    while waiting:
        one = waiting.pop()
        for tsa in authorities:
            over = next((at for at, body in bodies.items() if body.tsa == tsa and body.high > one), None)
            if over is None:
                continue
            if over not in wanted:
                waiting.append(over)
            wanted.setdefault(over, set()).add(one)
    return wanted
