"""D23: two systems tell otherwise of the same, numbers of a source lack, or it counts otherwise than what came."""

from ledger.core.record import Action, LinkKind
from tests.plant.model import HOUR, MINUTE, SECOND, Change, Fact, Link, Parameter
from tests.plant.violations.stage import Stage

_VALUE = {
    "agreements": [
        {
            "told": [{"object_type": "material-issue", "attribute": "quantity"}],
            "other": [{"object_type": "material-use", "attribute": "amount"}],
            "system": "mes",
            "links": ["order", "material"],
            "tolerance": "0.5",
        },
        {
            "told": [{"object_type": "usage-decision", "attribute": "code"}],
            "other": [{"object_type": "lot-status", "attribute": "status"}],
            "system": "lims",
            "links": ["lot"],
            "same": [["A", "passed"], ["R", "failed"]],
        },
    ],
    "in_flight_s": 7_200,
}
PARAMETERS = (
    *(Parameter("d23", source, None, _VALUE) for source in ("erp", "mes", "lims")),
    Parameter("d23", "directory", None, {"numbers": True, "in_flight_s": 7_200}),
    Parameter("sequence", "directory", None, {"policy": "every"}),
    Parameter("d23", "gateway", None, {"in_flight_s": 7_200}),
)


def _order(stage: Stage) -> tuple[Link, Link]:
    return (LinkKind.ORDER, stage.name("PO")), (LinkKind.MATERIAL, stage.name("M"))


def _lot(stage: Stage) -> tuple[Link]:
    return ((LinkKind.LOT, stage.name("L")),)


def _told(stage: Stage, at: int, source: str, type_: str, change: Change, named: tuple[Link, ...]) -> Fact:
    return stage.say(source, at, Action.CREATE, stage.thing(type_), stage.someone(), (change,), named)


def _issued(stage: Stage, at: int, of: tuple[Link, ...], quantity: str) -> Fact:
    return _told(stage, at, "erp", "material-issue", Change("quantity", None, quantity, "kg"), of)


def _used(stage: Stage, at: int, of: tuple[Link, ...], amount: str) -> Fact:
    return _told(stage, at, "mes", "material-use", Change("amount", None, amount, "kg"), of)


def _decided(stage: Stage, at: int, of: tuple[Link, ...], code: str) -> Fact:
    return _told(stage, at, "erp", "usage-decision", Change("code", None, code), of)


def _status(stage: Stage, at: int, of: tuple[Link, ...], status: str) -> Fact:
    return _told(stage, at, "lims", "lot-status", Change("status", None, status), of)


def _two(stage: Stage, skipped: int) -> tuple[Fact, Fact]:
    """Two records of which the second comes right after the first, but for so many numbers that are left out."""
    at = stage.instant() + 1
    first, second = (stage.say("directory", at + more, Action.EXECUTE, stage.thing("query"), stage.someone())
                     for more in (0, 1))  # fmt: skip
    assert first.recorded is not None
    second.recorded, second.delay, second.skipped = first.recorded + 1, first.delay, skipped
    return first, second


def _counted(stage: Stage, *more: int, later: bool = False) -> Fact:
    """The gateway counts the hour up to a record, so many more than it told; the second time a day later."""
    fact = stage.say("gateway", stage.instant() + 17 * SECOND, Action.EXECUTE, stage.thing("query"), stage.someone())
    assert fact.claimed is not None
    for number, one in enumerate(more):
        stage.count("gateway", fact.claimed - HOUR, fact.claimed + 1, one, later=later or number > 0)
    return fact


def more_used_than_issued(stage: Stage) -> tuple[Fact, ...]:
    at, of = stage.instant(), _order(stage)
    issued = _issued(stage, at, of, "5.00")
    _used(stage, at + HOUR, of, "5.00")
    return issued, _used(stage, at + 2 * HOUR, of, "0.51")


def used_and_never_issued(stage: Stage) -> tuple[Fact, ...]:
    return (_used(stage, stage.instant(), _order(stage), "5.00"),)


def of_another_material(stage: Stage) -> tuple[Fact, ...]:
    at, of = stage.instant(), _order(stage)
    issued = _issued(stage, at, of, "5.00")
    other = _used(stage, at + HOUR, (of[0], (LinkKind.MATERIAL, stage.name("M"))), "5.00")
    stage.also.append(("D23", (other,)))
    return (issued,)


def accepted_though_it_failed(stage: Stage) -> tuple[Fact, ...]:
    at, of = stage.instant(), _lot(stage)
    failed = _status(stage, at - HOUR, of, "failed")
    return _decided(stage, at, of, "A"), failed


def decided_without_a_result(stage: Stage) -> tuple[Fact, ...]:
    return (_decided(stage, stage.instant(), _lot(stage), "A"),)


def numbers_lack(stage: Stage) -> tuple[Fact, ...]:
    first, second = _two(stage, 2)
    return second, first


def counts_one_more(stage: Stage) -> tuple[Fact, ...]:
    return (_counted(stage, 1),)


def counts_one_less(stage: Stage) -> tuple[Fact, ...]:
    return (_counted(stage, -1),)


def as_issued(stage: Stage) -> Fact:
    at, of = stage.instant(), _order(stage)
    _issued(stage, at, of, "5.00")
    _issued(stage, at + MINUTE, of, "7.25")
    _used(stage, at + HOUR, of, "6.00")
    return _used(stage, at + 2 * HOUR, of, "5.75")


def decided_as_the_result_says(stage: Stage) -> Fact:
    at, of = stage.instant(), _lot(stage)
    _status(stage, at - HOUR, of, "passed")
    return _decided(stage, at, of, "A")


def decided_anew(stage: Stage) -> Fact:
    at, of = stage.instant(), _lot(stage)
    _status(stage, at - 3 * HOUR, of, "failed")
    _decided(stage, at - 2 * HOUR, of, "R")
    _status(stage, at - HOUR, of, "passed")
    return _decided(stage, at, of, "A")


def nothing_used_yet(stage: Stage) -> Fact:
    return _issued(stage, stage.instant(), _order(stage), "0.50")


def numbers_go_on(stage: Stage) -> Fact:
    return _two(stage, 0)[1]


def counts_as_many(stage: Stage) -> Fact:
    return _counted(stage, 0)


def counted_anew(stage: Stage) -> Fact:
    return _counted(stage, 1, 0)


def counted_just_now(stage: Stage) -> Fact:
    return _counted(stage, 1, later=True)


def nobody_knows(stage: Stage) -> Fact:
    return _decided(stage, stage.away(), _lot(stage), "A")


SEVERITY = "high"
FINDS = (
    more_used_than_issued,
    used_and_never_issued,
    of_another_material,
    accepted_though_it_failed,
    decided_without_a_result,
    numbers_lack,
    counts_one_more,
    counts_one_less,
)
EXPLAINED = ()
CLEAR = (
    as_issued,
    decided_as_the_result_says,
    decided_anew,
    nothing_used_yet,
    numbers_go_on,
    counts_as_many,
    counted_anew,
)
UNORDERED = ()
PENDING = (counted_just_now,)
UNKNOWN = {"time-of-": nobody_knows}
