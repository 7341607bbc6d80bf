"""What a site says of its reviews, under change control: plans, and which systems contribute to a batch."""

from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Table, select

from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.core.kinds import Kind
from ledger.core.review import CONTRIBUTING_LIST, REVIEW_PLAN, ContributingList, PlanScope, ReviewPlan
from ledger.review.reviews import tables as t
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of

ANY_PRODUCT = "*"
"""The key of the list for products that have none of their own."""
Body = TypeVar("Body", bound=msgspec.Struct)


class KnownPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan by its entry."""

    entry: int
    plan: ReviewPlan


class KnownList(msgspec.Struct, frozen=True, kw_only=True):
    """A list by its entry."""

    entry: int
    list: ContributingList


def checked_plan(body: ReviewPlan) -> ReviewPlan:
    """The plan, if it can be one; raises SchemaViolation."""
    made = _valid(body, ReviewPlan, "plan")
    risks = [one.from_risk for one in made.samples]
    if sorted(set(risks)) != risks:
        raise SchemaViolation("the depths of a plan's samples are not in order of their risk", advice="Order them.")
    if made.scope is PlanScope.BATCH and made.sources:
        raise SchemaViolation("a plan for batches names sources", advice="Which systems contribute says their list.")
    if made.scope is PlanScope.PERIOD and made.product is not None:
        raise SchemaViolation("a plan for periods names a product", advice="Name sources in its place, or none.")
    return made


def checked_list(body: ContributingList) -> ContributingList:
    """The list, if it can be one; raises SchemaViolation."""
    made = _valid(body, ContributingList, "list")
    if len(set(made.systems)) != len(made.systems):
        raise SchemaViolation("a system is listed twice", advice="List each system once.")
    if made.product == ANY_PRODUCT:
        raise SchemaViolation(f"no product is called {ANY_PRODUCT!r}", advice="Leave the product out.")
    return made


def plan_of(connection: Connection, log: int, plan: str) -> KnownPlan:
    """A plan as it stands; raises NotFound, Conflict where it is retired."""
    row = t.review_plan.c
    entry = connection.scalar(select(row.from_index).where(row.log == log, row.key == plan, as_of(t.review_plan, None)))
    if entry is None:
        raise NotFound(f"there is no review plan {plan!r}", advice="`trailseal review plans` names all of them.")
    found = read_plan(connection, log, entry)
    if found.plan.retired:
        raise Conflict(f"review plan {plan!r} is retired", advice="Use the plan that took its place.")
    return found


def read_plan(connection: Connection, log: int, entry: int) -> KnownPlan:
    """The version of a plan that stands in an entry."""
    return KnownPlan(entry=entry, plan=body_of(LogReader(connection, log).entry(entry), REVIEW_PLAN, ReviewPlan))


def plans(connection: Connection, log: int, size: int | None = None) -> list[KnownPlan]:
    """All plans as of a size, by name; those too that are retired."""
    return [
        KnownPlan(entry=entry, plan=body)
        for entry, body in _all(connection, log, size, t.review_plan, REVIEW_PLAN, ReviewPlan)
    ]


def lists(connection: Connection, log: int, size: int | None = None) -> list[KnownList]:
    """All lists as of a size, that of all other products first."""
    return [
        KnownList(entry=entry, list=body)
        for entry, body in _all(connection, log, size, t.contributing_list, CONTRIBUTING_LIST, ContributingList)
    ]


def list_for(connection: Connection, log: int, size: int | None, product: str | None) -> KnownList | None:
    """The list that holds for batches of a product as of a size; None: nobody has made one."""
    row = t.contributing_list.c
    keys = [key for key in (product, ANY_PRODUCT) if key is not None]
    chosen = select(row.key, row.from_index).where(row.log == log, row.key.in_(keys), as_of(t.contributing_list, size))
    found = {one.key: one.from_index for one in connection.execute(chosen)}
    entry = next((found[key] for key in keys if key in found), None)
    if entry is None:
        return None
    body = body_of(LogReader(connection, log).entry(entry), CONTRIBUTING_LIST, ContributingList)
    return KnownList(entry=entry, list=body)


def _all(
    connection: Connection, log: int, size: int | None, table: Table, kind: Kind, sort: type[Body]
) -> list[tuple[int, Body]]:
    row = table.c
    entries = connection.scalars(
        select(row.from_index).where(row.log == log, as_of(table, size)).order_by(row.key)
    ).all()
    return [(one.index, body_of(one, kind, sort)) for one in LogReader(connection, log).chosen(entries)]


def _valid(body: Body, sort: type[Body], what: str) -> Body:
    try:
        return msgspec.convert(msgspec.to_builtins(body), sort)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"review {what}: {error}", advice="Correct what is named.") from None
