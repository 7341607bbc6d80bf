"""The machine-readable copies: `records.csv`, made from `records.jsonl` alone, so that anybody can make it again.

One row a change (a record without changes has one row), every cell quoted (RFC 4180), UTF-8 with byte order mark. No
cell can become a formula: a text that a spreadsheet would take for one, and one that begins with an apostrophe, gets an
apostrophe in front.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ledger.core.clock import utc_text
from ledger.core.entry import LeafData
from ledger.core.hashing import b64
from ledger.core.record import Change, Maybe, RecordBody, Sealed
from ledger.core.times import SourceTime
from reports.lines import RecordLine

if TYPE_CHECKING:
    from ledger.present.manifest import Manifestation

COLUMNS: Final = (
    "index", "logged_at", "occurred_at", "occurred_at_utc", "source_recorded_at", "received_at", "source",
    "source_record_id", "action", "outcome", "account", "actor_kind", "actor_name", "role", "workstation",
    "object_type", "object_id", "object_name", "attribute", "old", "new", "unit", "inferred_after", "inferred_before",
    "more_changes_between", "reason", "links", "basis", "basis_equipment", "basis_after", "basis_before",
    "basis_certain", "imported", "source_state", "leaf_hash",
)  # fmt: skip

WITHHELD: Final = "(withheld)"
NONE: Final = "(none)"
EMPTY: Final = "(empty)"

_WORDS = frozenset({WITHHELD, NONE, EMPTY})
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
FORMULA: Final = tuple("=+-@\t\r\n'＝＋－＠")
"""What a spreadsheet may take for the beginning of a formula."""
GUARDED: Final = frozenset(FORMULA) | {word[0] for word in _WORDS}
"""What texts begin with that may not stand in a cell as they are; of any other, only an empty one may not."""

_body_decoder = msgspec.json.Decoder(RecordBody)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A record as tables and report show it: its line, its leaf, its body with disclosed values put back."""

    line: RecordLine
    leaf: LeafData
    leaf_hash: bytes
    body: RecordBody


SIGNATURE_COLUMNS: Final = (
    *("signature", "name", "user_name", "role", "meaning", "language", "reason"),
    *("signed_at", "zone", "signed_at_utc", "signed", "entries", "mode", "fingerprint"),
)


def row(line: RecordLine, leaf: LeafData, leaf_hash: bytes) -> Row:
    """A record's row; raises msgspec.DecodeError if the body is not a record's."""
    body = _body_decoder.decode(line.body)
    return Row(line=line, leaf=leaf, leaf_hash=leaf_hash, body=opened(body, disclosed(line)))


def disclosed(line: RecordLine) -> dict[str, Any]:
    """The disclosed sealed values of a line by member."""
    return {sealed.member: msgspec.json.decode(sealed.value) for sealed in line.sealed}


def opened(body: RecordBody, values: Mapping[str, Any]) -> RecordBody:
    """The body with these sealed values put back where they were; whatever is not given stays sealed."""
    if not values:
        return body
    record = body.record

    def value(member: str, found: Any) -> Any:
        return values.get(member, found) if isinstance(found, Sealed) else found

    changes = tuple(
        msgspec.structs.replace(
            change,
            old=value(f"changes.{change.attribute}.old", change.old),
            new=value(f"changes.{change.attribute}.new", change.new),
        )
        for change in record.changes
    )
    record = msgspec.structs.replace(
        record,
        actor=msgspec.structs.replace(record.actor, name=value("actor.name", record.actor.name)),
        object=msgspec.structs.replace(record.object, name=value("object.name", record.object.name)),
        reason=value("reason", record.reason),
        changes=changes,
    )
    return msgspec.structs.replace(body, record=record)


def csv_chunks(rows: Iterable[Row]) -> Iterator[bytes]:
    """The file `records.csv`, record by record."""
    yield "\ufeff".encode() + csv_rows([COLUMNS])
    for one in rows:
        yield csv_rows(cells(one))


def signatures_csv(signatures: Iterable[tuple[str, "Manifestation"]]) -> bytes:
    """The file `signatures.csv`: each signature by its address, as 21 CFR 11.50 wants it shown."""
    rows = [
        (
            *(address, shown.name, shown.account, shown.role, shown.meaning, shown.language, shown.reason),
            *(shown.at, shown.zone, shown.utc, shown.target, str(shown.entries), shown.mode, shown.fingerprint),
        )
        for address, shown in signatures
    ]
    return "\ufeff".encode() + csv_rows([SIGNATURE_COLUMNS, *(tuple(map(safe, one)) for one in rows)])


def cell(value: Maybe, guard: Callable[[str], str] | None = None) -> str:
    """A value as a cell: empty where the source gave none; by `guard` (`safe` by default) never a formula."""
    if value is msgspec.UNSET:
        return ""
    if value is None:
        return NONE
    if isinstance(value, Sealed):
        return WITHHELD
    if isinstance(value, bool):
        return "true" if value else "false"
    return (guard or safe)(str(value)) or EMPTY


def safe(text: str) -> str:
    """The text as a cell that no spreadsheet computes and that is no word of ours; plain numbers stay as they are."""
    if text in _WORDS or (text.startswith(FORMULA) and _NUMBER.fullmatch(text) is None):
        return f"'{text}"
    return text


def unlike_ours(text: str) -> str:
    """The text as a cell that is typed as text, so that only our own words need a guard."""
    return f"'{text}" if text in _WORDS else text


def cells(one: Row, guard: Callable[[str], str] = safe) -> list[tuple[str, ...]]:
    """A record's rows, one a change, as `COLUMNS` names them; what a source wrote goes through `guard`."""
    record, body, why = one.body.record, one.body, one.line.why

    def optional(value: str | Sealed | None) -> str:
        return "" if value is None else cell(value, guard)

    head = (
        str(one.line.index),
        one.leaf.logged_at,
        guard(record.occurred_at.text),
        _utc(record.occurred_at),
        _utc(record.source_recorded_at),
        body.received_at,
        guard(record.source),
        guard(record.source_record_id),
        record.action.value,
        record.outcome.value,
        optional(record.actor.account),
        record.actor.kind.value,
        optional(record.actor.name),
        optional(record.actor.role),
        optional(record.actor.workstation),
        guard(record.object.type),
        guard(record.object.id),
        optional(record.object.name),
    )
    tail = (
        optional(record.reason),
        guard("; ".join(f"{link.kind.value}={link.id} ({link.basis.value})" for link in record.links)),
        one.line.basis,
        optional(why.equipment if why else None),
        (why.after if why else ""),
        (why.before or "" if why else ""),
        ("true" if why.certain else "false") if why else "",
        guard(one.line.imported or ""),
        one.line.mark or "",
        b64(one.leaf_hash),
    )
    return [(*head, *_change(change, guard), *tail) for change in record.changes or (None,)]


def _change(change: Change | None, guard: Callable[[str], str]) -> tuple[str, ...]:
    if change is None:
        return ("",) * 7
    inferred = change.inferred
    return (
        guard(change.attribute),
        cell(change.old, guard),
        cell(change.new, guard),
        "" if change.unit is None else cell(change.unit, guard),
        inferred.after if inferred else "",
        inferred.before if inferred else "",
        "true" if change.gap else "false",
    )


def _utc(time: SourceTime | None) -> str:
    if time is None or time.instant_us is None:
        return ""
    try:
        return utc_text(time.instant_us)
    except OverflowError:
        return ""


def csv_rows(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Rows as CSV: RFC 4180, every cell quoted, without byte order mark."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
