"""The parameters of a log as of a size, each name read once."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from ledger.core import parameters as p
from ledger.core.parameters import ParameterName, Value, most_specific
from ledger.sources.parameters import Held, Parameters

_NAMES: Final[Mapping[type[Any], ParameterName]] = {struct: name for name, struct in p.STRUCTS.items()}


class Rules:
    """What holds for a source and a type of object at a moment."""

    def __init__(self, connection: Connection, parameters: Parameters, log: int, size: int) -> None:
        self._connection = connection
        self._parameters = parameters
        self._log = log
        self._size = size
        self._names: dict[ParameterName, list[Held]] = {}
        self._fitting: dict[tuple[ParameterName, str | None, str | None], list[Held]] = {}

    def at(self, kind: type[Any], source: str | None, type_: str | None, moment_us: int) -> Value | None:
        """The value of that sort; None: nobody has set one."""
        key = _NAMES[kind], source, type_
        fitting = self._fitting.get(key)
        if fitting is None:
            fitting = self._fitting[key] = [
                one for one in self._held(key[0]) if one.source in (None, source) and one.type in (None, type_)
            ]
        if not fitting:
            return None
        found = most_specific(fitting, source, type_, moment_us)
        return None if found is None else found.value

    def of(self, source: str, type_: str, moment_us: int) -> Callable[[type[Any]], Value | None]:
        """The values for one record, by sort."""
        return lambda kind: self.at(kind, source, type_, moment_us)

    def _held(self, name: ParameterName) -> list[Held]:
        held = self._names.get(name)
        if held is None:
            every = self._parameters.ever(self._connection, self._log, name)
            held = self._names[name] = [one for one in every if one.at(self._size)]
        return held
