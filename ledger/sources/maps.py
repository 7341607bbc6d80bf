"""The dated maps of one log: set, listed, and resolved for a moment as of a size."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Table, or_, select

from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import Draft, draft
from ledger.core.errors import SchemaViolation
from ledger.core.record import ActorKind
from ledger.sources import tables as t
from ledger.sources.map_kinds import CALENDAR, AssetMapped, CalendarSet, IdentityMapped, IdentityMapped2
from ledger.store.append import Batch
from ledger.store.reading import LogReader
from ledger.store.schema import as_of
from ledger.store.store import Store

MapEntry = IdentityMapped | AssetMapped | CalendarSet
M = TypeVar("M", bound=MapEntry)
T = TypeVar("T")
Made = Callable[[Row[Any]], T]
Used = tuple[str, str | None, int | None]
"""A source, its account or tag if there is one, and a moment if it is known (microseconds UTC)."""
AT_ONCE: Final = 10_000
"""Entries that go in together, all or none: the longest list that does so."""
_AT_A_TIME: Final = 400
"""Accounts, or tags, of one statement."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Identity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose an account is; `entry` says so. A `shared` one is nobody's."""

    source: str
    account: str
    person: str | None
    kind: ActorKind
    valid_from: str
    valid_to: str | None
    entry: int
    shared: bool = False


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a tag stands (ISA-95); `entry` says so."""

    source: str
    tag: str
    site: str | None
    area: str | None
    line: str | None
    unit: str | None
    equipment: str | None
    description: str | None
    gxp: bool
    valid_from: str
    valid_to: str | None
    entry: int
    asset_class: str | None = None
    critical: bool = False


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """How many shifts a calendar has from when to when; `entry` holds them."""

    calendar: str
    shifts: int
    valid_from: str
    valid_to: str | None
    entry: int


class Worked(msgspec.Struct, frozen=True, kw_only=True):
    """The shift that was worked at a moment: its name, and the instants at which it began and ended."""

    calendar: str
    shift: str
    began: str
    ended: str
    entry: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a map is wanted: what held at a moment, or a page by entry: `limit` of those after an entry."""

    at_us: int | None = None
    after: int | None = None
    limit: int | None = None


ALL: Final = Page()


class Maps:
    """The maps of one log."""

    def __init__(self, store: Store, log: int) -> None:
        self._store = store
        self._log = log

    def put(self, entries: Iterable[MapEntry]) -> list[int]:
        """Appends map entries and returns their indices, durable; up to `AT_ONCE` all go in or none does.

        Raises SchemaViolation for an interval that ends before it begins, an unknown zone, a day that is none, or a
        shared account that names a person.
        """
        drafts: list[Draft] = [draft(checked(entry)) for entry in entries]
        placed: list[int] = []
        for at in range(0, len(drafts), AT_ONCE):
            chunk = drafts[at : at + AT_ONCE]
            placed += [one.index for one in self._store.append(self._log, Batch(chunk))]
        return placed

    def identities(
        self, source: str | None = None, size: int | None = None, account: str | None = None, page: Page = ALL
    ) -> list[Identity]:
        """All identities as of a size (now, if none is given), by source, account and time."""
        row = t.identity.c
        wanted = _equal((row.source, source), (row.account, account))
        with self._store.reading() as connection:
            return [_identity(found) for found in _rows(connection, self._log, t.identity, size, *wanted, page=page)]

    def assets(
        self, source: str | None = None, size: int | None = None, tag: str | None = None, page: Page = ALL
    ) -> list[Place]:
        """All places as of a size, by source, tag and time."""
        row = t.asset.c
        wanted = _equal((row.source, source), (row.tag, tag))
        with self._store.reading() as connection:
            return [_place(found) for found in _rows(connection, self._log, t.asset, size, *wanted, page=page)]

    def calendars(self, size: int | None = None, calendar: str | None = None, page: Page = ALL) -> list[Calendar]:
        """All calendars as of a size."""
        wanted = _equal((t.calendar.c.name, calendar))
        with self._store.reading() as connection:
            return [
                Calendar(
                    calendar=row.name,
                    shifts=row.shifts,
                    valid_from=utc_text(row.from_us),
                    valid_to=None if row.to_us is None else utc_text(row.to_us),
                    entry=row.from_index,
                )
                for row in _rows(connection, self._log, t.calendar, size, *wanted, page=page)
            ]

    def person(self, source: str, account: str, at_us: int, size: int | None = None) -> Identity | None:
        """Whose the account was at that moment; None where no map says. The latest start wins."""
        with self._store.reading() as connection:
            return person_at(connection, self._log, source, account, at_us, size)

    def place(self, source: str, tag: str, at_us: int, size: int | None = None) -> Place | None:
        """Where the tag stood at that moment; None where no map says. The latest start wins."""
        with self._store.reading() as connection:
            return place_at(connection, self._log, source, tag, at_us, size)

    def shift(self, calendar: str, at_us: int, size: int | None = None) -> Worked | None:
        """The shift worked at that moment by a calendar; None outside all of them, on a closed day, or without one."""
        with self._store.reading() as connection:
            return shift_at(connection, self._log, calendar, at_us, size)


def person_at(
    connection: Connection, log: int, source: str, account: str, at_us: int, size: int | None = None
) -> Identity | None:
    """`Maps.person` in the caller's snapshot."""
    row = t.identity.c
    found = _at(connection, log, t.identity, at_us, size, row.source == source, row.account == account)
    return None if found is None else _identity(found)


def place_at(
    connection: Connection, log: int, source: str, tag: str, at_us: int, size: int | None = None
) -> Place | None:
    """`Maps.place` in the caller's snapshot."""
    row = t.asset.c
    found = _at(connection, log, t.asset, at_us, size, row.source == source, row.tag == tag)
    return None if found is None else _place(found)


def persons_at(connection: Connection, log: int, size: int | None, used: Sequence[Used]) -> list[Identity | None]:
    """Whose each of these accounts of a source was at a moment, as `person_at`; None also where one is not said."""
    return _each_at(connection, log, t.identity, size, "account", used, _identity)


def places_at(connection: Connection, log: int, size: int | None, used: Sequence[Used]) -> list[Place | None]:
    """Where each of these tags of a source stood at a moment, as `place_at`; None also where one is not said."""
    return _each_at(connection, log, t.asset, size, "tag", used, _place)


def rows_of_each(
    connection: Connection, log: int, table: Table, size: int | None, name: str, named: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[Row[Any]]]:
    """The rows of each account or tag of a source that a map knows, by their start; in the order of these."""
    row, found = table.c, dict[tuple[str, str], list[Row[Any]]]()
    for source, group in groupby(sorted(named), key=itemgetter(0)):
        values = [value for _, value in group]
        for at in range(0, len(values), _AT_A_TIME):
            held = (row.log == log, as_of(table, size), row.source == source)
            chosen = select(table).where(*held, row[name].in_(values[at : at + _AT_A_TIME]))
            for one in connection.execute(chosen.order_by(row.from_us, row.from_index)):
                found.setdefault((source, getattr(one, name)), []).append(one)
    return dict(sorted(found.items()))


def _each_at(
    connection: Connection, log: int, table: Table, size: int | None, name: str, used: Sequence[Used], made: Made[T]
) -> list[T | None]:
    named = {(source, value) for source, value, _ in used if value is not None}
    known = {
        pair: [(row.from_us, row.to_us, made(row)) for row in rows]
        for pair, rows in rows_of_each(connection, log, table, size, name, named).items()
    }
    found: list[T | None] = []
    for source, value, at_us in used:
        held = None
        for from_us, to_us, one in known.get((source, value or ""), ()) if at_us is not None else ():
            if from_us <= at_us and (to_us is None or at_us < to_us):
                held = one
        found.append(held)
    return found


def shift_at(connection: Connection, log: int, calendar: str, at_us: int, size: int | None = None) -> Worked | None:
    """`Maps.shift` in the caller's snapshot."""
    found = _at(connection, log, t.calendar, at_us, size, t.calendar.c.name == calendar)
    body = None if found is None else LogReader(connection, log).entry(found.from_index).body
    if found is None or body is None:
        return None
    held = CALENDAR.decode(body)
    assert isinstance(held, CalendarSet)
    return _worked(held, found.from_index, at_us)


def _at(
    connection: Connection, log: int, table: Table, at_us: int, size: int | None, *wanted: ColumnElement[bool]
) -> Row[Any] | None:
    held = _rows(connection, log, table, size, *wanted, page=Page(at_us=at_us))
    return held[-1] if held else None


def _rows(
    connection: Connection, log: int, table: Table, size: int | None, *wanted: ColumnElement[bool], page: Page = ALL
) -> Sequence[Row[Any]]:
    row = table.c
    conditions = [row.log == log, as_of(table, size), *wanted]
    if page.at_us is not None:
        conditions += [row.from_us <= page.at_us, or_(row.to_us.is_(None), row.to_us > page.at_us)]
    if page.after is not None:
        conditions.append(row.from_index > page.after)
    named = [row[name] for name in ("source", "account", "tag", "name") if name in row]
    order = [*named, row.from_us, row.from_index] if page.limit is None else [row.from_index]
    return connection.execute(select(table).where(*conditions).order_by(*order).limit(page.limit)).all()


def _equal(*pairs: tuple[ColumnElement[str], str | None]) -> list[ColumnElement[bool]]:
    return [column == value for column, value in pairs if value is not None]


def checked(entry: M) -> M:
    """The entry, if it can be one; raises SchemaViolation as `Maps.put`."""
    if entry.valid_to is not None and parse_utc(entry.valid_to) <= parse_utc(entry.valid_from):
        raise SchemaViolation(
            f"a map ends at {entry.valid_to}, not after it begins at {entry.valid_from}",
            advice="Give an end after the beginning, or none.",
        )
    parse_utc(entry.valid_from)
    if isinstance(entry, IdentityMapped2) and entry.shared and entry.person is not None:
        raise SchemaViolation(
            f"account {entry.account!r} of {entry.source!r} is shared, and given to {entry.person!r} - at `$.person`",
            advice="Leave the person out: what several people use is nobody's.",
        )
    if isinstance(entry, CalendarSet):
        try:
            ZoneInfo(entry.zone)
            for day in entry.closed:
                date.fromisoformat(day)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise SchemaViolation(f"calendar {entry.calendar!r}: {error}", advice="Use IANA zones and days.") from None
    try:
        return msgspec.convert(msgspec.to_builtins(entry), type(entry))
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"a map entry is none: {error}", advice="Correct what is named.") from None


def _identity(row: Row[Any]) -> Identity:
    return Identity(
        source=row.source,
        account=row.account,
        person=row.person,
        kind=ActorKind(row.kind),
        valid_from=utc_text(row.from_us),
        valid_to=None if row.to_us is None else utc_text(row.to_us),
        entry=row.from_index,
        shared=bool(row.shared),
    )


def _place(row: Row[Any]) -> Place:
    return Place(
        source=row.source,
        tag=row.tag,
        site=row.site,
        area=row.area,
        line=row.line,
        unit=row.unit,
        equipment=row.equipment,
        description=row.description,
        gxp=bool(row.gxp),
        valid_from=utc_text(row.from_us),
        valid_to=None if row.to_us is None else utc_text(row.to_us),
        entry=row.from_index,
        asset_class=row.asset_class,
        critical=bool(row.critical),
    )


def _worked(held: CalendarSet, entry: int, at_us: int) -> Worked | None:
    zone = ZoneInfo(held.zone)
    moment = (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone)
    # A shift that began yesterday may still run.
    for day in (moment.date(), moment.date() - timedelta(days=1)):
        if day.isoformat() in held.closed:
            continue
        for shift in held.shifts:
            if day.isoweekday() not in shift.days:
                continue
            start, end = time.fromisoformat(shift.start), time.fromisoformat(shift.end)
            last = day if end > start else day + timedelta(days=1)
            began, ended = (datetime.combine(on, at, zone) for on, at in ((day, start), (last, end)))
            if began <= moment < ended:
                return Worked(
                    calendar=held.calendar, shift=shift.name, began=_text(began), ended=_text(ended), entry=entry
                )
    return None


def _text(moment: datetime) -> str:
    return utc_text((moment - _EPOCH) // timedelta(microseconds=1))
