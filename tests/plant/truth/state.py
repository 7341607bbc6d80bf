"""What stood in the fields of an object at an instant: one value, or all that can have stood there."""

from ledger.core.record import Action, Maybe
from tests.plant.model import Fact, Thing
from tests.plant.truth.known import Known

Candidates = frozenset[tuple[Maybe, int | None]]
"""Each value that can have stood there, and the record that put it there; None: it stood before the first one told."""
EXISTS = ""
"""Stands for whether the object is there at all; no attribute has no name."""


def state(known: Known, source: str, thing: Thing, at: int) -> dict[str, Candidates]:
    """By attribute; one candidate is certain, several cannot be told apart."""
    steps: dict[str, list[tuple[Fact, Maybe, Maybe]]] = {}
    for fact in known.of_thing.get((source, thing), ()):
        for change in fact.changes:
            steps.setdefault(change.attribute, []).append((fact, change.old, change.new))
        if fact.action in (Action.CREATE, Action.DELETE):
            there = fact.action is Action.CREATE
            steps.setdefault(EXISTS, []).append((fact, not there, there))
    return {attribute: _candidates(known, found, at) for attribute, found in steps.items()}


def _candidates(known: Known, steps: list[tuple[Fact, Maybe, Maybe]], at: int) -> Candidates:
    """A step can be the last one by then if it can have happened by then, and none that surely did was later.

    Undated steps are left out: an instant cannot be said to be before or after them.
    """
    dated = [(step, span) for step in steps if (span := known.spans[step[0].number]) is not None]
    surely = [step for step, span in dated if span.high <= at]
    found: set[tuple[Maybe, int | None]] = {
        (step[2], step[0].number)
        for step, span in dated
        if span.low <= at and not any(known.first(step[0], other[0]) is step[0] for other in surely)
    }
    if not surely and dated:
        earliest = [
            step for step, _ in dated if not any(known.first(other[0], step[0]) is other[0] for other, _ in dated)
        ]
        found |= {(step[1], None) for step in earliest}
    return frozenset(found)


def undated(known: Known, source: str, thing: Thing) -> int:
    """How many records of the object nothing places in time."""
    return sum(known.spans[fact.number] is None for fact in known.of_thing.get((source, thing), ()))
