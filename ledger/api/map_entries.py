"""Entries of the dated maps as they are sent: what a caller says, and the entry that it becomes."""

from typing import Annotated, Final

import msgspec

from ledger.api.configuring import Requested
from ledger.api.fields import without_nul
from ledger.api.people import Reason
from ledger.core.authority import Authority
from ledger.core.record import ActorKind, Name
from ledger.sources.map_files import instant
from ledger.sources.map_kinds import AssetMapped2, CalendarSet, Day, IdentityMapped2, Shift

AT_ONCE = 1000
"""Entries that one call may set; a longer list is imported."""

_PLACE: Final = ("site", "area", "line", "unit", "equipment", "description", "asset_class")
When = Annotated[
    str,
    msgspec.Meta(
        max_length=40,
        description="An instant with its offset.",
        examples=["2026-01-01T00:00:00Z", "2026-01-01T06:00:00+01:00"],
    ),
]


class _Dated(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    valid_from: When
    valid_to: When | None = None


class NewIdentity(_Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `valid_from` to before `valid_to` an account is this person's; without `person` it is nobody's.

    A `shared` one, which several people use, names no person.
    """

    source: Annotated[Name, msgspec.Meta(examples=["erp"])]
    account: Annotated[Name, msgspec.Meta(examples=["operator1"])]
    person: Annotated[Name, msgspec.Meta(examples=["P-1042"])] | None = None
    kind: ActorKind = ActorKind.PERSON
    shared: bool = False


class NewAsset(_Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `valid_from` to before `valid_to` a tag stands at this place of the equipment hierarchy (ISA-95).

    `asset_class`: what sort of asset it is, by which parameters apply; `critical`: its records belong to batches.
    """

    source: Annotated[Name, msgspec.Meta(examples=["dcs"])]
    tag: Annotated[Name, msgspec.Meta(examples=["TIC101.SP"])]
    site: Name | None = None
    area: Name | None = None
    line: Name | None = None
    unit: Annotated[Name, msgspec.Meta(examples=["R-101"])] | None = None
    equipment: Name | None = None
    description: Name | None = None
    gxp: bool = True
    asset_class: Annotated[Name, msgspec.Meta(examples=["reactor"])] | None = None
    critical: bool = False


class NewCalendar(_Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `valid_from` to before `valid_to` these shifts are worked in an IANA zone, but on `closed` days."""

    calendar: Annotated[Name, msgspec.Meta(examples=["site"])]
    zone: Annotated[Name, msgspec.Meta(examples=["Europe/Berlin"])]
    shifts: Annotated[tuple[Shift, ...], msgspec.Meta(max_length=100)] = ()
    closed: Annotated[tuple[Day, ...], msgspec.Meta(max_length=1000)] = ()


class NewIdentities(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Identities to be set, all or none. The same account and `valid_from` again corrects what was said."""

    entries: Annotated[tuple[NewIdentity, ...], msgspec.Meta(min_length=1, max_length=AT_ONCE)]
    reason: Reason
    change_request: Requested = None


class NewAssets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Places of tags to be set, all or none."""

    entries: Annotated[tuple[NewAsset, ...], msgspec.Meta(min_length=1, max_length=AT_ONCE)]
    reason: Reason
    change_request: Requested = None


class NewCalendars(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calendars to be set, all or none."""

    entries: Annotated[tuple[NewCalendar, ...], msgspec.Meta(min_length=1, max_length=100)]
    reason: Reason
    change_request: Requested = None


def identity_of(one: NewIdentity, reason: str, authority: Authority) -> IdentityMapped2:
    """The entry; raises SchemaViolation for U+0000 and for a time that is none."""
    without_nul(source=one.source, account=one.account, person=one.person, reason=reason)
    since, until = _span(one)
    return IdentityMapped2(
        source=one.source,
        account=one.account,
        person=one.person,
        kind=one.kind,
        shared=one.shared,
        valid_from=since,
        valid_to=until,
        reason=reason,
        authority=authority,
    )


def asset_of(one: NewAsset, reason: str, authority: Authority) -> AssetMapped2:
    """As `identity_of`."""
    where = {name: getattr(one, name) for name in _PLACE}
    without_nul(source=one.source, tag=one.tag, reason=reason, **where)
    since, until = _span(one)
    return AssetMapped2(
        source=one.source,
        tag=one.tag,
        **where,
        gxp=one.gxp,
        critical=one.critical,
        valid_from=since,
        valid_to=until,
        reason=reason,
        authority=authority,
    )


def calendar_of(one: NewCalendar, reason: str, authority: Authority) -> CalendarSet:
    """As `identity_of`."""
    without_nul(
        calendar=one.calendar, zone=one.zone, reason=reason, **{f"shift {s.name!r}": s.name for s in one.shifts}
    )
    since, until = _span(one)
    return CalendarSet(
        calendar=one.calendar,
        zone=one.zone,
        shifts=one.shifts,
        closed=one.closed,
        valid_from=since,
        valid_to=until,
        reason=reason,
        authority=authority,
    )


def _span(one: _Dated) -> tuple[str, str | None]:
    return instant(one.valid_from, None), None if one.valid_to is None else instant(one.valid_to, None)
