"""What a record says, in the words of the source: who, what to, old and new, why, and what it belongs to."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import msgspec

from ledger.core.record import Change, Link, RecordBody, Sealed
from ledger.present.inert import inert
from ledger.present.messages import message
from ledger.present.values import Pieces, Role, change_pieces, value_text
from ledger.sources.resolved import NOT_RESOLVED, Resolved, resolved_person, resolved_place
from ledger.web.views.when import TimeRow, instant_text, record_rows


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One member of the record: its words' key, its value, and whether the value is sealed."""

    key: str
    value: str
    sealed: bool = False


class ShownChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change: its attribute, old → new, and what is not certain of it."""

    attribute: str
    pieces: Pieces
    note: str


class ShownLink(msgspec.Struct, frozen=True, kw_only=True):
    """What the record belongs to; `raw_id` is the id as it stands in the record, `id` is inert."""

    kind: str
    id: str
    raw_id: str
    basis: str


class ShownRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record for the page; a fact that the source does not give is left out, but for the reason."""

    times: tuple[TimeRow, ...]
    source: str
    who: tuple[Fact, ...]
    what: tuple[Fact, ...]
    changes: tuple[ShownChange, ...]
    reason: Fact | None
    links: tuple[ShownLink, ...]


def show_record(
    body: RecordBody, zone: ZoneInfo, opened: Mapping[str, str], resolved: Resolved = NOT_RESOLVED
) -> ShownRecord:
    """Prepares a record's members for the page; every text comes out inert.

    `opened`: the sealed values that stand beside the entry, by their commitment. `resolved`: person and place by the
    dated maps.
    """
    record = body.record
    actor, target = record.actor, record.object
    who = _facts(
        opened,
        ("who.account", actor.account),
        *resolved_person(resolved),
        ("who.name", actor.name),
        ("who.kind", message(f"actor.{actor.kind.value}")),
        ("who.behalf", actor.on_behalf_of),
        ("who.role", actor.role),
        ("who.auth", actor.auth),
        ("who.channel", actor.channel),
        ("who.workstation", actor.workstation),
        ("who.session", actor.session),
    )
    what = _facts(
        opened,
        ("what.action", message(f"action.{record.action.value}")),
        ("what.outcome", message(f"outcome.{record.outcome.value}")),
        ("what.object", target.id),
        *resolved_place(resolved),
        ("what.name", target.name),
        ("what.object.type", target.type),
        ("what.source", record.source),
        ("what.record", record.source_record_id),
        ("what.sequence", record.source_sequence),
    )
    return ShownRecord(
        times=record_rows(body, zone),
        source=inert(record.source),
        who=who,
        what=what,
        changes=tuple(_change(change, zone) for change in record.changes),
        reason=next(iter(_facts(opened, ("what.reason", record.reason or None))), None),
        links=tuple(_link(link) for link in record.links),
    )


def _facts(opened: Mapping[str, str], *named: tuple[str, str | Sealed | None]) -> tuple[Fact, ...]:
    return tuple(
        Fact(key=key, value=opened.get(value.sealed, ""), sealed=True)
        if isinstance(value, Sealed)
        else Fact(key=key, value=value_text(value)[0])
        for key, value in named
        if value is not None
    )


def _change(change: Change, zone: ZoneInfo) -> ShownChange:
    notes = []
    if change.inferred is not None:
        after, before = (instant_text(text, zone) for text in (change.inferred.after, change.inferred.before))
        notes.append(message("change.inferred", after=after, before=before))
    if change.gap:
        notes.append(message("change.gap"))
    if isinstance(change.old, Sealed) or isinstance(change.new, Sealed):
        notes.append(message("change.sealed"))
    pieces = change_pieces(change)
    inserted, deleted = (
        sum(len(one.text) for one in pieces if one.role is role) for role in (Role.INSERT, Role.DELETE)
    )
    if inserted or deleted:
        notes.append(message("change.compared", inserted=inserted, deleted=deleted))
    return ShownChange(attribute=inert(change.attribute), pieces=pieces, note=" ".join(notes))


def _link(link: Link) -> ShownLink:
    return ShownLink(
        kind=link.kind.value, id=inert(link.id), raw_id=link.id, basis=message(f"basis.{link.basis.value}")
    )
