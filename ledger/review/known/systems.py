"""Which sources are of which classes of systems, by the parameter `system`."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from sqlalchemy import Connection, or_, select

from ledger.core.parameters import ParameterName, System
from ledger.core.system_class import SystemClass
from ledger.review.known.rules import Rules
from ledger.sources import tables as t
from ledger.store.schema import as_of

Classes = tuple[SystemClass, ...]
"""One of these classes: any of them will do."""


class Systems:
    """Of a log as of a size."""

    def __init__(self, connection: Connection, log: int, size: int, rules: Rules) -> None:
        self._connection = connection
        self._log = log
        self._size = size
        self._rules = rules
        self._known: dict[tuple[Classes, int], tuple[str, ...]] = {}

    def of(self, classes: Classes, moment_us: int) -> tuple[str, ...]:
        """The registered sources that are of one of these classes at a moment, in order."""
        key = classes, bisect_right(self._marks, moment_us)
        found = self._known.get(key)
        if found is None:
            at = ((one, self._rules.at(System, one, None, moment_us)) for one in self._registered)
            found = self._known[key] = tuple(one for one, value in at if _is_of(value, classes))
        return found

    def ever(self, classes: Classes) -> tuple[str, ...]:
        """The registered sources that are of one of these classes at any time, in order."""
        held = self._rules.held(ParameterName.SYSTEM)
        found = {one.source for one in held if _is_of(one.value, classes)}
        return tuple(one for one in self._registered if one in found)

    @cached_property
    def _marks(self) -> Sequence[int]:
        """The moments between which no source changes what it is."""
        held = self._rules.held(ParameterName.SYSTEM)
        return sorted({one.applies_us for one in held if one.applies_us is not None})

    @cached_property
    def registered(self) -> list[str]:
        """The sources that are registered, in order."""
        row = t.source.c
        held = select(row.key).where(row.log == self._log, as_of(t.source, self._size)).order_by(row.key)
        return [*self._connection.scalars(held)]

    @cached_property
    def _registered(self) -> list[str]:
        """Those of which somebody has said what they are."""
        said = {one.source for one in self._rules.held(ParameterName.SYSTEM)}
        return [one for one in self.registered if one in said]


def said_anew(connection: Connection, log: int, low: int, size: int) -> list[int | None]:
    """From when on (None: always) entries from `low` to before `size` say anew what systems are connected."""
    set_, source = t.parameter.c, t.source.c
    said = set_.log == log, set_.name == ParameterName.SYSTEM
    begun, ended, added = (one.between(low, size - 1) for one in (set_.from_index, set_.to_index, source.from_index))
    since = select(set_.applies_us).where(*said, or_(begun, ended))
    registered = select(source.key).where(source.log == log, added, source.key.in_(select(set_.source).where(*said)))
    return [*connection.scalars(since), *(None for _ in connection.scalars(registered))]


def _is_of(value: object, classes: Classes) -> bool:
    return isinstance(value, System) and any(one in classes for one in value.classes)
