"""Where copies of records stand that removal does not reach, and when the last of them is gone: what people stated.

Backups, replicas and archives are not this program's to remove. Who operates them states how long each keeps what it
got, and every disposal then says when its last copy expires.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec
from sqlalchemy import Connection

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import NotFound, SchemaViolation
from ledger.retention import tables
from ledger.retention.copy_kinds import CopyEntry, CopySort
from ledger.retention.disposal_kinds import Copy
from ledger.retention.entries import history, in_force
from ledger.retention.kinds import end_of_day
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

MOST_DAYS = 36_500


class StatedCopy(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody stated of copies, in the entry `index` of the system log."""

    copy: str
    sort: CopySort
    where: str
    keeps_days: int | None
    expires: str | None
    there: bool
    reason: str
    stated_by: str
    stated_at: str
    index: int


class Remaining(msgspec.Struct, frozen=True, kw_only=True):
    """A copy of what a disposal removes. `expires`: on which day it is gone; where it depends on the day of a removal
    that is still to come, `days` after it. Neither: nobody stated when.

    `entry`: of the system log, that states it; none where the disposal's own request does, or where it was found here.
    """

    sort: CopySort
    where: str
    expires: str | None = None
    days: int | None = None
    entry: int | None = None


class Copies:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def state(
        self,
        copy: str,
        sort: CopySort,
        where: str,
        reason: str,
        authority: Authority,
        *,
        keeps_days: int | None = None,
        expires: str | None = None,
    ) -> int:
        """States copies, or states them otherwise; returns the entry's index.

        Raises SchemaViolation unless it is said, in one of the two ways, when they are gone.
        """
        if (keeps_days is None) == (expires is None):
            raise SchemaViolation(
                "it is stated how many days a copy is kept, or on which day all are gone", advice="Say one of the two."
            )
        if keeps_days is not None and not 0 <= keeps_days <= MOST_DAYS:
            raise SchemaViolation(f"a copy is kept 0 to {MOST_DAYS} days", advice="State the day on which it is gone.")
        if expires is not None:
            require_day(expires)
        entry = CopyEntry(
            copy=copy,
            sort=sort,
            where=where,
            reason=reason,
            authority=authority,
            keeps_days=keeps_days,
            expires=expires,
        )
        return self._store.append_one(SYSTEM_LOG, draft(entry)).index

    def gone(self, copy: str, reason: str, authority: Authority) -> int:
        """States that all copies of that name are gone; returns the entry's index. Raises NotFound."""
        with self._store.reading() as connection:
            past = history(self._store, connection, tables.retention_copy, copy, CopyEntry)
        if not past:
            raise NotFound(f"nobody stated copies {copy!r}", advice="`trailseal retention copies` names all.")
        entry = msgspec.structs.replace(past[-1][1], there=False, reason=reason, authority=authority)
        return self._store.append_one(SYSTEM_LOG, draft(entry)).index

    def all(self) -> list[StatedCopy]:
        """What is stated of copies that are there, in the order of the log."""
        with self._store.reading() as connection:
            return [_shown(*one) for one in in_force(self._store, connection, tables.retention_copy, CopyEntry)]

    def now(self, connection: Connection) -> list[tuple[int, CopyEntry]]:
        """The same as entries, with their indices."""
        found = in_force(self._store, connection, tables.retention_copy, CopyEntry)
        return [(index, body) for index, body, _ in found]


def remaining(
    stated: Sequence[tuple[int, CopyEntry]], requested: Sequence[Copy], cases: Sequence[str], removed_us: int | None
) -> tuple[Remaining, ...]:
    """Every copy that is known of what was removed at that moment (None: it is still to be).

    `requested`: what the disposal's request states besides; `cases`: incidents whose evidence holds some of it.
    """
    found = [Remaining(sort=one.sort, where=one.where, expires=one.expires) for one in requested]
    about_cases = {}
    for index, body in stated:
        one = Remaining(
            sort=body.sort,
            where=body.where,
            expires=_day(body, removed_us),
            days=body.keeps_days if removed_us is None else None,
            entry=index,
        )
        if body.sort is CopySort.INCIDENT:
            about_cases[body.where] = one
        else:
            found.append(one)
    found += [about_cases.get(case, Remaining(sort=CopySort.INCIDENT, where=case)) for case in cases]
    return tuple(found)


def last_day(copies: Sequence[Remaining]) -> str | None:
    """The day on which the last of these copies is gone; None where there is none, or where it is not known."""
    days = [one.expires for one in copies]
    return None if not days or None in days else max(day for day in days if day is not None)


def require_day(day: str) -> None:
    """Raises SchemaViolation for what is no day."""
    try:
        end_of_day(day)
    except (ValueError, OverflowError):
        raise SchemaViolation(f"{day!r} is no day", advice="Write it as 2026-11-25.") from None


def _day(body: CopyEntry, removed_us: int | None) -> str | None:
    if body.keeps_days is None or removed_us is None:
        return body.expires
    # A copy may have been made in the last moment before the removal.
    return (date.fromisoformat(utc_text(removed_us)[:10]) + timedelta(days=body.keeps_days)).isoformat()


def _shown(index: int, body: CopyEntry, logged_us: int) -> StatedCopy:
    return StatedCopy(
        copy=body.copy,
        sort=body.sort,
        where=body.where,
        keeps_days=body.keeps_days,
        expires=body.expires,
        there=body.there,
        reason=body.reason,
        stated_by=body.authority.actor,
        stated_at=utc_text(logged_us),
        index=index,
    )
