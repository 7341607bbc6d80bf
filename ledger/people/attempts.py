"""Refused components, counted under the head lock: whoever tries many at once gets no more tries than one by one.

Each refusal is an entry, and the one that reaches the profile's limit locks the account in the same transaction. What a
try came to is answered only after that, so nobody learns more than the limit's number of outcomes. A locked account is
counted no further (`security-event`): strangers can't fill the ledger.

A session that begins makes the count at the door begin anew, a valid signature the count at signing, and neither the
other's: else who can sign in, and cannot sign, could guess at a signing secret for ever, signing in after every few
tries.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.authority import Authority
from ledger.core.entry import Draft, draft
from ledger.core.errors import AccessDenied, Conflict, NotAuthenticated
from ledger.people.administration import require_admin
from ledger.people.alerts import Alerts
from ledger.people.kinds import SecuritySort, SessionEvent
from ledger.people.log_view import log_view
from ledger.people.person_kinds import Purpose, SignInEntry, SignInEvent
from ledger.people.profile import read_profile
from ledger.people.security import Security, network_of
from ledger.people.tables import ACCEPTED, browser_session, sign_in
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.store import Store

DOOR: Final = Authority(actor="service:sign-in", authenticated=False)
"""Who enters what strangers did at an account."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an account stands at the door: refusals since the last that was accepted, `signing` of them at signing.

    `since`: the entry that says so; None where nothing was refused.
    """

    failures: int = 0
    signing: int = 0
    locked: bool = False
    since: int | None = None


def standing(connection: Connection, account: str) -> Standing:
    """How the account stands in this snapshot."""
    row, column = sign_in.c, browser_session.c
    last = connection.execute(
        select(row.pos, row.event, row["count"].label("failures"))
        .where(row.account == account, row.event.in_((SignInEvent.LOCKED.value, SignInEvent.UNLOCKED.value)))
        .order_by(row.pos.desc())
        .limit(1)
    ).first()
    if last is not None and last.event == SignInEvent.LOCKED.value:
        return Standing(failures=last.failures, locked=True, since=index_of(last.pos))
    opened = -1 if last is None else last.pos
    came = connection.scalar(
        select(func.max(column.from_index))
        .where(column.log == SYSTEM_LOG, column.account == account)
        .where(column.event == SessionEvent.STARTED.value)
    )
    signed = connection.scalar(select(func.max(row.pos)).where(row.account == account, row.event == ACCEPTED))
    door = _refusals(
        connection, account, Purpose.SIGN_IN, max(opened, -1 if came is None else pos_of(SYSTEM_LOG, came))
    )
    signing = _refusals(connection, account, Purpose.SIGNING, max(opened, -1 if signed is None else signed))
    since = max((pos for _, pos in (door, signing) if pos is not None), default=None)
    return Standing(failures=door[0] + signing[0], signing=signing[0], since=None if since is None else index_of(since))


def _refusals(connection: Connection, account: str, purpose: Purpose, after: int) -> tuple[int, int | None]:
    """How many refusals for a purpose there are after a position, and where the last is."""
    row = sign_in.c
    found = connection.execute(
        select(func.count(), func.max(row.pos)).where(
            row.account == account, row.pos > after, row.event == SignInEvent.FAILED.value, row.purpose == purpose.value
        )
    ).one()
    return found[0], found[1]


def came_in(transaction: Transaction, account: str) -> None:
    """The account's person signs in, in this group commit."""
    before = standing_under_lock(transaction, account)
    transaction.scratch["standing", account] = Standing(failures=before.signing, signing=before.signing)


def signed(transaction: Transaction, account: str) -> None:
    """The account's person signs, in this group commit."""
    before = standing_under_lock(transaction, account)
    transaction.scratch["standing", account] = Standing(failures=before.failures - before.signing)


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
            after = Standing(failures=failures, signing=before.signing + (purpose is Purpose.SIGNING), locked=locked)
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

        What was accepted is answered only after this: a lock that came in between counts. So does one whose row
        somebody took out of its table; raises IntegrityError where the site's profile is not what its entries say.
        """

        def check(transaction: Transaction) -> None:
            refuse_locked(transaction, account)
            seen = log_view(self._store)
            if ("standing", account) not in transaction.scratch and seen.locked(transaction.connection, account):
                raise not_accepted()
            seen.require_profile(transaction.connection)

        self._store.append(SYSTEM_LOG, Batch([], before=check))

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
        .where(row.pos >= pos_of(SYSTEM_LOG, low), row.event.not_in((SignInEvent.FAILED.value, ACCEPTED)))
        .order_by(row.pos)
    ).all()
    last = {one.account: (one.event, index_of(one.pos)) for one in found}
    return [(account, index) for account, (event, index) in sorted(last.items()) if event == SignInEvent.LOCKED.value]
