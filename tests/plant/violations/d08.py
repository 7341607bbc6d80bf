"""D08: a record is written down later than its source and type may."""

from ledger.core.record import Action
from tests.plant.model import HOUR, SECOND, Change, Fact, Parameter
from tests.plant.violations.stage import AWAY, Stage

PARAMETERS: tuple[Parameter, ...] = ()
"""The ordinary month's `limits`: a minute at the execution system, five for a value of a step."""


def _written(stage: Stage, at: int, after: int, source: str = "mes", type_: str = "note") -> Fact:
    changes = (Change("pH", None, "7.1", "pH"),) if type_ == "step-value" else ()
    fact = stage.say(source, at, Action.CREATE, stage.thing(type_), stage.someone(), changes)
    assert fact.claimed is not None
    fact.recorded, fact.delay = fact.claimed + after, after
    return fact


def late(stage: Stage) -> tuple[Fact, ...]:
    return (_written(stage, stage.instant(), 61 * SECOND),)


def days_late(stage: Stage) -> tuple[Fact, ...]:
    return (_written(stage, stage.instant(), 30 * HOUR),)


def late_for_its_type(stage: Stage) -> tuple[Fact, ...]:
    return (_written(stage, stage.instant(), 301 * SECOND, type_="step-value"),)


def while_the_source_was_away(stage: Stage) -> Fact:
    at = stage.away()
    return _written(stage, at, AWAY[1] + HOUR - at)


def in_time(stage: Stage) -> Fact:
    return _written(stage, stage.instant(), 59 * SECOND)


def in_time_for_its_type(stage: Stage) -> Fact:
    return _written(stage, stage.instant(), 299 * SECOND, type_="step-value")


def without_limits(stage: Stage) -> Fact:
    return _written(stage, stage.instant(), HOUR, "training")


SEVERITY = "high"
FINDS = (late, days_late, late_for_its_type)
EXPLAINED = (while_the_source_was_away,)
CLEAR = (in_time, in_time_for_its_type)
UNORDERED = ()
UNKNOWN = {"limits": without_limits}
