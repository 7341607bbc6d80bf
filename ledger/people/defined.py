"""What a role definition leaves of grants: read from the log's own entries, never off a table.

A definition takes away, and gives back, but never more than a grant names: what it takes away is gone at once from
whoever holds the role; what it gives back comes with a new grant (21 CFR 11.10(d), (g)).
"""

from collections.abc import Iterable, Set

import msgspec
from sqlalchemy import Connection

from ledger.people.access import Scope
from ledger.people.kinds import GrantEntry
from ledger.people.log_view import log_view
from ledger.people.roles import SCOPES, Role
from ledger.store.store import Store


def scopes_now(store: Store, connection: Connection, role: Role) -> tuple[frozenset[Scope], int | None]:
    """What a role has in this snapshot, and the entry that says so; None: the program does."""
    said = log_view(store).definitions(connection, role)
    if not said:
        return SCOPES[role], None
    index, scopes = said[-1]
    return frozenset(scope for scope in SCOPES[role] if scope in scopes), index


def as_defined(store: Store, connection: Connection, grant: GrantEntry) -> GrantEntry:
    """A grant with the scopes that it gives in this snapshot."""
    if grant.role is None:
        return grant
    said = log_view(store).definitions(connection, grant.role)
    return narrowed(grant, said[-1][1]) if said else grant


def narrowed(grant: GrantEntry, defined: Set[str]) -> GrantEntry:
    """A grant of a role with those of its scopes that the role is defined to have."""
    return msgspec.structs.replace(grant, scopes=tuple(scope for scope in grant.scopes if scope in defined))


def withheld(store: Store, connection: Connection, roles: Iterable[str], scope: Scope) -> str:
    """By which definition one of these roles lacks a scope that the program gives it, in words; empty where none."""
    for role in map(Role, roles):
        has, index = scopes_now(store, connection, role)
        if scope in SCOPES[role] - has:
            return f"role {role.value} is defined without it, by entry {index} of the system log"
    return ""
