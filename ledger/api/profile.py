"""The site's profile: what is left to the site, item by item; each change an entry with the value before it."""

from typing import Annotated, Any

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Entered, Reason
from ledger.api.problems import declared
from ledger.people.access import Scope, allow
from ledger.people.administration import require_admin
from ledger.people.profile import Profile

ItemPath = Annotated[str, PathParameter(description="An item of the profile, as `places`.", max_length=100)]


class NewValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The item's value from here on, of the form that the profile is answered in."""

    value: Any
    reason: Reason


@get("/", responses=declared())
async def profile(context: NamedDependency[Context]) -> Profile:
    """Every item as it stands, with its default where it was never set."""
    return await context.lanes.read(context.service.people.profiles.now)


@post("/{item:str}", responses=declared(409))
async def set_item(
    context: NamedDependency[Context], request: CallerRequest, item: ItemPath, data: JSONBody[NewValue]
) -> Entered:
    """Sets an item for the whole ledger."""
    without_nul(item=item, reason=data.reason, value=msgspec.json.encode(data.value).decode())
    service, authority = context.service, request.user.authority

    def enter() -> Entered:
        index = service.people.profiles.set(
            item, data.value, data.reason, authority, lambda one: require_admin(service.store, one, authority)
        )
        return Entered(index=index)

    return await context.lanes.append(enter)


router = Router("/profile", route_handlers=[profile, set_item], opt=allow(Scope.ADMIN), tags=["people"])
