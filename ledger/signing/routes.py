"""Route templates: defined with all their steps, versioned, never changed under a request that runs."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.core.progress import DECLINED
from ledger.core.workflow import RouteEntry, Stage, Step
from ledger.people.credentials import current, read_entry
from ledger.people.roles import RESERVED, SIGNING, Role
from ledger.signing.holders import Holders, unfillable
from ledger.signing.lists import REQUEST, SigningList, meaning_of, read_list
from ledger.signing.route_tables import signing_route
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store


class KnownRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a route: its entry in the system log, what it says, and whether it is the one in force."""

    entry: int
    route: RouteEntry
    current: bool


class Routes:
    """The routes of one ledger. Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def define(self, route: str, title: str, stages: Iterable[Stage], reason: str, authority: Authority) -> int:
        """From here on the route is so, for requests that are opened from now on; returns the entry's index.

        Raises SchemaViolation for a route that says nothing sensible, Conflict for one with a step that nobody can do.
        """
        entry = checked(RouteEntry(route=route, title=title, stages=tuple(stages), reason=reason, authority=authority))

        def check(transaction: Transaction) -> None:
            require_possible(self._store, transaction.connection, entry, transaction.logged_us)

        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index

    def retire(self, route: str, reason: str, authority: Authority) -> int:
        """From here on no request is opened with the route; those that run go on. Raises NotFound, Conflict."""
        known = self.get(route)
        entry = self.retired(route, reason, authority)

        def check(transaction: Transaction) -> None:
            stands = transaction.scratch.get(("route", route)) or current(transaction.connection, signing_route, route)
            if stands != known.entry:
                raise Conflict(f"route {route!r} was changed meanwhile")
            transaction.scratch["route", route] = -1

        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index

    def retired(self, route: str, reason: str, authority: Authority) -> RouteEntry:
        """The entry by which a route is retired. Raises NotFound, Conflict for one that is."""
        known = self.get(route).route
        if known.retired:
            raise Conflict(f"route {route!r} is retired already")
        return msgspec.structs.replace(known, retired=True, reason=reason, authority=authority)

    def get(self, route: str) -> KnownRoute:
        """The version in force; raises NotFound."""
        with self._store.reading() as connection:
            index = current(connection, signing_route, route)
            if index is None:
                raise NotFound(f"there is no signing route {route!r}")
            return KnownRoute(entry=index, route=route_at(self._store, connection, index), current=True)

    def all(self) -> list[KnownRoute]:
        """The version in force of every route, by name."""
        row = signing_route.c
        with self._store.reading() as connection:
            found = connection.scalars(
                select(row.from_index).where(row.log == SYSTEM_LOG, row.to_index.is_(None)).order_by(row.key)
            ).all()
            return [
                KnownRoute(entry=index, route=route_at(self._store, connection, index), current=True) for index in found
            ]

    def versions(self, route: str) -> list[KnownRoute]:
        """Every version of a route, oldest first; raises NotFound for one that there never was."""
        row = signing_route.c
        with self._store.reading() as connection:
            found = connection.execute(
                select(row.from_index, row.to_index)
                .where(row.log == SYSTEM_LOG, row.key == route)
                .order_by(row.from_index)
            ).all()
            if not found:
                raise NotFound(f"there is no signing route {route!r}")
            return [
                KnownRoute(
                    entry=one.from_index,
                    route=route_at(self._store, connection, one.from_index),
                    current=one.to_index is None,
                )
                for one in found
            ]


def route_at(store: Store, connection: Connection, index: int) -> RouteEntry:
    """The version of a route that stands at this entry; raises IntegrityError where none does."""
    return read_entry(store, connection, index, RouteEntry)[0]


def steps_of(route: RouteEntry) -> list[Step]:
    """All steps, in the order of the stages."""
    return [step for stage in route.stages for step in stage.steps]


def require_doable(route: RouteEntry, holders: Holders, site: str | None, without: frozenset[str]) -> None:
    """Raises Conflict where there are not enough different people, `without` those, to sign every step."""
    barred = {one.casefold() for one in without}
    places = []
    for step in steps_of(route):
        able = frozenset(one for one in holders.candidates(step, site) if one.casefold() not in barred)
        places += [(step.step, able)] * step.needed
    nobody = unfillable(places)
    if nobody is not None:
        raise Conflict(
            f"step {nobody!r} of route {route.route!r} could be signed by nobody",
            advice="Grant its role to somebody who took no part in the work and signs no other step.",
        )


def require_possible(store: Store, connection: Connection, entry: RouteEntry, now_us: int) -> None:
    """Raises SchemaViolation where a step means what the site's list does not have it mean, Conflict where nobody could
    sign one now; of a route that is retired nothing is asked.
    """
    if entry.retired:
        return
    chosen = read_list(store, connection, REQUEST)
    for step in steps_of(entry):
        _check_meaning(step, chosen)
    require_doable(entry, Holders(store, connection, now_us), None, frozenset())


def checked(entry: RouteEntry) -> RouteEntry:
    """The route, if it can be one; raises SchemaViolation."""
    try:
        entry = msgspec.convert(msgspec.to_builtins(entry), RouteEntry)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"the route cannot be so: {error}") from None
    steps = steps_of(entry)
    names = [step.step for step in steps]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SchemaViolation(f"the route has two steps {twice!r}", advice="Give each step a name of its own.")
    for step in steps:
        _check_step(step)
    return entry


def _check_meaning(step: Step, chosen: SigningList) -> None:
    """The meaning is of the site's list, and the step's role may sign so: else nobody ever could."""
    meaning = meaning_of(chosen, step.meaning)
    if step.meaning == DECLINED or (meaning.roles and step.role not in {one.value for one in meaning.roles}):
        only = ", ".join(sorted(one.value for one in meaning.roles)) or "who declines"
        raise SchemaViolation(f"step {step.step!r}: only {only} signs as {step.meaning!r}")


def _check_step(step: Step) -> None:
    roles = {one.value: one for one in Role}
    role = roles.get(step.role)
    if role is None or role not in SIGNING:
        able = ", ".join(sorted(one.value for one in SIGNING))
        raise SchemaViolation(
            f"step {step.step!r} is for {step.role!r}, who signs nothing", advice=f"Use one of {able}."
        )
    reserved = RESERVED.get(step.meaning)
    if reserved is not None and role not in reserved:
        only = ", ".join(sorted(one.value for one in reserved))
        raise SchemaViolation(f"step {step.step!r}: only {only} signs as {step.meaning!r}")
    if len(set(step.accounts)) != len(step.accounts):
        raise SchemaViolation(f"step {step.step!r} names somebody twice")
    if step.accounts and step.needed > len(step.accounts):
        raise SchemaViolation(
            f"step {step.step!r} needs {step.needed} signatures of {len(step.accounts)} people: it can never be signed"
        )
    if step.escalate_to is not None and (step.due_hours is None or step.escalate_to not in roles):
        raise SchemaViolation(
            f"step {step.step!r} is escalated to {step.escalate_to!r}: that takes a role, and hours until it is due"
        )
