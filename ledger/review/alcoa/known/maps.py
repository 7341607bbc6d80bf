"""The dated maps of a log as of a size: whose an account was, and to what asset a record belongs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

from sqlalchemy import Connection, Row, Table, select

from ledger.core.looks import Span
from ledger.core.parameters import Occupation
from ledger.core.record import Actor, ActorKind, LinkKind
from ledger.review.alcoa.attributes import Verdict
from ledger.review.alcoa.facts import Owner, Told
from ledger.review.alcoa.known.rules import Rules
from ledger.sources import tables as t
from ledger.store.schema import as_of

Account = tuple[str, str]
"""A source and an account of it."""


class Accounts:
    """The identity map, read whole: a person has accounts at several sources."""

    def __init__(self, connection: Connection, log: int, size: int) -> None:
        self._rows: dict[Account, list[Row[tuple[object, ...]]]] = defaultdict(list)
        self.of_person: dict[str, set[Account]] = defaultdict(set)
        for row in _held(connection, t.identity, log, size):
            self._rows[row.source, row.account].append(row)
            if row.person is not None:
                self.of_person[row.person].add((row.source, row.account))
        self._mapped = {source for source, _ in self._rows}

    def mapped(self, source: str) -> bool:
        """Whether there is a map of that source's accounts at all."""
        return source in self._mapped

    def owner(self, source: str, actor: Actor, about: Span) -> Owner | None:
        """Whose the account was; None where the map says different things at both ends of the span."""
        service = actor.kind is ActorKind.SERVICE
        if actor.account is None:
            return Owner(fault=Verdict.UNMAPPED)
        rows = self._rows.get((source, actor.account))
        if rows is None:
            return Owner(fault=Verdict.SERVICE_WITHOUT_PURPOSE if service else Verdict.UNMAPPED)
        first = _owner(rows, about.low_us, service)
        return first if about.low_us == about.high_us or first == _owner(rows, about.high_us, service) else None


class Places:
    """The asset map, read whole: an asset has tags at several sources."""

    def __init__(self, connection: Connection, log: int, size: int, rules: Rules) -> None:
        self._rules = rules
        self._rows: dict[tuple[str, str], list[Row[tuple[object, ...]]]] = defaultdict(list)
        for row in _held(connection, t.asset, log, size):
            self._rows[row.source, row.tag].append(row)

    def assets(self, told: Told) -> tuple[str, ...]:
        """The assets that a record concerns: those that it names, its object's, those of the rooms that it names."""
        record = told.record
        found = dict.fromkeys(link.id for link in record.links if link.kind is LinkKind.EQUIPMENT)
        rooms = (link.id for link in record.links if link.kind is LinkKind.LOCATION)
        for tag in (record.object.id, *rooms):
            held = [row for row in self._rows.get((record.source, tag), ()) if _holds(row, told.moment_us)]
            # Of rows that hold at once the latest start counts, as everywhere (`sources.maps`).
            place = max(held, key=lambda row: (row.from_us, row.from_index), default=None)
            if place is not None and place.equipment is not None:
                found[place.equipment] = None
        return tuple(found)

    def ruled(self, assets: Sequence[str], moment_us: int) -> bool:
        """Whether for each of these assets a rule says what belongs to a batch that occupies it."""
        return all(self._ruled(asset, moment_us) for asset in assets)

    def _ruled(self, asset: str, moment_us: int) -> bool:
        classes = {row.asset_class for row in self._of_asset.get(asset, ()) if _holds(row, moment_us)} - {None}
        return any(self._rules.at(Occupation, None, str(one), moment_us) is not None for one in classes)

    @cached_property
    def _of_asset(self) -> dict[str, list[Row[tuple[object, ...]]]]:
        found: dict[str, list[Row[tuple[object, ...]]]] = defaultdict(list)
        for rows in self._rows.values():
            for row in rows:
                if row.equipment is not None and row.asset_class is not None:
                    found[row.equipment].append(row)
        return found


def _held(connection: Connection, table: Table, log: int, size: int) -> Iterator[Row[tuple[object, ...]]]:
    with connection.execute(select(table).where(table.c.log == log, as_of(table, size))) as rows:
        yield from rows


def _holds(row: Row[tuple[object, ...]], at_us: int) -> bool:
    begins, ends = row.from_us, row.to_us
    return bool(begins <= at_us and (ends is None or at_us < ends))


def _owner(rows: Sequence[Row[tuple[object, ...]]], at_us: int, service: bool) -> Owner:
    """What several persons have at once is shared, whether or not the map says so: it is never given to one of them."""
    held = [row for row in rows if _holds(row, at_us)]
    if not held:
        return Owner(fault=Verdict.INACTIVE)
    if any(row.shared for row in held) or len({row.person for row in held}) > 1:
        return Owner(fault=Verdict.SHARED_ACCOUNT)
    if held[0].person is None:
        return Owner(fault=Verdict.SERVICE_WITHOUT_PURPOSE if service else Verdict.INACTIVE)
    return Owner(id=held[0].person)
