"""D24: a batch is released with open items."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import DAY, HOUR, MINUTE, SECOND, Change, Fact, Parameter, Thing
from tests.plant.texts import utc
from tests.plant.violations.stage import Stage

PARAMETERS = (
    Parameter(
        "d24",
        "erp",
        None,
        {
            "released": [{"object_type": "batch-release", "actions": ["approve"]}],
            "calibrated": [{"object_type": "calibration", "attribute": "due"}],
            "due": "due",
            "reviewed": False,
            "back_s": 864_000,
            "grace_s": 3_600,
        },
    ),
    Parameter("deviations", "qms", None, {"object_type": "deviation", "attribute": "state", "closed": ["closed"]}),
)


def _released(stage: Stage, at: int, batch: str) -> Fact:
    named = ((LinkKind.BATCH, batch),)
    return stage.say("erp", at, Action.APPROVE, Thing("batch-release", batch), stage.someone(), (), named)


def _deviation(stage: Stage, at: int, state: str, batch: str, of: Thing | None = None) -> tuple[Fact, Thing]:
    thing = of or stage.thing("deviation")
    action, old = (Action.CREATE, None) if of is None else (Action.UPDATE, "open")
    named = ((LinkKind.BATCH, batch),)
    return stage.say("qms", at, action, thing, stage.someone(), (Change("state", old, state),), named), thing


def _used(stage: Stage, begin: int, end: int, batch: str) -> str:
    asset = stage.name("V")
    had, step = ((LinkKind.BATCH, batch), (LinkKind.EQUIPMENT, asset)), Thing("campaign", f"{batch}/{asset}")
    stage.say("mes", begin, Action.START, step, stage.someone(), (), had)
    stage.say("mes", end, Action.STOP, step, stage.someone(), (), had)
    return asset


def _calibrated(stage: Stage, at: int, asset: str, due: int) -> Fact:
    named = ((LinkKind.EQUIPMENT, asset),)
    changes = (Change("due", None, utc(due)),)
    return stage.say("cmms", at, Action.CREATE, stage.thing("calibration"), stage.someone(), changes, named)


def deviation_open(stage: Stage) -> tuple[Fact, ...]:
    at, batch = stage.instant(), stage.name("B")
    opened, _ = _deviation(stage, at - DAY, "open", batch)
    return _released(stage, at, batch), opened


def deviation_closed_later(stage: Stage) -> tuple[Fact, ...]:
    at, batch = stage.instant(), stage.name("B")
    opened, deviation = _deviation(stage, at - HOUR, "open", batch)
    _deviation(stage, at + HOUR, "closed", batch, deviation)
    return _released(stage, at, batch), opened


def deviation_opened_again(stage: Stage) -> tuple[Fact, ...]:
    at, batch = stage.instant(), stage.name("B")
    _, deviation = _deviation(stage, at - 4 * HOUR, "closed", batch)
    again = stage.say("qms", at - HOUR, Action.UPDATE, deviation, stage.someone(), (Change("state", "closed", "open"),))
    return _released(stage, at, batch), again


def calibration_expired(stage: Stage) -> tuple[Fact, ...]:
    at, batch = stage.instant(), stage.name("B")
    asset = _used(stage, at - 10 * HOUR, at - 8 * HOUR, batch)
    calibrated = _calibrated(stage, at - 20 * HOUR, asset, at - 9 * HOUR)
    return _released(stage, at, batch), calibrated


def deviation_closed(stage: Stage) -> Fact:
    at, batch = stage.instant(), stage.name("B")
    _, deviation = _deviation(stage, at - DAY, "open", batch)
    _deviation(stage, at - HOUR, "closed", batch, deviation)
    return _released(stage, at, batch)


def deviation_of_another_batch(stage: Stage) -> Fact:
    at = stage.instant()
    _deviation(stage, at - DAY, "open", stage.name("B"))
    return _released(stage, at, stage.name("B"))


def deviation_raised_afterwards(stage: Stage) -> Fact:
    at, batch = stage.instant(), stage.name("B")
    _deviation(stage, at + HOUR, "open", batch)
    return _released(stage, at, batch)


def calibrated_until_after_its_use(stage: Stage) -> Fact:
    at, batch = stage.instant(), stage.name("B")
    asset = _used(stage, at - 10 * HOUR, at - 8 * HOUR, batch)
    _calibrated(stage, at - 20 * HOUR, asset, at - 7 * HOUR)
    return _released(stage, at, batch)


def calibrated_anew_before_its_use(stage: Stage) -> Fact:
    at, batch = stage.instant(), stage.name("B")
    asset = _used(stage, at - 10 * HOUR, at - 8 * HOUR, batch)
    _calibrated(stage, at - 20 * HOUR, asset, at - 18 * HOUR)
    _calibrated(stage, at - 12 * HOUR, asset, at + DAY)
    return _released(stage, at, batch)


def closed_at_that_moment(stage: Stage) -> Fact:
    at, batch = stage.instant(), stage.name("B")
    _, deviation = _deviation(stage, at - DAY, "open", batch)
    _deviation(stage, at + SECOND // 4, "closed", batch, deviation)
    return _released(stage, at, batch)


def nobody_knows(stage: Stage) -> Fact:
    return _released(stage, stage.away(), stage.name("B"))


def of_no_batch(stage: Stage) -> Fact:
    return stage.say("erp", stage.instant(), Action.APPROVE, stage.thing("batch-release"), stage.someone())


def due_nobody_knows_when(stage: Stage) -> Fact:
    at, batch = stage.instant(), stage.name("B")
    asset = _used(stage, at - 10 * HOUR, at - 8 * HOUR, batch)
    named, changes = ((LinkKind.EQUIPMENT, asset),), (Change("due", None, "soon"),)
    stage.say("cmms", at - 12 * HOUR, Action.CREATE, stage.thing("calibration"), stage.someone(), changes, named)
    return _released(stage, at + MINUTE, batch)


SEVERITY = "critical"
FINDS = (deviation_open, deviation_closed_later, deviation_opened_again, calibration_expired)
EXPLAINED = ()
CLEAR = (
    deviation_closed,
    deviation_of_another_batch,
    deviation_raised_afterwards,
    calibrated_until_after_its_use,
    calibrated_anew_before_its_use,
)
UNORDERED = (closed_at_that_moment,)
UNKNOWN = {"time-of-": nobody_knows, "link-batch": of_no_batch, "due-date": due_nobody_knows_when}
