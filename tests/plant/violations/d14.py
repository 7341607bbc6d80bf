"""D14: a result is processed too often, by hand until it passes, or by a method that is changed meanwhile."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import HOUR, MINUTE, UNSAID, Change, Fact, Link, Parameter, Thing
from tests.plant.violations.stage import Stage

PARAMETERS = (
    Parameter(
        "d14",
        "cds",
        None,
        {
            "versions": [{"object_type": "peak-table", "attribute": "version"}],
            "most": 2,
            "manual": [{"object_type": "peak-table", "attribute": "integration", "values": ["manual"]}],
            "specified": [{"attribute": "content", "low": "95", "high": "105"}],
            "inhibited": [{"object_type": "events", "attribute": "inhibit", "values": ["on"]}],
            "methods": [{"object_type": "processing", "attribute": "threshold"}],
            "standards": [{"object_type": "column-run", "attribute": "kind", "values": ["standard"]}],
            "samples": [{"object_type": "column-run", "attribute": "kind", "values": ["sample"]}],
            "within_s": 14_400,
            "approved": [
                {"object_type": "report", "actions": ["approve"]},
                {"object_type": "processing", "actions": ["approve"]},
            ],
            "grace_s": 3_600,
        },
    ),
)


def _told(stage: Stage, at: int, thing: Thing, *named: Link, old: str | None = None, **said: str) -> Fact:
    """What the chromatography tells of a thing; `old`: what stood there, where it says so."""
    changes = tuple(Change(name, UNSAID if old is None else old, value) for name, value in said.items())
    return stage.say("cds", at, Action.UPDATE, thing, stage.someone(), changes, named)


def _by_hand(stage: Stage, at: int, thing: Thing, content: str, old: str, *named: Link) -> Fact:
    changes = Change("integration", UNSAID, "manual"), Change("content", old, content, "%")
    return stage.say("cds", at, Action.UPDATE, thing, stage.someone(), changes, named)


def _report(stage: Stage, at: int) -> Link:
    report = stage.thing("report")
    stage.say("qms", at, Action.APPROVE, report, stage.someone())
    return LinkKind.DEVIATION, report.id


def _column(stage: Stage) -> Link:
    return LinkKind.EQUIPMENT, stage.name("HPLC")


def _run(stage: Stage, at: int, column: Link, kind: str) -> Fact:
    return _told(stage, at, stage.thing("column-run"), column, kind=kind)


def too_many_versions(stage: Stage) -> tuple[Fact, ...]:
    at, thing = stage.instant(), stage.thing("peak-table")
    first, second = (_told(stage, at + number * HOUR, thing, version=str(number)) for number in (1, 2))
    return _told(stage, at + 3 * HOUR, thing, version="3"), first, second


def by_hand_until_it_passed(stage: Stage) -> tuple[Fact, ...]:
    at, thing = stage.instant(), stage.thing("peak-table")
    failed = _told(stage, at, thing, content="94")
    changes = Change("integration", UNSAID, "manual"), Change("content", UNSAID, "96")
    return stage.say("cds", at + HOUR, Action.UPDATE, thing, stage.someone(), changes), failed


def by_hand_from_what_failed(stage: Stage) -> tuple[Fact, ...]:
    return (_by_hand(stage, stage.instant(), stage.thing("peak-table"), "96", "94"),)


def by_hand_before_it_passed(stage: Stage) -> tuple[Fact, ...]:
    at, thing = stage.instant(), stage.thing("peak-table")
    failed = _told(stage, at, thing, content="106")
    passed = _told(stage, at + 2 * HOUR, thing, content="104")
    return _told(stage, at + HOUR, thing, integration="manual"), failed, passed


def approved_afterwards(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    named = _report(stage, at + 20 * MINUTE)
    return (_by_hand(stage, at, stage.thing("peak-table"), "96", "94", named),)


def integration_inhibited(stage: Stage) -> tuple[Fact, ...]:
    return (_told(stage, stage.instant(), stage.thing("events"), inhibit="on"),)


def method_changed_meanwhile(stage: Stage) -> tuple[Fact, ...]:
    at, column = stage.instant(), _column(stage)
    sample = _run(stage, at + HOUR, column, "sample")
    standard = _run(stage, at - HOUR, column, "standard")
    return _told(stage, at, stage.thing("processing"), column, threshold="0.2"), standard, sample


def approved_before(stage: Stage) -> Fact:
    at = stage.instant()
    return _by_hand(stage, at, stage.thing("peak-table"), "96", "94", _report(stage, at - HOUR))


def method_approved_before_the_sample(stage: Stage) -> Fact:
    at, column, method = stage.instant(), _column(stage), stage.thing("processing")
    _run(stage, at - HOUR, column, "standard")
    changed = _told(stage, at, method, column, threshold="0.2")
    _run(stage, at + HOUR, column, "sample")
    stage.say("cds", at + 30 * MINUTE, Action.APPROVE, method, stage.someone())
    return changed


def two_versions(stage: Stage) -> Fact:
    at, thing = stage.instant(), stage.thing("peak-table")
    _told(stage, at, thing, version="1")
    return _told(stage, at + HOUR, thing, version="2")


def by_hand_though_it_had_passed(stage: Stage) -> Fact:
    at, thing = stage.instant(), stage.thing("peak-table")
    _told(stage, at, thing, content="96")
    return _by_hand(stage, at + HOUR, thing, "97", "96")


def by_hand_and_still_failed(stage: Stage) -> Fact:
    return _by_hand(stage, stage.instant(), stage.thing("peak-table"), "94.5", "94")


def method_changed_before_a_standard(stage: Stage) -> Fact:
    at, column = stage.instant(), _column(stage)
    _run(stage, at - HOUR, column, "standard")
    changed = _told(stage, at, stage.thing("processing"), column, threshold="0.2")
    _run(stage, at + HOUR, column, "standard")
    _run(stage, at + 2 * HOUR, column, "sample")
    return changed


def method_changed_on_another_column(stage: Stage) -> Fact:
    at, column = stage.instant(), _column(stage)
    _run(stage, at - HOUR, column, "standard")
    changed = _told(stage, at, stage.thing("processing"), _column(stage), threshold="0.2")
    _run(stage, at + HOUR, column, "sample")
    return changed


def approved_at_that_moment(stage: Stage) -> Fact:
    at = stage.instant()
    return _by_hand(stage, at, stage.thing("peak-table"), "96", "94", _report(stage, at))


def nobody_knows(stage: Stage) -> Fact:
    named = LinkKind.DEVIATION, stage.name("REP")
    return _by_hand(stage, stage.away(), stage.thing("peak-table"), "96", "94", named)


SEVERITY = "high"
FINDS = (
    too_many_versions,
    by_hand_until_it_passed,
    by_hand_from_what_failed,
    by_hand_before_it_passed,
    approved_afterwards,
    integration_inhibited,
    method_changed_meanwhile,
)
EXPLAINED = (approved_before, method_approved_before_the_sample)
CLEAR = (
    two_versions,
    by_hand_though_it_had_passed,
    by_hand_and_still_failed,
    method_changed_before_a_standard,
    method_changed_on_another_column,
)
UNORDERED = (approved_at_that_moment,)
UNKNOWN = {"time-of-": nobody_knows}
