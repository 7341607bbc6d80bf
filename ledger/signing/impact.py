"""Signatures and signing requests that rest on affected entries.

A signature does where its target covers one, where it is by a key whose binding is affected, or is affected itself.
"""

from collections.abc import Iterator

from sqlalchemy import select

from ledger.core.members import Members
from ledger.findings.impact import Affected, Artefact, Reading, places
from ledger.signing.route_tables import signing_request, signing_target
from ledger.signing.tables import REQUEST, SIGNATURE, set_run, signature, signed_entry
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of

_SORTS = {SIGNATURE: "signature", REQUEST: "signing-request"}


def impact(reading: Reading, affected: Affected) -> Iterator[Artefact]:
    """Each signature, then each request, in the order of the system log."""
    found: dict[str, dict[int, str]] = {SIGNATURE: {}, REQUEST: {}}
    for log, members in sorted(affected.items()):
        origin = reading.origins[log]
        for sort, index, target in (*_listed(reading, origin, members), *_in_sets(reading, origin, members)):
            found[sort].setdefault(index, f"{origin}#{target}")
    own = affected.get(SYSTEM_LOG, Members())
    for low, high in places(SYSTEM_LOG, own):
        for pos in reading.connection.scalars(
            select(signature.c.pos).where(signature.c.pos >= low, signature.c.pos < high)
        ):
            found[SIGNATURE].setdefault(index_of(pos), reading.address(SYSTEM_LOG, index_of(pos)))
    for low, high in own.runs():
        row = signing_request.c
        opened = select(row.opened).where(row.log == SYSTEM_LOG, row.opened.between(low, high))
        for index in reading.connection.scalars(opened.distinct()):
            found[REQUEST].setdefault(index, reading.address(SYSTEM_LOG, index))
    for index, binding in _by_keys(reading, own):
        found[SIGNATURE].setdefault(index, binding)
    for sort, entries in found.items():
        for index, because in sorted(entries.items()):
            at = reading.address(SYSTEM_LOG, index)
            yield Artefact(sort=_SORTS[sort], id=at, at=at, because=because)


def _listed(reading: Reading, origin: str, members: Members) -> Iterator[tuple[str, int, int]]:
    """What lists an affected entry one by one: (sort, its entry, the affected one)."""
    signed, asked = signed_entry.c, signing_target.c
    for low, high in members.runs():
        query = select(signed.pos, signed.target).where(signed.origin == origin, signed.target.between(low, high))
        for pos, target in reading.connection.execute(query.order_by(signed.pos, signed.target)):
            yield SIGNATURE, index_of(pos), target
        query = select(asked.pos, asked.entry).where(asked.origin == origin, asked.entry.between(low, high))
        for pos, target in reading.connection.execute(query.order_by(asked.pos, asked.entry)):
            yield REQUEST, index_of(pos), target


def _in_sets(reading: Reading, origin: str, members: Members) -> Iterator[tuple[str, int, int]]:
    row = set_run.c
    for low, high in members.runs():
        query = select(row.sort, row.pos, row.low).where(row.origin == origin, row.low <= high, row.high >= low)
        for sort, pos, first in reading.connection.execute(query.order_by(row.pos, row.low)):
            yield sort, index_of(pos), max(low, first)


def _by_keys(reading: Reading, own: Members) -> Iterator[tuple[int, str]]:
    """Signatures by keys whose binding is affected."""
    row = signature.c
    if not own:
        return
    bindings = reading.connection.scalars(select(row.binding).where(row.binding != "").distinct()).all()
    for address in sorted(bindings):
        if int(address.rpartition("#")[2]) in own:
            for pos in reading.connection.scalars(select(row.pos).where(row.binding == address)):
                yield index_of(pos), address
