"""Maps from CSV files, as a site's lists of accounts and tags come: the first line names the columns.

Identities: source, account, person, kind (person, service, device, unknown), shared (yes or no), valid_from, valid_to.
Assets: source, tag, site, area, line, unit, equipment, description, gxp, asset_class, critical, valid_from, valid_to.
An empty field is not said: then gxp is yes, shared and critical are no.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.errors import InvalidEntry, RowFault, RowsRefused, SchemaViolation
from ledger.core.record import ActorKind
from ledger.core.times import parse_source_time
from ledger.sources.map_kinds import AssetMapped2, IdentityMapped2
from ledger.sources.maps import MapEntry, checked

IDENTITY_COLUMNS: Final = ("source", "account", "person", "kind", "shared", "valid_from", "valid_to")
ASSET_COLUMNS: Final = (
    *("source", "tag", "site", "area", "line", "unit", "equipment", "description", "gxp"),
    *("asset_class", "critical", "valid_from", "valid_to"),
)
FAULTS: Final = 100
"""Wrong places that an error names; the rest of the list is not looked at."""
_LONGEST_SAID: Final = 200
T = TypeVar("T", bound=MapEntry)
_YES, _NO = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n"})
_MEMBER = re.compile(r" - at `\$\.(\w+)[^`]*`$")


def read_identities(
    lines: Iterable[str], reason: str, zone: str | None, authority: Authority
) -> Iterator[IdentityMapped2]:
    """The identities of a CSV file; times without offset are read in `zone`.

    Raises SchemaViolation for columns that are none of such a list; RowsRefused, after the last good row, with every
    place that is wrong.
    """

    def identity(row: Mapping[str, Any]) -> IdentityMapped2:
        return IdentityMapped2(**row, reason=reason, authority=authority)

    columns = dict.fromkeys(IDENTITY_COLUMNS, _text) | {"kind": _kind, "shared": _marked} | _times(zone)
    return _rows(lines, columns, ("source", "account", "valid_from"), identity)


def read_assets(lines: Iterable[str], reason: str, zone: str | None, authority: Authority) -> Iterator[AssetMapped2]:
    """The places of a CSV file, as `read_identities`."""

    def asset(row: Mapping[str, Any]) -> AssetMapped2:
        return AssetMapped2(**row, reason=reason, authority=authority)

    columns = dict.fromkeys(ASSET_COLUMNS, _text) | {"gxp": _yes_or_no, "critical": _marked} | _times(zone)
    return _rows(lines, columns, ("source", "tag", "valid_from"), asset)


def instant(text: str, zone: str | None) -> str:
    """The UTC instant that a text names; raises SchemaViolation for one that names none."""
    try:
        told = parse_source_time(text.strip(), zone)
        if told.instant_us is not None:
            return utc_text(told.instant_us)
    except InvalidEntry as error:
        raise SchemaViolation(error.message, advice=error.advice) from None
    except OverflowError:
        pass  # before the year 1 or after 9999 in UTC
    raise SchemaViolation(
        f"{text!r} is no instant", advice="Write 2026-01-31T08:00:00+01:00, or name the zone of times without offset."
    )


def _times(zone: str | None) -> dict[str, Callable[[str], Any]]:
    return {
        "valid_from": lambda text: instant(text, zone),
        "valid_to": lambda text: instant(text, zone) if text else None,
    }


def _text(text: str) -> str | None:
    if "\0" in text:
        raise SchemaViolation("holds U+0000, which no stored text does")
    return text or None


def _kind(text: str) -> ActorKind:
    return ActorKind(text or "person")


def _marked(text: str) -> bool:
    return _yes_or_no(text or "no")


def _yes_or_no(text: str) -> bool:
    said = text.lower() or "yes"
    if said in _YES | _NO:
        return said in _YES
    raise SchemaViolation(f"{text!r} is neither yes nor no")


def _rows(
    lines: Iterable[str],
    columns: Mapping[str, Callable[[str], Any]],
    needed: tuple[str, ...],
    made: Callable[[Mapping[str, Any]], T],
) -> Iterator[T]:
    reader = csv.DictReader(lines, strict=True, restkey="", restval="")
    faults: list[RowFault] = []
    try:
        named = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = named
        _require_columns(named, columns, needed)
        for row in reader:
            line, found = reader.line_num, len(faults)
            if "" in row:
                faults.append(RowFault(line, None, "more fields than columns: quote a field that holds a comma"))
            values = {name: _value(read, row.get(name, ""), name, line, faults) for name, read in columns.items()}
            faults += [
                RowFault(line, name, "is empty") for name in needed if name in row and not str(row[name]).strip()
            ]
            if len(faults) == found:
                entry = _entry(made, values, line, faults)
                if entry is not None:
                    yield entry
            if len(faults) >= FAULTS:
                break
    except csv.Error as error:
        faults.append(RowFault(reader.line_num, None, f"{error}: save it as CSV in UTF-8"))
    if faults:
        first = faults[0]
        place = f"line {first.line}" if first.column is None else f"line {first.line}, column {first.column!r}"
        others = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise RowsRefused(f"{place}: {first.what}{others}", tuple(faults[:FAULTS]))


def _require_columns(named: list[str], columns: Mapping[str, object], needed: tuple[str, ...]) -> None:
    advice = f"Use: {', '.join(columns)}."
    if unknown := [name for name in named if name not in columns]:
        raise SchemaViolation(f"column {unknown[0][:_LONGEST_SAID]!r} is none of a map", advice=advice)
    if missing := [name for name in needed if name not in named]:
        raise SchemaViolation(f"column {missing[0]!r} is missing", advice=advice)
    if twice := [name for name in named if named.count(name) > 1]:
        raise SchemaViolation(f"column {twice[0]!r} stands there twice", advice=advice)


def _value(read: Callable[[str], Any], text: str, column: str, line: int, faults: list[RowFault]) -> Any:
    """What a field says; a fault, and None, where it says nothing that the column can hold."""
    text = text.strip()
    if not text and column == "valid_from":
        return None  # it is needed, and said to be empty elsewhere
    try:
        return read(text)
    except (SchemaViolation, ValueError) as error:
        faults.append(RowFault(line, column, str(error)[:_LONGEST_SAID]))
        return None


def _entry(
    made: Callable[[Mapping[str, Any]], T], values: Mapping[str, Any], line: int, faults: list[RowFault]
) -> T | None:
    try:
        return checked(made(values))
    except SchemaViolation as error:
        told = _MEMBER.search(error.message)
        column = told[1] if told else "valid_to"
        faults.append(RowFault(line, column, error.message[: told.start() if told else None][:_LONGEST_SAID]))
        return None
