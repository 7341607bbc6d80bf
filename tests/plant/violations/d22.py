"""D22: rights are raised, used and lowered again, or something is written past its application."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import HOUR, MINUTE, SECOND, Change, Fact, Link, Parameter, Thing
from tests.plant.violations.stage import Someone, Stage

_TICKETS = {
    "approved": [{"object_type": "ticket", "attribute": "state", "values": ["approved"]}],
    "ended": [{"object_type": "ticket", "attribute": "state", "values": ["closed"]}],
    "scope": {"object_id": "account"},
    "back_s": 86_400,
    "grace_s": 3_600,
}
PARAMETERS = (
    Parameter(
        "d22",
        "directory",
        None,
        {
            "raised": [{"object_type": "group", "actions": ["grant"]}],
            "lowered": [{"object_type": "group", "actions": ["revoke"]}],
            "critical": [{"object_type": "recipe", "actions": ["update"]}],
            "member": "member",
            "within_s": 14_400,
            **_TICKETS,
        },
    ),
    Parameter(
        "d22",
        "db",
        None,
        {
            "direct": [
                {
                    "written": [{"object_type": "table", "actions": ["update"]}],
                    "event": [{"object_type": "entry", "actions": ["update"]}],
                    "application": "lims",
                    "link": "sample",
                    "within_s": 60,
                }
            ],
            **_TICKETS,
        },
    ),
)


def _right(stage: Stage, at: int, who: Someone, action: Action, *named: Link) -> Fact:
    account = who.at("directory")
    old, new = (None, account) if action is Action.GRANT else (account, None)
    change = Change("member", old, new)
    return stage.say("directory", at, action, stage.thing("group"), "svc-sync", (change,), named)


def _acts(stage: Stage, at: int, who: Someone) -> Fact:
    return stage.say("dcs", at, Action.UPDATE, stage.thing("recipe"), who)


def _burst(stage: Stage, at: int, who: Someone, *named: Link, lowered: int = HOUR) -> tuple[Fact, ...]:
    raised = _right(stage, at, who, Action.GRANT, *named)
    used = _acts(stage, at + 10 * MINUTE, who)
    return raised, used, _right(stage, at + lowered, who, Action.REVOKE)


def _ticket(stage: Stage, at: int, state: str = "approved", account: str = "", of: Thing | None = None) -> Thing:
    thing, old = (stage.thing("ticket"), None) if of is None else (of, "approved")
    changes = (Change("state", old, state), *((Change("account", None, account),) if account else ()))
    stage.say("qms", at, Action.UPDATE, thing, stage.someone(), changes)
    return thing


def _of(ticket: Thing) -> Link:
    return LinkKind.CHANGE_REQUEST, ticket.id


def _sample(stage: Stage) -> Link:
    return LinkKind.SAMPLE, stage.name("S")


def _written(stage: Stage, at: int, *named: Link) -> Fact:
    return stage.say("db", at, Action.UPDATE, stage.thing("table"), stage.someone(), (), named)


def _event(stage: Stage, at: int, sample: Link) -> None:
    stage.say("lims", at, Action.UPDATE, stage.thing("entry"), stage.someone(), (), (sample,))


def burst(stage: Stage) -> tuple[Fact, ...]:
    return _burst(stage, stage.instant(), stage.someone())


def after_the_ticket(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    ticket = _ticket(stage, at - 3 * HOUR)
    _ticket(stage, at - 2 * HOUR, "closed", of=ticket)
    return _burst(stage, at, who, _of(ticket))


def ticket_of_somebody_else(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    _ticket(stage, at - HOUR, account=stage.someone().at("directory"))
    return _burst(stage, at, stage.someone())


def written_past_the_application(stage: Stage) -> tuple[Fact, ...]:
    return (_written(stage, stage.instant(), _sample(stage)),)


def event_of_another_sample(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    _event(stage, at - 10 * SECOND, _sample(stage))
    return (_written(stage, at, _sample(stage)),)


def event_at_another_time(stage: Stage) -> tuple[Fact, ...]:
    at, sample = stage.instant(), _sample(stage)
    _event(stage, at - 65 * SECOND, sample)
    return (_written(stage, at, sample),)


def with_a_ticket(stage: Stage) -> Fact:
    at = stage.instant()
    return _burst(stage, at, stage.someone(), _of(_ticket(stage, at - HOUR)))[0]


def with_a_ticket_of_the_account(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _ticket(stage, at - HOUR, account=who.at("directory"))
    return _burst(stage, at, who)[0]


def written_with_a_ticket(stage: Stage) -> Fact:
    at = stage.instant()
    return _written(stage, at, _sample(stage), _of(_ticket(stage, at - HOUR)))


def rights_that_were_not_used(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    raised = _right(stage, at, who, Action.GRANT)
    _right(stage, at + HOUR, who, Action.REVOKE)
    _acts(stage, at + 2 * HOUR, who)
    return raised


def rights_that_somebody_else_has(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    raised = _right(stage, at, who, Action.GRANT)
    _acts(stage, at + 10 * MINUTE, stage.someone())
    _right(stage, at + HOUR, who, Action.REVOKE)
    return raised


def rights_that_are_kept(stage: Stage) -> Fact:
    return _burst(stage, stage.instant(), stage.someone(), lowered=4 * HOUR + MINUTE)[0]


def written_by_the_application(stage: Stage) -> Fact:
    at, sample = stage.instant(), _sample(stage)
    _event(stage, at - 10 * SECOND, sample)
    return _written(stage, at, sample)


def nobody_knows(stage: Stage) -> Fact:
    return _written(stage, stage.away(), _sample(stage))


SEVERITY = "critical"
FINDS = (
    burst,
    after_the_ticket,
    ticket_of_somebody_else,
    written_past_the_application,
    event_of_another_sample,
    event_at_another_time,
)
EXPLAINED = (with_a_ticket, with_a_ticket_of_the_account, written_with_a_ticket)
CLEAR = (
    rights_that_were_not_used,
    rights_that_somebody_else_has,
    rights_that_are_kept,
    written_by_the_application,
)
UNORDERED = ()
UNKNOWN = {"time-of-": nobody_knows}
