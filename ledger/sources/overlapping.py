"""Whether lines of a map contradict each other: of one account or tag, two that say different things of one moment.

A line without an end holds until the next one begins, and one for the same moment corrects what stood. An account may
become nobody's at any time; what several people use is shared, and nobody's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, Table, select

from ledger.core.clock import parse_utc, utc_text
from ledger.core.errors import SchemaViolation
from ledger.sources import tables as t
from ledger.sources.map_kinds import AssetMapped, IdentityMapped
from ledger.sources.maps import rows_of_each
from ledger.store.schema import as_of

_PLACE: Final = ("site", "area", "line", "unit", "equipment")
_MAPS: Final = (
    (IdentityMapped, "account", t.identity, ("person",)),
    (AssetMapped, "tag", t.asset, _PLACE),
)
_Thing = tuple[str, str]
"""A source, and an account or tag of it."""


class _Line(NamedTuple):
    """What a line of a map says from when to when (None: until it is replaced), and how it is named."""

    from_us: int
    to_us: int | None
    says: tuple[str | None, ...]
    named: str

    @property
    def told(self) -> str:
        what = "/".join(one for one in self.says if one is not None) or "nowhere"
        until = "" if self.to_us is None else f" to {utc_text(self.to_us)}"
        return f"{what} by {self.named}, from {utc_text(self.from_us)}{until}"


def require_apart(connection: Connection, log: int, entries: Iterable[Any]) -> None:
    """Raises SchemaViolation, naming both, where one of these lines of a map and another, of these or of those that
    stand, say different things of one moment.
    """
    wanted: dict[type, dict[_Thing, dict[int, _Line]]] = defaultdict(lambda: defaultdict(dict))
    for number, one in enumerate(entries, start=1):
        if isinstance(one, IdentityMapped):
            _add(wanted[IdentityMapped][one.source, one.account], one, (one.person,), number)
        elif isinstance(one, AssetMapped):
            says = tuple(getattr(one, name) for name in _PLACE)
            _add(wanted[AssetMapped][one.source, one.tag], one, says, number)
    for kind, name, table, columns in _MAPS:
        things = wanted[kind]
        for thing, lines in _beside(connection, log, table, name, columns, things):
            for one, other in _contradicting(kind, lines):
                if other.from_us in things[thing] or one.from_us in things[thing]:
                    raise SchemaViolation(
                        f"{name} {thing[1]!r} of {thing[0]!r} is {one.told}, and would be {other.told}",
                        advice="Correct where the first one's time ends; what several people use is shared, and "
                        "nobody's.",
                    )


def standing_overlaps(connection: Connection, log: int) -> Iterator[str]:
    """What a log already holds of which `require_apart` refuses more: both lines of each, by their entries."""
    for kind, name, table, columns in _MAPS:
        row = table.c
        chosen = select(table).where(row.log == log, as_of(table, None))
        rows = connection.execute(chosen.order_by(row.source, row[name], row.from_us, row.from_index))
        for (source, value), its in groupby(rows, key=attrgetter("source", name)):
            lines = {line.from_us: line for line in (_standing(one, columns) for one in its)}
            for one, other in _contradicting(kind, lines):
                yield f"{name} {value!r} of {source!r} is {one.told}, and {other.told}"


def _contradicting(kind: type, lines: dict[int, _Line]) -> Iterator[tuple[_Line, _Line]]:
    for one, other in pairwise(line for _, line in sorted(lines.items()) if _says(kind, line)):
        if one.to_us is not None and other.from_us < one.to_us and one.says != other.says:
            yield one, other


def _add(lines: dict[int, _Line], one: IdentityMapped | AssetMapped, says: tuple[str | None, ...], number: int) -> None:
    since = parse_utc(one.valid_from)
    until = None if one.valid_to is None else parse_utc(one.valid_to)
    lines[since] = _Line(since, until, says, f"line {number}")


def _beside(
    connection: Connection,
    log: int,
    table: Table,
    name: str,
    columns: tuple[str, ...],
    things: dict[_Thing, dict[int, _Line]],
) -> Iterator[tuple[_Thing, dict[int, _Line]]]:
    """Each of these with the lines that stand, but those that are corrected."""
    there = rows_of_each(connection, log, table, None, name, things)
    for thing, new in things.items():
        standing = (_standing(row, columns) for row in there.get(thing, ()))
        yield thing, {line.from_us: line for line in standing} | new


def _standing(row: Row[Any], columns: tuple[str, ...]) -> _Line:
    says = tuple(getattr(row, column) for column in columns)
    return _Line(row.from_us, row.to_us, says, f"entry {row.from_index}")


def _says(kind: type, line: _Line) -> bool:
    return kind is AssetMapped or line.says != (None,)
