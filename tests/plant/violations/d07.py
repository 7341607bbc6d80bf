"""D07: a clock is set, or runs backwards while the source's own numbers go on."""

from ledger.core.record import Action, ActorKind
from tests.plant.model import MINUTE, SECOND, Fact, Parameter
from tests.plant.violations.stage import Stage

PARAMETERS: tuple[Parameter, ...] = ()


def _two(stage: Stage, back: int) -> tuple[Fact, Fact]:
    """Two records that follow each other; when the second is written, the clock has gone back so far."""
    at = stage.instant() + 1
    first, second = (stage.say("dcs", at + more, Action.EXECUTE, stage.thing("screen"), stage.someone())
                     for more in (0, 1))  # fmt: skip
    assert first.claimed is not None
    assert first.recorded is not None
    second.claimed, second.recorded = first.claimed + 1 - back, first.recorded + 1 - back
    second.delay = first.delay
    return first, second


def _set(stage: Stage, account: str, kind: ActorKind) -> Fact:
    return stage.say("dcs", stage.instant(), Action.TIME_CHANGE, stage.thing("clock"), account, kind=kind)


def set_by_hand(stage: Stage) -> tuple[Fact, ...]:
    return (_set(stage, stage.someone().at("dcs"), ActorKind.PERSON),)


def set_by_nobody_known(stage: Stage) -> tuple[Fact, ...]:
    return (_set(stage, stage.name("guest"), ActorKind.UNKNOWN),)


def ran_backwards(stage: Stage) -> tuple[Fact, ...]:
    first, second = _two(stage, 10 * MINUTE)
    return second, first


def ran_back_by_little(stage: Stage) -> tuple[Fact, ...]:
    first, second = _two(stage, 61 * SECOND)
    return second, first


def set_by_the_service(stage: Stage) -> Fact:
    account = stage.name("ntp")
    stage.map_account("dcs", account, account, ActorKind.SERVICE)
    return _set(stage, account, ActorKind.SERVICE)


def within_the_tolerance(stage: Stage) -> Fact:
    return _two(stage, 59 * SECOND)[1]


def whose_counter_begins_again(stage: Stage) -> Fact:
    _, second = _two(stage, 10 * MINUTE)
    second.restarts = True
    return second


def of_a_time_that_names_no_instant(stage: Stage) -> Fact:
    _, second = _two(stage, 10 * MINUTE)
    second.unread, second.recorded = True, None
    return second


SEVERITY = "critical"
FINDS = (set_by_hand, set_by_nobody_known, ran_backwards, ran_back_by_little)
EXPLAINED = (set_by_the_service,)
CLEAR = (within_the_tolerance, whose_counter_begins_again)
UNORDERED = ()
UNKNOWN = {"occurred-time": of_a_time_that_names_no_instant}
