"""Legal holds: whatever one covers is neither erased nor disposed of, until a second person releases it."""

from collections.abc import Callable, Collection, Iterable

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.core.record import Record, RecordBody
from ledger.core.retention import Subject
from ledger.retention import tables
from ledger.retention.entries import body_at, history, in_force, require_person
from ledger.retention.hold_kinds import MAX_HELD, HoldEntry
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a hold covers: of this log whatever meets all that is given besides. Instants are `utc_text`."""

    log: str
    source: str | None = None
    subject: Subject | None = None
    from_at: str | None = None
    until_at: str | None = None
    entries: tuple[int, ...] = ()


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as it stands; `index` is the entry that placed it, `released` that which ended it."""

    hold: str
    scope: Scope
    reason: str
    placed_by: str
    placed_at: str
    index: int
    released: int | None = None
    released_by: str | None = None
    released_at: str | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What of an entry decides whether a hold covers it; what is not known (None) is taken to be covered."""

    log: str
    index: int
    source: str | None = None
    subjects: Collection[Subject] | None = None
    times: Collection[int] = ()


class Holds:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def place(self, hold: str, scope: Scope, reason: str, authority: Authority, *, person: bool) -> int:
        """From here on what it covers stays; returns the entry's index. `person`: whether somebody signed in.

        Raises AccessDenied, SchemaViolation for a scope that covers nothing, Conflict for a name that is taken.
        """
        require_person(authority, person, "a legal hold is placed")
        _check(scope)
        entry = HoldEntry(
            hold=hold, holds=True, reason=reason, authority=authority, **msgspec.structs.asdict(scope)
        )  # fmt: skip
        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=self._is(hold, False)))[0].index

    def release(self, hold: str, reason: str, authority: Authority, *, person: bool) -> int:
        """Ends a hold, by another person than who placed it; returns the entry's index.

        Raises AccessDenied, and Conflict for one that is not in force.
        """
        with self._store.reading() as connection:
            past = history(self._store, connection, tables.legal_hold, hold, HoldEntry)
        if not past:
            raise Conflict(f"hold {hold!r} is not in force")
        was = past[-1][1]
        require_person(authority, person, "a legal hold is released", (was.authority.actor,))
        entry = msgspec.structs.replace(was, holds=False, reason=reason, authority=authority)
        placed = past[-1][0]
        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=self._is(hold, True, placed)))[0].index

    def all(self) -> list[Hold]:
        """Every hold, those in force first, then the newest."""
        row = tables.legal_hold.c
        with self._store.reading() as connection:
            query = select(row.key).where(row.log == SYSTEM_LOG).distinct().order_by(row.key)
            found = [hold for key in connection.scalars(query).all() for hold in self._shown(connection, key)]
        return sorted(found, key=lambda one: (one.released is not None, -one.index))

    def get(self, hold: str) -> Hold:
        """The hold of that name that is in force, else the last; raises NotFound."""
        with self._store.reading() as connection:
            found = self._shown(connection, hold)
        if not found:
            raise NotFound(f"there is no hold {hold!r}")
        return found[-1]

    def over(self, connection: Connection, what: Held) -> str | None:
        """The name of a hold in force that covers an entry; None where none does."""
        return covering(self.now(connection), what)

    def now(self, connection: Connection) -> list[HoldEntry]:
        """The holds in force, as their entries have them."""
        return [body for _, body, _ in in_force(self._store, connection, tables.legal_hold, HoldEntry)]

    def _shown(self, connection: Connection, hold: str) -> list[Hold]:
        row = tables.legal_hold.c
        spans = select(row.from_index, row.to_index).where(row.log == SYSTEM_LOG, row.key == hold)
        ended = {span.from_index: span.to_index for span in connection.execute(spans)}
        shown = []
        for index, body, logged_us in history(self._store, connection, tables.legal_hold, hold, HoldEntry):
            by, at = None, None
            released = ended[index]
            if released is not None:
                by, at = self._released(connection, released)
            shown.append(
                Hold(
                    hold=hold,
                    scope=scope_of(body),
                    reason=body.reason,
                    placed_by=body.authority.actor,
                    placed_at=utc_text(logged_us),
                    index=index,
                    released=released,
                    released_by=by,
                    released_at=at,
                )
            )
        return shown

    def _released(self, connection: Connection, index: int) -> tuple[str, str]:
        body, logged_us = body_at(self._store, connection, index, HoldEntry)
        return body.authority.actor, utc_text(logged_us)

    def _is(self, hold: str, wanted: bool, placed: int | None = None) -> Callable[[Transaction], None]:
        row = tables.legal_hold.c

        def check(transaction: Transaction) -> None:
            key = ("hold", hold)
            there = transaction.connection.scalar(
                select(row.from_index).where(row.log == SYSTEM_LOG, row.key == hold, row.to_index.is_(None))
            )
            wrong = (there is not None) is not wanted or (placed is not None and there != placed)
            if transaction.scratch.get(key) or wrong:
                raise Conflict(f"hold {hold!r} is {'not in force' if wanted else 'in force already'}")
            transaction.scratch[key] = True

        return check


def scope_of(body: HoldEntry) -> Scope:
    """What a hold's entry covers."""
    return Scope(**{name: getattr(body, name) for name in Scope.__struct_fields__})


def covering(holds: Iterable[HoldEntry], what: Held) -> str | None:
    """The name of the first of these holds that covers an entry."""
    return next((one.hold for one in holds if covers(one, what)), None)


def covers(hold: HoldEntry, what: Held) -> bool:
    """Whether a hold covers an entry: it meets all that the hold gives, as far as that is known."""
    if hold.log != what.log or (hold.source is not None and what.source not in (None, hold.source)):
        return False
    if hold.subject is not None and what.subjects is not None and hold.subject not in what.subjects:
        return False
    if hold.entries and what.index not in hold.entries:
        return False
    if hold.from_at is None and hold.until_at is None:
        return True
    low = -(2**63) if hold.from_at is None else parse_utc(hold.from_at)
    high = 2**63 if hold.until_at is None else parse_utc(hold.until_at)
    return not what.times or any(low <= at < high for at in what.times)


def held(log: str, index: int, body: RecordBody, logged_us: int) -> Held:
    """What of a record decides whether a hold covers it: any of its four times may lie in the hold's interval."""
    record = body.record
    times = [logged_us, parse_utc(body.received_at)]
    times += [one.instant_us for one in (record.occurred_at, record.source_recorded_at) if one and one.instant_us]
    return Held(log=log, index=index, source=record.source, subjects=subjects(record), times=times)


def subjects(record: Record) -> frozenset[Subject]:
    """Everything that a record is linked to."""
    return frozenset(Subject(kind=link.kind, id=link.id) for link in record.links)


def _check(scope: Scope) -> None:
    if len(scope.entries) > MAX_HELD:
        raise SchemaViolation(
            f"a hold names at most {MAX_HELD} entries", advice="Tell them by source, subject or interval instead."
        )
    if (
        scope.from_at is not None
        and scope.until_at is not None
        and parse_utc(scope.from_at) >= parse_utc(scope.until_at)
    ):
        raise SchemaViolation("the interval of a hold ends before it begins", advice="Exchange the two instants.")
