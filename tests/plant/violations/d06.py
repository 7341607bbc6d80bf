"""D06: something is done by somebody who is not there, or may not do it any more."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import DAY, HOUR, MINUTE, SECOND, Change, Fact, Parameter
from tests.plant.texts import utc
from tests.plant.violations.stage import Someone, Stage

PARAMETERS = (
    Parameter(
        "d06",
        "mes",
        "act-on-the-floor",
        {
            "left": [{"object_type": "gate", "attribute": "passage", "values": ["out"]}],
            "entered": [{"object_type": "gate", "attribute": "passage", "values": ["in"]}],
            "passage_s": 43_200,
            "absent": [{"object_type": "leave", "attribute": "presence", "values": ["absent"]}],
            "present": [{"object_type": "leave", "attribute": "presence", "values": ["present"]}],
            "absence": {"valid_to": "until"},
            "back_s": 864_000,
            "remote": ["vpn"],
            "grace_s": 3_600,
        },
    ),
    Parameter(
        "d06",
        "mes",
        "act-of-skill",
        {
            "required": [{"acts": [{"object_type": "act-of-skill"}], "document": "SOP-007"}],
            "trained": [{"object_type": "qualification", "actions": ["approve"]}],
            "withdrawn": [{"object_type": "qualification", "actions": ["revoke"]}],
            "qualification": {"valid_from": "from", "valid_to": "to"},
            "grace_s": 3_600,
        },
    ),
)


def _acts(stage: Stage, at: int, who: Someone | str, type_: str = "act-on-the-floor", **told: object) -> Fact:
    fact = stage.say("mes", at, Action.EXECUTE, stage.thing(type_), who)
    for name, value in told.items():
        setattr(fact, name, value)
    return fact


def _passes(stage: Stage, at: int, who: Someone, way: str) -> Fact:
    change = Change("passage", None, way)
    return stage.say("badges", at, Action.EXECUTE, stage.thing("gate"), who, (change,))


def _leave(stage: Stage, at: int, who: Someone, presence: str = "absent", **said: str) -> Fact:
    changes = Change("presence", None, presence), *(Change(name, None, value) for name, value in said.items())
    named = ((LinkKind.PERSON, who.name),)
    return stage.say("training", at, Action.UPDATE, stage.thing("leave"), stage.someone(), changes, named)


def _qualified(stage: Stage, at: int, who: Someone, action: Action = Action.APPROVE, document: str = "SOP-007",
               **said: str) -> Fact:  # fmt: skip
    named = (LinkKind.PERSON, who.name), (LinkKind.DOCUMENT, document)
    changes = tuple(Change(name, None, value) for name, value in said.items())
    return stage.say("training", at, action, stage.thing("qualification"), stage.someone(), changes, named)


def who_had_left(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    _passes(stage, at - 5 * HOUR, who, "in")
    left = _passes(stage, at - HOUR, who, "out")
    return _acts(stage, at, who), left


def who_is_on_leave(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    _passes(stage, at - 5 * HOUR, who, "in")
    leave = _leave(stage, at - DAY, who, until=utc(at + DAY))
    return _acts(stage, at, who), leave


def whose_account_had_ended(stage: Stage) -> tuple[Fact, ...]:
    at, account = stage.instant(), stage.name("left")
    stage.map_account("mes", account, stage.someone().name, until=at - HOUR)
    return (_acts(stage, at, account),)


def whose_training_is_over(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    trained = _qualified(stage, at - 2 * DAY, who, to=utc(at - HOUR))
    return _acts(stage, at, who, "act-of-skill"), trained


def whose_training_was_withdrawn(stage: Stage) -> tuple[Fact, ...]:
    at, who = stage.instant(), stage.someone()
    _qualified(stage, at - 2 * DAY, who)
    withdrawn = _qualified(stage, at - HOUR, who, Action.REVOKE)
    return _acts(stage, at, who, "act-of-skill"), withdrawn


def from_afar(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _passes(stage, at - 5 * HOUR, who, "in")
    _passes(stage, at - HOUR, who, "out")
    return _acts(stage, at, who, channel="vpn")


def who_came_back(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _passes(stage, at - 5 * HOUR, who, "out")
    _passes(stage, at - HOUR, who, "in")
    return _acts(stage, at, who)


def who_left_afterwards(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _passes(stage, at - 5 * HOUR, who, "in")
    _passes(stage, at + MINUTE, who, "out")
    return _acts(stage, at, who)


def whose_leave_is_over(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _passes(stage, at - 5 * HOUR, who, "in")
    _leave(stage, at - DAY, who, until=utc(at - HOUR))
    return _acts(stage, at, who)


def who_is_back_from_leave(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _passes(stage, at - 5 * HOUR, who, "in")
    _leave(stage, at - DAY, who, until=utc(at + DAY))
    _leave(stage, at - 6 * HOUR, who, "present")
    return _acts(stage, at, who)


def who_was_trained_anew(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _qualified(stage, at - 2 * DAY, who, to=utc(at - HOUR))
    _qualified(stage, at - DAY, who, to=utc(at + DAY))
    return _acts(stage, at, who, "act-of-skill")


def left_in_that_moment(stage: Stage) -> Fact:
    at, who = stage.instant(), stage.someone()
    _passes(stage, at - 5 * HOUR, who, "in")
    _passes(stage, at, who, "out")
    return _acts(stage, at + SECOND // 2, who)


def who_passed_no_door(stage: Stage) -> Fact:
    return _acts(stage, stage.instant(), stage.someone())


def who_was_never_trained(stage: Stage) -> Fact:
    return _acts(stage, stage.instant(), stage.someone(), "act-of-skill")


def nobody_knows(stage: Stage) -> Fact:
    at, who = stage.away(), stage.someone()
    _passes(stage, at - HOUR, who, "out")
    return _acts(stage, at, who)


def who_shares_an_account(stage: Stage) -> Fact:
    account = stage.name("team")
    stage.map_account("mes", account, None, shared=True)
    return _acts(stage, stage.instant(), account)


SEVERITY = "high"
FINDS = (
    who_had_left,
    who_is_on_leave,
    whose_account_had_ended,
    whose_training_is_over,
    whose_training_was_withdrawn,
)
EXPLAINED = (from_afar,)
CLEAR = (
    who_came_back,
    who_left_afterwards,
    whose_leave_is_over,
    who_is_back_from_leave,
    who_was_trained_anew,
)
UNORDERED = (left_in_that_moment,)
UNKNOWN = {
    "passage": who_passed_no_door,
    "training": who_was_never_trained,
    "time-of-": nobody_knows,
    "one-person": who_shares_an_account,
}
