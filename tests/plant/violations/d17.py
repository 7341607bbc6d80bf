"""D17: a value that somebody entered disagrees with what equipment measured then."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import HOUR, MINUTE, SECOND, UNSAID, Change, Fact, Link, Parameter, Thing
from tests.plant.violations.stage import Stage

PARAMETERS = (
    Parameter(
        "d17",
        "mes",
        None,
        {
            "compared": [
                {
                    "object_type": "entered-value",
                    "attribute": "pH",
                    "reading_type": "probe",
                    "reading": "Value",
                    "tolerance": "0.1",
                },
                {
                    "object_type": "net-weight",
                    "attribute": "Weight",
                    "reading_type": "balance",
                    "reading": "Weight",
                    "tolerance": "0.05",
                    "link": "sample",
                },
            ],
            "within_s": 60,
            "hold_s": 1_800,
            "fault": [{"object_type": "sensor", "attribute": "state", "values": ["fault"]}],
            "fault_ended": [{"object_type": "sensor", "attribute": "state", "values": ["good"]}],
            "back_s": 86_400,
            "grace_s": 3_600,
        },
    ),
)


def _entered(stage: Stage, at: int, asset: str | None, value: str) -> Fact:
    thing = stage.thing("entered-value")
    if asset is not None:
        stage.place("mes", thing.id, asset)
    return stage.say("mes", at, Action.CREATE, thing, stage.someone(), (Change("pH", None, value, "pH"),))


def _measured(stage: Stage, at: int, asset: str, value: str) -> Fact:
    probe = stage.thing("probe")
    stage.place("historian", probe.id, asset)
    change = Change("Value", UNSAID, value, "pH")
    return stage.say("historian", at, Action.UPDATE, probe, stage.someone(), (change,))


def _sensor(stage: Stage, at: int, asset: str, state: str) -> None:
    sensor = Thing("sensor", f"{asset}.PH")
    stage.place("historian", sensor.id, asset)
    change = Change("state", UNSAID, state)
    stage.say("historian", at, Action.UPDATE, sensor, stage.someone(), (change,))


def _weighed(stage: Stage, at: int, source: str, type_: str, value: str, sample: Link) -> Fact:
    change = Change("Weight", None, value, "kg")
    return stage.say(source, at, Action.CREATE, stage.thing(type_), stage.someone(), (change,), (sample,))


def beyond_the_tolerance(stage: Stage) -> tuple[Fact, ...]:
    at, asset = stage.instant(), stage.name("V")
    measured = _measured(stage, at - 20 * SECOND, asset, "7.0")
    return _entered(stage, at, asset, "7.11"), measured


def what_was_measured_afterwards(stage: Stage) -> tuple[Fact, ...]:
    at, asset = stage.instant(), stage.name("V")
    measured = _measured(stage, at + 20 * SECOND, asset, "6.5")
    return _entered(stage, at, asset, "7.0"), measured


def the_last_that_was_measured(stage: Stage) -> tuple[Fact, ...]:
    at, asset = stage.instant(), stage.name("V")
    measured = _measured(stage, at - 25 * MINUTE, asset, "6.5")
    return _entered(stage, at, asset, "7.0"), measured


def what_the_balance_says(stage: Stage) -> tuple[Fact, ...]:
    at, sample = stage.instant(), (LinkKind.SAMPLE, stage.name("S"))
    weighed = _weighed(stage, at - 10 * SECOND, "historian", "balance", "5.00", sample)
    return _weighed(stage, at, "mes", "net-weight", "5.06", sample), weighed


def after_the_fault(stage: Stage) -> tuple[Fact, ...]:
    at, asset = stage.instant(), stage.name("V")
    _sensor(stage, at - 3 * HOUR, asset, "fault")
    _sensor(stage, at - 2 * HOUR, asset, "good")
    measured = _measured(stage, at - 20 * SECOND, asset, "6.0")
    return _entered(stage, at, asset, "7.0"), measured


def while_the_sensor_was_at_fault(stage: Stage) -> Fact:
    at, asset = stage.instant(), stage.name("V")
    _sensor(stage, at - HOUR, asset, "fault")
    _measured(stage, at - 20 * SECOND, asset, "2.0")
    return _entered(stage, at, asset, "7.0")


def within_the_tolerance(stage: Stage) -> Fact:
    at, asset = stage.instant(), stage.name("V")
    _measured(stage, at - 20 * SECOND, asset, "7.0")
    return _entered(stage, at, asset, "7.1")


def one_reading_agrees(stage: Stage) -> Fact:
    at, asset = stage.instant(), stage.name("V")
    _measured(stage, at - 40 * SECOND, asset, "6.0")
    _measured(stage, at + 40 * SECOND, asset, "7.0")
    return _entered(stage, at, asset, "7.0")


def as_the_balance_says(stage: Stage) -> Fact:
    at, sample = stage.instant(), (LinkKind.SAMPLE, stage.name("S"))
    _weighed(stage, at - 10 * SECOND, "historian", "balance", "5.00", sample)
    return _weighed(stage, at, "mes", "net-weight", "5.05", sample)


def nothing_measured(stage: Stage) -> Fact:
    at, asset = stage.instant(), stage.name("V")
    _measured(stage, at - 31 * MINUTE, asset, "7.0")
    return _entered(stage, at, asset, "7.0")


def nobody_knows(stage: Stage) -> Fact:
    at, asset = stage.away(), stage.name("V")
    _measured(stage, at - 20 * SECOND, asset, "6.0")
    return _entered(stage, at, asset, "7.0")


def on_no_map(stage: Stage) -> Fact:
    return _entered(stage, stage.instant(), None, "7.0")


SEVERITY = "high"
FINDS = (
    beyond_the_tolerance,
    what_was_measured_afterwards,
    the_last_that_was_measured,
    what_the_balance_says,
    after_the_fault,
)
EXPLAINED = (while_the_sensor_was_at_fault,)
CLEAR = (within_the_tolerance, one_reading_agrees, as_the_balance_says)
UNORDERED = ()
UNKNOWN = {"reading": nothing_measured, "time-of-": nobody_knows, "asset-map": on_no_map}
