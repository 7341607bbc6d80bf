"""D03: the program of a controller is changed, or differs from its baseline, without an approved change."""

from ledger.core.record import Action, ActorKind, LinkKind
from tests.plant.model import HOUR, MINUTE, UNSAID, Change, Fact, Link, Parameter, Thing
from tests.plant.texts import utc
from tests.plant.violations.stage import Stage

PARAMETERS = (
    Parameter(
        "d03",
        "plc",
        None,
        {
            "programs": [{"object_type": "program", "attributes": ["checksum"]}],
            "differs": [{"object_type": "comparison", "attribute": "result", "values": ["different"]}],
            "approved": [{"object_type": "program-change", "attribute": "state", "values": ["approved"]}],
            "ended": [{"object_type": "program-change", "attribute": "state", "values": ["closed"]}],
            "scope": {"valid_from": "from", "valid_to": "to", "version": "checksum"},
            "emergency": [{"object_type": "program-change", "attribute": "kind", "values": ["emergency"]}],
            "retrospective_s": 28_800,
            "back_s": 86_400,
            "grace_s": 3_600,
        },
    ),
)


def _loaded(stage: Stage, at: int, asset: str = "", *named: Link, mapped: bool = True) -> Fact:
    program = stage.thing("program")
    if mapped:
        stage.place("plc", program.id, asset or None)
    device = f"plc-{program.id}"
    stage.map_account("plc", device, device, ActorKind.DEVICE)
    changes = (Change("checksum", "a1", "b2"),)
    return stage.say("plc", at, Action.UPDATE, program, device, changes, named, kind=ActorKind.DEVICE)


def _request(stage: Stage, at: int, asset: str, state: str = "approved", **said: str) -> Thing:
    thing = stage.thing("program-change")
    _goes_on(stage, at, thing, asset, None, state, **said)
    return thing


def _goes_on(stage: Stage, at: int, thing: Thing, asset: str, old: str | None, new: str, **said: str) -> Fact:
    changes = Change("state", old, new), *(Change(name.rstrip("_"), None, value) for name, value in said.items())
    named = ((LinkKind.EQUIPMENT, asset),) if asset else ()
    return stage.say("qms", at, Action.UPDATE, thing, stage.someone(), changes, named)


def not_approved(stage: Stage) -> tuple[Fact, ...]:
    return (_loaded(stage, stage.instant()),)


def unlike_its_baseline(stage: Stage) -> tuple[Fact, ...]:
    comparison = stage.thing("comparison")
    stage.place("plc", comparison.id)
    changes = (Change("result", UNSAID, "different"),)
    return (stage.say("plc", stage.instant(), Action.READ, comparison, stage.someone(), changes),)


def approved_later(stage: Stage) -> tuple[Fact, ...]:
    at, asset = stage.instant(), stage.name("PLC")
    _request(stage, at + 20 * MINUTE, asset)
    return (_loaded(stage, at, asset),)


def closed_before(stage: Stage) -> tuple[Fact, ...]:
    at, asset = stage.instant(), stage.name("PLC")
    request = _request(stage, at - 2 * HOUR, asset)
    _goes_on(stage, at - HOUR, request, asset, "approved", "closed")
    return (_loaded(stage, at, asset),)


def of_another_controller(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    _request(stage, at - HOUR, stage.name("PLC"))
    return (_loaded(stage, at),)


def another_version(stage: Stage) -> tuple[Fact, ...]:
    at, asset = stage.instant(), stage.name("PLC")
    _request(stage, at - HOUR, asset, checksum="b3")
    return (_loaded(stage, at, asset),)


def out_of_its_time(stage: Stage) -> tuple[Fact, ...]:
    at, asset = stage.instant(), stage.name("PLC")
    _request(stage, at - 3 * HOUR, asset, from_=utc(at - 2 * HOUR), to=utc(at - HOUR))
    return (_loaded(stage, at, asset),)


def emergency_approved_afterwards(stage: Stage) -> tuple[Fact, ...]:
    at, asset = stage.instant(), stage.name("PLC")
    request = _request(stage, at - 10 * MINUTE, asset, "open", kind="emergency")
    approved = _goes_on(stage, at + 7 * HOUR, request, asset, "open", "approved")
    return _loaded(stage, at, asset), approved


def covered(stage: Stage) -> Fact:
    at, asset = stage.instant(), stage.name("PLC")
    _request(stage, at - HOUR, asset, checksum="b2", from_=utc(at - HOUR), to=utc(at + HOUR))
    return _loaded(stage, at, asset)


def covered_as_named(stage: Stage) -> Fact:
    at = stage.instant()
    request = _request(stage, at - HOUR, "")
    return _loaded(stage, at, "", (LinkKind.CHANGE_REQUEST, request.id))


def like_its_baseline(stage: Stage) -> Fact:
    comparison = stage.thing("comparison")
    stage.place("plc", comparison.id)
    changes = (Change("result", UNSAID, "same"),)
    return stage.say("plc", stage.instant(), Action.READ, comparison, stage.someone(), changes)


def approved_at_that_moment(stage: Stage) -> Fact:
    at, asset = stage.instant(), stage.name("PLC")
    _request(stage, at, asset)
    return _loaded(stage, at, asset)


def nobody_knows(stage: Stage) -> Fact:
    return _loaded(stage, stage.away())


def on_no_map(stage: Stage) -> Fact:
    return _loaded(stage, stage.instant(), mapped=False)


def unreadable(stage: Stage) -> Fact:
    at, asset = stage.instant(), stage.name("PLC")
    _request(stage, at - HOUR, asset, to="soon")
    return _loaded(stage, at, asset)


SEVERITY = "critical"
OTHERWISE = {"high": (emergency_approved_afterwards,)}
FINDS = (
    not_approved,
    unlike_its_baseline,
    approved_later,
    closed_before,
    of_another_controller,
    another_version,
    out_of_its_time,
    emergency_approved_afterwards,
)
EXPLAINED = ()
CLEAR = (covered, covered_as_named, like_its_baseline)
UNORDERED = (approved_at_that_moment,)
UNKNOWN = {"time-of-": nobody_knows, "asset-map": on_no_map, "scope-of-change": unreadable}
