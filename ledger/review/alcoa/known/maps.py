"""The identity map of a log as of a size: whose an account was."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Row, Table, select

from ledger.core.looks import Span
from ledger.core.record import Actor, ActorKind
from ledger.review.alcoa.attributes import Verdict
from ledger.review.alcoa.facts import Owner
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
