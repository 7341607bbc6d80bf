"""Who and where a record is about by the dated maps: as they say today, and as they said when the record was logged."""

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.errors import NotCanonical
from ledger.core.looks import moment_us
from ledger.core.record import RecordBody
from ledger.present.messages import message
from ledger.sources.corroborating import Corroborates, corroboration
from ledger.sources.maps import Identity, Place, person_at, place_at


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """Whose the record's account was and where its object stood at the moment of the record; None: no map says.

    `person` and `place` are what the maps say now, `person_then` and `place_then` what they said when the record was
    logged: a map that was corrected, or made, later answers for earlier records too. `corroborates`: what speaks for
    who used an account that is shared; it is nobody's all the same.
    """

    person: Identity | None = None
    place: Place | None = None
    person_then: Identity | None = None
    place_then: Place | None = None
    corroborates: tuple[Corroborates, ...] = ()


NOT_RESOLVED: Final = Resolved()


def resolve(connection: Connection, log: int, index: int, body: object) -> Resolved:
    """Resolves the record of an entry; nothing, for what is none."""
    if not isinstance(body, RecordBody):
        return NOT_RESOLVED
    try:
        at_us = moment_us(body)
    except NotCanonical:
        return NOT_RESOLVED
    record = body.record
    source, account, tag = record.source, record.actor.account, record.object.id
    person, person_then = (
        None if account is None else person_at(connection, log, source, account, at_us, size) for size in (None, index)
    )
    place, place_then = (place_at(connection, log, source, tag, at_us, size) for size in (None, index))
    shared = person is not None and person.shared
    return Resolved(
        person=person,
        place=place,
        person_then=person_then,
        place_then=place_then,
        corroborates=corroboration(connection, log, record, at_us) if shared else (),
    )


def resolved_person(resolved: Resolved) -> Iterator[tuple[str, str]]:
    """Person in words, by the key of their label; a second time where the maps said otherwise then."""
    now, then = resolved.person, resolved.person_then
    if now is not None:
        yield "who.person", person_text(now)
        if then != now:
            yield "who.person.then", message("who.person.unsaid") if then is None else person_text(then)
    for one in resolved.corroborates:
        said = {"name": one.name, "person": one.person or "", "since": one.since, "until": one.until or ""}
        yield "who.corroborates", message(f"who.corroborates.{one.sort.value}", entry=one.entry, **said)


def resolved_place(resolved: Resolved) -> Iterator[tuple[str, str]]:
    """Place in words, as `resolved_person`."""
    now, then = resolved.place, resolved.place_then
    if now is not None:
        yield "what.place", place_text(now)
        if then != now:
            yield "what.place.then", message("what.place.unsaid") if then is None else place_text(then)


def person_text(one: Identity) -> str:
    """Whose an account was, in words, with the entry that says so."""
    if one.person is None:
        return message("who.person.shared" if one.shared else "who.person.nobody", entry=one.entry)
    return message("who.person.is", person=one.person, entry=one.entry)


def place_text(one: Place) -> str:
    """Where a tag stood, in words, with the entry that says so."""
    steps = [step for step in (one.site, one.area, one.line, one.unit) if step]
    if one.equipment and one.equipment not in steps:
        steps.append(one.equipment)
    asset_class = None if one.asset_class is None else message("what.place.class", asset_class=one.asset_class)
    marks = [message("what.place.critical")] if one.critical else []
    marks += [] if one.gxp else [message("what.place.not-gxp")]
    told = [" / ".join(steps), one.description, asset_class, *marks]
    return message("what.place.is", place=", ".join(part for part in told if part), entry=one.entry)
