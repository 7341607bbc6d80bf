"""Who came, who left, who was refused: log-ins, log-outs and failed ones, to be searched and sorted (draft Annex 11
§11.9). Read off the projections of the system log, which verification compares with it.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.core.entry import decode_leaf
from ledger.people.kinds import SessionEvent
from ledger.people.tables import browser_session, sign_in
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store


class Coming(StrEnum):
    """What happened at the door."""

    LOGIN = "login"
    LOGOUT = "logout"
    FAILED = "failed"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    ALERTED = "alerted"


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One event: for which account, at which entry, and when that was logged. `count`: failures in a row."""

    entry: int
    logged_at: str
    event: Coming
    account: str
    count: int | None = None


def comings(
    store: Store,
    *,
    account: str | None = None,
    events: Iterable[Coming] = (),
    after: int | None = None,
    before: int | None = None,
    newest_first: bool = True,
    limit: int = 50,
) -> list[Happened]:
    """Events of these sorts (all where none is named) of one account or all, between two entries, in order."""
    wanted = frozenset(events) or frozenset(Coming)
    low, high = (-1 if after is None else after), before
    with store.reading() as connection:
        found: list[tuple[int, Coming, str, int | None]] = []
        if Coming.LOGIN in wanted:
            rows = _sessions(connection, browser_session.c.from_index, account, low, high, newest_first, limit)
            found += [(index, Coming.LOGIN, one, None) for index, one in rows]
        if Coming.LOGOUT in wanted:
            rows = _sessions(connection, browser_session.c.to_index, account, low, high, newest_first, limit)
            found += [(index, Coming.LOGOUT, one, None) for index, one in rows]
        found += _refusals(connection, wanted, account, low, high, newest_first, limit)
        found.sort(key=lambda one: one[0], reverse=newest_first)
        reader = LogReader(connection, SYSTEM_LOG)
        return [
            Happened(
                entry=index,
                logged_at=decode_leaf(reader.entry(index).leaf).logged_at,
                event=event,
                account=one,
                count=count,
            )
            for index, event, one, count in found[:limit]
        ]


def _sessions(
    connection: Connection, at: Any, account: str | None, low: int, high: int | None, newest_first: bool, limit: int
) -> list[tuple[int, str]]:
    row = browser_session.c
    query = select(at, row.account).where(row.log == SYSTEM_LOG, row.event == SessionEvent.STARTED.value, at > low)
    if account is not None:
        query = query.where(row.account == account)
    if high is not None:
        query = query.where(at < high)
    found = connection.execute(query.order_by(at.desc() if newest_first else at).limit(limit)).all()
    return [(one[0], one[1]) for one in found]


def _refusals(
    connection: Connection,
    wanted: frozenset[Coming],
    account: str | None,
    low: int,
    high: int | None,
    newest_first: bool,
    limit: int,
) -> list[tuple[int, Coming, str, int | None]]:
    row = sign_in.c
    query = select(row.pos, row.event, row.account, row["count"].label("failures")).where(
        row.event.in_(sorted(one.value for one in wanted)), row.pos > pos_of(SYSTEM_LOG, low)
    )
    if account is not None:
        query = query.where(row.account == account)
    if high is not None:
        query = query.where(row.pos < pos_of(SYSTEM_LOG, high))
    found = connection.execute(query.order_by(row.pos.desc() if newest_first else row.pos).limit(limit)).all()
    return [(index_of(one.pos), Coming(one.event), one.account, one.failures) for one in found]
