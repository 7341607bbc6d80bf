"""D12: a result is changed after it was out of specification, verified, or released."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import HOUR, MINUTE, Change, Fact, Link, Parameter, Thing
from tests.plant.violations.stage import Stage

PARAMETERS = (
    Parameter(
        "d12",
        "lims",
        None,
        {
            "results": [{"object_type": "titration", "attributes": ["content"]}],
            "verified": [{"object_type": "titration", "actions": ["approve"]}],
            "reopened": [{"object_type": "titration", "actions": ["reject"]}],
            "out": [{"object_type": "titration", "attribute": "status", "values": ["OOS"]}],
            "specified": [{"attribute": "content", "low": "95", "high": "105"}],
            "released": [{"object_type": "lot-release", "actions": ["approve"]}],
            "investigated": [{"object_type": "investigation", "attribute": "state", "values": ["approved"]}],
            "grace_s": 3_600,
        },
    ),
)


def _result(stage: Stage) -> tuple[Thing, Link]:
    return stage.thing("titration"), (LinkKind.BATCH, stage.name("B"))


def _did(stage: Stage, at: int, of: tuple[Thing, Link], old: str | None, new: str, action: Action = Action.UPDATE,
         attribute: str = "content", *named: Link) -> Fact:  # fmt: skip
    change = Change(attribute, old, new)
    return stage.say("lims", at, action, of[0], stage.someone(), (change,), (of[1], *named))


def _judged(stage: Stage, at: int, of: tuple[Thing, Link], action: Action = Action.APPROVE) -> Fact:
    return stage.say("lims", at, action, of[0], stage.someone(), (), (of[1],))


def _released(stage: Stage, at: int, batch: str) -> Fact:
    named = ((LinkKind.BATCH, batch),)
    return stage.say("erp", at, Action.APPROVE, Thing("lot-release", batch), stage.someone(), (), named)


def _investigated(stage: Stage, at: int, state: str = "approved") -> Link:
    thing = stage.thing("investigation")
    stage.say("qms", at, Action.UPDATE, thing, stage.someone(), (Change("state", None, state),))
    return LinkKind.DEVIATION, thing.id


def after_its_first_value_was_out(stage: Stage) -> tuple[Fact, ...]:
    at, of = stage.instant(), _result(stage)
    first = _did(stage, at, of, None, "94.9", Action.CREATE)
    return _did(stage, at + HOUR, of, "94.9", "95.1"), first


def whose_old_value_is_out(stage: Stage) -> tuple[Fact, ...]:
    return (_did(stage, stage.instant(), _result(stage), "105.1", "104.9"),)


def after_it_was_called_out(stage: Stage) -> tuple[Fact, ...]:
    at, of = stage.instant(), _result(stage)
    called = _did(stage, at, of, None, "OOS", Action.UPDATE, "status")
    return _did(stage, at + HOUR, of, "98", "99"), called


def after_it_was_verified(stage: Stage) -> tuple[Fact, ...]:
    at, of = stage.instant(), _result(stage)
    _did(stage, at, of, None, "97", Action.CREATE)
    verified = _judged(stage, at + HOUR, of)
    return _did(stage, at + 2 * HOUR, of, "97", "98"), verified


def after_the_release(stage: Stage) -> tuple[Fact, ...]:
    at, of = stage.instant(), _result(stage)
    _did(stage, at, of, None, "97", Action.CREATE)
    released = _released(stage, at + HOUR, of[1][1])
    return _did(stage, at + 2 * HOUR, of, "97", "98"), released


def investigated_too_late(stage: Stage) -> tuple[Fact, ...]:
    at, of = stage.instant(), _result(stage)
    named = _investigated(stage, at + 30 * MINUTE)
    return (_did(stage, at, of, "94", "96", Action.UPDATE, "content", named),)


def still_investigated(stage: Stage) -> tuple[Fact, ...]:
    at, of = stage.instant(), _result(stage)
    named = _investigated(stage, at - HOUR, "open")
    return (_did(stage, at, of, "94", "96", Action.UPDATE, "content", named),)


def investigated(stage: Stage) -> Fact:
    at, of = stage.instant(), _result(stage)
    named = _investigated(stage, at - HOUR)
    return _did(stage, at, of, "94", "96", Action.UPDATE, "content", named)


def within_specification(stage: Stage) -> Fact:
    at, of = stage.instant(), _result(stage)
    _did(stage, at, of, None, "95", Action.CREATE)
    return _did(stage, at + HOUR, of, "95", "105")


def opened_again(stage: Stage) -> Fact:
    at, of = stage.instant(), _result(stage)
    _did(stage, at, of, None, "97", Action.CREATE)
    _judged(stage, at + HOUR, of)
    _judged(stage, at + 2 * HOUR, of, Action.REJECT)
    return _did(stage, at + 3 * HOUR, of, "97", "98")


def after_another_release(stage: Stage) -> Fact:
    at, of = stage.instant(), _result(stage)
    _released(stage, at, stage.name("B"))
    return _did(stage, at + HOUR, of, "97", "98")


def verified_later(stage: Stage) -> Fact:
    at, of = stage.instant(), _result(stage)
    _judged(stage, at + HOUR, of)
    return _did(stage, at, of, "97", "98")


def released_at_that_moment(stage: Stage) -> Fact:
    at, of = stage.instant(), _result(stage)
    _released(stage, at, of[1][1])
    return _did(stage, at, of, "97", "98")


def nobody_knows(stage: Stage) -> Fact:
    named = LinkKind.DEVIATION, stage.name("INV")
    return _did(stage, stage.away(), _result(stage), "94", "96", Action.UPDATE, "content", named)


SEVERITY = "critical"
FINDS = (
    after_its_first_value_was_out,
    whose_old_value_is_out,
    after_it_was_called_out,
    after_it_was_verified,
    after_the_release,
    investigated_too_late,
    still_investigated,
)
EXPLAINED = (investigated,)
CLEAR = (within_specification, opened_again, after_another_release, verified_later)
UNORDERED = (released_at_that_moment,)
UNKNOWN = {"time-of-": nobody_knows}
