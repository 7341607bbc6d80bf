"""Addresses under which exactly what a search shows comes as a file."""

from typing import Final
from urllib.parse import urlencode

from ledger.privacy.look_up_kinds import Purpose
from ledger.sources.narrowing import Where
from ledger.store.ordering import Sort, SortKey
from ledger.store.question import Query
from ledger.trace.asking import parameters_of

FORMATS: Final = ("csv", "jsonl", "xlsx")


def export_urls(
    log: str, query: Query, where: Where, size: int, sort: Sort, columns: str, zone: str, purpose: Purpose | None
) -> dict[str, str]:
    """By format: the same filters, order and columns, as of the same size."""
    parameters = parameters_of(query, where)
    parameters += [("size", str(size)), ("columns", columns), ("zone", zone)]
    if sort.by is not SortKey.INDEX:
        parameters.append(("sort", sort.by.value))
    if sort.ascending:
        parameters.append(("order", "asc"))
    if purpose is not None:
        parameters.append(("purpose", purpose.value))
    base = f"/api/v1/logs/{log}/search/export?"
    return {format_: base + urlencode([("format", format_), *parameters]) for format_ in FORMATS}
