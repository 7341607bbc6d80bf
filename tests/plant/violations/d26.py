"""D26: somebody fails to sign in or to sign too often, or gets in from a new place after failing."""

from ledger.core.record import Action, Outcome
from tests.plant.model import HOUR, MINUTE, SECOND, Fact, Parameter
from tests.plant.violations.stage import Someone, Stage

PARAMETERS = (
    Parameter("d26", "directory", None, {"failures": 5, "within_s": 600, "guesses": 3}),
    Parameter("d26", "mes", None, {"failures": 5, "within_s": 600, "guesses": 3}),
)
HERE, ELSEWHERE = "NORTH-directory", "OFFICE-directory"


def _door(stage: Stage, at: int, who: Someone, action: Action, place: str = HERE) -> Fact:
    outcome = Outcome.FAILURE if action is Action.LOGIN_FAILED else Outcome.SUCCESS
    return stage.say("directory", at, action, stage.thing("session"), who, outcome=outcome, workstation=place)


def _failures(stage: Stage, at: int, who: Someone, count: int, apart: int = MINUTE) -> list[Fact]:
    return [_door(stage, at + number * apart, who, Action.LOGIN_FAILED) for number in range(count)]


def too_many(stage: Stage) -> tuple[Fact, ...]:
    return tuple(reversed(_failures(stage, stage.instant(), stage.someone(), 5)))


def and_on_and_on(stage: Stage) -> tuple[Fact, ...]:
    return tuple(reversed(_failures(stage, stage.instant(), stage.someone(), 9)[:5]))


def failed_to_sign(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    signing = [
        stage.say("mes", at + number * MINUTE, Action.SIGN, stage.thing("form"), who, outcome=Outcome.FAILURE)
        for number in range(5)
    ]
    return tuple(reversed(signing))


def got_in_from_a_new_place(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    _door(stage, at - 5 * HOUR, who, Action.LOGIN)
    failed = _failures(stage, at, who, 3)
    return _door(stage, at + 5 * MINUTE, who, Action.LOGIN, ELSEWHERE), *failed


def denied_a_signature(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    return (stage.say("mes", at, Action.APPROVE, stage.thing("form"), who, outcome=Outcome.DENIED),)


def not_quite_as_many(stage: Stage) -> Fact:
    return _failures(stage, stage.instant(), stage.someone(), 4)[-1]


def over_a_long_time(stage: Stage) -> Fact:
    return _failures(stage, stage.instant(), stage.someone(), 8, 151 * SECOND)[-1]


def got_in_where_they_always_do(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _door(stage, at - 5 * HOUR, who, Action.LOGIN)
    _failures(stage, at, who, 3)
    return _door(stage, at + 5 * MINUTE, who, Action.LOGIN)


def got_in_after_few(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _door(stage, at - 5 * HOUR, who, Action.LOGIN)
    _failures(stage, at, who, 2)
    return _door(stage, at + 5 * MINUTE, who, Action.LOGIN, ELSEWHERE)


def who_never_came_before(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _failures(stage, at, who, 3)
    return _door(stage, at + 5 * MINUTE, who, Action.LOGIN, ELSEWHERE)


SEVERITY = "high"
FINDS = (too_many, and_on_and_on, failed_to_sign, got_in_from_a_new_place, denied_a_signature)
EXPLAINED = ()
CLEAR = (not_quite_as_many, over_a_long_time, got_in_where_they_always_do, got_in_after_few)
UNORDERED = ()
UNKNOWN = {"earlier-sign-in": who_never_came_before}
