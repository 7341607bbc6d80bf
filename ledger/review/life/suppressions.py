"""Suppressions: findings of a rule that are looked past for a time, in a scope; they stay, and show it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.clock import parse_utc, utc_text
from ledger.core.errors import NotCanonical, NotFound, SchemaViolation
from ledger.core.ruling import SUPPRESSION, Suppression, SuppressionEvent
from ledger.review.known.days import DAY_US
from ledger.review.life import tables as t
from ledger.review.rules import rule_named
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of

LONGEST_DAYS: Final = 366
"""After so long somebody has to look again, and say so."""
_AT_ONCE: Final = 500


class Suppressing(msgspec.Struct, frozen=True, kw_only=True):
    """A suppression as entry `entry` states it. `in_force`: it holds at the moment that was asked for."""

    entry: int
    rule: str
    source: str | None
    object_type: str | None
    object_id: str | None
    since: str
    until: str
    by: str
    reason: str
    in_force: bool

    def has(self, rule: str, source: str, object_type: str, object_id: str) -> bool:
        """Whether a finding of a rule about this object is in its scope."""
        asked = zip((self.source, self.object_type, self.object_id), (source, object_type, object_id), strict=True)
        return self.rule == rule and all(mine in (None, its) for mine, its in asked)


def checked(entry: Suppression) -> Suppression:
    """The suppression as it is entered, if it can be one. Raises SchemaViolation, naming what is wrong."""
    try:
        entry = msgspec.convert(msgspec.to_builtins(entry), Suppression)
        rule_named(entry.rule)
        lasts_us = parse_utc(entry.until) - parse_utc(entry.since)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"the suppression cannot be so: {error}", advice="Correct what is named.") from None
    except (NotFound, NotCanonical) as error:
        raise SchemaViolation(error.message, advice=error.advice) from None
    if not 0 < lasts_us <= LONGEST_DAYS * DAY_US:
        raise SchemaViolation(
            f"the suppression is in force from {entry.since} to {entry.until}",
            advice=f"It ends after it begins, and within {LONGEST_DAYS} days: extend it once somebody looked again.",
        )
    if entry.object_id is not None and None in (entry.source, entry.object_type):
        raise SchemaViolation(
            f"object {entry.object_id!r} is one of a source and a type", advice="Name both, or no object."
        )
    return entry


def suppressions(connection: Connection, log: int, size: int, at_us: int) -> list[Suppressing]:
    """All that was not revoked as of a size, in the order of the entries; in force: at that moment."""
    row = t.suppression.c
    chosen = select(row.from_index).where(row.log == log, as_of(t.suppression, size)).order_by(row.from_index)
    reader, found = LogReader(connection, log), []
    for entry in connection.scalars(chosen).all():
        body = body_of(reader.entry(entry), SUPPRESSION, Suppression)
        found.append(
            Suppressing(
                entry=entry,
                rule=body.rule,
                source=body.source,
                object_type=body.object_type,
                object_id=body.object_id,
                since=body.since,
                until=body.until,
                by=body.authority.actor,
                reason=body.reason,
                in_force=body.since <= utc_text(at_us) < body.until,
            )
        )
    return found


def revoking(connection: Connection, log: int, asked: Suppression) -> Suppression:
    """What revokes the suppression of the scope that is asked for; raises NotFound where there is none."""
    scope = asked.rule, asked.source, asked.object_type, asked.object_id
    for one in suppressions(connection, log, LogReader(connection, log).head().size, at_us=0):
        if (one.rule, one.source, one.object_type, one.object_id) == scope:
            return msgspec.structs.replace(asked, since=one.since, until=one.until, event=SuppressionEvent.REVOKED)
    raise NotFound(f"no suppression of {asked.rule} has that scope", advice="See `trailseal rules suppressions`.")


def suppressed(
    connection: Connection, log: int, size: int, at_us: int, findings: Sequence[tuple[str, int]]
) -> Mapping[tuple[str, int], Suppressing]:
    """Of findings, each its rule and the record that was examined, those that are looked past, and by what."""
    held = [one for one in suppressions(connection, log, size, at_us) if one.in_force]
    rules = {one.rule for one in held}
    anchors = sorted({anchor for rule, anchor in findings if rule in rules})
    objects = dict[int, tuple[str, str, str]]()
    row = schema.record.c
    for at in range(0, len(anchors), _AT_ONCE):
        places = [pos_of(log, one) for one in anchors[at : at + _AT_ONCE]]
        chosen = select(row.pos, row.source, row.object_type, row.object_id).where(row.pos.in_(places))
        objects.update({index_of(pos): (source, type_, id_) for pos, source, type_, id_ in connection.execute(chosen)})
    return {
        (rule, anchor): one
        for rule, anchor in findings
        for one in reversed(held)
        if anchor in objects and one.has(rule, *objects[anchor])
    }
