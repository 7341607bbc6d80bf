"""D01: an audit trail is switched off, on only just before an inspection, or its source falls silent."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import DAY, HOUR, MINUTE, START, Change, Fact, Link, Parameter, Thing
from tests.plant.texts import utc
from tests.plant.violations.stage import Stage

SOURCE = "scada"
INSPECTED = START + 24 * DAY + 12 * HOUR
PARAMETERS = (
    Parameter(
        "d01",
        SOURCE,
        None,
        {
            "off": [{"object_type": "audit-trail", "attribute": "state", "values": ["off", "critical tags only"]}],
            "on": [{"object_type": "audit-trail", "attribute": "state", "values": ["on"]}],
            "inspections": [utc(INSPECTED)],
            "shortly_s": 86_400,
            "silent_s": 3_600,
            "activity": [{"object_type": "phase"}],
            "approved": [{"object_type": "change", "attribute": "state", "values": ["approved"]}],
            "ended": [{"object_type": "change", "attribute": "state", "values": ["closed"]}],
            "scope": {"valid_from": "from", "valid_to": "to", "object_id": "system"},
            "back_s": 864_000,
            "grace_s": 3_600,
        },
    ),
)


def _trail(stage: Stage, at: int, state: str, *named: Link) -> Fact:
    changes = (Change("state", "on" if state != "on" else "off", state),)
    return stage.say(SOURCE, at, Action.CONFIGURE, stage.thing("audit-trail"), stage.someone(), changes, named)


def _request(stage: Stage, at: int, state: str = "approved", **said: str) -> Thing:
    thing = stage.thing("change")
    changes = Change("state", None, state), *(Change(name.rstrip("_"), None, value) for name, value in said.items())
    stage.say("qms", at, Action.UPDATE, thing, stage.someone(), changes)
    return thing


def _spoke(stage: Stage, at: int) -> Fact:
    return stage.say(SOURCE, at, Action.EXECUTE, stage.thing("heartbeat"), stage.someone())


def _phase(stage: Stage, at: int) -> Fact:
    return stage.say("plc", at, Action.EXECUTE, stage.thing("phase"))


def switched_off(stage: Stage) -> tuple[Fact, ...]:
    return (_trail(stage, stage.instant(), "off"),)


def narrowed(stage: Stage) -> tuple[Fact, ...]:
    return (_trail(stage, stage.instant(), "critical tags only"),)


def approved_later(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    request = _request(stage, at + 10 * MINUTE)
    return (_trail(stage, at, "off", (LinkKind.CHANGE_REQUEST, request.id)),)


def never_approved(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    request = _request(stage, at - HOUR, "planned")
    return (_trail(stage, at, "off", (LinkKind.CHANGE_REQUEST, request.id)),)


def after_the_downtime(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    _request(stage, at - 3 * HOUR, system=SOURCE, from_=utc(at - 2 * HOUR), to=utc(at - HOUR))
    return (_trail(stage, at, "off"),)


def on_before_the_inspection(stage: Stage) -> tuple[Fact, ...]:
    at = INSPECTED - stage.rng.randrange(2 * HOUR, 23 * HOUR)
    return (_trail(stage, at, "on"),)


def silent(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    last = _spoke(stage, at)
    _spoke(stage, at + 3 * HOUR)
    return last, _phase(stage, at + 10 * MINUTE)


def for_an_approved_change(stage: Stage) -> Fact:
    at = stage.instant()
    request = _request(stage, at - HOUR)
    return _trail(stage, at, "off", (LinkKind.CHANGE_REQUEST, request.id))


def in_planned_downtime(stage: Stage) -> Fact:
    at = stage.instant()
    _request(stage, at - 2 * HOUR, system=SOURCE, from_=utc(at - HOUR), to=utc(at + HOUR))
    return _trail(stage, at, "off")


def silent_in_planned_downtime(stage: Stage) -> Fact:
    at = stage.instant()
    _request(stage, at - 2 * HOUR, system=SOURCE, from_=utc(at - HOUR), to=utc(at + 4 * HOUR))
    spoke = _spoke(stage, at)
    _phase(stage, at + 10 * MINUTE)
    _spoke(stage, at + 3 * HOUR)
    return spoke


def switched_on_in_time(stage: Stage) -> Fact:
    return _trail(stage, stage.instant(), "on")


def silent_for_less(stage: Stage) -> Fact:
    at = stage.instant()
    spoke = _spoke(stage, at)
    _phase(stage, at + 10 * MINUTE)
    _spoke(stage, at + 58 * MINUTE)
    return spoke


def silent_as_nothing_happens(stage: Stage) -> Fact:
    at = stage.instant()
    spoke = _spoke(stage, at)
    _spoke(stage, at + 3 * HOUR)
    return spoke


def nobody_knows(stage: Stage) -> Fact:
    at = stage.away()
    return _trail(stage, at, "off", (LinkKind.CHANGE_REQUEST, stage.name("change")))


SEVERITY = "critical"
FINDS = (
    switched_off,
    narrowed,
    approved_later,
    never_approved,
    after_the_downtime,
    on_before_the_inspection,
    silent,
)
EXPLAINED = (for_an_approved_change, in_planned_downtime, silent_in_planned_downtime)
CLEAR = (switched_on_in_time, silent_for_less, silent_as_nothing_happens)
UNORDERED = ()
UNKNOWN = {"time-of-": nobody_knows}
