"""Parameters as entries: by what the records of a log are judged, since when, and why."""

from typing import Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.parameters import ParameterName
from ledger.core.record import Name, Text


class Parameter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="parameter/1"):
    """From `applies_from` on (null: always) records of a source and type (null: all) are judged by this value.

    `value` is canonical JSON of the struct of that name (`core.parameters`); null: there is none of its own for them
    any more, and a more general one holds. An entry for the same name, source, type and `applies_from` corrects the one
    before.
    """

    name: ParameterName
    value: Text | None
    reason: Text
    authority: Authority
    source: Name | None = None
    type: Name | None = None
    applies_from: str | None = None


KIND: Final = Kind("parameter", [Parameter])
KINDS = (KIND,)
