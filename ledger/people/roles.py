"""Roles: what each may do, which exclude each other, and which may sign.

A role is a set of scopes under a name that an inspector knows. The scopes of a role stand in the grant's entry, as they
were when it was granted: what somebody could do then is read off the log, not off this table. A site can narrow a role
by a definition of its own (`definitions`).
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from ledger.people.access import Scope


class Role(StrEnum):
    """What a person is to the site's records."""

    AUDITOR = "auditor"
    """Reads and exports."""
    REVIEWER = "reviewer"
    """Reviews audit trails, and signs reviews."""
    APPROVER = "approver"
    """Approves, as quality assurance."""
    QUALIFIED_PERSON = "qualified-person"
    """Certifies batches (Annex 11 §15), and approves."""
    SOURCE_OWNER = "source-owner"
    """Answers for the sources that the grant names."""
    RECORDER = "recorder"
    """Enters by hand what no system records."""
    OPERATOR = "operator"
    """Runs the service: verification, backup, jobs. Sees no record."""
    SECURITY_OFFICER = "security-officer"
    """Accounts, roles, locks and resets. Sees no record."""
    INSPECTOR = "inspector"
    """An authority's inspector, for a time: reads and exports, and each view is entered."""


SCOPES: Final[dict[Role, frozenset[Scope]]] = {
    Role.AUDITOR: frozenset({Scope.READ, Scope.EXPORT, Scope.VERIFY}),
    Role.REVIEWER: frozenset({Scope.READ, Scope.EXPORT, Scope.REVIEW, Scope.ENTER}),
    Role.APPROVER: frozenset({Scope.READ, Scope.EXPORT, Scope.APPROVE}),
    Role.QUALIFIED_PERSON: frozenset({Scope.READ, Scope.EXPORT, Scope.APPROVE}),
    Role.SOURCE_OWNER: frozenset({Scope.READ, Scope.CONFIGURE, Scope.ENTER}),
    Role.RECORDER: frozenset({Scope.READ, Scope.ENTER}),
    Role.OPERATOR: frozenset({Scope.VERIFY, Scope.TILES, Scope.OPERATE}),
    Role.SECURITY_OFFICER: frozenset({Scope.ADMIN}),
    Role.INSPECTOR: frozenset({Scope.READ, Scope.EXPORT}),
}

KEPT: Final[dict[Role, frozenset[Scope]]] = {
    Role.AUDITOR: frozenset({Scope.READ}),
    Role.REVIEWER: frozenset({Scope.READ, Scope.REVIEW}),
    Role.APPROVER: frozenset({Scope.READ, Scope.APPROVE}),
    Role.QUALIFIED_PERSON: frozenset({Scope.READ, Scope.APPROVE}),
    Role.SOURCE_OWNER: frozenset({Scope.READ, Scope.CONFIGURE}),
    Role.RECORDER: frozenset({Scope.READ, Scope.ENTER}),
    Role.OPERATOR: frozenset({Scope.OPERATE}),
    Role.SECURITY_OFFICER: frozenset({Scope.ADMIN}),
    Role.INSPECTOR: frozenset({Scope.READ}),
}
"""What a role is for: no definition of a site takes it away, so nobody is ever locked out by one."""

SIGNING: Final[dict[Role, Scope]] = {
    Role.REVIEWER: Scope.REVIEW,
    Role.APPROVER: Scope.APPROVE,
    Role.QUALIFIED_PERSON: Scope.APPROVE,
    Role.SOURCE_OWNER: Scope.CONFIGURE,
}
"""Roles in which a step of a signing route can be signed, and the scope that it takes."""
RESERVED: Final[dict[str, frozenset[Role]]] = {"certified": frozenset({Role.QUALIFIED_PERSON})}
"""Meanings of signatures that only these roles give."""

GMP: Final = frozenset(
    {Role.AUDITOR, Role.REVIEWER, Role.APPROVER, Role.QUALIFIED_PERSON, Role.SOURCE_OWNER, Role.RECORDER}
)
"""Roles with an interest in the content of records (draft Annex 11 §11.10; MHRA 2018 §6.16)."""
ADMINISTRATIVE: Final = frozenset({Role.OPERATOR, Role.SECURITY_OFFICER})


def conflict(roles: Iterable[Role]) -> tuple[Role, Role] | None:
    """Two of these roles that no one person may hold together; None where there are none.

    Who administers holds no GMP role, and an inspector holds no other role at all.
    """
    held = sorted(set(roles))
    for at, one in enumerate(held):
        for other in held[at + 1 :]:
            if Role.INSPECTOR in (one, other):
                return one, other
            if (one in GMP and other in ADMINISTRATIVE) or (other in GMP and one in ADMINISTRATIVE):
                return one, other
    return None
