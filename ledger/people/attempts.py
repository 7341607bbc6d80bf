"""Refused components, counted under the head lock: whoever tries many at once gets no more tries than one by one.

Each refusal is an entry, and the one that reaches the profile's limit locks the account in the same transaction. What a
try came to is answered only after that, so nobody learns more than the limit's number of outcomes. A locked account is
counted no further (`security-event`): strangers can't fill the ledger.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.entry import Draft, draft
from ledger.core.errors import AccessDenied, Conflict, NotAuthenticated
from ledger.people.administration import require_admin
from ledger.people.alerts import Alerts
from ledger.people.kinds import SecuritySort, SessionEvent
from ledger.people.person_kinds import Purpose, SignInEntry, SignInEvent
from ledger.people.profile import read_profile
from ledger.people.security import Security, network_of
from ledger.people.tables import browser_session, sign_in
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.store import Store

DOOR: Final = Authority(actor="service:sign-in", authenticated=False)
"""Who enters what strangers did at an account."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an account stands at the door: components refused since the last that was accepted, and whether it is locked.

    `since`: the entry that says so; None where nothing was refused.
    """

    failures: int = 0
    locked: bool = False
    since: int | None = None


def standing(connection: Connection, account: str) -> Standing:
    """How the account stands in this snapshot."""
    row = sign_in.c
    last = connection.execute(
        select(row.pos, row.event, row["count"].label("failures"))
        .where(row.account == account, row.event != SignInEvent.ALERTED.value)
        .order_by(row.pos.desc())
        .limit(1)
    ).first()
    if last is None or last.event == SignInEvent.UNLOCKED.value:
        return Standing()
    index = index_of(last.pos)
    if last.event == SignInEvent.LOCKED.value:
        return Standing(failures=last.failures, locked=True, since=index)
    column = browser_session.c
    accepted = connection.scalar(
        select(column.from_index)
        .where(column.log == SYSTEM_LOG, column.account == account, column.from_index > index)
        .where(column.event == SessionEvent.STARTED.value)
        .limit(1)
    )
    return Standing() if accepted is not None else Standing(failures=last.failures, since=index)


def standing_under_lock(transaction: Transaction, account: str) -> Standing:
    """How the account stands, with what the same group commit did to it."""
    noted: Standing | None = transaction.scratch.get(("standing", account))
    return standing(transaction.connection, account) if noted is None else noted


class Attempts:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, security: Security, alerts: Alerts) -> None:
        self._store = store
        self._security = security
        self._alerts = alerts

    def refused(self, account: str, purpose: Purpose, method: str, network: str | None) -> Standing:
        """Enters that a component of the account was refused, and the lock if it is one too many.

        Durable once this returns; whoever is responsible was told of a lock then.
        """
        after = Standing()

        def count(transaction: Transaction, _placed: Sequence[Placed]) -> Sequence[Draft]:
            nonlocal after
            before = standing_under_lock(transaction, account)
            if before.locked:
                after = before
                return ()
            failures = before.failures + 1
            locked = failures >= read_profile(transaction.connection).failures_before_lock
            after = Standing(failures=failures, locked=locked)
            transaction.scratch["standing", account] = after
            events = [(SignInEvent.FAILED, f"{method} was not accepted")]
            if locked:
                events.append((SignInEvent.LOCKED, f"{failures} refusals in a row"))
            return [
                draft(
                    SignInEntry(
                        account=account,
                        event=event,
                        purpose=purpose,
                        count=failures,
                        reason=reason,
                        authority=DOOR,
                        method=method,
                        network=None if network is None else network_of(network),
                    )
                )
                for event, reason in events
            ]

        placed = self._store.append(SYSTEM_LOG, Batch([], closing=count))
        if not placed:
            self._security.note(SecuritySort.UNAUTHENTICATED, account=account)
        elif after.locked:
            self._alerts.locked(account, placed[-1].index)
        return after

    def require_open(self, account: str) -> None:
        """Raises NotAuthenticated where the account is locked, as of all that was refused until now.

        What was accepted is answered only after this: a lock that came in between counts.
        """
        self._store.append(SYSTEM_LOG, Batch([], before=lambda transaction: refuse_locked(transaction, account)))

    def standing(self, account: str) -> Standing:
        """How the account stands now."""
        with self._store.reading() as connection:
            return standing(connection, account)

    def unlock(self, account: str, reason: str, authority: Authority) -> int:
        """Opens a locked account; returns the entry's index.

        Whoever has the ledger's folder may as well, *not authenticated*: else strangers could lock out every
        administrator. It opens the way to no component. Raises Conflict for an account that is not locked, AccessDenied
        for one's own.
        """
        if authority.authenticated and authority.actor == account:
            raise AccessDenied("nobody unlocks their own account", advice="Ask another security officer.")

        def check(transaction: Transaction) -> None:
            if authority.authenticated:
                require_admin(self._store, transaction, authority)
            found = standing_under_lock(transaction, account)
            if not found.locked:
                raise Conflict(f"account {account!r} is not locked")
            transaction.scratch["standing", account] = Standing()

        entry = SignInEntry(
            account=account,
            event=SignInEvent.UNLOCKED,
            purpose=Purpose.SIGN_IN,
            count=self.standing(account).failures,
            reason=reason,
            authority=authority,
        )
        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index


def refuse_locked(transaction: Transaction, account: str) -> None:
    """Raises NotAuthenticated where the account is locked, in the words of any other refusal."""
    if standing_under_lock(transaction, account).locked:
        raise not_accepted()


def not_accepted() -> NotAuthenticated:
    """The one answer to whatever was wrong: name, password, code, or an account that is locked or was deactivated."""
    return NotAuthenticated(
        "name and components were not accepted",
        advice="Check them and try again. After some refusals the account is locked; a security officer unlocks it.",
    )


def unalerted(connection: Connection, low: int = 0) -> list[tuple[str, int]]:
    """Accounts that are locked with nobody told of it yet, each with the entry of the lock."""
    row = sign_in.c
    found = connection.execute(
        select(row.account, row.pos, row.event)
        .where(row.pos >= pos_of(SYSTEM_LOG, low), row.event != SignInEvent.FAILED.value)
        .order_by(row.pos)
    ).all()
    last = {one.account: (one.event, index_of(one.pos)) for one in found}
    return [(account, index) for account, (event, index) in sorted(last.items()) if event == SignInEvent.LOCKED.value]
