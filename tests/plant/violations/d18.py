"""D18: somebody approves what they did themselves."""

from ledger.core.record import Action, ActorKind
from tests.plant.model import HOUR, MINUTE, Change, Fact, Parameter, Thing
from tests.plant.violations.stage import Someone, Stage

PARAMETERS: tuple[Parameter, ...] = ()


def _work(stage: Stage, at: int, thing: Thing, who: Someone | str, action: Action = Action.CREATE) -> Fact:
    changes = (Change("text", None, f"as of {at}"),) if action is Action.CREATE else ()
    return stage.say("qms", at, action, thing, who, changes)


def _approved(stage: Stage, at: int, thing: Thing, who: Someone | str) -> Fact:
    return stage.say("qms", at, Action.APPROVE, thing, who)


def by_the_same_account(stage: Stage) -> tuple[Fact, ...]:
    at, who, thing = stage.instant(), stage.someone(), stage.thing("document")
    made = _work(stage, at, thing, who)
    return _approved(stage, at + HOUR, thing, who), made


def by_another_account(stage: Stage) -> tuple[Fact, ...]:
    at, who, thing = stage.instant(), stage.someone(), stage.thing("document")
    account = f"admin.{who.name.lower()}"
    stage.map_account("qms", account, who.name)
    made = _work(stage, at, thing, who)
    return _approved(stage, at + HOUR, thing, account), made


def who_changed_it_last(stage: Stage) -> tuple[Fact, ...]:
    at, who, thing = stage.instant(), stage.someone(), stage.thing("document")
    _work(stage, at, thing, stage.someone())
    changed = _work(stage, at + HOUR, thing, who, Action.UPDATE)
    return _approved(stage, at + 2 * HOUR, thing, who), changed


def by_somebody_else(stage: Stage) -> Fact:
    at, thing = stage.instant(), stage.thing("document")
    _work(stage, at, thing, stage.someone())
    return _approved(stage, at + HOUR, thing, stage.someone())


def worked_on_it_afterwards(stage: Stage) -> Fact:
    at, who, thing = stage.instant(), stage.someone(), stage.thing("document")
    _work(stage, at, thing, stage.someone())
    approved = _approved(stage, at + HOUR, thing, who)
    _work(stage, at + 2 * HOUR, thing, who, Action.UPDATE)
    return approved


def of_another_document(stage: Stage) -> Fact:
    at, who, thing = stage.instant(), stage.someone(), stage.thing("document")
    _work(stage, at, stage.thing("document"), who)
    return _approved(stage, at + HOUR, thing, who)


def what_a_service_did(stage: Stage) -> Fact:
    at, who, thing = stage.instant(), stage.someone(), stage.thing("document")
    robot = f"robot.{who.name.lower()}"
    stage.map_account("qms", robot, who.name, ActorKind.SERVICE)
    _work(stage, at, thing, robot).kind = ActorKind.SERVICE
    return _approved(stage, at + MINUTE, thing, who)


def by_a_shared_account(stage: Stage) -> Fact:
    at, thing, team = stage.instant(), stage.thing("document"), stage.name("team")
    stage.map_account("qms", team, None, shared=True)
    _work(stage, at, thing, stage.someone())
    return _approved(stage, at + HOUR, thing, team)


SEVERITY = "critical"
FINDS = (by_the_same_account, by_another_account, who_changed_it_last)
EXPLAINED = ()
CLEAR = (by_somebody_else, worked_on_it_afterwards, of_another_document, what_a_service_did)
UNORDERED = ()
UNKNOWN = {"one-person": by_a_shared_account}
