"""D20: an alarm is acknowledged without a word or by nobody on duty, shelved too long, or its limit is moved."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import HOUR, MINUTE, SECOND, UNSAID, Change, Fact, Parameter, Thing
from tests.plant.texts import utc
from tests.plant.violations.stage import Someone, Stage

PARAMETERS = (
    Parameter(
        "d20",
        "dcs",
        None,
        {
            "acknowledged": [{"object_type": "alarm-point", "actions": ["acknowledge"]}],
            "commented": [{"object_type": "alarm-point", "attribute": "comment"}],
            "deviation": [{"object_type": "alarm-report", "actions": ["create"]}],
            "comment_s": 1_800,
            "shelved": [{"object_type": "alarm-point", "actions": ["suppress"]}],
            "unshelved": [{"object_type": "alarm-point", "attribute": "shelved", "values": ["no"]}],
            "shelved_s": 7_200,
            "limits": [{"object_type": "alarm-setting", "attribute": "HI", "high": True}],
            "restored_s": 7_200,
            "excursion": [{"object_type": "alarm-point", "actions": ["alarm"]}],
            "values": [{"object_type": "measurement", "attribute": "PV"}],
            "on_duty": [{"object_type": "shift", "actions": ["start"]}],
            "off_duty": [{"object_type": "shift", "actions": ["stop"]}],
            "duty": "mes",
            "duty_s": 36_000,
            "test": [{"object_type": "test-mode", "actions": ["start"]}],
            "test_ended": [{"object_type": "test-mode", "actions": ["stop"]}],
            "approved": [{"object_type": "change", "attribute": "state", "values": ["approved"]}],
            "ended": [{"object_type": "change", "attribute": "state", "values": ["closed"]}],
            "scope": {"valid_from": "from", "valid_to": "to"},
            "back_s": 36_000,
            "grace_s": 3_600,
        },
    ),
)


def _point(stage: Stage, *, critical: bool = True) -> tuple[Thing, str]:
    point = stage.thing("alarm-point")
    return point, stage.place("dcs", point.id, critical=critical)


def _on_duty(stage: Stage, at: int) -> Someone:
    """Somebody whose shift began two hours ago."""
    who = stage.someone()
    stage.say("mes", at - 2 * HOUR, Action.START, stage.thing("shift"), who)
    return who


def _acknowledged(stage: Stage, at: int, point: Thing, who: Someone, reason: str | None = None) -> Fact:
    return stage.say("dcs", at, Action.ACKNOWLEDGE, point, who, reason=reason)


def _commented(stage: Stage, at: int, point: Thing) -> None:
    changes = (Change("comment", None, "pump was primed"),)
    stage.say("dcs", at, Action.UPDATE, point, stage.someone(), changes)


def _reported(stage: Stage, at: int, asset: str) -> None:
    named = ((LinkKind.EQUIPMENT, asset),)
    stage.say("qms", at, Action.CREATE, stage.thing("alarm-report"), stage.someone(), (), named)


def _shelved(stage: Stage, at: int, point: Thing, lasts: int | None) -> tuple[Fact, ...]:
    shelved = stage.say("dcs", at, Action.SUPPRESS, point, stage.someone())
    if lasts is None:
        return (shelved,)
    changes = (Change("shelved", "yes", "no"),)
    return shelved, stage.say("dcs", at + lasts, Action.UPDATE, point, stage.someone(), changes)


def _limit(stage: Stage, asset: str) -> Thing:
    limit = stage.thing("alarm-setting")
    stage.place("dcs", limit.id, asset)
    return limit


def _moved(stage: Stage, at: int, limit: Thing, old: str, new: str) -> Fact:
    return stage.say("dcs", at, Action.CONFIGURE, limit, stage.someone(), (Change("HI", old, new, "degC"),))


def _raised(stage: Stage, at: int, point: Thing) -> Fact:
    return stage.say("dcs", at, Action.ALARM, point, stage.someone())


def _value(stage: Stage, at: int, asset: str, value: str) -> Fact:
    thing = stage.thing("measurement")
    stage.place("dcs", thing.id, asset)
    return stage.say("dcs", at, Action.UPDATE, thing, stage.someone(), (Change("PV", UNSAID, value, "degC"),))


def without_a_word(stage: Stage) -> tuple[Fact, ...]:
    at, (point, _) = stage.instant(), _point(stage)
    return (_acknowledged(stage, at, point, _on_duty(stage, at)),)


def commented_too_late(stage: Stage) -> tuple[Fact, ...]:
    at, (point, _) = stage.instant(), _point(stage)
    _commented(stage, at + 31 * MINUTE, point)
    return (_acknowledged(stage, at, point, _on_duty(stage, at)),)


def by_somebody_not_on_duty(stage: Stage) -> tuple[Fact, ...]:
    at, (point, _) = stage.instant(), _point(stage)
    return (_acknowledged(stage, at, point, stage.someone(), "pump was primed"),)


def shelved_too_long(stage: Stage) -> tuple[Fact, ...]:
    return _shelved(stage, stage.instant(), _point(stage)[0], 2 * HOUR + SECOND)[:1]


def left_shelved(stage: Stage) -> tuple[Fact, ...]:
    return _shelved(stage, stage.instant(), _point(stage)[0], None)


def limit_moved_around_an_alarm(stage: Stage) -> tuple[Fact, ...]:
    at, (point, asset) = stage.instant(), _point(stage)
    limit = _limit(stage, asset)
    moved, raised = _moved(stage, at, limit, "80", "95"), _raised(stage, at + 20 * MINUTE, point)
    return moved, raised, _moved(stage, at + HOUR, limit, "95", "80")


def limit_moved_around_a_value(stage: Stage) -> tuple[Fact, ...]:
    at, (_, asset) = stage.instant(), _point(stage)
    limit = _limit(stage, asset)
    moved, value = _moved(stage, at, limit, "80", "95"), _value(stage, at + 20 * MINUTE, asset, "80.1")
    return moved, value, _moved(stage, at + HOUR, limit, "95", "80")


def under_test(stage: Stage) -> Fact:
    at, (point, asset) = stage.instant(), _point(stage)
    request = stage.thing("change")
    changes = (
        Change("state", None, "approved"),
        Change("from", None, utc(at - HOUR)),
        Change("to", None, utc(at + HOUR)),
    )
    stage.say("qms", at - 3 * HOUR, Action.UPDATE, request, stage.someone(), changes)
    named = (LinkKind.EQUIPMENT, asset), (LinkKind.CHANGE_REQUEST, request.id)
    stage.say("dcs", at - 10 * MINUTE, Action.START, Thing("test-mode", asset), stage.someone(), (), named)
    acknowledged = _acknowledged(stage, at, point, _on_duty(stage, at))
    stage.say("dcs", at + 40 * MINUTE, Action.STOP, Thing("test-mode", asset), stage.someone(), (), named)
    return acknowledged


def with_a_word(stage: Stage) -> Fact:
    at, (point, _) = stage.instant(), _point(stage)
    return _acknowledged(stage, at, point, _on_duty(stage, at), "pump was primed")


def commented_in_time(stage: Stage) -> Fact:
    at, (point, _) = stage.instant(), _point(stage)
    _commented(stage, at + 29 * MINUTE, point)
    return _acknowledged(stage, at, point, _on_duty(stage, at))


def reported_in_time(stage: Stage) -> Fact:
    at, (point, asset) = stage.instant(), _point(stage)
    _reported(stage, at + 29 * MINUTE, asset)
    return _acknowledged(stage, at, point, _on_duty(stage, at))


def not_critical(stage: Stage) -> Fact:
    at, (point, _) = stage.instant(), _point(stage, critical=False)
    return _acknowledged(stage, at, point, _on_duty(stage, at))


def shelved_for_less(stage: Stage) -> Fact:
    return _shelved(stage, stage.instant(), _point(stage)[0], 2 * HOUR - SECOND)[0]


def limit_moved_around_nothing(stage: Stage) -> Fact:
    at, (_, asset) = stage.instant(), _point(stage)
    limit = _limit(stage, asset)
    moved = _moved(stage, at, limit, "80", "95")
    _value(stage, at + 20 * MINUTE, asset, "79.9")
    _moved(stage, at + HOUR, limit, "95", "80")
    return moved


def limit_narrowed(stage: Stage) -> Fact:
    at, (point, asset) = stage.instant(), _point(stage)
    limit = _limit(stage, asset)
    moved = _moved(stage, at, limit, "80", "70")
    _raised(stage, at + 20 * MINUTE, point)
    _moved(stage, at + HOUR, limit, "70", "80")
    return moved


def nobody_knows(stage: Stage) -> Fact:
    at, (point, _) = stage.away(), _point(stage)
    return _acknowledged(stage, at, point, _on_duty(stage, at))


def on_no_map(stage: Stage) -> Fact:
    at = stage.instant()
    return _acknowledged(stage, at, stage.thing("alarm-point"), _on_duty(stage, at))


SEVERITY = "high"
FINDS = (
    without_a_word,
    commented_too_late,
    by_somebody_not_on_duty,
    shelved_too_long,
    left_shelved,
    limit_moved_around_an_alarm,
    limit_moved_around_a_value,
)
EXPLAINED = (under_test,)
CLEAR = (
    with_a_word,
    commented_in_time,
    reported_in_time,
    not_critical,
    shelved_for_less,
    limit_moved_around_nothing,
    limit_narrowed,
)
UNORDERED = ()
UNKNOWN = {"time-of-": nobody_knows, "asset-map": on_no_map}
