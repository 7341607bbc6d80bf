"""Which kinds of entries are configuration under change control, and what proposing and approving them takes."""

from collections.abc import Iterable
from typing import Final

from ledger.core.errors import SchemaViolation
from ledger.people.access import Scope
from ledger.people.roles import Role

CHANGEABLE: Final[dict[str, Scope]] = {
    "identity": Scope.CONFIGURE,
    "asset": Scope.CONFIGURE,
    "calendar": Scope.CONFIGURE,
    "parameter": Scope.CONFIGURE,
    "rule": Scope.CONFIGURE,
    "suppression": Scope.CONFIGURE,
    "mapping": Scope.CONFIGURE,
    "source": Scope.CONFIGURE,
    "signing-route": Scope.APPROVE,
    "signing-list": Scope.ADMIN,
    "role-definition": Scope.ADMIN,
    "retention-rule": Scope.APPROVE,
    "contributing-list": Scope.APPROVE,
    "review-plan": Scope.APPROVE,
}
"""By kind: the scope that proposing an entry of it takes. What each is held to stands in `changes.registry`."""
APPROVERS: Final = (Role.APPROVER, Role.QUALIFIED_PERSON)


def scope_of(kinds: Iterable[str]) -> Scope:
    """What proposing entries of these kinds takes; raises SchemaViolation where they are not all of one sort."""
    unknown = sorted({*kinds} - CHANGEABLE.keys())
    scopes = {CHANGEABLE[kind] for kind in kinds if kind in CHANGEABLE}
    if unknown or len(scopes) != 1:
        raise SchemaViolation(
            f"kind {unknown[0]!r} is no configuration" if unknown else "kinds that different people propose",
            advice=f"One change holds entries of kinds that the same people set: {', '.join(CHANGEABLE)}.",
        )
    return scopes.pop()


def approvers_of(kinds: Iterable[str]) -> tuple[Role, ...]:
    """The roles in one of which a second person signs a change of these kinds."""
    return APPROVERS
