"""The regulation map as its page shows it."""

from typing import Final

import msgspec

from ledger.present.messages import message
from ledger.present.states import State
from ledger.regulation.clauses import Clause, Document, Standing, totals
from ledger.regulation.reading import documents

_SHOWN: Final = {
    Standing.MET: (State.HOLDS.symbol, "sound"),
    Standing.PARTLY: (State.FAILS.symbol, "caution"),
    Standing.NOT_YET: (State.FAILS.symbol, "alert"),
}
"""Symbol and tone of a standing; its word says the rest."""


class ShownPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the product: what sort of place, its name, and its address where it is a page that needs no id."""

    sort: str
    name: str
    href: str


class ShownClause(msgspec.Struct, frozen=True, kw_only=True):
    """A clause with its standing in symbol, tone and word, and how its text is known."""

    clause: Clause
    symbol: str
    tone: str
    word: str
    places: tuple[ShownPlace, ...]
    checked: str


class ShownDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document with its clauses; `totals` says how many stand how."""

    document: Document
    totals: str
    clauses: tuple[ShownClause, ...]


def regulation_view() -> tuple[ShownDocument, ...]:
    """The whole map, document by document. Raises ConfigError where the map itself is damaged."""
    return tuple(
        ShownDocument(
            document=document,
            totals=_totals(document.clauses),
            clauses=tuple(_clause(clause) for clause in document.clauses),
        )
        for document in documents()
    )


def _totals(clauses: tuple[Clause, ...]) -> str:
    counted = totals(clauses)
    return message(
        "regulation.totals",
        clauses=len(clauses),
        met=counted[Standing.MET],
        partly=counted[Standing.PARTLY],
        open=counted[Standing.NOT_YET],
    )


def _clause(clause: Clause) -> ShownClause:
    symbol, tone = _SHOWN[clause.standing]
    return ShownClause(
        clause=clause,
        symbol=symbol,
        tone=tone,
        word=message(f"regulation.standing.{clause.standing.value}"),
        places=tuple(_place(one) for one in clause.where),
        checked=message(f"regulation.checked.{clause.checked.value}", day=clause.checked_at, source=clause.source),
    )


def _place(place: str) -> ShownPlace:
    sort, _, name = place.partition(":")
    href = {"page": name, "help": f"/help/{name}"}.get(sort, "")
    return ShownPlace(sort=message(f"regulation.place.{sort}"), name=name, href="" if "{" in href else href)
