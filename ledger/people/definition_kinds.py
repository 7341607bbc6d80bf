"""Which scopes a role has at this site: an entry of the system log, which only a change of configuration brings."""

from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Text
from ledger.people.access import Scope
from ledger.people.roles import Role


class RoleDefinition(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="role-definition/1"
):
    """From here on the role has these scopes at this site, and no other."""

    role: Role
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=len(Scope))]
    reason: Text
    authority: Authority


KINDS = (Kind("role-definition", [RoleDefinition]),)
