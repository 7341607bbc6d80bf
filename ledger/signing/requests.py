"""Requests for signature: opened over entries that stand in the log, and read back from the log's own entries."""

import secrets
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, select

from ledger.core import canonical
from ledger.core.address import Address
from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import Conflict, IntegrityError, NotFound, SchemaViolation
from ledger.core.members import Members
from ledger.core.progress import Progress
from ledger.core.signature import MAX_ENTRIES
from ledger.core.workflow import DecisionEntry, RequestEntry, RequestState, RouteEntry
from ledger.people.credentials import current, read_entry
from ledger.signing.holders import Holders
from ledger.signing.performers import performers_of
from ledger.signing.route_tables import decision, signing_request, signing_route, signing_target
from ledger.signing.routes import require_doable, route_at
from ledger.signing.sets import bodies_of, population, target_of
from ledger.signing.tables import REQUEST
from ledger.signing.targets import sets_with
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG, choose, read_logs
from ledger.store.position import index_of, pos_of
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.store.store import Store


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be signed, by which route: entries of a log (the only record log, without a name), or all records that
    a query finds now. `performers`: who did the work, besides those that the entries name.
    """

    title: str
    route: str
    reason: str
    log: str | None = None
    entries: tuple[int, ...] = ()
    query: Query | None = None
    performers: tuple[str, ...] = ()


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as it stands in the system log."""

    entry: int
    at_us: int
    decision: DecisionEntry


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A request with its route's version and all that was decided; `address` is that of its entry."""

    entry: int
    address: str
    request: RequestEntry
    route: RouteEntry
    opened_us: int
    decided: tuple[Decided, ...]
    progress: Progress


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A new request: its name and its entry."""

    request: str
    entry: int


class Requests:
    """The requests of one ledger. Safe to use from any number of threads.

    A request about more than `listed` entries is about a set, which its Merkle root fixes.
    """

    def __init__(self, store: Store, listed: int = MAX_ENTRIES) -> None:
        self._store = store
        self._listed = listed

    def open(self, opening: Opening, authority: Authority) -> Opened:
        """Opens a request; returns once it is durable.

        Raises NotFound for a log, entry or route that is not there, SchemaViolation for an empty set or one that is too
        large to be listed, Conflict where the route is retired or a step of it could be signed by nobody.
        """
        with self._store.reading() as connection:
            entry = self._compose(connection, opening, authority)
            version = current(connection, signing_route, entry.route)
        batch = self.batch(entry, version)
        return Opened(request=entry.request, entry=self._store.append(SYSTEM_LOG, batch)[0].index)

    def batch(self, entry: RequestEntry, version: int | None) -> Batch:
        """What appends a request, if its route still has this version then."""

        def check(transaction: Transaction) -> None:
            connection = transaction.connection
            if version is None or current(connection, signing_route, entry.route) != version:
                raise Conflict(f"route {entry.route!r} was changed meanwhile, or is none")
            self.require_doable(connection, entry.route, entry.site, entry.performers, transaction.logged_us)

        return Batch([draft(entry)], before=check)

    def require_doable(
        self, connection: Connection, route: str, site: str | None, performers: Iterable[str], now_us: int
    ) -> None:
        """Raises NotFound for a route that there is not, Conflict for one that is retired, or of which somebody who did
        not perform the work could not sign each step.
        """
        version = current(connection, signing_route, route)
        if version is None:
            raise NotFound(f"there is no signing route {route!r}")
        found = route_at(self._store, connection, version)
        if found.retired:
            raise Conflict(f"route {route!r} is retired", advice="Use the route that took its place.")
        require_doable(found, Holders(self._store, connection, now_us), site, frozenset(performers))

    def get(self, request: str) -> Running:
        """A request as it stands now; raises NotFound."""
        with self._store.reading() as connection:
            return read_running(self._store, connection, request)

    def all(self, state: RequestState | None = None) -> list[Running]:
        """Every request, or those in a state, in the order of opening."""
        with self._store.reading() as connection:
            return [read_running(self._store, connection, name) for name in names_in(connection, state)]

    def over(self, connection: Connection, origin: str, index: int) -> Sequence[Running]:
        """The requests that are about an entry, in the order of opening."""
        row = signing_target.c
        listed = connection.scalars(select(row.pos).where(row.origin == origin, row.entry == index)).all()
        found = sorted({*listed, *sets_with(connection, origin, index, REQUEST)})
        names = [read_entry(self._store, connection, index_of(pos), RequestEntry)[0].request for pos in found]
        return [read_running(self._store, connection, name) for name in names]

    def _compose(self, connection: Connection, opening: Opening, authority: Authority) -> RequestEntry:
        log = choose(read_logs(connection), opening.log)
        reader = LogReader(connection, log.number)
        size = reader.head().size
        chosen = Members.of(sorted({*opening.entries}))
        if opening.query is not None:
            if opening.entries or log.number == SYSTEM_LOG:
                raise SchemaViolation("a request names entries, or a query of a record log", advice="Leave one out.")
            chosen = population(connection, log.number, size, opening.query)
        target = target_of(reader, log, chosen, size, opening.title, opening.query is not None, self._listed)
        bodies = bodies_of(self._store, reader, chosen)
        found = performers_of(connection, log.number, (body for _, body in bodies))
        version = current(connection, signing_route, opening.route)
        if version is None:
            raise NotFound(f"there is no signing route {opening.route!r}")
        return request_entry(
            RequestEntry(
                request=secrets.token_hex(8),
                title=opening.title,
                target=target,
                route=opening.route,
                route_version=version,
                performers=tuple(sorted({*found.names, *opening.performers})),
                reason=opening.reason,
                authority=authority,
                site=None if log.number == SYSTEM_LOG else log.name,
                unresolved=found.unresolved,
                population=None if opening.query is None else _text(opening.query),
            )
        )


def _text(query: Query) -> str:
    return canonical.dumps(msgspec.to_builtins(query)).decode()


def request_entry(entry: RequestEntry) -> RequestEntry:
    """The entry, if it can be one; raises SchemaViolation."""
    try:
        return msgspec.convert(msgspec.to_builtins(entry), RequestEntry)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"the request cannot be so: {error}") from None


def names_in(connection: Connection, state: RequestState | None) -> Sequence[str]:
    """The names of requests, or of those in a state, in the order of opening."""
    row = signing_request.c
    wanted = [row.log == SYSTEM_LOG, row.to_index.is_(None)]
    if state is not None:
        wanted.append(row.state == state.value)
    return connection.scalars(select(row.key).where(*wanted).order_by(row.opened)).all()


def read_running(store: Store, connection: Connection, request: str, extra: Iterable[Decided] = ()) -> Running:
    """A request in this snapshot, and after `extra` decisions that are not in it yet; raises NotFound.

    Every entry is checked against its leaf. Raises IntegrityError where a decision in the log is out of order.
    """
    row = signing_request.c
    opened = connection.scalar(
        select(row.opened).where(row.log == SYSTEM_LOG, row.key == request, row.to_index.is_(None))
    )
    if opened is None:
        raise NotFound(f"there is no signing request {request!r}")
    entry, opened_us = read_entry(store, connection, opened, RequestEntry)
    route = route_at(store, connection, entry.route_version)
    one = decision.c
    positions = connection.scalars(
        select(one.pos).where(one.request == request, one.pos >= pos_of(SYSTEM_LOG, 0)).order_by(one.pos)
    ).all()
    decided = []
    for index in map(index_of, positions):
        body, at_us = read_entry(store, connection, index, DecisionEntry)
        decided.append(Decided(entry=index, at_us=at_us, decision=body))
    decided += extra
    progress = Progress(entry, route, opened_us)
    for each in decided:
        wrong = progress.refusal(each.decision, each.at_us)
        if wrong is not None:
            raise IntegrityError(f"decision {each.entry} of request {request!r} is out of order: {wrong.what}")
        progress.take(each.decision, each.at_us, each.entry)
    system = next(log for log in read_logs(connection) if log.number == SYSTEM_LOG)
    return Running(
        entry=opened,
        address=str(Address(system.origin, opened)),
        request=entry,
        route=route,
        opened_us=opened_us,
        decided=tuple(decided),
        progress=progress,
    )
