"""Addresses under which exactly what a search shows comes as a file."""

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from ledger.core.clock import utc_text
from ledger.core.record import LinkKind
from ledger.privacy.look_up_kinds import Purpose
from ledger.sources.narrowing import Where
from ledger.store.ordering import Sort, SortKey
from ledger.store.search import TIMES, Query

FORMATS: Final = ("csv", "jsonl", "xlsx")


def export_urls(
    log: str, query: Query, where: Where, size: int, sort: Sort, columns: str, zone: str, purpose: Purpose | None
) -> dict[str, str]:
    """By format: the same filters, order and columns, as of the same size."""
    asked: dict[str, Any] = {**msgspec.to_builtins(query), **msgspec.to_builtins(where)}
    links: tuple[tuple[LinkKind, str], ...] = asked.pop("links", ())
    bounds = {f"{time}_{side}" for time in TIMES for side in ("from", "to")}
    parameters = [(name, utc_text(value) if name in bounds else _text(value)) for name, value in asked.items()]
    parameters += [("link", f"{kind}:{id_}") for kind, id_ in links]
    parameters += [("size", str(size)), ("columns", columns), ("zone", zone)]
    if sort.by is not SortKey.INDEX:
        parameters.append(("sort", sort.by.value))
    if sort.ascending:
        parameters.append(("order", "asc"))
    if purpose is not None:
        parameters.append(("purpose", purpose.value))
    base = f"/api/v1/logs/{log}/search/export?"
    return {format_: base + urlencode([("format", format_), *parameters]) for format_ in FORMATS}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
