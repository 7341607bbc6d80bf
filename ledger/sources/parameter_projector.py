"""The projector of parameters: which entry holds the value of a name, for which source and type, since when."""

from collections.abc import Iterable

from ledger.core import canonical
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.sources import tables as t
from ledger.sources.parameter_kinds import Parameter


class ParameterProjector:
    """A key is name, source, type and since when: a correction closes what it corrects."""

    name = "parameter"
    version = 1
    kinds = frozenset({"parameter"})
    table = t.parameter.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: Parameter = entry.body
        key = canonical.dumps([one.name.value, one.source, one.type, one.applies_from]).decode()
        since = None if one.applies_from is None else parse_utc(one.applies_from)
        yield Valid(key, (one.name.value, one.source, one.type, since, int(one.value is None)))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """The projector of parameters."""
    return (ParameterProjector(),)
