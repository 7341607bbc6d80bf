"""D09: a historian's archive is edited after the fact, or filled in bulk with old times."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import HOUR, MINUTE, SECOND, UNSAID, Change, Fact, Parameter, Thing
from tests.plant.texts import utc
from tests.plant.violations.stage import Stage

PARAMETERS = (
    Parameter(
        "d09",
        "historian",
        None,
        {
            "edited": [{"object_type": "archive", "actions": ["update", "delete", "create"]}],
            "inserted": [{"object_type": "sampled-value"}],
            "many": 5,
            "late_s": 3_600,
            "within_s": 30,
            "replay": "replay",
            "replayed": [{"object_type": "buffer", "actions": ["execute"]}],
            "value_time": "time",
            "released": [{"object_type": "lot-release", "actions": ["approve"]}],
            "specified": [{"attribute": "Value", "high": "80"}],
            "grace_s": 3_600,
        },
    ),
)


def _tag(stage: Stage) -> tuple[Thing, str]:
    tag = stage.thing("archive")
    return tag, stage.place("historian", tag.id)


def _edited(stage: Stage, at: int, tag: Thing, old: str = "20", new: str | None = "21",
            action: Action = Action.UPDATE, **said: str) -> Fact:  # fmt: skip
    changes = Change("Value", old, new), *(Change(name, None, value) for name, value in said.items())
    return stage.say("historian", at, action, tag, stage.someone(), changes)


def _filled(stage: Stage, at: int, count: int, late: int, apart: int = 10 * SECOND, **said: str) -> list[Fact]:
    """So many values of a tag, each `late` written down, one after the other."""
    tag = stage.thing("sampled-value")
    stage.place("historian", tag.id)
    changes = Change("Value", UNSAID, "20"), *(Change(name, UNSAID, value) for name, value in said.items())
    who, facts = stage.someone(), []
    for number in range(count):
        fact = stage.say("historian", at + number * apart, Action.CREATE, tag, who, changes)
        assert fact.claimed is not None
        fact.recorded, fact.delay = fact.claimed + late, late
        facts.append(fact)
    return facts


def _replayed(stage: Stage, at: int, action: Action = Action.EXECUTE) -> str:
    buffer = stage.thing("buffer")
    stage.say("historian", at, action, buffer, stage.someone())
    return buffer.id


def _released(stage: Stage, at: int, asset: str) -> Fact:
    """Of the batch that has the equipment from an hour before to an hour after, and is released later."""
    batch = stage.name("B")
    had = (LinkKind.BATCH, batch), (LinkKind.EQUIPMENT, asset)
    step = Thing("campaign", batch)
    stage.say("mes", at - HOUR, Action.START, step, stage.someone(), (), had)
    stage.say("mes", at + HOUR, Action.STOP, step, stage.someone(), (), had)
    return stage.say("erp", at + 4 * HOUR, Action.APPROVE, Thing("lot-release", batch), stage.someone(), (), had[:1])


def edited(stage: Stage) -> tuple[Fact, ...]:
    return (_edited(stage, stage.instant(), _tag(stage)[0]),)


def inserted(stage: Stage) -> tuple[Fact, ...]:
    return (_edited(stage, stage.instant(), _tag(stage)[0], action=Action.CREATE),)


def removed(stage: Stage) -> tuple[Fact, ...]:
    fact = _edited(stage, stage.instant(), _tag(stage)[0], "81", None, Action.DELETE)
    stage.also.append(("D21", (fact,)))
    return (fact,)


def whose_excursion_is_gone(stage: Stage) -> tuple[Fact, ...]:
    return (_edited(stage, stage.instant(), _tag(stage)[0], "81", "79"),)


def of_a_released_batch(stage: Stage) -> tuple[Fact, ...]:
    at, (tag, asset) = stage.instant(), _tag(stage)
    return _edited(stage, at + 2 * HOUR, tag, time=utc(at)), _released(stage, at, asset)


def in_bulk(stage: Stage) -> tuple[Fact, ...]:
    values = _filled(stage, stage.instant(), 5, 5 * HOUR)
    return values[0], values[-1]


def replay_that_never_ended(stage: Stage) -> tuple[Fact, ...]:
    at, (tag, _) = stage.instant(), _tag(stage)
    return (_edited(stage, at, tag, replay=_replayed(stage, at - MINUTE, Action.START)),)


def replay_that_is_logged(stage: Stage) -> Fact:
    at, (tag, _) = stage.instant(), _tag(stage)
    return _edited(stage, at, tag, replay=_replayed(stage, at - MINUTE))


def bulk_of_a_replay(stage: Stage) -> Fact:
    at = stage.instant()
    return _filled(stage, at, 6, 5 * HOUR, replay=_replayed(stage, at + 5 * HOUR + 10 * MINUTE))[0]


def too_few(stage: Stage) -> Fact:
    return _filled(stage, stage.instant(), 4, 5 * HOUR)[0]


def in_time(stage: Stage) -> Fact:
    return _filled(stage, stage.instant(), 8, 59 * MINUTE)[0]


def far_apart(stage: Stage) -> Fact:
    return _filled(stage, stage.instant(), 8, 5 * HOUR, 31 * SECOND)[0]


def nobody_knows(stage: Stage) -> Fact:
    return _edited(stage, stage.away(), _tag(stage)[0], replay=stage.name("buf"))


SEVERITY = "high"
OTHERWISE = {"critical": (removed, whose_excursion_is_gone, of_a_released_batch)}
FINDS = (edited, inserted, removed, whose_excursion_is_gone, of_a_released_batch, in_bulk, replay_that_never_ended)
EXPLAINED = (replay_that_is_logged, bulk_of_a_replay)
CLEAR = (too_few, in_time, far_apart)
UNORDERED = ()
UNKNOWN = {"time-of-": nobody_knows}
