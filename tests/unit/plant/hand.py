"""Small plants that are written by hand: facts at seconds after a Monday morning, by clocks without error."""

from collections.abc import Sequence
from typing import Any

from ledger.core.record import Action, LinkKind
from ledger.core.times import Clock, Precision
from tests.plant.model import SECOND, START, Batch, Change, Count, Fact, Maps, Month, Parameter, PlaceRow, Run, Thing
from tests.plant.texts import utc
from tests.plant.truth import Lasting, Truth

T0 = START + 4 * 86_400 * SECOND


def clock(offset_s: float = 0, doubt_s: float = 0, measured: float = 0) -> Clock:
    """A measured clock."""
    return Clock(
        offset_us=round(offset_s * SECOND),
        uncertainty_us=round(doubt_s * SECOND),
        measured_at=utc(T0 + round(measured * SECOND)),
        method="hand",
    )


EXACT = clock()


def fact(
    at: float,
    action: Action = Action.UPDATE,
    thing: tuple[str, str] = ("setpoint", "TIC-1"),
    *,
    source: str = "dcs",
    batch: str | None = None,
    order: str | None = None,
    asset: str | None = None,
    room: str | None = None,
    links: Sequence[tuple[LinkKind, str]] = (),
    changes: Sequence[Change] = (),
    **told: Any,
) -> Fact:
    """A fact `at` seconds, told as it happened; `told` sets anything else."""
    named = [(LinkKind.BATCH, batch), (LinkKind.ORDER, order), (LinkKind.EQUIPMENT, asset), (LinkKind.LOCATION, room)]
    pairs = tuple((kind, id_) for kind, id_ in named if id_ is not None)
    one = Fact(source, T0 + round(at * SECOND), action, Thing(*thing), "op1", (*pairs, *links), tuple(changes))
    one.claimed, one.recorded, one.clock, one.received = one.at, one.at, EXACT, one.at
    one.precision = Precision.MICROSECOND
    for name, value in told.items():
        setattr(one, name, value)
    return one


def looked(low: float, high: float, **told: Any) -> Fact:
    """A fact that happened between two looks."""
    one = fact(low, **told)
    one.claimed, one.recorded, one.clock = None, None, None
    one.look = (T0 + round(low * SECOND), T0 + round(high * SECOND))
    return one


def undated(at: float, *rest: Any, **told: Any) -> Fact:
    """A fact whose text tells no instant."""
    return fact(at, *rest, unread=True, **told)


def run(began: float, ended: float, source: str = "dcs", **told: Any) -> Run:
    """A run of a source's collector, in seconds."""
    one = Run(source, T0 + round(began * SECOND), T0 + round(ended * SECOND))
    for name, value in told.items():
        setattr(one, name, value)
    return one


def at(seconds: float) -> int:
    """The instant so many seconds after the beginning."""
    return T0 + round(seconds * SECOND)


def truth(
    *facts: Fact,
    batches: Sequence[Batch] = (Batch("B1"),),
    places: Sequence[PlaceRow] = (),
    parameters: Sequence[Parameter] = (),
    runs: Sequence[Run] = (),
    maps: Maps | None = None,
    counts: Sequence[Count] = (),
    copied: str | None = None,
    corrected: bool = True,
    lasting: Lasting | None = None,
) -> Truth:
    """What can be known of these facts; numbered by source, in the order given."""
    ordered = sorted(facts, key=lambda one: one.source)
    for number, one in enumerate(ordered):
        one.number = number
    month = Month(ordered, runs, batches, maps or Maps(places=places), parameters, counts, copied)
    return Truth(month, corrected=corrected, lasting=lasting)
