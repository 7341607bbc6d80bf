"""`trailseal doctor --regulation`: the regulation map at the terminal. It needs no ledger."""

import msgspec

from ledger.cli.output import say, say_json
from ledger.present.messages import message
from ledger.present.states import judged
from ledger.regulation.clauses import Clause, Document, Standing, totals
from ledger.regulation.reading import clauses_of, documents


class Map(msgspec.Struct, frozen=True, kw_only=True):
    """The map, or what was asked of it; `totals` counts the clauses that it holds by how they stand."""

    documents: tuple[Document, ...]
    totals: dict[Standing, int]


def show_regulation(wanted: str | None, as_json: bool) -> None:
    """Prints every clause, or the one that is asked for by id or number.

    Raises NotFound for a clause that the map does not have, ConfigError where the map itself is damaged.
    """
    chosen = _chosen(wanted)
    if as_json:
        say_json(chosen)
        return
    for document in chosen.documents:
        say(document.title)
        say(f"  {document.status}")
        for clause in document.clauses:
            _show(clause)
        say()
    say(
        message(
            "regulation.totals",
            clauses=sum(chosen.totals.values()),
            met=chosen.totals[Standing.MET],
            partly=chosen.totals[Standing.PARTLY],
            open=chosen.totals[Standing.NOT_YET],
        )
    )
    say(message("regulation.not-legal"))


def _chosen(wanted: str | None) -> Map:
    kept = None if wanted is None else {clause.id for clause in clauses_of(wanted)}
    found = [
        msgspec.structs.replace(
            document, clauses=tuple(clause for clause in document.clauses if kept is None or clause.id in kept)
        )
        for document in documents()
    ]
    return Map(
        documents=tuple(document for document in found if document.clauses),
        totals=totals(clause for document in found for clause in document.clauses),
    )


def _show(clause: Clause) -> None:
    state = judged(clause.standing is Standing.MET)
    number = "" if clause.clause == clause.id else f" · {clause.clause}"
    word = message(f"regulation.standing.{clause.standing.value}")
    say(f"{state.symbol} {clause.id}{number} · {message(f'regulation.sort.{clause.sort.name.lower()}')} · {word}")
    say(f"  {clause.text}")
    say(f"  {clause.answer}")
    for place in clause.where:
        sort, _, name = place.partition(":")
        say(f"    {message(f'regulation.place.{sort}')} {name}")
    for test in clause.tests:
        say(f"    {message('regulation.test')} {test}")
    checked = message(f"regulation.checked.{clause.checked.value}", day=clause.checked_at, source=clause.source)
    say(f"    {checked} {clause.note}".rstrip())
