"""Who may change accounts and roles: decided under the head lock, from the entries of grants.

Until two persons hold roles, whoever has the ledger's folder sets up accounts, *not authenticated*: that is the first
start. From then on a grant with scope `admin` is needed; should it come to fewer than two persons again, because rights
ended, the folder's holder can help again, and each such entry says so. Level 2 decides the same again.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, or_, select

from ledger.core.address import parse_address
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import AccessDenied
from ledger.people import tables
from ledger.people.access import Scope
from ledger.people.credentials import read_entry, read_grants
from ledger.people.kinds import AccountState, GrantEntry, GrantState, SessionEntry
from ledger.store.append import Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.store import Store

FOUNDERS = 2
"""Persons who hold roles once the first start is over."""
_HOLDERS = "role holders"


def require_admin(store: Store, transaction: Transaction, authority: Authority, sites: Iterable[str] = ()) -> None:
    """Raises AccessDenied unless this authority may change accounts and roles, for these record logs (none: all).

    A grant that is bound to record logs allows rights in these alone.
    """
    if not authority.authenticated:
        if started(store, transaction):
            raise AccessDenied(
                "the first start is over: direct access to the folder no longer changes accounts and roles",
                advice="Sign in as a security officer, or give a token with scope admin (TRAILSEAL_CREDENTIAL).",
            )
        return
    wanted, relied = frozenset(sites), {parse_address(address).index for address in authority.entries}
    now = store.clock.now_us()
    for grant, index in read_grants(store, transaction.connection, authority.actor):
        reaches = not grant.sites or (bool(wanted) and wanted <= set(grant.sites))
        if index in relied and Scope.ADMIN in grant.scopes and in_force(grant, now) and reaches:
            return
    raise AccessDenied(f"{authority.actor} holds no grant with scope 'admin' for this")


def started(store: Store, transaction: Transaction) -> bool:
    """Whether at least two persons hold roles now, those of this group commit with them."""
    held: set[str] = transaction.scratch.get(_HOLDERS, set())
    return len(held | role_holders(transaction.connection, store.clock.now_us())) >= FOUNDERS


def note_holder(transaction: Transaction, account: str) -> None:
    """An account gets a role in this group commit."""
    transaction.scratch.setdefault(_HOLDERS, set()).add(account)


def role_holders(connection: Connection, now_us: int) -> set[str]:
    """Active accounts that hold a role in force."""
    row, account = tables.access_grant.c, tables.account.c
    active = select(account.key).where(
        account.log == SYSTEM_LOG, account.to_index.is_(None), account.state == AccountState.ACTIVE.value
    )
    found = connection.scalars(
        select(row.account)
        .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.state == GrantState.GRANTED.value, row.role != "")
        .where(
            or_(row.from_us.is_(None), row.from_us <= now_us), or_(row.expires_us.is_(None), row.expires_us > now_us)
        )
        .where(row.account.in_(active))
        .distinct()
    )
    return set(found)


def in_force(grant: GrantEntry, now_us: int) -> bool:
    """Whether a grant has begun, was not revoked and has not expired."""
    begun = grant.from_at is None or parse_utc(grant.from_at) <= now_us
    return begun and not_over(grant, now_us)


def not_over(grant: GrantEntry, now_us: int) -> bool:
    """Whether a grant is in force, or still to come."""
    return grant.state is GrantState.GRANTED and (grant.expires_at is None or parse_utc(grant.expires_at) > now_us)


def is_person(store: Store, connection: Connection, authority: Authority) -> bool:
    """Whether somebody who signed in acts, as the entries say that the authority names."""
    if not authority.authenticated:
        return False
    reader = LogReader(connection, SYSTEM_LOG)
    for address in authority.entries:
        index = parse_address(address).index
        if decode_leaf(reader.entry(index).leaf).kind == "session-event":
            session, _ = read_entry(store, connection, index, SessionEntry)
            return bool(session.methods) and session.account == authority.actor
    return False
