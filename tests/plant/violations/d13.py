"""D13: a test fails and then passes, and no investigation was opened before."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import DAY, HOUR, MINUTE, Change, Fact, Link, Parameter, Thing
from tests.plant.violations.stage import Stage

_VALUE = {
    "results": [{"object_type": "assay-run", "actions": ["create"]}],
    "opened": [{"object_type": "oos", "actions": ["create"]}],
    "closed": [{"object_type": "oos", "attribute": "state", "values": ["closed"]}],
    "specified": [{"attribute": "potency", "low": "95", "high": "105"}, {"attribute": "purity", "low": "99"}],
    "investigated_test": "test",
    "replicates": [{"test": "purity", "many": 3}],
    "back_s": 172_800,
    "grace_s": 3_600,
}
PARAMETERS = (Parameter("d13", "lims", None, _VALUE), Parameter("d13", "cds", None, _VALUE))


def _lot(stage: Stage) -> Link:
    return LinkKind.BATCH, stage.name("B")


def _result(stage: Stage, at: int, lot: Link, value: str, *named: Link, test: str = "potency",
            source: str = "lims") -> Fact:  # fmt: skip
    change = Change(test, None, value, "%")
    return stage.say(
        source, at, Action.CREATE, stage.thing("assay-run"), stage.someone(), (change,), (lot, *named)
    )  # fmt: skip


def _investigation(stage: Stage, at: int, *named: Link, test: str = "") -> Thing:
    thing = stage.thing("oos")
    changes = (Change("test", None, test),) if test else ()
    stage.say("qms", at, Action.CREATE, thing, stage.someone(), changes, named)
    return thing


def tested_again(stage: Stage) -> tuple[Fact, ...]:
    at, lot = stage.instant(), _lot(stage)
    failed = _result(stage, at - HOUR, lot, "94.9")
    return _result(stage, at, lot, "97"), failed


def in_another_system(stage: Stage) -> tuple[Fact, ...]:
    at, lot = stage.instant(), _lot(stage)
    failed = _result(stage, at - HOUR, lot, "105.1", source="cds")
    return _result(stage, at, lot, "104.9"), failed


def until_it_passed(stage: Stage) -> tuple[Fact, ...]:
    at, lot = stage.instant(), _lot(stage)
    _result(stage, at - 3 * HOUR, lot, "97")
    failed = _result(stage, at - HOUR, lot, "94")
    return _result(stage, at, lot, "97"), failed


def investigated_too_late(stage: Stage) -> tuple[Fact, ...]:
    at, lot = stage.instant(), _lot(stage)
    failed = _result(stage, at - HOUR, lot, "94")
    _investigation(stage, at + 10 * MINUTE, lot)
    return _result(stage, at, lot, "97"), failed


def investigated_and_closed_before(stage: Stage) -> tuple[Fact, ...]:
    at, lot = stage.instant(), _lot(stage)
    thing = _investigation(stage, at - 5 * HOUR, lot)
    stage.say("qms", at - 4 * HOUR, Action.UPDATE, thing, stage.someone(), (Change("state", "open", "closed"),), (lot,))
    failed = _result(stage, at - HOUR, lot, "94")
    return _result(stage, at, lot, "97"), failed


def another_test_investigated(stage: Stage) -> tuple[Fact, ...]:
    at, lot = stage.instant(), _lot(stage)
    failed = _result(stage, at - HOUR, lot, "94")
    _investigation(stage, at - 30 * MINUTE, lot, test="purity")
    return _result(stage, at, lot, "97"), failed


def another_lot_investigated(stage: Stage) -> tuple[Fact, ...]:
    at, lot = stage.instant(), _lot(stage)
    failed = _result(stage, at - HOUR, lot, "94")
    _investigation(stage, at - 30 * MINUTE, _lot(stage))
    return _result(stage, at, lot, "97"), failed


def investigated(stage: Stage) -> Fact:
    at, lot = stage.instant(), _lot(stage)
    _result(stage, at - HOUR, lot, "94")
    _investigation(stage, at - 30 * MINUTE, lot, test="potency")
    return _result(stage, at, lot, "97")


def investigated_as_named(stage: Stage) -> Fact:
    at, lot = stage.instant(), _lot(stage)
    _result(stage, at - HOUR, lot, "94")
    thing = _investigation(stage, at - 30 * MINUTE)
    return _result(stage, at, lot, "97", (LinkKind.DEVIATION, thing.id))


def replicates(stage: Stage) -> Fact:
    at, lot = stage.instant(), _lot(stage)
    _result(stage, at - 20 * MINUTE, lot, "98.9", test="purity")
    passed = _result(stage, at - 10 * MINUTE, lot, "99.2", test="purity")
    _result(stage, at, lot, "98.8", test="purity")
    return passed


def of_another_lot(stage: Stage) -> Fact:
    at = stage.instant()
    _result(stage, at - HOUR, _lot(stage), "94")
    return _result(stage, at, _lot(stage), "97")


def of_another_test(stage: Stage) -> Fact:
    at, lot = stage.instant(), _lot(stage)
    _result(stage, at - HOUR, lot, "94")
    return _result(stage, at, lot, "99.5", test="purity")


def failed_afterwards(stage: Stage) -> Fact:
    at, lot = stage.instant(), _lot(stage)
    passed = _result(stage, at, lot, "97")
    _result(stage, at + HOUR, lot, "94")
    return passed


def failed_long_ago(stage: Stage) -> Fact:
    at, lot = stage.instant(), _lot(stage)
    _result(stage, at - 2 * DAY - HOUR, lot, "94")
    return _result(stage, at, lot, "97")


def at_that_moment(stage: Stage) -> Fact:
    at, lot = stage.instant(), _lot(stage)
    _result(stage, at, lot, "94", source="cds")
    return _result(stage, at, lot, "97")


def nobody_knows(stage: Stage) -> Fact:
    at, lot = stage.away(), _lot(stage)
    _result(stage, at - HOUR, lot, "94")
    return _result(stage, at, lot, "97")


def of_no_lot(stage: Stage) -> Fact:
    return _result(stage, stage.instant(), (LinkKind.DOCUMENT, stage.name("D")), "97")


SEVERITY = "critical"
FINDS = (
    tested_again,
    in_another_system,
    until_it_passed,
    investigated_too_late,
    investigated_and_closed_before,
    another_test_investigated,
    another_lot_investigated,
)
EXPLAINED = (investigated, investigated_as_named, replicates)
CLEAR = (of_another_lot, of_another_test, failed_afterwards, failed_long_ago)
UNORDERED = (at_that_moment,)
UNKNOWN = {"time-of-": nobody_knows, "link-batch": of_no_lot}
