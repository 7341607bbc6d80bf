"""Rules over who may be given what by whom, decided again from the system log's entries as they stood before.

Nobody grants to, vouches for or reviews themselves; no one holds two roles that exclude each other; no definition of a
role takes from it what it is for; and once two persons hold roles, an entry that says *not authenticated* makes no
person and no administrator, as `people.administration` has it.
"""

from bisect import bisect_left
from typing import Final, TypeVar

import msgspec

from ledger.core.address import parse_address
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.people.access import Scope
from ledger.people.administration import FOUNDERS, in_force, not_over
from ledger.people.definition_kinds import RoleDefinition
from ledger.people.definitions import lacking
from ledger.people.kinds import AccountEntry, AccountSort, AccountState, GrantEntry, GrantState, present
from ledger.people.person_kinds import (
    AccessReviewEntry,
    DocumentEntry,
    QualificationEntry,
    QualificationSort,
    ViewedEntry,
    Viewing,
)
from ledger.people.roles import conflict

Body = TypeVar("Body")
ABOUT_PEOPLE: Final = (QualificationEntry, DocumentEntry, AccessReviewEntry, ViewedEntry)


def about_people(body: msgspec.Struct) -> Scope | None:
    """The scope that an entry of these kinds takes; None for any grant in force."""
    if isinstance(body, ViewedEntry):
        return Scope.EXPORT if body.how is Viewing.EXPORTED else None
    if isinstance(body, QualificationEntry) and body.sort is QualificationSort.ACCOUNTABILITY:
        return None
    return Scope.ADMIN


class Separation:
    """Accounts and grants of the system log, as of any size of it."""

    def __init__(self) -> None:
        self._accounts: dict[str, list[tuple[int, AccountEntry]]] = {}
        self._at: dict[int, GrantEntry] = {}
        self._grants: dict[str, dict[str, list[tuple[int, GrantEntry]]]] = {}
        self._logged: list[tuple[int, int]] = []

    def enter(self, entry: Entry) -> None:
        """Takes the system log's next entry."""
        body = present(entry.body)
        if isinstance(body, AccountEntry | GrantEntry):
            self._logged.append((entry.logged_us, entry.index + 1))
        if isinstance(body, AccountEntry):
            self._accounts.setdefault(body.account, []).append((entry.index, body))
        elif isinstance(body, GrantEntry):
            self._at[entry.index] = body
            self._grants.setdefault(body.account, {}).setdefault(body.grant, []).append((entry.index, body))

    def started_by(self, at_us: int) -> bool:
        """Whether at least two persons held roles then: the first start was over."""
        return len(self._holders(self._size_by(at_us), at_us)) >= FOUNDERS

    def held(self, account: str, role: str, site: str | None, at_us: int) -> bool:
        """Whether an active account held this role then, for a record log (None: in the ledger's own affairs)."""
        size = self._size_by(at_us)
        known = _latest(self._accounts.get(account, []), size)
        return (
            known is not None
            and known.state is AccountState.ACTIVE
            and any(
                one.role == role and in_force(one, at_us) and (site is None or not one.sites or site in one.sites)
                for one in self._held(account, size)
            )
        )

    def broken(self, entry: Entry, body: msgspec.Struct) -> str:
        """The rule that an entry of the system log breaks; empty if none."""
        authority = getattr(body, "authority", None)
        if not isinstance(authority, Authority):
            return ""
        if isinstance(body, QualificationEntry):
            return _vouching(body)
        if isinstance(body, RoleDefinition):
            return lacking(body)
        if isinstance(body, AccessReviewEntry) and any(line.account == authority.actor for line in body.lines):
            return f"{authority.actor} reviewed their own rights"
        if isinstance(body, GrantEntry):
            return self._granting(entry, body) or self._first_start(entry, body, body.role is not None, authority)
        if isinstance(body, AccountEntry):
            return self._issuing(entry, body) or self._first_start(
                entry, body, body.sort is not AccountSort.SERVICE, authority
            )
        return ""

    def _granting(self, entry: Entry, body: GrantEntry) -> str:
        if body.state is not GrantState.GRANTED:
            return ""
        if body.authority.actor == body.account:
            return f"{body.account} granted to themselves"
        account = _latest(self._accounts.get(body.account, []), entry.index)
        if account is None or account.state is not AccountState.ACTIVE:
            return f"account {body.account!r} was not active when it was granted this"
        if body.role is None:
            return ""
        held = {
            one.role
            for one in self._held(body.account, entry.index)
            if one.role is not None and not_over(one, entry.logged_us)
        }
        pair = conflict({*held, body.role})
        if pair is not None:
            return f"{body.account} would be {pair[0].value} and {pair[1].value}"
        return self._out_of_reach(body)

    def _out_of_reach(self, body: GrantEntry) -> str:
        """Who administers some record logs grants for these alone."""
        if not body.authority.authenticated:
            return ""
        named = (self._at.get(parse_address(address).index) for address in body.authority.entries)
        reaches = [set(one.sites) for one in named if one is not None and Scope.ADMIN in one.scopes]
        if not reaches or any(not sites or (body.sites and set(body.sites) <= sites) for sites in reaches):
            return ""  # without a grant that administers, what the entry takes is not held: that is said elsewhere
        return f"{body.authority.actor} granted beyond the record logs that they administer"

    def _issuing(self, entry: Entry, body: AccountEntry) -> str:
        before = _latest(self._accounts.get(body.account, []), entry.index)
        if before is None:
            return ""
        if before.state is AccountState.DEACTIVATED:
            return f"account {body.account!r} had been deactivated: its id is never issued again"
        return "" if before.sort is body.sort else f"account {body.account!r} stood for something else"

    def _first_start(self, entry: Entry, body: msgspec.Struct, of_person: bool, authority: Authority) -> str:
        administers = isinstance(body, GrantEntry) and Scope.ADMIN in body.scopes and body.state is GrantState.GRANTED
        if authority.authenticated or not (of_person or administers):
            return ""
        size = entry.index if authority.system_size is None else authority.system_size
        holders = self._holders(size, entry.logged_us)
        if len(holders) < FOUNDERS:
            return ""
        return f"it says not authenticated, though {len(holders)} persons held roles: the first start was over"

    def _size_by(self, at_us: int) -> int:
        """The size of the system log by which all of accounts and grants was said that was said by then."""
        return max((size for logged_us, size in self._logged if logged_us <= at_us), default=0)

    def _holders(self, size: int, at_us: int) -> set[str]:
        return {account for account in self._grants if self._holds(account, size, at_us)}

    def _holds(self, account: str, size: int, at_us: int) -> bool:
        known = _latest(self._accounts.get(account, []), size)
        if known is None or known.state is not AccountState.ACTIVE:
            return False
        return any(one.role is not None and in_force(one, at_us) for one in self._held(account, size))

    def _held(self, account: str, size: int) -> list[GrantEntry]:
        latest = (_latest(changes, size) for changes in self._grants.get(account, {}).values())
        return [one for one in latest if one is not None]


def _latest(changes: list[tuple[int, Body]], size: int) -> Body | None:
    """What was said last before that size."""
    at = bisect_left(changes, size, key=lambda one: one[0])
    return changes[at - 1][1] if at else None


def _vouching(body: QualificationEntry) -> str:
    own = body.authority.actor == body.account
    if body.sort is QualificationSort.ACCOUNTABILITY and body.holds:
        return "" if own else f"somebody else accepted accountability for {body.account}"
    return f"{body.account} said this of themselves" if own else ""


def expired(account: AccountEntry, at_us: int) -> bool:
    """Whether an account (an inspector's) had ended by then."""
    return account.expires_at is not None and parse_utc(account.expires_at) < at_us
