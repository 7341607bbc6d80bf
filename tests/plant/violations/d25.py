"""D25: what has to be reviewed is not, by its due date. How reviews are done is no matter of the plant's systems."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import Fact, Parameter
from tests.plant.violations.stage import Stage

PARAMETERS = (
    Parameter("d25", "mes", "campaign-end", {"due": [{"object_type": "campaign-end"}], "due_s": 259_200}),
    Parameter("d25", "mes", "year-end", {"due": [{"object_type": "year-end"}], "due_s": 31_536_000}),
)


def _ended(stage: Stage, type_: str, action: Action = Action.STOP) -> Fact:
    named = ((LinkKind.BATCH, stage.name("B")),)
    return stage.say("mes", stage.instant(), action, stage.thing(type_), stage.someone(), (), named)


def batch_never_reviewed(stage: Stage) -> tuple[Fact, ...]:
    return (_ended(stage, "campaign-end"),)


def period_never_reviewed(stage: Stage) -> tuple[Fact, ...]:
    return (stage.say("mes", stage.instant(), Action.STOP, stage.thing("campaign-end"), stage.someone()),)


def of_what_need_not_be_reviewed(stage: Stage) -> Fact:
    return _ended(stage, "step-end")


def not_due_yet(stage: Stage) -> Fact:
    return _ended(stage, "year-end")


def approved_where_nobody_says(stage: Stage) -> Fact:
    return stage.say("erp", stage.instant(), Action.APPROVE, stage.thing("price-list"), stage.someone())


SEVERITY = "medium"
FINDS = (batch_never_reviewed, period_never_reviewed)
EXPLAINED = ()
CLEAR = (of_what_need_not_be_reviewed,)
UNORDERED = ()
PENDING = (not_due_yet,)
UNKNOWN = {"d25": approved_where_nobody_says}
