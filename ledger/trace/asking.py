"""What is typed into a search, read: the same at every surface."""

from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ledger.core.clock import utc_text
from ledger.core.errors import SchemaViolation
from ledger.core.record import LinkKind
from ledger.present.windows import Window, instant_of, window
from ledger.sources.narrowing import Where
from ledger.store.question import TIMES, Query


def link_of(name: str, text: str) -> tuple[LinkKind, str]:
    """The link that `KIND:ID` names; raises SchemaViolation, naming the parameter that held it."""
    kind, colon, id_ = text.partition(":")
    if not colon or not id_ or kind not in set(LinkKind):
        raise SchemaViolation(f"{name}: {text[:100]!r} is not KIND:ID", advice=f"KIND is one of {', '.join(LinkKind)}.")
    return LinkKind(kind), id_


def links_of(name: str, texts: Iterable[str]) -> tuple[tuple[LinkKind, str], ...]:
    """The links that these name, each once; raises SchemaViolation."""
    return tuple(dict.fromkeys(link_of(name, text) for text in texts))


def bounds_of(given: Mapping[str, str | None], zone: ZoneInfo | None) -> dict[str, int | None]:
    """The instants, in microseconds UTC, of bounds by the names they were given under; raises SchemaViolation."""
    return {name: None if text is None else instant_of(name, text, zone) for name, text in given.items()}


def windows_of(query: Query, zone: ZoneInfo) -> tuple[Window, ...]:
    """How each window of a query was read, told in this zone."""
    found = (window(name, getattr(query, f"{name}_from"), getattr(query, f"{name}_to"), zone) for name in TIMES)
    return tuple(one for one in found if one is not None)


def parameters_of(query: Query, where: Where) -> list[tuple[str, str]]:
    """A question as the parameters that the API takes for it."""
    asked: dict[str, Any] = {**msgspec.to_builtins(query), **msgspec.to_builtins(where)}
    links = asked.pop("links", ())
    bounds = {f"{time}_{side}" for time in TIMES for side in ("from", "to")}
    named = [(name, utc_text(value) if name in bounds else _text(value)) for name, value in asked.items()]
    return named + [("link", f"{kind}:{id_}") for kind, id_ in links]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
