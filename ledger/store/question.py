"""What is asked for: the members of a search over records, and the spans that it is narrowed to."""

from typing import Annotated

import msgspec

from ledger.core.errors import SchemaViolation
from ledger.core.record import Action, LinkKind, Outcome
from ledger.core.times import SafeInt

MAX_SPANS = 500
"""Most spans that a question is narrowed to."""
TIMES = ("occurred", "recorded", "received")
"""When it happened, when its source recorded it, when it was received: each with a bound on either side."""


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to search for; all members that are given must hold. Instants are microseconds UTC, from inclusive to
    exclusive. `text`: every word of it occurs in the record. `attribute`: one of its changes is of it. `reasoned`:
    whether a reason is given, plain or sealed. `links`: the record has each of these.
    """

    text: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    source: str | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    actor: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    link_kind: LinkKind | None = None
    link_id: str | None = None
    occurred_from: SafeInt | None = None
    occurred_to: SafeInt | None = None
    recorded_from: SafeInt | None = None
    recorded_to: SafeInt | None = None
    received_from: SafeInt | None = None
    received_to: SafeInt | None = None
    workstation: str | None = None
    role: str | None = None
    attribute: str | None = None
    reasoned: bool | None = None
    links: Annotated[tuple[tuple[LinkKind, str], ...], msgspec.Meta(max_length=20)] = ()


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """An account or a tag of a source, from inclusive to exclusive (microseconds UTC; null: without end)."""

    source: str
    value: str
    from_us: int
    to_us: int | None


class Narrowed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A query whose records also fall into one of these spans: by the account, by the object; null: into any."""

    query: Query
    accounts: tuple[Span, ...] | None = None
    tags: tuple[Span, ...] | None = None


Question = Query | Narrowed


def check(query: Query) -> None:
    """Raises SchemaViolation for a query that nothing can ever match, naming the members that exclude each other."""
    for name in TIMES:
        low, high = getattr(query, f"{name}_from"), getattr(query, f"{name}_to")
        if low is not None and high is not None and low >= high:
            raise SchemaViolation(
                f"{name}_from is not before {name}_to", advice="A window begins before it ends; its end is not in it."
            )
