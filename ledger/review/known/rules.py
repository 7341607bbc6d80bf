"""The parameters of a log as of a size, each name read once."""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from ledger.core import parameters as p
from ledger.core.parameters import ParameterName, Value, most_specific
from ledger.sources.parameters import Held, Parameters

Ruled = Mapping[type[Any], Value]
"""What holds for a record, by sort."""


class _Fitting:
    """What can hold for a source and type; between two marks, from which on something applies, the same does."""

    def __init__(self, held: Mapping[type[Any], list[Held]]) -> None:
        self.held = held
        self.marks = sorted({one.applies_us for of in held.values() for one in of if one.applies_us is not None})
        self.values: dict[int, Ruled] = {}


class Rules:
    """What holds for a source and a type of object at a moment."""

    def __init__(self, connection: Connection, parameters: Parameters, log: int, size: int) -> None:
        self._connection = connection
        self._parameters = parameters
        self._log = log
        self._size = size
        self._names: dict[ParameterName, list[Held]] = {}
        self._fitting: dict[tuple[str | None, str | None], _Fitting] = {}

    def at(self, kind: type[Any], source: str | None, type_: str | None, moment_us: int) -> Value | None:
        """The value of that sort; None: nobody has set one."""
        return self.of(source, type_, moment_us).get(kind)

    def of(self, source: str | None, type_: str | None, moment_us: int) -> Ruled:
        """The values of all sorts that somebody has set."""
        key = source, type_
        fitting = self._fitting.get(key)
        if fitting is None:
            fitting = self._fitting[key] = self._fit(source, type_)
        stretch = bisect_right(fitting.marks, moment_us)
        values = fitting.values.get(stretch)
        if values is None:
            found = ((kind, most_specific(of, source, type_, moment_us)) for kind, of in fitting.held.items())
            values = fitting.values[stretch] = {
                kind: one.value for kind, one in found if one is not None and one.value is not None
            }
        return values

    def _fit(self, source: str | None, type_: str | None) -> _Fitting:
        held = {
            kind: [one for one in self.held(name) if one.source in (None, source) and one.type in (None, type_)]
            for name, kind in p.STRUCTS.items()
        }
        return _Fitting({kind: of for kind, of in held.items() if of})

    def held(self, name: ParameterName) -> list[Held]:
        """All that is set by a name, in the order of the entries."""
        held = self._names.get(name)
        if held is None:
            every = self._parameters.ever(self._connection, self._log, name)
            held = self._names[name] = [one for one in every if one.at(self._size)]
        return held
