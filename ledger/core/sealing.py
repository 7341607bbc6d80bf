"""Sealed values: members that a mapping marks as personal or third-party leave the body and stand beside it.

A body then holds `{"sealed": base64 SHA-256(0x03 ‖ salt ‖ canonical value)}`. The salt is of its own, so a value can be
withheld from a package or erased for ever while every proof stays valid.
"""

import secrets
from collections.abc import Callable, Iterable

import msgspec

from ledger.core import canonical
from ledger.core.entry import SALT_SIZE, SEALED, VaultItem
from ledger.core.errors import SchemaViolation
from ledger.core.hashing import b64, sealed_commitment
from ledger.core.record import Change, Record, RecordBody, Sealed, Value

SEALABLE = ("actor.name", "object.name", "reason")
"""Members that a mapping may seal, besides `changes.<attribute>` (old and new value of that attribute)."""


def check_members(members: Iterable[str]) -> frozenset[str]:
    """The members as a set; raises SchemaViolation for one that can't be sealed."""
    chosen = frozenset(members)
    for member in chosen:
        if member not in SEALABLE and not (member.startswith("changes.") and len(member) > len("changes.")):
            raise SchemaViolation(f"{member!r} cannot be sealed", advice=f"Use one of {SEALABLE} or changes.NAME.")
    return chosen


def seal(record: Record, members: frozenset[str]) -> tuple[Record, tuple[VaultItem, ...]]:
    """Replaces every value at `members` by its commitment; the values and their salts come back as vault items."""
    items: list[VaultItem] = []

    def hide(member: str, value: Value) -> Sealed:
        sealed, item = seal_value(member, value, len(items))
        items.append(item)
        return sealed

    if not members:
        return record, ()
    fields: dict[str, object] = {}
    if "actor.name" in members and record.actor.name is not None:
        fields["actor"] = msgspec.structs.replace(record.actor, name=hide("actor.name", record.actor.name))
    if "object.name" in members and record.object.name is not None:
        fields["object"] = msgspec.structs.replace(record.object, name=hide("object.name", record.object.name))
    if "reason" in members and record.reason is not None:
        fields["reason"] = hide("reason", record.reason)
    if any(f"changes.{change.attribute}" in members for change in record.changes):
        fields["changes"] = tuple(_seal_change(change, members, hide) for change in record.changes)
    return (msgspec.structs.replace(record, **fields) if fields else record), tuple(items)


def seal_value(member: str, value: Value, ordinal: int) -> tuple[Sealed, VaultItem]:
    """One value's commitment, and the value with a fresh salt for the vault; `ordinal` numbers those of an entry."""
    salt = secrets.token_bytes(SALT_SIZE)
    plain = canonical.dumps(value)
    item = VaultItem(sort=SEALED, ordinal=ordinal, salt=salt, value=plain, meta=member)
    return Sealed(b64(sealed_commitment(salt, plain))), item


def _seal_change(change: Change, members: frozenset[str], hide: Callable[[str, Value], Sealed]) -> Change:
    if f"changes.{change.attribute}" not in members:
        return change
    hidden = {
        side: hide(f"changes.{change.attribute}.{side}", value)
        for side in ("old", "new")
        if (value := getattr(change, side)) is not msgspec.UNSET and value is not None
    }
    return msgspec.structs.replace(change, **hidden)


def holds_sealed(record: Record) -> bool:
    """Whether a record that a source sent already has the reserved shape `{"sealed": …}` somewhere."""
    values: list[object] = [record.actor.name, record.object.name, record.reason]
    for change in record.changes:
        values += (change.old, change.new)
    return any(isinstance(value, Sealed) for value in values)


def sealed_members(record: Record) -> list[tuple[str, str]]:
    """Every sealed value of a stored record, in the order of `seal`: its member, and its commitment in base64."""
    found = [("actor.name", record.actor.name), ("object.name", record.object.name), ("reason", record.reason)]
    for change in record.changes:
        found += [(f"changes.{change.attribute}.{side}", getattr(change, side)) for side in ("old", "new")]
    return [(member, value.sealed) for member, value in found if isinstance(value, Sealed)]


def sealed_in(body: msgspec.Struct) -> list[tuple[str, str]]:
    """Every sealed value of a stored body of any kind, in the order of their ordinals: member, commitment in base64.

    A record's are `sealed_members`; of any other body they are its own members, in the order of its fields.
    """
    if isinstance(body, RecordBody):
        return sealed_members(body.record)
    values = ((name, getattr(body, name)) for name in body.__struct_fields__)
    return [(name, value.sealed) for name, value in values if isinstance(value, Sealed)]
