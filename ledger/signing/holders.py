"""Who holds a role at a moment, read off the log: a row of a table only says where to look."""

from sqlalchemy import Connection, select

from ledger.core.clock import parse_utc
from ledger.core.workflow import Step
from ledger.people import tables
from ledger.people.credentials import read_account, read_grants
from ledger.people.kinds import AccountSort, AccountState, GrantState
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store


class Holders:
    """Grants of persons in one snapshot, as they are in force at `now_us`."""

    def __init__(self, store: Store, connection: Connection, now_us: int) -> None:
        self._store = store
        self._connection = connection
        self._now_us = now_us

    def is_person(self, account: str) -> bool:
        """Whether it is an active account of a person; an inspector's is none that signs."""
        found = read_account(self._store, self._connection, account)
        return found is not None and found[0].sort is AccountSort.PERSON and found[0].state is AccountState.ACTIVE

    def grants(self, account: str, role: str, site: str | None) -> tuple[int, ...]:
        """The entries of the grants by which this person holds the role at the site; none if they don't."""
        if not self.is_person(account):
            return ()
        return tuple(
            index
            for grant, index in read_grants(self._store, self._connection, account)
            if grant.role is not None
            and grant.role.value == role
            and (site is None or not grant.sites or site in grant.sites)
            and (grant.from_at is None or parse_utc(grant.from_at) <= self._now_us)
            and (grant.expires_at is None or parse_utc(grant.expires_at) > self._now_us)
        )

    def all(self, role: str, site: str | None) -> frozenset[str]:
        """Every person who holds the role at the site."""
        row = tables.access_grant.c
        accounts = self._connection.scalars(
            select(row.account)
            .where(row.log == SYSTEM_LOG, row.role == role, row.state == GrantState.GRANTED.value)
            .where(row.to_index.is_(None))
            .distinct()
        ).all()
        return frozenset(account for account in accounts if self.grants(account, role, site))

    def candidates(self, step: Step, site: str | None) -> frozenset[str]:
        """Who could sign a step by role, site and name."""
        able = self.all(step.role, step.site or site)
        return able & frozenset(step.accounts) if step.accounts else able


def unfillable(places: list[tuple[str, frozenset[str]]]) -> str | None:
    """The first of these places (name, who could take it) that nobody is left for, if nobody takes two; None: all fit.

    A matching by augmenting paths: of few people and few places.
    """
    taken: dict[str, int] = {}

    def place(at: int, tried: set[str]) -> bool:
        for person in sorted(places[at][1] - tried):
            tried.add(person)
            if person not in taken or place(taken[person], tried):
                taken[person] = at
                return True
        return False

    return next((name for at, (name, _) in enumerate(places) if not place(at, set())), None)
