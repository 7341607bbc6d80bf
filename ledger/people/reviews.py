"""The recurrent access review: every account and its rights looked at by somebody else, line by line, and entered.

A review answers for all accounts but the reviewer's own, which takes another reviewer. What is not to be kept is
revoked in the same batch. One that is overdue is a finding.
"""

import secrets
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.address import Address
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import AccessDenied, Conflict, SchemaViolation
from ledger.findings import tables as findings
from ledger.findings.kinds import Finding, FindingSort
from ledger.people import tables
from ledger.people.administration import in_force, require_admin
from ledger.people.credentials import SystemView, read_account, read_entry, read_grants, view
from ledger.people.directory import Directory
from ledger.people.ending import Ends
from ledger.people.kinds import AccountSort, AccountState
from ledger.people.names import opened
from ledger.people.person_kinds import AccessReviewEntry, ReviewedAccount
from ledger.people.persons import DAY_US, last_used
from ledger.people.profile import read_profile
from ledger.people.roles import Role
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store

UNUSED_DAYS: Final = 90
SOON_DAYS: Final = 30


class Flag(StrEnum):
    """What a reviewer should look at."""

    NEVER_USED = "never-used"
    UNUSED = "unused"
    """Not for 90 days."""
    USE_NOT_KEPT = "use-not-kept"
    """A service account: the use of tokens is not on record."""
    EXPIRING = "expiring"
    """A right ends within 30 days."""
    NO_RIGHTS = "no-rights"
    NO_IDENTITY = "no-identity"
    """Nobody recorded how the identity was verified."""
    ADMINISTERS = "administers"


class ReviewLine(msgspec.Struct, frozen=True, kw_only=True):
    """An active account as a reviewer sees it; `own`: the reviewer's, which is somebody else's to review."""

    account: str
    sort: AccountSort
    name: str | None
    roles: tuple[Role, ...]
    scopes: tuple[str, ...]
    last_used: str | None
    last_reviewed: str | None
    flags: tuple[Flag, ...]
    own: bool


class OpenReview(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to review, as of a size of the system log; `due_at`: until when (null: there are no accounts)."""

    system_size: int
    due_at: str | None
    overdue: bool
    lines: tuple[ReviewLine, ...]


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a reviewer decides of one account."""

    account: str
    keep: bool
    remark: str | None = None


class PastReview(msgspec.Struct, frozen=True, kw_only=True):
    """A review that was entered; its address is what a signature of it names."""

    review: str
    index: int
    address: str
    at: str
    by: str
    system_size: int
    due_at: str
    lines: tuple[ReviewedAccount, ...]


class Reviews:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    def open(self, reviewer: str) -> OpenReview:
        """Every active account with its rights and what stands out, for this reviewer."""
        with self._store.reading() as connection:
            seen = view(connection)
            due = _due_us(self._store, connection)
            lines = self._lines(connection, reviewer)
        return OpenReview(
            system_size=seen.size,
            due_at=None if due is None else utc_text(due),
            overdue=due is not None and due < self._store.clock.now_us(),
            lines=lines,
        )

    def enter(self, system_size: int, decisions: Iterable[Decision], reason: str, authority: Authority) -> PastReview:
        """Enters a review of what was open at that size, and revokes every right of accounts that are not kept.

        Raises SchemaViolation unless each account is decided once; AccessDenied for the reviewer's own; Conflict where
        an account or right changed since: then it has to be looked at again.
        """
        decided: dict[str, Decision] = {}
        for one in decisions:
            if one.account in decided:
                raise SchemaViolation(f"account {one.account!r} is decided twice")
            decided[one.account] = one
        if not reason.strip():
            raise SchemaViolation("the reason is empty", advice="Say it in words.")
        if authority.actor in decided:
            raise AccessDenied("nobody reviews their own rights", advice="Leave your own line to another reviewer.")
        ident, ends = f"access-{secrets.token_hex(8)}", Ends(self._store)
        with self._store.reading() as connection:
            lines = tuple(line for line in self._lines(connection, authority.actor) if not line.own)
            days = read_profile(connection).access_review_days
        self._require_complete(decided, lines)
        entry = AccessReviewEntry(
            review=ident,
            system_size=system_size,
            lines=tuple(
                ReviewedAccount(
                    account=line.account,
                    roles=line.roles,
                    keep=decided[line.account].keep,
                    last_used=line.last_used,
                    remark=decided[line.account].remark,
                )
                for line in lines
            ),
            due_at=utc_text(self._store.clock.now_us() + days * DAY_US),
            reason=reason,
            authority=authority,
        )

        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, authority)
            if not 0 < system_size <= transaction.next_index or _changed(transaction, system_size):
                raise Conflict(
                    f"an account or a right changed since the list was opened at {system_size} entries",
                    advice="Open the list again, and decide what changed.",
                )
            for line in entry.lines:
                if not line.keep:
                    ends.grants(transaction, line.account, f"access review {ident}", authority)

        placed = self._store.append(SYSTEM_LOG, Batch([draft(entry)], closing=ends.close, before=check))
        self._directory.forget()
        with self._store.reading() as connection:
            return self._past(connection, view(connection), placed[0].index)

    def past(self) -> tuple[PastReview, ...]:
        """Every review that was entered, newest first."""
        row = tables.access_review.c
        with self._store.reading() as connection:
            seen = view(connection)
            indices = connection.scalars(
                select(row.from_index).where(row.log == SYSTEM_LOG).order_by(row.from_index.desc())
            ).all()
            return tuple(self._past(connection, seen, index) for index in indices)

    def judge(self) -> bool:
        """Enters a finding where the review is overdue, once for each due date; returns whether it did."""
        with self._store.reading() as connection:
            due = _due_us(self._store, connection)
            if due is None or due >= self._store.clock.now_us():
                return False
            last = connection.scalar(
                select(func.max(tables.access_review.c.from_index)).where(tables.access_review.c.log == SYSTEM_LOG)
            )
            row = findings.finding.c
            since = pos_of(SYSTEM_LOG, 0 if last is None else last)
            told = connection.scalar(
                select(func.count())
                .where(row.sort == FindingSort.ACCESS_REVIEW_OVERDUE.value)
                .where(row.pos >= since, row.pos < pos_of(SYSTEM_LOG + 1, 0))
            )
        if told:
            return False
        found = Finding(
            sort=FindingSort.ACCESS_REVIEW_OVERDUE,
            source=None,
            entries=() if last is None else (last,),
            detail=f"The review of all accounts and rights was due at {utc_text(due)}.",
        )
        self._store.append_one(SYSTEM_LOG, draft(found))
        return True

    def _lines(self, connection: Connection, reviewer: str) -> tuple[ReviewLine, ...]:
        row = tables.account.c
        accounts = connection.scalars(
            select(row.key)
            .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.state == AccountState.ACTIVE.value)
            .order_by(row.key)
        ).all()
        used, reviewed, identified = last_used(connection), self._reviewed(connection), _identified(connection)
        return tuple(self._line(connection, one, reviewer, used, reviewed, identified) for one in accounts)

    def _line(
        self,
        connection: Connection,
        account: str,
        reviewer: str,
        used: dict[str, str],
        reviewed: dict[str, str],
        identified: set[str],
    ) -> ReviewLine:
        now = self._store.clock.now_us()
        found = read_account(self._store, connection, account)
        assert found is not None
        body, index = found
        grants = [grant for grant, _ in read_grants(self._store, connection, account) if in_force(grant, now)]
        scopes = sorted({scope.value for grant in grants for scope in grant.scopes})
        flags = _used_flags(body.sort, used.get(account), now)
        ends = [body.expires_at, *(grant.expires_at for grant in grants)]
        if any(end is not None and parse_utc(end) < now + SOON_DAYS * DAY_US for end in ends):
            flags.append(Flag.EXPIRING)
        if not grants:
            flags.append(Flag.NO_RIGHTS)
        if body.sort is AccountSort.PERSON and account not in identified:
            flags.append(Flag.NO_IDENTITY)
        if "admin" in scopes:
            flags.append(Flag.ADMINISTERS)
        return ReviewLine(
            account=account,
            sort=body.sort,
            name=opened(connection, body, index, "title"),
            roles=tuple(sorted({grant.role for grant in grants if grant.role is not None})),
            scopes=tuple(scopes),
            last_used=used.get(account),
            last_reviewed=reviewed.get(account),
            flags=tuple(flags),
            own=account == reviewer,
        )

    def _reviewed(self, connection: Connection) -> dict[str, str]:
        """When each account was last looked at."""
        row = tables.access_review.c
        found: dict[str, str] = {}
        for index in connection.scalars(
            select(row.from_index).where(row.log == SYSTEM_LOG).order_by(row.from_index.desc())
        ):
            entry, logged_us = read_entry(self._store, connection, index, AccessReviewEntry)
            for line in entry.lines:
                found.setdefault(line.account, utc_text(logged_us))
        return found

    def _past(self, connection: Connection, seen: SystemView, index: int) -> PastReview:
        entry, logged_us = read_entry(self._store, connection, index, AccessReviewEntry)
        return PastReview(
            review=entry.review,
            index=index,
            address=str(Address(seen.origin, index)),
            at=utc_text(logged_us),
            by=entry.authority.actor,
            system_size=entry.system_size,
            due_at=entry.due_at,
            lines=entry.lines,
        )

    def _require_complete(self, decided: dict[str, Decision], lines: Sequence[ReviewLine]) -> None:
        there = {line.account for line in lines}
        for account in decided.keys() - there:
            raise SchemaViolation(f"account {account!r} is not open to review")
        missing = sorted(there - decided.keys())
        if missing:
            raise SchemaViolation(
                f"{len(missing)} accounts are not decided, {missing[0]!r} for one",
                advice="Decide every line: a review answers for all accounts.",
            )


def _due_us(store: Store, connection: Connection) -> int | None:
    """Until when the next review is due: as the last one said, or, before the first, counted from the first role."""
    row = tables.access_review.c
    last: int | None = connection.scalar(
        select(row.due_us).where(row.log == SYSTEM_LOG).order_by(row.from_index.desc()).limit(1)
    )
    if last is not None:
        return last
    grant = tables.access_grant.c
    first = connection.scalar(select(func.min(grant.from_index)).where(grant.log == SYSTEM_LOG, grant.role != ""))
    if first is None:
        return None
    logged = parse_utc(decode_leaf(LogReader(connection, SYSTEM_LOG).entry(first).leaf).logged_at)
    return logged + read_profile(connection).access_review_days * DAY_US


def _identified(connection: Connection) -> set[str]:
    row = tables.qualification.c
    return set(
        connection.scalars(
            select(row.account).where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.sort == "identity")
        )
    )


def _used_flags(sort: AccountSort, used: str | None, now_us: int) -> list[Flag]:
    if sort is AccountSort.SERVICE:
        return [Flag.USE_NOT_KEPT]
    if used is None:
        return [Flag.NEVER_USED]
    return [Flag.UNUSED] if parse_utc(used) < now_us - UNUSED_DAYS * DAY_US else []


def _changed(transaction: Transaction, size: int) -> bool:
    """Whether an account or a grant changed since that size, in the log or in this very group commit."""
    marks = ("account", "granted", "revoked", "deactivated")
    if any(isinstance(key, tuple) and key[0] in marks for key in transaction.scratch):
        return True
    for table in (tables.account, tables.access_grant):
        row = table.c
        newest = transaction.connection.scalar(select(func.max(row.from_index)).where(row.log == SYSTEM_LOG))
        if newest is not None and newest >= size:
            return True
    return False
