"""The identity map of a log as of a size: whose an account was."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Row, Table, select

from ledger.core.looks import Span
from ledger.core.record import Actor, ActorKind
from ledger.review.alcoa.attributes import Verdict
from ledger.review.known.facts import Owner
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
        self.sources = tuple(sorted({source for source, _ in self._rows}))
        """The sources of which there is a map of accounts, in order."""
        self._owners: dict[Account, _Owners] = {}

    def mapped(self, source: str) -> bool:
        """Whether there is a map of that source's accounts at all."""
        return source in self.sources

    def ended(self, source: str, account: str, about: Span) -> bool:
        """Whether the time of all who had an account was over before: it was somebody's, and is nobody's any more."""
        rows = self._rows.get((source, account), ())
        return bool(rows) and all(row.to_us is not None and row.to_us <= about.low_us for row in rows)

    def owner(self, source: str, actor: Actor, about: Span) -> Owner | None:
        """Whose the account was; None where the map says different things at both ends of the span."""
        service = actor.kind is ActorKind.SERVICE
        if actor.account is None:
            return Owner(fault=Verdict.UNMAPPED)
        key = source, actor.account
        owners = self._owners.get(key)
        if owners is None:
            rows = self._rows.get(key)
            if rows is None:
                return Owner(fault=Verdict.SERVICE_WITHOUT_PURPOSE if service else Verdict.UNMAPPED)
            owners = self._owners[key] = _Owners(rows)
        first = owners.at(about.low_us, service)
        return first if about.low_us == about.high_us or first == owners.at(about.high_us, service) else None


class _Owners:
    """Whose an account was: between two marks, at which a line of the map begins or ends, it is the same."""

    def __init__(self, rows: Sequence[Row[tuple[object, ...]]]) -> None:
        self._rows = rows
        self._marks = sorted({at for row in rows for at in (row.from_us, row.to_us) if at is not None})
        self._known: dict[tuple[int, bool], Owner] = {}

    def at(self, at_us: int, service: bool) -> Owner:
        """The owner at an instant."""
        key = bisect_right(self._marks, at_us), service
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _owner(self._rows, at_us, service)
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
