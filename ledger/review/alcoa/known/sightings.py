"""Who was seen at which terminal: by person where the map tells whose the account is, else by account."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from ledger.core.clock import MICROSECONDS
from ledger.core.looks import Span
from ledger.core.parameters import Travel
from ledger.review.alcoa.facts import Owner, Sighting, Told
from ledger.review.alcoa.known.maps import Account, Accounts
from ledger.review.alcoa.known.records import MAX_CLOCK_ERROR_US, Records
from ledger.review.alcoa.known.rows import within
from ledger.store import schema
from ledger.store.position import index_of

Who = str | Account


def sightings(
    connection: Connection,
    log: int,
    size: int,
    records: Records,
    accounts: Accounts,
    asked: Sequence[tuple[Told, Owner | None, Travel]],
) -> Mapping[int, list[Sighting]]:
    """For each record by its index: where else the same one was seen, so near in time that a way can be too long."""
    spans = [(told, told.span, _who(told, owner), _longest(table)) for told, owner, table in asked]
    dated = [(told, span, who, longest) for told, span, who, longest in spans if span is not None and longest]
    if not dated:
        return {}
    around = max(longest for *_, longest in dated) + MAX_CLOCK_ERROR_US
    low, high = min(span.low_us for _, span, *_ in dated), max(span.high_us for _, span, *_ in dated)
    row = schema.record.c
    names = {account for _, _, who, _ in dated for _, account in _accounts(accounts, who)}
    stations = {name for *_, table in asked for one, other, _ in table.pairs for name in (one, other)}
    found = connection.scalars(
        select(row.pos).where(
            within(log, size, low - around, high + around), row.actor.in_(names), row.workstation.in_(stations)
        )
    )
    seen: dict[Who, list[tuple[int, Sighting]]] = defaultdict(list)
    for index, told in records.told(map(index_of, found)).items():
        actor, span = told.record.actor, told.span
        if span is not None and actor.workstation is not None:
            who = _who(told, accounts.owner(told.record.source, actor, told.about))
            seen[who].append((index, Sighting(span=span, workstation=actor.workstation)))
    return {
        told.index: [one for index, one in seen[who] if index != told.index and _apart(span, one.span) < longest]
        for told, span, who, longest in dated
    }


def _apart(one: Span, other: Span) -> int:
    """The longest that can lie between the two."""
    return max(other.high_us - one.low_us, one.high_us - other.low_us)


def _longest(table: Travel) -> int:
    return max((seconds for *_, seconds in table.pairs), default=0) * MICROSECONDS


def _who(told: Told, owner: Owner | None) -> Who:
    return (
        owner.id if owner is not None and owner.id is not None else (told.record.source, str(told.record.actor.account))
    )


def _accounts(accounts: Accounts, who: Who) -> set[Account]:
    return accounts.of_person[who] if isinstance(who, str) else {who}
