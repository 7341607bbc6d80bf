"""The parameters that a rule goes by, as a log has them set."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from ledger.core.parameters import ParameterName, written
from ledger.review.rules.rule import About
from ledger.sources.parameters import Held, ever


class Setting(NamedTuple):
    """A value as entries hold it, or that there is none any more, for a source and type, since when."""

    name: ParameterName
    source: str | None
    type: str | None
    applies_us: int | None
    value: str | None


def names_of(about: About) -> tuple[ParameterName, ...]:
    """What a rule goes by: what it says, what is named by its id, how sources number their records, which puts these
    in order for every rule, and of which classes systems are, where it needs any.
    """
    own = tuple(one for one in ParameterName if one.value == about.id.lower())
    systems = (ParameterName.SYSTEM,) if about.needs else ()
    return tuple(dict.fromkeys((*about.parameters, *own, *systems, ParameterName.SEQUENCE)))


def in_force(connection: Connection, log: int, about: About, size: int) -> dict[int, Setting]:
    """What is set as of a size, by the entry that set it."""
    return {entry: setting for entry, held, setting in _ever(connection, log, about) if held.at(size)}


def changed(connection: Connection, log: int, about: About, entries: Iterable[int], size: int) -> int | None:
    """The newest entry by which what is set as of a size differs from what these entries set; None: it does not."""
    then, now, between = set[Setting](), set[Setting](), [0]
    before = frozenset(entries)
    for entry, held, setting in _ever(connection, log, about):
        if entry in before:
            then.add(setting)
        if held.at(size):
            now.add(setting)
        if (entry in before) is not held.at(size):
            between.append(entry if entry not in before else held.until or entry)
    return None if then == now else max(between)


def _ever(connection: Connection, log: int, about: About) -> Iterator[tuple[int, Held, Setting]]:
    for name in names_of(about):
        for one in ever(connection, log, name):
            value = None if one.value is None else written(one.value)
            yield one.entry, one, Setting(name, one.source, one.type, one.applies_us, value)
