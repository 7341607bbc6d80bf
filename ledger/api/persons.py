"""Persons and inspectors: their accounts, roles and qualifications, and what inspectors were shown."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import AccountPath, Entered, Reason, Why
from ledger.api.problems import declared
from ledger.people.access import Scope, allow
from ledger.people.kinds import AccountId
from ledger.people.persons import Person
from ledger.people.qualifications import Established
from ledger.people.role_grants import Granted
from ledger.people.roles import Role
from ledger.people.views import View
from ledger.store.position import MAX_INDEX

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Email = Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern=r"^[^\s<>@]+@[^\s<>@]+$")]
Instant = Annotated[str, msgspec.Meta(max_length=40)]
Day = Annotated[str, msgspec.Meta(max_length=10)]
Names = Annotated[tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=512)], ...], msgspec.Meta(max_length=100)]
QualificationPath = Annotated[str, PathParameter(max_length=100)]
After = Annotated[int, QueryParameter(description="Views entered after this index.", ge=-1, le=MAX_INDEX)]
Limit = Annotated[int, QueryParameter(ge=1, le=500)]


class NewPerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account. With `inspector_until` (2026-11-25T07:10:06.123456Z, at most 90 days) it is an inspector's."""

    account: AccountId
    name: Words
    reason: Reason
    email: Email | None = None
    inspector_until: Instant | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is another from here on."""

    reason: Reason
    name: Words | None = None
    email: Email | None = None


class NewRole(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role, for record logs (`sites`; none: all), and of a source owner for sources (none: all)."""

    role: Role
    reason: Reason
    sites: Names = ()
    sources: Names = ()
    from_at: Instant | None = None
    expires_at: Instant | None = None


class IdentityChecked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an identity was verified (`how`: "passport, number seen"), and on which day."""

    how: Words
    on: Day
    reason: Reason


class Trained(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Training for a role; it counts from `on` to the end of `until`."""

    role: Role
    how: Words
    on: Day
    reason: Reason
    until: Day | None = None


class DeviceTested(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test of a device that bears or makes identification; `until`: when the next is due."""

    credential: Words
    how: Words
    on: Day
    reason: Reason
    passed: bool
    until: Day | None = None


@get("/", responses=declared())
async def persons(context: NamedDependency[Context]) -> list[Person]:
    """Everybody who has or had an account, with the roles that were not revoked, and when they last signed in."""
    return await context.lanes.read(context.service.people.persons.everyone)


@get("/{account:str}", responses=declared())
async def person(context: NamedDependency[Context], account: AccountPath) -> Person:
    """One account."""
    without_nul(account=account)
    return await context.lanes.read(context.service.people.persons.show, account)


@post("/", responses=declared(409))
async def create_person(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewPerson]
) -> Entered:
    """Makes an account without any right. Its id is never issued again."""
    without_nul(name=data.name, reason=data.reason, email=data.email)
    index = await context.lanes.append(
        context.service.people.persons.create,
        data.account,
        data.name,
        data.reason,
        request.user.authority,
        email=data.email,
        inspector_until=data.inspector_until,
    )
    return Entered(index=index)


@post("/{account:str}/change", responses=declared(409))
async def change_person(
    context: NamedDependency[Context], request: CallerRequest, account: AccountPath, data: JSONBody[Changed]
) -> Entered:
    """Another name or address; what it was stays on record."""
    without_nul(account=account, name=data.name, email=data.email, reason=data.reason)
    index = await context.lanes.append(
        context.service.people.persons.change,
        account,
        data.reason,
        request.user.authority,
        name=data.name,
        email=data.email,
    )
    return Entered(index=index)


@post("/{account:str}/roles", responses=declared(409))
async def grant_role(
    context: NamedDependency[Context], request: CallerRequest, account: AccountPath, data: JSONBody[NewRole]
) -> Granted:
    """Grants a role to somebody else; `expires_at` of the answer may be earlier than asked, where training ends."""
    texts = {f"name {at}": name for at, name in enumerate((*data.sites, *data.sources))}
    without_nul(account=account, reason=data.reason, **texts)
    return await context.lanes.append(
        context.service.people.role_grants.grant,
        account,
        data.role,
        data.reason,
        request.user.authority,
        sites=data.sites,
        sources=data.sources,
        from_at=data.from_at,
        expires_at=data.expires_at,
    )


@get("/{account:str}/qualifications", responses=declared())
async def qualifications(context: NamedDependency[Context], account: AccountPath) -> list[Established]:
    """What is established about a person, and was not taken back."""
    without_nul(account=account)
    return await context.lanes.read(context.service.people.qualifications.of, account)


@post("/{account:str}/identity", responses=declared(409))
async def check_identity(
    context: NamedDependency[Context], request: CallerRequest, account: AccountPath, data: JSONBody[IdentityChecked]
) -> Entered:
    """Records how another person's identity was verified, and when."""
    without_nul(account=account, how=data.how, reason=data.reason)
    work = context.service.people.qualifications.identity
    authority = request.user.authority
    return Entered(index=await context.lanes.append(work, account, data.how, data.on, data.reason, authority))


@post("/{account:str}/training", responses=declared(409))
async def record_training(
    context: NamedDependency[Context], request: CallerRequest, account: AccountPath, data: JSONBody[Trained]
) -> Entered:
    """Records another person's training for a role."""
    without_nul(account=account, how=data.how, reason=data.reason)
    index = await context.lanes.append(
        context.service.people.qualifications.training,
        account,
        data.role,
        data.how,
        data.on,
        data.until,
        data.reason,
        request.user.authority,
    )
    return Entered(index=index)


@post("/{account:str}/devices", responses=declared(409))
async def test_device(
    context: NamedDependency[Context], request: CallerRequest, account: AccountPath, data: JSONBody[DeviceTested]
) -> Entered:
    """Records the test of another person's device, with its result."""
    without_nul(account=account, credential=data.credential, how=data.how, reason=data.reason)
    index = await context.lanes.append(
        context.service.people.qualifications.device,
        account,
        data.credential,
        data.how,
        data.on,
        data.reason,
        request.user.authority,
        passed=data.passed,
        until=data.until,
    )
    return Entered(index=index)


@post("/qualifications/{qualification:str}/withdrawal", responses=declared(409))
async def withdraw(
    context: NamedDependency[Context], request: CallerRequest, qualification: QualificationPath, data: JSONBody[Why]
) -> Entered:
    """Takes back what was established; roles that rest on a training end with it."""
    without_nul(qualification=qualification, reason=data.reason)
    work = context.service.people.qualifications.withdraw
    return Entered(index=await context.lanes.append(work, qualification, data.reason, request.user.authority))


@get("/{account:str}/views", responses=declared())
async def views(
    context: NamedDependency[Context], account: AccountPath, after: After = -1, limit: Limit = 100
) -> list[View]:
    """What an inspector was shown and took out, in order; for the next page give the last `index` as `after`."""
    without_nul(account=account)
    return await context.lanes.read(context.service.people.views.of, account, after, limit)


router = Router(
    "/persons",
    route_handlers=[
        persons,
        person,
        create_person,
        change_person,
        grant_role,
        qualifications,
        check_identity,
        record_training,
        test_device,
        withdraw,
        views,
    ],
    opt=allow(Scope.ADMIN),
    tags=["people"],
)
