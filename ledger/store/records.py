"""Projector of records: the search row, its links, and the key that finds the same record again."""

from collections.abc import Iterable
from typing import Final

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.hashing import unb64
from ledger.core.looks import moment_us
from ledger.core.projector import Row
from ledger.core.record import Link, Record, RecordBody
from ledger.core.sequences import cut
from ledger.core.tokens import exact, key_token, mark, tokens_of
from ledger.store.combinations import combined
from ledger.store.full_text import shape
from ledger.store.position import pos_of

HOUR_US: Final = 3_600_000_000
REASON_SHOWN: Final = 200
"""Characters of a reason that stand in its column, to sort and to show by."""
_NO_MEMBERS: Final = (None,) * 8


class RecordProjector:
    """Facts of `record` entries. Sealed values are in no column and no token.

    Version 2 has tokens of `full_text.EXACT`, version 3 the columns after `tokens` and rows in `record_change`. From
    version 4 on SQLite has a token of each record's key, first in its row, in place of a row in `source_key`; from
    version 5 on tokens of `full_text.MARKED` and `shape`. From version 6 on PostgreSQL has the record's `combination`.
    """

    name = "record"
    kinds = frozenset({"record"})
    tables = ("record", "record_link", "source_key", "record_change")

    def __init__(self, dialect: str, version: int = 6) -> None:
        self.version = version
        self._joined = dialect == "sqlite"
        self._keyed = self._joined and version > 3
        self._marked = self._joined and version > 4
        self._combined = not self._joined and version > 5

    def rows(self, entry: Entry) -> Iterable[Row]:
        # `_value_` is the enum's value without the descriptor in front of it, which costs more than the rest of a row.
        body: RecordBody = entry.body
        record = body.record
        actor, target = record.actor, record.object
        pos = pos_of(entry.log, entry.index)
        recorded = record.source_recorded_at
        words = record_tokens(record)
        if self._keyed:
            words.insert(0, key_token(record.source, record.source_record_id))
        if self._joined and self.version > 1:
            words.append(exact("object_id", target.id))
            if actor.account is not None:
                words.append(exact("actor", actor.account))
        at_us: int | None = None
        combination: bytes | None = None
        members: tuple[str | int | None, ...] = _NO_MEMBERS
        if self.version > 2:
            at_us = moment_us(body)
            hour = at_us // HOUR_US
            reason = record.reason
            reasoned = 0 if reason is None else 1
            members = (
                actor.workstation,
                actor.role,
                reason[:REASON_SHOWN] if isinstance(reason, str) else None,
                reasoned,
                at_us,
                hour,
                *cut(record.source_sequence),
            )
            if self._joined and actor.workstation is not None:
                words.append(exact("workstation", actor.workstation))
            if self._marked:
                if actor.role is not None:
                    words.append(mark("role", actor.role))
                words += {mark("attribute", change.attribute): None for change in record.changes}
                words.append(shape(record.source, record.action._value_, record.outcome._value_, target.type, reasoned))
            if self._combined:
                combination = combined(
                    (record.source, record.action._value_, record.outcome._value_, target.type, actor.role, reasoned),
                    frozenset([change.attribute for change in record.changes]),
                )
            for ordinal, change in enumerate(record.changes):
                yield (
                    "record_change",
                    (pos, ordinal, hour, record.source, target.id, target.type, change.attribute, at_us),
                )
        yield (
            "record",
            (
                pos,
                record.source,
                record.action._value_,
                record.outcome._value_,
                record.occurred_at.instant_us,
                recorded.instant_us if recorded else None,
                parse_utc(body.received_at),
                actor.account,
                target.type,
                target.id,
                " ".join(words) if self._joined else words,
                *members,
                combination,
            ),
        )
        for link in unique_links(record):
            yield "record_link", (link.kind._value_, link.id, pos, link.basis._value_, at_us)
        if not self._keyed:
            yield (
                "source_key",
                (entry.log, record.source, record.source_record_id, unb64(body.digest.hmac), pos),
            )


def unique_links(record: Record) -> list[Link]:
    """The record's links, each kind and id once: the first basis stands."""
    found: dict[tuple[str, str], Link] = {}
    for link in record.links:
        found.setdefault((link.kind, link.id), link)
    return list(found.values())


def record_tokens(record: Record) -> list[str]:
    """The tokens by which a record is found: of all its plain text; what is sealed is not among it."""
    actor, target = record.actor, record.object
    recurring = [record.source, record.action._value_, target.type, target.id, *[link.id for link in record.links]]
    optional = (actor.account, actor.name, actor.role, actor.workstation, target.name)
    recurring += [value for value in optional if isinstance(value, str)]
    others = [record.source_record_id]
    if isinstance(record.reason, str):
        others.append(record.reason)
    for change in record.changes:
        recurring.append(change.attribute)
        if change.unit is not None:
            recurring.append(change.unit)
        if isinstance(change.old, str):
            others.append(change.old)
        if isinstance(change.new, str):
            others.append(change.new)
    return tokens_of(recurring, " ".join(others))
