"""D16: something is signed before it happens, or never happens."""

from ledger.core.record import Action, ActorKind, LinkKind
from tests.plant.model import HOUR, MINUTE, Fact, Link, Parameter, Thing
from tests.plant.violations.stage import Stage

PARAMETERS = (
    Parameter(
        "d16",
        "mes",
        None,
        {
            "attestations": [
                {
                    "signed": [{"object_type": "cleanliness", "actions": ["sign"]}],
                    "event": [{"object_type": "cip", "actions": ["execute"]}],
                    "since": [{"object_type": "use", "actions": ["start"]}],
                },
                {
                    "signed": [{"object_type": "end-of-order", "actions": ["sign"]}],
                    "event": [{"object_type": "sequence-end", "actions": ["stop"]}],
                    "link": "order",
                },
            ],
            "within_s": 14_400,
            "grace_s": 3_600,
        },
    ),
)


def _vessel(stage: Stage) -> str:
    """A vessel that both systems call by the name of its equipment."""
    vessel = stage.name("V")
    stage.place("mes", vessel, vessel)
    stage.place("plc", vessel, vessel)
    return vessel


def _signed(stage: Stage, at: int, vessel: str) -> Fact:
    return stage.say("mes", at, Action.SIGN, Thing("cleanliness", vessel), stage.someone())


def _cleaned(stage: Stage, at: int, vessel: str) -> Fact:
    device = f"plc-{vessel}"
    stage.map_account("plc", device, device, ActorKind.DEVICE)
    return stage.say("plc", at, Action.EXECUTE, Thing("cip", vessel), device, kind=ActorKind.DEVICE)


def _used(stage: Stage, at: int, vessel: str) -> Fact:
    return stage.say("mes", at, Action.START, Thing("use", vessel), stage.someone())


def _ended(stage: Stage, at: int, order: Link) -> Fact:
    return stage.say("dcs", at, Action.STOP, stage.thing("sequence-end"), stage.someone(), (), (order,))


def _closed(stage: Stage, at: int, *named: Link) -> Fact:
    return stage.say("mes", at, Action.SIGN, stage.thing("end-of-order"), stage.someone(), (), named)


def _order(stage: Stage) -> Link:
    return LinkKind.ORDER, stage.name("PO")


def before_it_happened(stage: Stage) -> tuple[Fact, ...]:
    at, vessel = stage.instant(), _vessel(stage)
    return _signed(stage, at, vessel), _cleaned(stage, at + 10 * MINUTE, vessel)


def what_never_happened(stage: Stage) -> tuple[Fact, ...]:
    return (_signed(stage, stage.instant(), _vessel(stage)),)


def what_happened_elsewhere(stage: Stage) -> tuple[Fact, ...]:
    at, vessel = stage.instant(), _vessel(stage)
    _cleaned(stage, at - MINUTE, _vessel(stage))
    return (_signed(stage, at, vessel),)


def what_happened_before_the_last_use(stage: Stage) -> tuple[Fact, ...]:
    at, vessel = stage.instant(), _vessel(stage)
    _cleaned(stage, at - 2 * HOUR, vessel)
    _used(stage, at - HOUR, vessel)
    return (_signed(stage, at, vessel),)


def what_happened_long_ago(stage: Stage) -> tuple[Fact, ...]:
    at, vessel = stage.instant(), _vessel(stage)
    _cleaned(stage, at - 5 * HOUR, vessel)
    return (_signed(stage, at, vessel),)


def before_the_order_ended(stage: Stage) -> tuple[Fact, ...]:
    at, order = stage.instant(), _order(stage)
    return _closed(stage, at, order), _ended(stage, at + 5 * MINUTE, order)


def after_it_happened(stage: Stage) -> Fact:
    at, vessel = stage.instant(), _vessel(stage)
    _used(stage, at - 3 * HOUR, vessel)
    _cleaned(stage, at - HOUR, vessel)
    return _signed(stage, at, vessel)


def after_the_order_ended(stage: Stage) -> Fact:
    at, order = stage.instant(), _order(stage)
    _ended(stage, at - 5 * MINUTE, order)
    return _closed(stage, at, order)


def at_that_moment(stage: Stage) -> Fact:
    at, vessel = stage.instant(), _vessel(stage)
    _cleaned(stage, at, vessel)
    return _signed(stage, at, vessel)


def nobody_knows(stage: Stage) -> Fact:
    return _signed(stage, stage.away(), _vessel(stage))


def of_no_order(stage: Stage) -> Fact:
    return _closed(stage, stage.instant())


def on_no_map(stage: Stage) -> Fact:
    return _signed(stage, stage.instant(), stage.name("V"))


SEVERITY = "critical"
FINDS = (
    before_it_happened,
    what_never_happened,
    what_happened_elsewhere,
    what_happened_before_the_last_use,
    what_happened_long_ago,
    before_the_order_ended,
)
EXPLAINED = ()
CLEAR = (after_it_happened, after_the_order_ended)
UNORDERED = (at_that_moment,)
UNKNOWN = {"time-of-": nobody_knows, "link-order": of_no_order, "asset-map": on_no_map}
