"""Projectors of the dated maps. A key is what is mapped and since when: a correction closes what it corrects.

Columns that only version 2 of a body fills are null for version 1: rows of a ledger from before stay as they are.
"""

from collections.abc import Iterable

from ledger.core import canonical
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.sources import tables as t
from ledger.sources.map_kinds import AssetMapped, AssetMapped2, CalendarSet, IdentityMapped, IdentityMapped2


def key_of(*parts: str) -> str:
    """The parts as one text that no other parts give."""
    return canonical.dumps(list(parts)).decode()


class IdentityProjector:
    """Whose an account was, and from when to when."""

    name = "identity"
    version = 1
    kinds = frozenset({"identity"})
    table = t.identity.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: IdentityMapped = entry.body
        span = (parse_utc(one.valid_from), _until(one.valid_to))
        shared = int(one.shared) if isinstance(one, IdentityMapped2) else None
        values = (one.source, one.account, one.person, one.kind.value, *span, shared)
        yield Valid(key_of(one.source, one.account, one.valid_from), values)


class AssetProjector:
    """Where a tag stood, and from when to when."""

    name = "asset"
    version = 1
    kinds = frozenset({"asset"})
    table = t.asset.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: AssetMapped = entry.body
        place = (one.site, one.area, one.line, one.unit, one.equipment, one.description, int(one.gxp))
        span = (parse_utc(one.valid_from), _until(one.valid_to))
        more = (one.asset_class, int(one.critical)) if isinstance(one, AssetMapped2) else (None, None)
        yield Valid(key_of(one.source, one.tag, one.valid_from), (one.source, one.tag, *place, *span, *more))


class CalendarProjector:
    """Which entry holds the shifts of a calendar, and from when to when they are worked."""

    name = "calendar"
    version = 1
    kinds = frozenset({"calendar"})
    table = t.calendar.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: CalendarSet = entry.body
        span = (parse_utc(one.valid_from), _until(one.valid_to))
        yield Valid(key_of(one.calendar, one.valid_from), (one.calendar, len(one.shifts), *span))


def _until(text: str | None) -> int | None:
    return None if text is None else parse_utc(text)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of the maps."""
    return IdentityProjector(), AssetProjector(), CalendarProjector()
