"""What keeps a personal value from being erased: GMP retention, a legal hold, an incident, a signatory's printed name.

Whoever signed, approved, reviewed or performed in a GMP record stays readable for its whole retention (21 CFR 11.50,
11.10(e); Regulation (EU) 2016/679 Article 17(3)(b)).
"""

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import decode_leaf
from ledger.core.record import RecordBody
from ledger.people import tables as people
from ledger.people.kinds import AccountEntry, AccountEntry1, AccountState, account_of
from ledger.people.profile import Profile
from ledger.people.roles import GMP
from ledger.present.messages import message
from ledger.privacy.erasure_kinds import CoverSort, ErasedRow
from ledger.privacy.look_up_kinds import LookUpEntry
from ledger.retention.holds import Held, Holds, held
from ledger.retention.judging import Preserves
from ledger.sources.kinds import CollectionRun, Quarantined
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.store import Store

YEAR_US: Final = 31_557_600 * 1_000_000
"""A year of 365.25 days."""
PERFORMED: Final = "actor.name"


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """Why a value stays: `answer` is what the person can be told."""

    sort: CoverSort
    answer: str


def cover_of(
    store: Store,
    connection: Connection,
    logs: dict[int, LogId],
    profile: Profile,
    target: ErasedRow,
    member: str,
    rows: tuple[ErasedRow, ...],
    preserves: Preserves,
) -> Cover | None:
    """What covers the target, or any other row that would have to go with it; None where nothing does."""
    for row in rows:
        body, logged_us = _entry(store, connection, row)
        log = logs[row.log].name
        record = body.record if isinstance(body, RecordBody) else None
        links = [(link.kind.value, link.id) for link in record.links] if record is not None else []
        case = preserves(row.log, row.index, links)
        if case is not None:
            return _cover(CoverSort.INCIDENT, case=case)
        if isinstance(body, RecordBody | Quarantined | CollectionRun):
            source = body.record.source if isinstance(body, RecordBody) else body.source
            hold = _hold(store, connection, log, row.index, body, logged_us)
            if hold is not None:
                return _cover(CoverSort.HOLD, hold=hold)
            until = logged_us + profile.retention_years * YEAR_US
            if source not in profile.sources_without_gmp and store.clock.now_us() < until:
                performer = row == target and member == PERFORMED
                day = utc_text(until)[:10]
                return _cover(CoverSort.PERFORMER if performer else CoverSort.RETENTION, until=day)
        elif isinstance(body, AccountEntry | AccountEntry1):
            found = _account(connection, account_of(body), member)
            if found is not None:
                return found
        elif not isinstance(body, LookUpEntry):
            return _cover(CoverSort.OWN_TRAIL)
    return None


def _account(connection: Connection, body: AccountEntry, member: str) -> Cover | None:
    """A name stays where its bearer could sign; an address while the account is in use."""
    account = people.account.c
    state = connection.scalar(
        select(account.state).where(account.log == SYSTEM_LOG, account.key == body.account, account.to_index.is_(None))
    )
    if state != AccountState.DEACTIVATED.value:
        return _cover(CoverSort.IN_USE)
    grant = people.access_grant.c
    roles = sorted(role.value for role in GMP)
    could_sign = connection.scalar(
        select(grant.key).where(grant.account == body.account, grant.role.in_(roles)).limit(1)
    )
    if member == "title" and could_sign is not None:
        return _cover(CoverSort.SIGNATORY)
    return None


def _hold(
    store: Store, connection: Connection, log: str, index: int, body: msgspec.Struct, logged_us: int
) -> str | None:
    """The hold that covers an entry; of one that is no record, its subjects and times at the source are not known."""
    if isinstance(body, RecordBody):
        what = held(log, index, body, logged_us)
    else:
        what = Held(log=log, index=index, source=getattr(body, "source", None))
    return Holds(store).over(connection, what)


def _entry(store: Store, connection: Connection, row: ErasedRow) -> tuple[msgspec.Struct | None, int]:
    stored = LogReader(connection, row.log).entry(row.index)
    leaf = decode_leaf(stored.leaf)
    body = None if stored.body is None else store.kinds[leaf.kind].decode(stored.body)
    return body, parse_utc(leaf.logged_at)


def _cover(sort: CoverSort, **places: str) -> Cover:
    return Cover(sort=sort, answer=message(f"erasure.answer.{sort.value}", **places))
