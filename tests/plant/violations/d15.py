"""D15: a run belongs to no sample, or no run stands behind a result."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import HOUR, Change, Fact, Link, Parameter
from tests.plant.violations.stage import Stage

_VALUE = {
    "runs": [{"object_type": "injection", "actions": ["execute"]}],
    "tests": [{"object_type": "sample", "actions": ["create"]}],
    "results": [{"object_type": "result", "actions": ["create"], "attribute": "injections"}],
    "calibrations": [{"object_type": "injection", "attribute": "kind", "values": ["calibration"]}],
    "back_s": 86_400,
    "grace_s": 86_400,
}
PARAMETERS = (Parameter("d15", "cds", None, _VALUE), Parameter("d15", "lims", None, _VALUE))


def _sample(stage: Stage, at: int) -> Link:
    named = (LinkKind.SAMPLE, stage.name("S"))
    stage.say("lims", at, Action.CREATE, stage.thing("sample"), stage.someone(), (Change("state", None, "taken"),),
              (named,))  # fmt: skip
    return named


def _run(stage: Stage, at: int, *named: Link, kind: str = "") -> Fact:
    changes = (Change("kind", None, kind),) if kind else ()
    return stage.say("cds", at, Action.EXECUTE, stage.thing("injection"), stage.someone(), changes, named)


def _result(stage: Stage, at: int, *named: Link) -> Fact:
    changes = Change("assay", None, "98.0", "%"), Change("injections", None, "1")
    return stage.say("lims", at, Action.CREATE, stage.thing("result"), stage.someone(), changes, named)


def of_no_test(stage: Stage) -> tuple[Fact, ...]:
    return (_run(stage, stage.instant(), (LinkKind.SAMPLE, stage.name("S"))),)


def of_no_sample(stage: Stage) -> tuple[Fact, ...]:
    return (_run(stage, stage.instant()),)


def trial_on_a_sample(stage: Stage) -> tuple[Fact, ...]:
    return (_run(stage, stage.instant(), (LinkKind.SAMPLE, stage.name("S")), kind="trial"),)


def result_of_no_run(stage: Stage) -> tuple[Fact, ...]:
    at = stage.instant()
    return (_result(stage, at, _sample(stage, at - HOUR)),)


def result_of_no_sample(stage: Stage) -> tuple[Fact, ...]:
    return (_result(stage, stage.instant()),)


def calibration(stage: Stage) -> Fact:
    return _run(stage, stage.instant(), kind="calibration")


def of_a_sample(stage: Stage) -> Fact:
    at = stage.instant()
    return _run(stage, at, _sample(stage, at - HOUR))


def whose_sample_was_entered_afterwards(stage: Stage) -> Fact:
    at = stage.instant()
    return _run(stage, at, _sample(stage, at + 20 * HOUR))


def result_of_a_run(stage: Stage) -> Fact:
    at = stage.instant()
    sample = _sample(stage, at - 2 * HOUR)
    _run(stage, at - HOUR, sample)
    return _result(stage, at, sample)


def nobody_knows(stage: Stage) -> Fact:
    return _run(stage, stage.away(), (LinkKind.SAMPLE, stage.name("S")))


SEVERITY = "critical"
FINDS = (of_no_test, of_no_sample, trial_on_a_sample, result_of_no_run, result_of_no_sample)
EXPLAINED = (calibration,)
CLEAR = (of_a_sample, whose_sample_was_entered_afterwards, result_of_a_run)
UNORDERED = ()
UNKNOWN = {"time-of-": nobody_knows}
