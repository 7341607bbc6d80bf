"""D28: an override is left on for longer than it may."""

from ledger.core.record import Action, ActorKind, LinkKind
from tests.plant.model import HOUR, MINUTE, SECOND, Change, Fact, Parameter, Thing
from tests.plant.violations.stage import Stage

MODES = ("bypass", "manual", "forced", "simulation")
PARAMETERS = (
    Parameter(
        "d28",
        "plc",
        None,
        {
            "on": [{"object_type": "loop", "attribute": "mode", "values": list(MODES)}],
            "off": [{"object_type": "loop", "attribute": "mode", "values": ["auto"]}],
            "longest_s": 3_600,
            "deviation": [{"object_type": "override-report", "actions": ["create"]}],
            "phase": [{"object_type": "manual-phase", "actions": ["start"]}],
            "phase_ended": [{"object_type": "manual-phase", "actions": ["stop"]}],
            "back_s": 14_400,
            "grace_s": 3_600,
        },
    ),
)


def _loop(stage: Stage, *, critical: bool = True) -> tuple[Thing, str]:
    loop = stage.thing("loop")
    return loop, stage.place("plc", loop.id, critical=critical)


def _put(stage: Stage, at: int, loop: Thing, old: str, new: str) -> Fact:
    device = f"plc-{loop.id}"
    stage.map_account("plc", device, device, ActorKind.DEVICE)
    return stage.say("plc", at, Action.UPDATE, loop, device, (Change("mode", old, new),), kind=ActorKind.DEVICE)


def _on(stage: Stage, at: int, loop: Thing, lasts: int | None) -> tuple[Fact, Fact | None]:
    mode = stage.rng.choice(MODES)
    on = _put(stage, at, loop, "auto", mode)
    return on, None if lasts is None else _put(stage, at + lasts, loop, mode, "auto")


def _reported(stage: Stage, at: int, asset: str) -> None:
    named = ((LinkKind.EQUIPMENT, asset),)
    stage.say("qms", at, Action.CREATE, stage.thing("override-report"), stage.someone(), (), named)


def _phase(stage: Stage, at: int, asset: str, action: Action) -> None:
    named = ((LinkKind.EQUIPMENT, asset),)
    stage.say("mes", at, action, Thing("manual-phase", asset), stage.someone(), (), named)


def too_long(stage: Stage) -> tuple[Fact, ...]:
    on, off = _on(stage, stage.instant(), _loop(stage)[0], HOUR + SECOND)
    assert off is not None
    return on, off


def never_put_off(stage: Stage) -> tuple[Fact, ...]:
    return (_on(stage, stage.instant(), _loop(stage)[0], None)[0],)


def reported_too_late(stage: Stage) -> tuple[Fact, ...]:
    at, (loop, asset) = stage.instant(), _loop(stage)
    on, off = _on(stage, at, loop, 4 * HOUR)
    _reported(stage, at + 3 * HOUR, asset)
    assert off is not None
    return on, off


def after_the_phase(stage: Stage) -> tuple[Fact, ...]:
    at, (loop, asset) = stage.instant(), _loop(stage)
    _phase(stage, at - 2 * HOUR, asset, Action.START)
    _phase(stage, at - HOUR, asset, Action.STOP)
    return (_on(stage, at, loop, None)[0],)


def reported(stage: Stage) -> Fact:
    at, (loop, asset) = stage.instant(), _loop(stage)
    _reported(stage, at + 90 * MINUTE, asset)
    return _on(stage, at, loop, 5 * HOUR)[0]


def in_a_phase_worked_by_hand(stage: Stage) -> Fact:
    at, (loop, asset) = stage.instant(), _loop(stage)
    _phase(stage, at - HOUR, asset, Action.START)
    _phase(stage, at + 4 * HOUR, asset, Action.STOP)
    return _on(stage, at, loop, 3 * HOUR)[0]


def for_less(stage: Stage) -> Fact:
    return _on(stage, stage.instant(), _loop(stage)[0], HOUR - SECOND)[0]


def not_critical(stage: Stage) -> Fact:
    return _on(stage, stage.instant(), _loop(stage, critical=False)[0], None)[0]


def for_just_as_long(stage: Stage) -> Fact:
    return _on(stage, stage.instant(), _loop(stage)[0], HOUR)[0]


def nobody_knows(stage: Stage) -> Fact:
    return _on(stage, stage.away(), _loop(stage)[0], 3 * HOUR)[0]


def on_no_map(stage: Stage) -> Fact:
    return _on(stage, stage.instant(), stage.thing("loop"), None)[0]


SEVERITY = "high"
FINDS = (too_long, never_put_off, reported_too_late, after_the_phase)
EXPLAINED = (reported, in_a_phase_worked_by_hand)
CLEAR = (for_less, not_critical)
UNORDERED = (for_just_as_long,)
UNKNOWN = {"time-of-": nobody_knows, "asset-map": on_no_map}
