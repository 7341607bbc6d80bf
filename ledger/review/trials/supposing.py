"""Parameters as they would be: what a log has set, with other values in place of some of it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.errors import SchemaViolation
from ledger.core.parameters import ParameterName, read
from ledger.core.record import Name
from ledger.review.life.going_by import names_of
from ledger.review.rules.rule import About
from ledger.sources.map_files import instant
from ledger.sources.parameter_kinds import Parameter
from ledger.sources.parameters import Held, Parameters, checked
from ledger.store.store import Store

_NOBODY = Authority(actor="service:rules", authenticated=False)


class Supposition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A value of a parameter that a log does not have, for a source and type (null: all), from an instant on (null:
    always). It has the members of its name; null: there is none of its own there.
    """

    name: ParameterName
    value: dict[str, Any] | None
    source: Name | None = None
    type: Name | None = None
    applies_from: str | None = None

    def held(self) -> Held:
        """As a log would hold it; raises SchemaViolation, naming the member that is wrong."""
        entry = checked(
            Parameter(
                name=self.name,
                value=None if self.value is None else msgspec.json.encode(self.value).decode(),
                source=self.source,
                type=self.type,
                applies_from=None if self.applies_from is None else instant(self.applies_from, None),
                reason="supposed",
                authority=_NOBODY,
            )
        )
        return Held(
            source=entry.source,
            type=entry.type,
            applies_us=None if entry.applies_from is None else parse_utc(entry.applies_from),
            removed=entry.value is None,
            entry=0,
            until=None,
            value=None if entry.value is None else read(entry.name, entry.value),
        )


def require_fitting(about: About, supposed: Sequence[Supposition]) -> None:
    """Raises SchemaViolation for a value that cannot be, for one by which the rule does not go, and for two of the same
    source, type and time.
    """
    seen = set()
    for one in supposed:
        if one.name not in names_of(about):
            raise SchemaViolation(
                f"rule {about.id} does not go by parameter {one.name.value}",
                advice=f"It goes by {', '.join(names_of(about))}.",
            )
        held = one.held()
        scope = one.name, held.source, held.type, held.applies_us
        if scope in seen:
            raise SchemaViolation(f"parameter {one.name.value} is supposed twice for the same", advice="Leave one out.")
        seen.add(scope)


class Supposed(Parameters):
    """The parameters of any log, where these are supposed."""

    def __init__(self, store: Store, supposed: Sequence[Supposition]) -> None:
        super().__init__(store)
        self._supposed = [(one.name, one.held()) for one in supposed]

    def ever(self, connection: Connection, log: int, name: ParameterName) -> list[Held]:
        """What was set, but for what is supposed in its place, and that."""
        mine = [held for its, held in self._supposed if its is name]
        scopes = {(one.source, one.type, one.applies_us) for one in mine}
        set_ = super().ever(connection, log, name)
        return [*(one for one in set_ if (one.source, one.type, one.applies_us) not in scopes), *mine]
