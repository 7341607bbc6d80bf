"""Pages that may be about a person: allowed before they are read, and entered before they are shown."""

from collections.abc import Callable, Sized
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from ledger.people.access import Caller
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import Allowed
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.web import pages
from ledger.web.views.common import Allow, Scope


class Shown(Protocol):
    """A view; `entered`: what is entered before it is shown, with how many rows it has."""

    @property
    def log(self) -> str: ...

    @property
    def rows(self) -> Sized: ...

    @property
    def entered(self) -> Allowed | None: ...


V = TypeVar("V", bound=Shown)


async def looked_up(context: Any, user: Caller, zone: ZoneInfo, make: Callable[[Scope, Connection, Allow], V]) -> V:
    """The view that `make` makes of one snapshot, given what decides whether it may be answered."""
    look_ups = context.service.look_ups

    def allowed(
        reader: LogReader, query: Query, purpose: Purpose | None, person: str | None = None, /
    ) -> Allowed | None:
        found: Allowed | None = look_ups.allow(reader.connection, reader.log, query, user.account, purpose, person)
        return found

    view = await pages.read(context, user, zone, lambda scope, connection: make(scope, connection, allowed))
    entered = view.entered
    if entered is not None:
        log, hits = view.log, len(view.rows)
        await context.lanes.append(lambda: look_ups.enter(entered, log, hits, user.account, user.authority))
    return view
