"""D02: a set point is changed, and no approved change covers it."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import HOUR, MINUTE, SECOND, Change, Fact, Link, Parameter, Thing
from tests.plant.texts import utc
from tests.plant.violations.stage import Stage

PARAMETERS = (
    Parameter(
        "d02",
        "dcs",
        None,
        {
            "set_points": [{"object_type": "setpoint", "attributes": ["Value"]}],
            "approved": [{"object_type": "change", "attribute": "state", "values": ["approved"]}],
            "ended": [{"object_type": "change", "attribute": "state", "values": ["closed"]}],
            "scope": {"valid_from": "from", "valid_to": "to", "object_id": "tag", "low": "low", "high": "high"},
            "adjustable": [{"object_id": "FREE.SP", "attribute": "Value", "low": "20", "high": "30"}],
            "back_s": 864_000,
            "grace_s": 3_600,
        },
    ),
)


def _tag(stage: Stage, *, critical: bool = True) -> tuple[Thing, str]:
    tag = stage.thing("setpoint")
    return tag, stage.place("dcs", tag.id, critical=critical)


def _set(stage: Stage, at: int, tag: Thing, old: str = "40", new: str = "50", named: tuple[Link, ...] = ()) -> Fact:
    return stage.say("dcs", at, Action.UPDATE, tag, stage.someone(), (Change("Value", old, new, "degC"),), named)


def _request(stage: Stage, at: int, state: str, asset: str | None, id_: str = "", **said: str) -> Thing:
    thing = Thing("change", id_) if id_ else stage.thing("change")
    named = () if asset is None else ((LinkKind.EQUIPMENT, asset),)
    changes = Change("state", None, state), *(Change(name.rstrip("_"), None, value) for name, value in said.items())
    stage.say("qms", at, Action.UPDATE, thing, stage.someone(), changes, named)
    return thing


def not_approved(stage: Stage) -> tuple[Fact, ...]:
    at, (tag, _) = stage.instant(), _tag(stage)
    return (_set(stage, at, tag),)


def only_planned(stage: Stage) -> tuple[Fact, ...]:
    at, (tag, asset) = stage.instant(), _tag(stage)
    _request(stage, at - HOUR, "planned", asset)
    return (_set(stage, at, tag),)


def approved_later(stage: Stage) -> tuple[Fact, ...]:
    at, (tag, asset) = stage.instant(), _tag(stage)
    _request(stage, at + 20 * MINUTE, "approved", asset)
    return (_set(stage, at, tag),)


def closed_before(stage: Stage) -> tuple[Fact, ...]:
    at, (tag, asset) = stage.instant(), _tag(stage)
    request = _request(stage, at - 2 * HOUR, "approved", asset)
    stage.say("qms", at - HOUR, Action.UPDATE, request, stage.someone(), (Change("state", "approved", "closed"),),
              ((LinkKind.EQUIPMENT, asset),))  # fmt: skip
    return (_set(stage, at, tag),)


def of_other_equipment(stage: Stage) -> tuple[Fact, ...]:
    at, (tag, _) = stage.instant(), _tag(stage)
    _request(stage, at - HOUR, "approved", stage.name("V"))
    return (_set(stage, at, tag),)


def out_of_its_time(stage: Stage) -> tuple[Fact, ...]:
    at, (tag, asset) = stage.instant(), _tag(stage)
    _request(stage, at - 2 * HOUR, "approved", asset, from_=utc(at - 2 * HOUR), to=utc(at - HOUR))
    return (_set(stage, at, tag),)


def of_another_tag(stage: Stage) -> tuple[Fact, ...]:
    at, (tag, asset) = stage.instant(), _tag(stage)
    _request(stage, at - HOUR, "approved", asset, tag="ANOTHER.SP")
    return (_set(stage, at, tag),)


def beyond_its_values(stage: Stage) -> tuple[Fact, ...]:
    at, (tag, asset) = stage.instant(), _tag(stage)
    _request(stage, at - HOUR, "approved", asset, low="30", high="49.9")
    return (_set(stage, at, tag),)


def beyond_what_operators_may(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    tag = Thing("setpoint", "FREE.SP")
    stage.place("dcs", tag.id, "FREE")
    set_ = _set(stage, at, tag, "25", "30.1")
    _set_back(stage, at + MINUTE, tag, "30.1")
    return (set_,)


def _set_back(stage: Stage, at: int, tag: Thing, old: str) -> Fact:
    return _set(stage, at, tag, old, "25")


def covered(stage: Stage) -> Fact:
    at, (tag, asset) = stage.instant(), _tag(stage)
    bounds = {"from_": utc(at - HOUR), "to": utc(at + HOUR), "tag": tag.id, "low": "40", "high": "50"}
    _request(stage, at - 30 * MINUTE, "approved", asset, **bounds)
    return _set(stage, at, tag)


def covered_as_named(stage: Stage) -> Fact:
    at, (tag, _) = stage.instant(), _tag(stage)
    request = _request(stage, at - HOUR, "approved", None)
    return _set(stage, at, tag, named=((LinkKind.CHANGE_REQUEST, request.id),))


def closed_later(stage: Stage) -> Fact:
    at, (tag, asset) = stage.instant(), _tag(stage)
    request = _request(stage, at - HOUR, "approved", asset)
    stage.say("qms", at + MINUTE, Action.UPDATE, request, stage.someone(), (Change("state", "approved", "closed"),),
              ((LinkKind.EQUIPMENT, asset),))  # fmt: skip
    return _set(stage, at, tag)


def not_critical(stage: Stage) -> Fact:
    at, (tag, _) = stage.instant(), _tag(stage, critical=False)
    return _set(stage, at, tag)


def adjustable(stage: Stage) -> Fact:
    at = stage.instant()
    tag = Thing("setpoint", "FREE.SP")
    stage.place("dcs", tag.id, "FREE")
    _set(stage, at, tag, "25", "30")
    return _set_back(stage, at + MINUTE, tag, "30")


def approved_at_that_moment(stage: Stage) -> Fact:
    at, (tag, asset) = stage.instant(), _tag(stage)
    _request(stage, at, "approved", asset)
    return _set(stage, at + SECOND // 2, tag)


def nobody_knows(stage: Stage) -> Fact:
    at, (tag, _) = stage.away(), _tag(stage)
    return _set(stage, at, tag)


def on_no_map(stage: Stage) -> Fact:
    return _set(stage, stage.instant(), stage.thing("setpoint"))


def unreadable(stage: Stage) -> Fact:
    at, (tag, asset) = stage.instant(), _tag(stage)
    _request(stage, at - HOUR, "approved", asset, to="next week")
    return _set(stage, at, tag)


SEVERITY = "critical"
FINDS = (
    not_approved,
    only_planned,
    approved_later,
    closed_before,
    of_other_equipment,
    out_of_its_time,
    of_another_tag,
    beyond_its_values,
    beyond_what_operators_may,
)
EXPLAINED = (adjustable,)
CLEAR = (covered, covered_as_named, closed_later, not_critical)
UNORDERED = (approved_at_that_moment,)
UNKNOWN = {"time-of-": nobody_knows, "asset-map": on_no_map, "scope-of-change": unreadable}
