"""D10: a change has no old value, no new value, or no reason that says anything."""

from ledger.core.record import Action
from tests.plant.model import UNSAID, Change, Fact, Parameter
from tests.plant.violations.stage import Stage

PARAMETERS: tuple[Parameter, ...] = ()
"""The ordinary month's `profile` of states of equipment, which asks for all, and its `vague-words`."""
REASON = "set after the filter had been changed"


def _changed(stage: Stage, change: Change, reason: str | None = REASON, type_: str = "equipment-state") -> Fact:
    thing = stage.thing(type_)
    return stage.say("mes", stage.instant(), Action.UPDATE, thing, stage.someone(), (change,), reason=reason)


def without_old_value(stage: Stage) -> tuple[Fact, ...]:
    return (_changed(stage, Change("state", UNSAID, "clean")),)


def without_new_value(stage: Stage) -> tuple[Fact, ...]:
    return (_changed(stage, Change("state", "in use", UNSAID)),)


def without_reason(stage: Stage) -> tuple[Fact, ...]:
    return (_changed(stage, Change("state", "in use", "clean"), None),)


def with_a_vague_reason(stage: Stage) -> tuple[Fact, ...]:
    return (
        _changed(stage, Change("state", "in use", "clean"), stage.rng.choice(("OK", "Update", "as discussed", "."))),
    )


def whole(stage: Stage) -> Fact:
    return _changed(stage, Change("state", "in use", "clean"))


def reason_with_more_than_vague_words(stage: Stage) -> Fact:
    return _changed(stage, Change("state", "in use", "clean"), "as discussed: filter F-12 was blocked")


def of_a_type_that_needs_less(stage: Stage) -> Fact:
    return _changed(stage, Change("pH", UNSAID, "7.0", "pH"), None, "step-value")


def of_a_type_without_profile(stage: Stage) -> Fact:
    return _changed(stage, Change("state", UNSAID, UNSAID), None, "memo")


SEVERITY = "medium"
FINDS = (without_old_value, without_new_value, without_reason, with_a_vague_reason)
EXPLAINED = ()
CLEAR = (whole, reason_with_more_than_vague_words, of_a_type_that_needs_less)
UNORDERED = ()
UNKNOWN = {"profile": of_a_type_without_profile}
