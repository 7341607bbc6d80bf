"""Entries of the dated maps: whose an account is, where a tag belongs, which shifts were worked.

Resolved when a record is read, as of a size, and never frozen into search rows: a map that is corrected later answers
for earlier records too, and a read as of the earlier size still gives the earlier answer.
"""

from typing import Annotated, Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import ActorKind, Name, Text

Clock24 = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A time of day of the site, `06:00`."""
Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class IdentityMapped(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="identity/1"):
    """From `valid_from` to before `valid_to` (null: until replaced) an account of a source is this person's.

    `person` is the id by which the site knows the person, device or service, null: nobody's, as after a departure. An
    entry for the same account and `valid_from` corrects the one before.
    """

    source: Name
    account: Name
    person: Name | None
    kind: ActorKind
    valid_from: str
    valid_to: str | None
    reason: Text
    authority: Authority


class AssetMapped(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="asset/1"):
    """From `valid_from` to before `valid_to` an id of a source (a tag, a node, a location) stands at this place of the
    equipment hierarchy (ISA-95 / IEC 62264-1: site, area, line, unit).

    `equipment` is the id by which records link to it; `gxp` whether its data bears on product quality.
    """

    source: Name
    tag: Name
    site: Name | None
    area: Name | None
    line: Name | None
    unit: Name | None
    equipment: Name | None
    description: Name | None
    gxp: bool
    valid_from: str
    valid_to: str | None
    reason: Text
    authority: Authority


class IdentityMapped2(IdentityMapped, frozen=True, kw_only=True, omit_defaults=True, tag="identity/2"):
    """As version 1. A `shared` account is used by several people: it is nobody's (`person` null), whatever a shift plan
    or a badge says.
    """

    shared: bool = False


class AssetMapped2(AssetMapped, frozen=True, kw_only=True, omit_defaults=True, tag="asset/2"):
    """As version 1. `asset_class`: what sort of asset it is, by which parameters apply (`reactor`); `critical`: a
    record of it that belongs to no batch is listed.
    """

    asset_class: Name | None = None
    critical: bool = False


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """A shift of the given weekdays (1 = Monday … 7 = Sunday, ISO 8601); one that ends at or before its start ends the
    next day.
    """

    name: Name
    days: tuple[Annotated[int, msgspec.Meta(ge=1, le=7)], ...]
    start: Clock24
    end: Clock24


class CalendarSet(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="calendar/1"):
    """From `valid_from` to before `valid_to` these shifts are worked, in that IANA zone, but on `closed` days."""

    calendar: Name
    zone: Name
    shifts: Annotated[tuple[Shift, ...], msgspec.Meta(max_length=100)]
    closed: Annotated[tuple[Day, ...], msgspec.Meta(max_length=1000)]
    valid_from: str
    valid_to: str | None
    reason: Text
    authority: Authority


CALENDAR: Final = Kind("calendar", [CalendarSet])
KINDS = (Kind("identity", [IdentityMapped, IdentityMapped2]), Kind("asset", [AssetMapped, AssetMapped2]), CALENDAR)
