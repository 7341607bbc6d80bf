"""D21: something is deleted."""

from typing import Any

from ledger.core.record import Action, ActorKind, LinkKind, Outcome
from tests.plant.model import HOUR, SECOND, Fact, Link, Parameter
from tests.plant.violations.stage import Someone, Stage

PARAMETERS: tuple[Parameter, ...] = ()


def _deleted(stage: Stage, at: int, who: Someone | str, *named: Link, source: str = "cds", **told: Any) -> Fact:
    return stage.say(source, at, Action.DELETE, stage.thing("sequence"), who, (), named, **told)


def _request(stage: Stage) -> Link:
    return LinkKind.CHANGE_REQUEST, stage.name("CR")


def _approved(stage: Stage, at: int, request: Link, who: Someone, action: Action = Action.APPROVE) -> Fact:
    return stage.say("qms", at, action, stage.thing("request"), who, (), (request,))


def without_a_request(stage: Stage) -> tuple[Fact, ...]:
    return (_deleted(stage, stage.instant(), stage.someone()),)


def of_a_log(stage: Stage) -> tuple[Fact, ...]:
    return (_deleted(stage, stage.instant(), stage.someone(), source="directory"),)


def never_approved(stage: Stage) -> tuple[Fact, ...]:
    at, request = stage.instant(), _request(stage)
    _approved(stage, at - HOUR, request, stage.someone(), Action.REJECT)
    return (_deleted(stage, at, stage.someone(), request),)


def approved_by_themselves(stage: Stage) -> tuple[Fact, ...]:
    at, request, who = stage.instant(), _request(stage), stage.someone()
    _approved(stage, at - HOUR, request, who)
    return (_deleted(stage, at, who, request, source="qms"),)


def approved_by_their_account_elsewhere(stage: Stage) -> tuple[Fact, ...]:
    at, request, who = stage.instant(), _request(stage), stage.someone()
    _approved(stage, at - HOUR, request, who)
    return (_deleted(stage, at, who, request),)


def approved_later(stage: Stage) -> tuple[Fact, ...]:
    at, request = stage.instant(), _request(stage)
    _approved(stage, at + HOUR, request, stage.someone())
    return (_deleted(stage, at, stage.someone(), request),)


def approved_before(stage: Stage) -> Fact:
    at, request = stage.instant(), _request(stage)
    _approved(stage, at - HOUR, request, stage.someone())
    return _deleted(stage, at, stage.someone(), request)


def approved_before_a_service_did_it(stage: Stage) -> Fact:
    at, request, account = stage.instant(), _request(stage), stage.name("purge")
    stage.map_account("cds", account, account, ActorKind.SERVICE)
    _approved(stage, at - HOUR, request, stage.someone())
    return _deleted(stage, at, account, request, kind=ActorKind.SERVICE)


def denied(stage: Stage) -> Fact:
    return _deleted(stage, stage.instant(), stage.someone(), outcome=Outcome.DENIED)


def approved_at_that_moment(stage: Stage) -> Fact:
    at, request = stage.instant(), _request(stage)
    _approved(stage, at + SECOND // 4, request, stage.someone())
    return _deleted(stage, at, stage.someone(), request)


def nobody_knows(stage: Stage) -> Fact:
    return _deleted(stage, stage.away(), stage.someone(), _request(stage))


def by_a_shared_account(stage: Stage) -> Fact:
    at, request, team = stage.instant(), _request(stage), stage.name("team")
    stage.map_account("cds", team, None, shared=True)
    _approved(stage, at - HOUR, request, stage.someone())
    return _deleted(stage, at, team, request)


SEVERITY = "critical"
FINDS = (
    without_a_request,
    of_a_log,
    never_approved,
    approved_by_themselves,
    approved_by_their_account_elsewhere,
    approved_later,
)
EXPLAINED = (approved_before, approved_before_a_service_did_it)
CLEAR = (denied,)
UNORDERED = (approved_at_that_moment,)
UNKNOWN = {"time-of-": nobody_knows, "one-person": by_a_shared_account}
