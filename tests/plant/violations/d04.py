"""D04: an account that is no single person's acts on critical equipment."""

from ledger.core.record import Action, ActorKind
from tests.plant.model import MINUTE, START, Change, Fact, Parameter
from tests.plant.violations.stage import Someone, Stage

PARAMETERS: tuple[Parameter, ...] = ()


def _acts(stage: Stage, who: Someone | str | None, kind: ActorKind = ActorKind.PERSON, *, critical: bool = True,
          source: str = "dcs", mapped: bool = True) -> Fact:  # fmt: skip
    limit = stage.thing("alarm-limit")
    if mapped:
        stage.place(source, limit.id, critical=critical)
    return stage.say(source, stage.instant(), Action.UPDATE, limit, who, (Change("high", "80", "85"),), kind=kind)


def shared(stage: Stage) -> tuple[Fact, ...]:
    account = stage.name("team")
    stage.map_account("dcs", account, None, shared=True)
    return (_acts(stage, account),)


def on_no_map(stage: Stage) -> tuple[Fact, ...]:
    return (_acts(stage, stage.name("guest")),)


def without_account(stage: Stage) -> tuple[Fact, ...]:
    return (_acts(stage, None, ActorKind.UNKNOWN),)


def whose_person_has_left(stage: Stage) -> tuple[Fact, ...]:
    account = stage.name("left")
    stage.map_account("dcs", account, stage.someone().name, until=START + MINUTE)
    return (_acts(stage, account),)


def service_without_purpose(stage: Stage) -> tuple[Fact, ...]:
    return (_acts(stage, stage.name("svc"), ActorKind.SERVICE),)


def service_with_purpose(stage: Stage) -> Fact:
    account = stage.name("svc")
    stage.map_account("dcs", account, account, ActorKind.SERVICE)
    return _acts(stage, account, ActorKind.SERVICE)


def person(stage: Stage) -> Fact:
    return _acts(stage, stage.someone())


def shared_on_what_is_not_critical(stage: Stage) -> Fact:
    account = stage.name("team")
    stage.map_account("dcs", account, None, shared=True)
    return _acts(stage, account, critical=False)


def where_nobody_keeps_a_map_of_people(stage: Stage) -> Fact:
    return _acts(stage, stage.name("user"), source="ems")


def on_what_no_map_calls_critical(stage: Stage) -> Fact:
    return _acts(stage, stage.name("guest"), mapped=False)


SEVERITY = "critical"
FINDS = (shared, on_no_map, without_account, whose_person_has_left, service_without_purpose)
EXPLAINED = (service_with_purpose,)
CLEAR = (person, shared_on_what_is_not_critical, on_what_no_map_calls_critical)
UNORDERED = ()
UNKNOWN = {"identity-map": where_nobody_keeps_a_map_of_people}
