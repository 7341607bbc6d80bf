"""The projector of role definitions."""

from collections.abc import Iterable

from ledger.core import canonical
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.people import tables as t
from ledger.people.definition_kinds import RoleDefinition


class RoleDefinitionProjector:
    """How each role is defined that the site has defined, from which entry on."""

    name = "role-definition"
    version = 1
    kinds = frozenset({"role-definition"})
    table = t.role_definition.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: RoleDefinition = entry.body
        yield Valid(body.role.value, (canonical.dumps([scope.value for scope in body.scopes]).decode(),))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """The projector of role definitions."""
    return (RoleDefinitionProjector(),)
