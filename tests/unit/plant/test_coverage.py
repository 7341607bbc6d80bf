"""What is known of a source's time and of a batch's partners, in plants written by hand."""

from ledger.core.record import Action, Interval
from ledger.core.run import Gap
from tests.plant.model import Batch, Parameter
from tests.plant.texts import utc
from tests.plant.truth import Partner, Stretch
from tests.unit.plant.hand import at, fact, run, truth

STEPS = [
    {"step": "values", "source": "mes", "object_type": "step-value", "action": None, "least": 2},
    {"step": "release", "source": "erp", "object_type": "release", "action": "approve", "least": 1},
]
BATCH = Batch("B1")
EXPECTED = Parameter("expected", None, None, {"steps": STEPS})


def stretch(low: float, high: float, state: str) -> Stretch:
    return Stretch(at(low), at(high), state)


def test_runs_cover_from_the_first_ones_beginning_to_the_last_ones_end() -> None:
    known = truth(runs=[run(100, 110), run(200, 210)])
    assert known.coverage("dcs", at(0), at(300)) == [
        stretch(0, 100, "before"),
        stretch(100, 210, "covered"),
        stretch(210, 300, "not-yet"),
    ]


def test_what_a_run_could_not_reach_and_what_it_shows_to_be_missing_is_no_coverage() -> None:
    gap = Gap(subject="buffer", reason="overwritten", between=Interval(after=utc(at(40)), before=utc(at(50))))
    known = truth(runs=[run(0, 10), run(90, 100, unreachable=[(at(20), at(30))], gaps=[gap])])
    assert known.coverage("dcs", at(0), at(100)) == [
        stretch(0, 20, "covered"),
        stretch(20, 30, "unreachable"),
        stretch(30, 40, "covered"),
        stretch(40, 50, "gap"),
        stretch(50, 100, "covered"),
    ]
    assert known.coverage("dcs", at(25), at(26)) == [stretch(25, 26, "unreachable")]


def test_holes_that_meet_are_one_and_what_could_not_be_reached_hides_a_gap() -> None:
    gap = Gap(subject="buffer", reason="overwritten", between=Interval(after=utc(at(35)), before=utc(at(50))))
    runs = [run(0, 50, unreachable=[(at(20), at(30))], gaps=[gap]), run(90, 100, unreachable=[(at(25), at(40))])]
    assert truth(runs=runs).coverage("dcs", at(10), at(60)) == [
        stretch(10, 20, "covered"),
        stretch(20, 40, "unreachable"),
        stretch(40, 50, "gap"),
        stretch(50, 60, "covered"),
    ]


def test_a_source_without_runs_is_not_known_at_any_time() -> None:
    assert truth().coverage("dcs", at(0), at(10)) == [stretch(0, 10, "before")]


def test_partners_are_there_missing_pending_or_not_to_be_told() -> None:
    facts = [fact(when, source="mes", thing=("step-value", "v"), batch="B1") for when in (100, 200)]
    there = Partner("values", "there", (0, 1))

    def told(*runs: tuple[float, float], unreachable: list[tuple[int, int]] | None = None) -> list[Partner]:
        made = [run(low, high, "erp") for low, high in runs]
        for one in made[-1:]:
            one.unreachable = unreachable or []
        return truth(*facts, runs=made, parameters=[EXPECTED]).partners(BATCH)

    assert told((0, 10), (290, 300)) == [there, Partner("release", "missing")]
    assert told((0, 10), (140, 150)) == [there, Partner("release", "pending")]
    assert told((0, 10), (290, 300), unreachable=[(at(120), at(130))]) == [there, Partner("release", "not-assessable")]
    assert told((0, 10), (290, 300), unreachable=[(at(20), at(90))]) == [there, Partner("release", "missing")]
    released = fact(900, Action.APPROVE, ("release", "B1"), source="erp", batch="B1")
    assert truth(*facts, released, parameters=[EXPECTED]).partners(BATCH) == [
        Partner("values", "there", (1, 2)),
        Partner("release", "there", (0,)),
    ]


def test_too_few_records_of_a_step_are_not_enough() -> None:
    value = fact(100, source="mes", thing=("step-value", "v"), batch="B1")
    released = fact(150, Action.APPROVE, ("release", "B1"), source="erp", batch="B1")
    known = truth(value, released, runs=[run(0, 300, "mes")], parameters=[EXPECTED])
    assert known.partners(BATCH)[0] == Partner("values", "missing", (value.number,))
