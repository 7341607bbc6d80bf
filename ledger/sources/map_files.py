"""Maps from CSV files, as a site's lists of accounts and tags come: the first line names the columns.

Identities: source, account, person, kind (person, service, device, unknown), valid_from, valid_to. Assets: source, tag,
site, area, line, unit, equipment, description, gxp (yes or no), valid_from, valid_to. An empty field is not said.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeVar

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.errors import InvalidEntry, SchemaViolation
from ledger.core.record import ActorKind
from ledger.core.times import parse_source_time
from ledger.sources.map_kinds import AssetMapped, IdentityMapped

IDENTITY_COLUMNS: Final = ("source", "account", "person", "kind", "valid_from", "valid_to")
ASSET_COLUMNS: Final = (
    *("source", "tag", "site", "area", "line", "unit", "equipment", "description", "gxp"),
    *("valid_from", "valid_to"),
)
T = TypeVar("T")
_YES, _NO = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n"})


def read_identities(
    lines: Iterable[str], reason: str, zone: str | None, authority: Authority
) -> Iterator[IdentityMapped]:
    """The identities of a CSV file; times without offset are read in `zone`. Raises SchemaViolation with the line."""

    def identity(row: Mapping[str, str]) -> IdentityMapped:
        return IdentityMapped(
            source=row["source"],
            account=row["account"],
            person=row.get("person") or None,
            kind=ActorKind(row.get("kind") or "person"),
            valid_from=instant(row["valid_from"], zone),
            valid_to=_maybe_instant(row.get("valid_to"), zone),
            reason=reason,
            authority=authority,
        )

    return _rows(lines, IDENTITY_COLUMNS, ("source", "account", "valid_from"), identity)


def read_assets(lines: Iterable[str], reason: str, zone: str | None, authority: Authority) -> Iterator[AssetMapped]:
    """The places of a CSV file, as `read_identities`."""

    def asset(row: Mapping[str, str]) -> AssetMapped:
        return AssetMapped(
            source=row["source"],
            tag=row["tag"],
            site=row.get("site") or None,
            area=row.get("area") or None,
            line=row.get("line") or None,
            unit=row.get("unit") or None,
            equipment=row.get("equipment") or None,
            description=row.get("description") or None,
            gxp=_yes_or_no(row.get("gxp") or "yes"),
            valid_from=instant(row["valid_from"], zone),
            valid_to=_maybe_instant(row.get("valid_to"), zone),
            reason=reason,
            authority=authority,
        )

    return _rows(lines, ASSET_COLUMNS, ("source", "tag", "valid_from"), asset)


def instant(text: str, zone: str | None) -> str:
    """The UTC instant that a text names; raises SchemaViolation for one that names none."""
    try:
        told = parse_source_time(text.strip(), zone)
    except InvalidEntry as error:
        raise SchemaViolation(error.message, advice=error.advice) from None
    if told.instant_us is None:
        raise SchemaViolation(f"{text!r} is no instant", advice="Write 2026-01-31T08:00:00+01:00, or give --zone.")
    return utc_text(told.instant_us)


def _maybe_instant(text: str | None, zone: str | None) -> str | None:
    return instant(text, zone) if text else None


def _yes_or_no(text: str) -> bool:
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise SchemaViolation(f"gxp is {text!r}", advice="Write yes or no.")


def _rows(
    lines: Iterable[str], columns: tuple[str, ...], needed: tuple[str, ...], read: Callable[[Mapping[str, str]], T]
) -> Iterator[T]:
    reader = csv.DictReader(lines, strict=True, restkey="", restval="")
    try:
        named = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = named
        if unknown := [name for name in named if name not in columns]:
            raise SchemaViolation(f"column {unknown[0]!r} is none of a map", advice=f"Use: {', '.join(columns)}.")
        if missing := [name for name in needed if name not in named]:
            raise SchemaViolation(f"column {missing[0]!r} is missing", advice=f"Use: {', '.join(columns)}.")
        for row in reader:
            try:
                if "" in row:
                    raise SchemaViolation("more fields than columns", advice="Quote a field that holds a comma.")
                if empty := [name for name in needed if not row[name].strip()]:
                    raise SchemaViolation(f"{empty[0]} is empty", advice=f"Needed are: {', '.join(needed)}.")
                yield read({name: value.strip() for name, value in row.items()})
            except (SchemaViolation, ValueError) as error:
                advice = error.advice if isinstance(error, SchemaViolation) else "Correct the line; nothing was stored."
                raise SchemaViolation(f"line {reader.line_num}: {error}", advice=advice) from None
    except csv.Error as error:
        raise SchemaViolation(f"line {reader.line_num}: {error}", advice="Save it as CSV in UTF-8.") from None
