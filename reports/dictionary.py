"""The data dictionary of a package: each of its files, and each member or column in them, as one table.

What there is, and of what type, is read off the structures that the files are written from; only what a member means
is told, in the catalogue.
"""

from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from ledger.core.entry import LeafData
from ledger.core.record import (
    Actor,
    Change,
    ContentDigest,
    Interval,
    Link,
    OriginalRef,
    Record,
    RecordBody,
    Sealed,
    Target,
)
from ledger.core.times import Clock, SourceTime
from ledger.present.messages import message
from reports import bag, layout
from reports.layout import Description
from reports.lines import (
    CopyLine,
    EntryLine,
    KeyEventLine,
    OriginalLine,
    RecordLine,
    RenewalLine,
    RunLine,
    SetLine,
    SignedLine,
    StampLine,
)
from reports.tables import COLUMNS, SIGNATURE_COLUMNS, csv_rows, safe

HEAD: Final = ("file", "member", "type", "unit", "meaning", "given_by")
_LINES: Final[tuple[tuple[str, type[msgspec.Struct]], ...]] = (
    (layout.DESCRIPTION, Description),
    (layout.RECORDS, RecordLine),
    (layout.ORIGINALS, OriginalLine),
    (layout.ENTRIES, EntryLine),
    (layout.RUNS, RunLine),
    (layout.KEY_LIFE, KeyEventLine),
    (layout.SIGNATURES, SignedLine),
    (layout.SETS, SetLine),
    (layout.COPIES, CopyLine),
    (layout.STAMPS, StampLine),
    (layout.RENEWALS, RenewalLine),
)
_TEXTS: Final = (
    *(layout.REPORT, layout.HELP, layout.PAGE, layout.DICTIONARY, layout.CHECKPOINT, layout.SYSTEM, layout.KEYS),
    *(layout.PROOF_OF_ALL, f"{layout.PROOFS_FOLDER}/", f"{layout.COPIES_FOLDER}/", f"{layout.STAMPS_FOLDER}/"),
    *(layout.SEAL, bag.DECLARATION, bag.INFO, *bag.MANIFESTS, *bag.TAG_MANIFESTS),
)
"""Files and folders without members of their own."""
_PROVEN: Final = (RecordLine, EntryLine, SignedLine, KeyEventLine)
_LOGGED: Final = frozenset({"leaf", "salt", "body"})
_SHARED: Final = _LOGGED | {"proof"}
"""Members that mean the same in the line of every entry."""
_RAW: Final[dict[tuple[type, str], type[msgspec.Struct]]] = {
    **{(kind, "leaf"): LeafData for kind in _PROVEN},
    (RecordLine, "body"): RecordBody,
}
"""What stands in members that are kept as the bytes which were logged."""
_BY_SOURCE: Final = frozenset({Record, SourceTime, Actor, Target, Change, Link})
_BY_LEDGER: Final = frozenset({RecordBody, LeafData, Clock, OriginalRef, ContentDigest, Interval})
_MICROSECONDS: Final = "µs"
_UTC: Final = "UTC, ISO 8601"
_UNITS: Final = {
    **dict.fromkeys(("instant_us", "offset_us", "uncertainty_us"), _MICROSECONDS),
    **dict.fromkeys(("gathered_at", "logged_at", "received_at", "measured_at", "after", "before"), _UTC),
    "originalref.size": "bytes",
    "description.size": "entries",
    "stampline.size": "entries",
}
_COLUMNS: Final = {
    "index": "index",
    "logged_at": "leaf.logged_at",
    "occurred_at": "body.record.occurred_at.text",
    "occurred_at_utc": "body.record.occurred_at.instant_us",
    "source_recorded_at": "body.record.source_recorded_at.instant_us",
    "received_at": "body.received_at",
    "source": "body.record.source",
    "source_record_id": "body.record.source_record_id",
    "action": "body.record.action",
    "outcome": "body.record.outcome",
    "account": "body.record.actor.account",
    "actor_kind": "body.record.actor.kind",
    "actor_name": "body.record.actor.name",
    "role": "body.record.actor.role",
    "workstation": "body.record.actor.workstation",
    "object_type": "body.record.object.type",
    "object_id": "body.record.object.id",
    "object_name": "body.record.object.name",
    "attribute": "body.record.changes[].attribute",
    "old": "body.record.changes[].old",
    "new": "body.record.changes[].new",
    "unit": "body.record.changes[].unit",
    "inferred_after": "body.record.changes[].inferred.after",
    "inferred_before": "body.record.changes[].inferred.before",
    "more_changes_between": "body.record.changes[].gap",
    "reason": "body.record.reason",
    "links": "body.record.links",
    "basis": "basis",
    "basis_equipment": "why.equipment",
    "basis_after": "why.after",
    "basis_before": "why.before",
    "basis_certain": "why.certain",
    "imported": "imported",
    "source_state": "mark",
}
"""Of each column of `records.csv`, the member of a line of `records.jsonl` that it shows."""
_MADE: Final = ("leaf_hash",)
"""Columns that are computed."""


class Item(msgspec.Struct, frozen=True):
    """A row of the dictionary; `member` is empty where it is about the file, `[]` in it stands for each of a list."""

    file: str
    member: str
    type: str
    unit: str
    meaning: str
    given_by: str


@cache
def dictionary_csv() -> bytes:
    """The file `data-dictionary.csv`."""
    rows = [tuple(map(safe, msgspec.structs.astuple(item))) for item in items()]
    return "\ufeff".encode() + csv_rows([HEAD, *rows])


def items() -> Iterator[Item]:
    """Every file that a package can have, each followed by what stands in it."""
    for file in _TEXTS:
        yield _file(file)
    for name, kind in _LINES:
        yield _file(name)
        yield from _members(name, inspect.type_info(kind), "")
    yield from _columns()


def _file(name: str) -> Item:
    key = name.removeprefix(bag.PAYLOAD).strip("/").lower().replace(".", "-")
    return Item(name, "", "", "", message(f"dictionary.file.{key}"), message("dictionary.by.package"))


def _members(file: str, info: Any, path: str) -> Iterator[Item]:
    for field in info.fields:
        member = f"{path}{field.encode_name}"
        shared = info.cls in _PROVEN and field.name in _SHARED
        key = f"{'line' if shared else info.cls.__name__.lower()}.{field.name}"
        raw = _RAW.get((info.cls, field.name))
        found = field.type if raw is None else inspect.type_info(raw)
        unit = _UNITS.get(key, _UNITS.get(field.name, ""))
        yield Item(file, member, _type(found), unit, message(f"dictionary.{key}"), _given_by(info.cls, field.name))
        for inner, suffix in _structs(found, ""):
            if inner.cls is not Sealed:
                yield from _members(file, inner, f"{member}{suffix}.")


def _structs(found: Any, suffix: str) -> Iterator[tuple[Any, str]]:
    """The structures within a type, each with `[]` for the list that it stands in."""
    match found:
        case inspect.StructType():
            yield found, suffix
        case inspect.Metadata(type=inner):
            yield from _structs(inner, suffix)
        case inspect.UnionType(types=types):
            for one in types:
                yield from _structs(one, suffix)
        case inspect.VarTupleType(item_type=inner):
            yield from _structs(inner, f"{suffix}[]")


def _type(found: Any) -> str:
    match found:
        case inspect.Metadata(type=inner):
            return _type(inner)
        case inspect.UnionType(types=types):
            return " / ".join(dict.fromkeys(map(_type, types)))
        case inspect.VarTupleType(item_type=inner):
            return message("dictionary.type.list", of=_type(inner))
        case inspect.EnumType(cls=cls):
            return message("dictionary.type.one-of", values=", ".join(_values(cls)))
        case inspect.LiteralType(values=values):
            return message("dictionary.type.one-of", values=", ".join(map(str, values)))
        case inspect.StructType(cls=cls) if cls is Sealed:
            return message("dictionary.type.sealed")
        case _:
            name = type(found).__name__.removesuffix("Type").lower()
            return message(f"dictionary.type.{name}")


def _values(cls: type[Enum]) -> list[str]:
    return [str(member.value) for member in cls]


def _given_by(cls: type, name: str) -> str:
    if cls in _BY_SOURCE:
        return message("dictionary.by.source")
    logged = cls in _BY_LEDGER or (cls in _PROVEN and name in _LOGGED)
    return message("dictionary.by.ledger" if logged else "dictionary.by.package")


def _columns() -> Iterator[Item]:
    lines = {item.member: item for item in _members(layout.RECORDS, inspect.type_info(RecordLine), "")}
    for file in (layout.TABLE, layout.WORKBOOK):
        yield _file(file)
        for column in COLUMNS:
            if column in _MADE:
                by = message("dictionary.by.computed")
                yield Item(file, column, _type(inspect.StrType()), "", message(f"dictionary.column.{column}"), by)
                continue
            item = lines[_COLUMNS[column]]
            unit = _UTC if item.member.endswith("instant_us") else item.unit
            by = message("dictionary.by.member", file=layout.RECORDS, member=item.member)
            yield Item(file, column, _type(inspect.StrType()), unit, item.meaning, by)
    yield _file(layout.SIGNATURES_TABLE)
    for column in SIGNATURE_COLUMNS:
        by = message("dictionary.by.member", file=layout.SIGNATURES, member="body")
        unit = _UTC if column == "signed_at_utc" else ""
        text = message(f"dictionary.signature.{column}")
        yield Item(layout.SIGNATURES_TABLE, column, _type(inspect.StrType()), unit, text, by)
