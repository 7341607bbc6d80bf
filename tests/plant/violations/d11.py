"""D11: a value is not what the change before it made of it."""

from ledger.core.record import Action, ActorKind
from tests.plant.model import HOUR, MINUTE, UNSAID, Change, Fact, Parameter, Thing
from tests.plant.violations.stage import Stage

PARAMETERS: tuple[Parameter, ...] = ()


def _changed(stage: Stage, at: int, thing: Thing, change: Change, source: str = "dcs") -> Fact:
    return stage.say(source, at, Action.UPDATE, thing, stage.someone(), (change,))


def unseen(stage: Stage) -> tuple[Fact, ...]:
    at, gain = stage.instant(), stage.thing("gain")
    before = _changed(stage, at, gain, Change("P", "1.0", "1.2"))
    return _changed(stage, at + HOUR, gain, Change("P", "1.4", "1.6")), before


def set_back_unseen(stage: Stage) -> tuple[Fact, ...]:
    at, gain = stage.instant(), stage.thing("gain")
    _changed(stage, at, gain, Change("P", "1.0", "1.2"))
    before = _changed(stage, at + HOUR, gain, Change("P", "1.2", "1.4"))
    return _changed(stage, at + 2 * HOUR, gain, Change("P", "1.2", "1.6")), before


def of_one_attribute(stage: Stage) -> tuple[Fact, ...]:
    at, gain = stage.instant(), stage.thing("gain")
    before = _changed(stage, at, gain, Change("P", "1.0", "1.2"), "mes")
    _changed(stage, at + MINUTE, gain, Change("I", "5", "6"), "mes")
    return _changed(stage, at + HOUR, gain, Change("P", "1.3", "1.6"), "mes"), before


def between_two_looks(stage: Stage) -> Fact:
    at, gain = stage.instant(), stage.thing("gain")
    _changed(stage, at, gain, Change("P", "1.0", "1.2"))
    return _changed(stage, at + HOUR, gain, Change("P", "1.4", "1.6", gap=True))


def where_the_source_has_a_gap(stage: Stage) -> Fact:
    # Of this system no other scene needs to know the time.
    at, limit = stage.instant(), stage.thing("room-alarm")
    stage.say("ems", at, Action.UPDATE, limit, changes=(Change("high", "30", "35"),), kind=ActorKind.UNKNOWN)
    stage.gap("ems", limit.id, at + 20 * MINUTE, at + 40 * MINUTE)
    changes = (Change("high", "40", "45"),)
    return stage.say("ems", at + HOUR, Action.UPDATE, limit, changes=changes, kind=ActorKind.UNKNOWN)


def continued(stage: Stage) -> Fact:
    at, gain = stage.instant(), stage.thing("gain")
    _changed(stage, at, gain, Change("P", "1.0", "1.2"))
    return _changed(stage, at + HOUR, gain, Change("P", "1.2", "1.6"))


def of_another_thing(stage: Stage) -> Fact:
    at, gain = stage.instant(), stage.thing("gain")
    _changed(stage, at, stage.thing("gain"), Change("P", "1.0", "1.2"))
    return _changed(stage, at + HOUR, gain, Change("P", "1.4", "1.6"))


def of_another_attribute(stage: Stage) -> Fact:
    at, gain = stage.instant(), stage.thing("gain")
    _changed(stage, at, gain, Change("I", "1.0", "1.2"))
    return _changed(stage, at + HOUR, gain, Change("P", "1.4", "1.6"))


def after_a_value_that_was_not_told(stage: Stage) -> Fact:
    at, gain = stage.instant(), stage.thing("gain")
    _changed(stage, at, gain, Change("P", "1.0", UNSAID))
    return _changed(stage, at + HOUR, gain, Change("P", "1.4", "1.6"))


SEVERITY = "critical"
FINDS = (unseen, set_back_unseen, of_one_attribute)
EXPLAINED = (between_two_looks, where_the_source_has_a_gap)
CLEAR = (continued, of_another_thing, of_another_attribute)
UNORDERED = ()
UNKNOWN = {"previous-value": after_a_value_that_was_not_told}
