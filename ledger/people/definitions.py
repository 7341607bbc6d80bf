"""Role definitions: which of the scopes that the program gives a role it has at this site; changes bring them.

A role keeps what it is for (`roles.KEPT`): so no definition leaves a site without those who propose and approve the
next one. What a definition does to grants stands in `defined`.
"""

from collections.abc import Iterable

import msgspec

from ledger.core.clock import utc_text
from ledger.core.errors import SchemaViolation
from ledger.people.access import Scope
from ledger.people.credentials import read_entry
from ledger.people.definition_kinds import RoleDefinition
from ledger.people.log_view import log_view
from ledger.people.roles import KEPT, SCOPES, Role
from ledger.store.store import Store


class ShownDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A role as it is defined. `withheld`: what the program would give it besides; `kept`: what no definition takes.

    `index`: the entry that defined it so, and when, by whom and why (null: it is as the program has it); `current`: it
    is so now.
    """

    role: Role
    scopes: tuple[Scope, ...]
    withheld: tuple[Scope, ...]
    kept: tuple[Scope, ...]
    current: bool
    index: int | None = None
    at: str | None = None
    by: str | None = None
    reason: str = ""


class Definitions:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[ShownDefinition]:
        """Every role as it is defined now."""
        return [self.versions(role)[-1] for role in Role]

    def versions(self, role: Role) -> list[ShownDefinition]:
        """How a role was and is defined, the oldest first: at first as the program has it."""
        with self._store.reading() as connection:
            said = log_view(self._store).definitions(connection, role)
            found = [_shown(role, SCOPES[role], current=not said)]
            for index, _ in said:
                body, logged_us = read_entry(self._store, connection, index, RoleDefinition)
                found.append(
                    msgspec.structs.replace(
                        _shown(role, body.scopes, current=index == said[-1][0]),
                        index=index,
                        at=utc_text(logged_us),
                        by=body.authority.actor,
                        reason=body.reason,
                    )
                )
        return found


def checked(entry: RoleDefinition) -> RoleDefinition:
    """The definition with its scopes in order, if it can be one.

    Raises SchemaViolation where it names more than the program gives the role, or leaves out what the role is for.
    """
    try:
        entry = msgspec.convert(msgspec.to_builtins(entry), RoleDefinition)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"the definition cannot be so: {error}", advice="Correct what is named.") from None
    more = sorted(frozenset(entry.scopes) - SCOPES[entry.role])
    if more:
        raise SchemaViolation(
            f"role {entry.role.value} never has scope {more[0].value!r}: a site narrows a role, and never widens it",
            advice=f"Choose from {', '.join(sorted(SCOPES[entry.role]))}.",
        )
    wrong = lacking(entry)
    if wrong:
        raise SchemaViolation(wrong, advice=f"Name {' and '.join(sorted(KEPT[entry.role]))} with it.")
    return msgspec.structs.replace(entry, scopes=tuple(sorted(set(entry.scopes))))


def lacking(entry: RoleDefinition) -> str:
    """What a definition leaves out that the role is for, in words; empty if nothing."""
    gone = sorted(KEPT[entry.role] - frozenset(entry.scopes))
    return f"role {entry.role.value} would have no scope {gone[0].value!r}, which it is for" if gone else ""


def _shown(role: Role, scopes: Iterable[Scope], *, current: bool) -> ShownDefinition:
    has = SCOPES[role].intersection(scopes)
    return ShownDefinition(
        role=role,
        scopes=tuple(sorted(has)),
        withheld=tuple(sorted(SCOPES[role] - has)),
        kept=tuple(sorted(KEPT[role])),
        current=current,
    )
