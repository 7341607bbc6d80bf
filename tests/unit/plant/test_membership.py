"""Which records belong to which batch, in plants of a few records written by hand."""

from ledger.core.record import Action, Outcome
from tests.plant.model import Batch, Fact, Maps, Parameter, PlaceRow
from tests.plant.truth import Belongs, Truth
from tests.unit.plant.hand import at, clock, fact, looked, truth, undated

START, STOP = Action.START, Action.STOP
READ = Belongs("read", "during", True)
DURING = Belongs("derived", "during", True)
DOUBTFUL = Belongs("derived", "during", False)
MAPPED = PlaceRow("dcs", "R-1", "R-1", "NORTH", "reactor", critical=True)


def occupied(begin: float, end: float | None, batch: str = "B1", asset: str = "R-1") -> list[Fact]:
    edges = [fact(begin, START, ("step", batch), batch=batch, asset=asset)]
    return edges if end is None else [*edges, fact(end, STOP, ("step", batch), batch=batch, asset=asset)]


def members(known: Truth, *facts: Fact, batch: str = "B1") -> list[Belongs | None]:
    found = known.membership(batch)
    return [found.get(one.number) for one in facts]


def rule(**value: object) -> Parameter:
    return Parameter("occupation", None, "reactor", dict(value))


def test_what_names_the_batch_is_read_and_what_its_equipment_does_meanwhile_is_derived() -> None:
    named, inside, outside, elsewhere = (
        fact(500, batch="B1"),
        fact(150, asset="R-1"),
        fact(250, asset="R-1"),
        fact(150, asset="R-2"),
    )
    edges = occupied(100, 200)
    known = truth(*edges, named, inside, outside, elsewhere)
    assert members(known, *edges, named, inside, outside, elsewhere) == [READ, READ, READ, DURING, None, None]


def test_a_record_at_an_edge_whose_clock_is_doubtful_may_belong_and_one_beyond_all_doubt_does_not() -> None:
    near, inside, beyond = (fact(when, asset="R-1", clock=clock(doubt_s=2)) for when in (99, 103, 97.9))
    known = truth(*occupied(100, 200), near, inside, beyond)
    assert members(known, near, inside, beyond) == [DOUBTFUL, DURING, None]


def test_a_record_near_an_edge_that_is_doubtful_itself_may_belong() -> None:
    edges = occupied(100, 200)
    for edge in edges:
        edge.clock = clock(doubt_s=2)
    facts = [fact(when, asset="R-1") for when in (97.9, 99, 101, 103, 197, 199, 201, 202.1)]
    known = truth(*edges, *facts)
    assert members(known, *facts) == [None, DOUBTFUL, DOUBTFUL, DURING, DURING, DOUBTFUL, DOUBTFUL, None]


def test_a_wrong_clock_that_was_measured_is_put_right_and_one_that_was_not_leaves_doubt() -> None:
    fast, slow, unknown = (
        fact(205, asset="R-1", clock=clock(offset_s=10)),
        fact(195, asset="R-1", clock=clock(offset_s=-10)),
        fact(150, asset="R-1", clock=None),
    )
    known = truth(*occupied(100, 200), fast, slow, unknown)
    assert members(known, fast, slow, unknown) == [DURING, None, DOUBTFUL]


def test_what_lies_between_two_looks_is_certain_only_if_both_lie_in_the_interval() -> None:
    whole, partly, outside = (looked(low, high, asset="R-1") for low, high in ((110, 120), (195, 205), (201, 211)))
    known = truth(*occupied(100, 200), whole, partly, outside)
    assert members(known, whole, partly, outside) == [DURING, DOUBTFUL, None]


def test_an_undated_record_is_derived_to_no_batch_and_an_undated_stop_ends_nothing() -> None:
    late, lost = fact(9_000, asset="R-1"), undated(150, asset="R-1")
    stop = undated(200, STOP, ("step", "B1"), batch="B1", asset="R-1")
    known = truth(*occupied(100, None), stop, late, lost)
    assert members(known, late, lost, stop) == [DURING, None, READ]


def test_a_refused_start_begins_nothing_and_a_second_one_within_changes_nothing() -> None:
    refused = fact(50, START, ("step", "B1"), batch="B1", asset="R-1", outcome=Outcome.FAILURE)
    again = fact(120, START, ("step", "B1"), batch="B1", asset="R-1")
    early, inside = fact(60, asset="R-1"), fact(110, asset="R-1")
    known = truth(refused, *occupied(100, 200), again, early, inside)
    assert members(known, early, inside) == [None, DURING]


def test_equipment_that_is_told_by_order_belongs_to_the_batch_of_that_order() -> None:
    edges = [
        fact(when, do, ("sequence", "R-1"), order="PO-1", asset="R-1", clock=clock(doubt_s=2))
        for when, do in ((100, START), (200, STOP))
    ]
    inside = fact(150, asset="R-1")
    known = truth(*edges, inside, batches=[Batch("B1", ("PO-1",)), Batch("B2", ("PO-2",))])
    assert members(known, *edges, inside) == [DURING, DURING, DURING]
    assert members(known, *edges, inside, batch="B2") == [None, None, None]


def test_two_occupations_of_one_batch_leave_out_what_is_between() -> None:
    between, second = fact(250, asset="R-1"), fact(350, asset="R-1")
    known = truth(*occupied(100, 200), *occupied(300, 400), between, second)
    assert members(known, between, second) == [None, DURING]


def test_the_time_before_goes_back_to_the_last_line_clearance_and_after_to_the_first_end_of_monitoring() -> None:
    cleared, earlier = (fact(when, thing=("line-clearance", "R-1"), asset="R-1") for when in (40, 10))
    watched, later = (fact(when, thing=("monitoring-end", "R-1"), asset="R-1") for when in (240, 290))
    facts = [earlier, fact(30, asset="R-1"), cleared, fact(60, asset="R-1")]
    facts += [fact(230, asset="R-1"), watched, fact(241, asset="R-1"), later]
    window = rule(
        lead_s=5,
        tail_s=5,
        before_types=["line-clearance"],
        before_max_s=100,
        after_types=["monitoring-end"],
        after_max_s=100,
    )
    known = truth(*occupied(100, 200), *facts, places=[MAPPED], parameters=[window])
    before, after = Belongs("derived", "before", True), Belongs("derived", "after", True)
    assert members(known, *facts) == [None, None, before, before, after, after, None, None]


def test_without_such_a_record_in_reach_so_many_seconds_count() -> None:
    cleared = fact(10, thing=("line-clearance", "R-1"), asset="R-1")
    facts = [cleared, fact(89, asset="R-1"), fact(91, asset="R-1"), fact(204, asset="R-1"), fact(206, asset="R-1")]
    window = rule(lead_s=10, tail_s=5, before_types=["line-clearance"], before_max_s=60)
    known = truth(*occupied(100, 200), *facts, places=[MAPPED], parameters=[window])
    before, after = Belongs("derived", "before", True), Belongs("derived", "after", True)
    assert members(known, *facts) == [None, None, before, after, None]


def test_neighbouring_batches_share_what_lies_between_them() -> None:
    between = fact(215, asset="R-1")
    known = truth(
        *occupied(100, 200),
        *occupied(230, 300, "B2"),
        between,
        batches=[Batch("B1"), Batch("B2")],
        places=[MAPPED],
        parameters=[rule(lead_s=20, tail_s=20)],
    )
    assert members(known, between) == [Belongs("derived", "after", True)]
    assert members(known, between, batch="B2") == [Belongs("derived", "before", True)]
    assert sorted(known.batches(between.number)) == ["B1", "B2"]


def test_a_tag_belongs_to_the_equipment_that_the_map_gives_it_at_that_time_and_a_room_to_its_own() -> None:
    places = [
        PlaceRow("dcs", "TIC-9", "R-1", "NORTH", until=at(150)),
        PlaceRow("dcs", "TIC-9", "R-2", "NORTH", since=at(150)),
        PlaceRow("ems", "ROOM-1", "R-1", "NORTH"),
    ]
    before, moved = (fact(when, thing=("setpoint", "TIC-9")) for when in (140, 160))
    room, other_source = fact(150, source="ems", room="ROOM-1"), fact(150, source="badges", room="ROOM-1")
    known = truth(*occupied(100, 200), before, moved, room, other_source, places=places)
    assert members(known, before, moved, room, other_source) == [DURING, None, DURING, None]


def test_of_rows_that_hold_at_once_the_latest_start_counts() -> None:
    places = [PlaceRow("dcs", "TIC-9", "R-2", "NORTH"), PlaceRow("dcs", "TIC-9", "R-1", "NORTH", since=at(120))]
    before, after = (fact(when, thing=("setpoint", "TIC-9")) for when in (110, 130))
    for rows in (places, places[::-1]):
        assert members(truth(*occupied(100, 200), before, after, places=rows), before, after) == [None, DURING]


def test_a_correction_of_the_map_answers_for_earlier_records_and_not_before_it_is_entered() -> None:
    wrong, right = PlaceRow("dcs", "TIC-9", "R-2", "NORTH"), PlaceRow("dcs", "TIC-9", "R-1", "NORTH")
    tagged = fact(150, thing=("setpoint", "TIC-9"))
    maps = Maps(places=[wrong], corrections=[right])
    for corrected, belongs in ((False, None), (True, DURING)):
        known = truth(*occupied(100, 200), tagged, maps=maps, corrected=corrected)
        assert members(known, tagged) == [belongs]


def test_records_of_critical_equipment_in_no_batch_are_listed_even_if_nothing_dates_them() -> None:
    places = [MAPPED, PlaceRow("dcs", "L-1", "L-1", "NORTH", "labeller")]
    lone, inside, uncritical, dateless, elsewhere = (
        fact(250, asset="R-1"),
        fact(150, asset="R-1"),
        fact(250, asset="L-1"),
        undated(150, asset="R-1"),
        fact(250),
    )
    known = truth(*occupied(100, 200), lone, inside, uncritical, dateless, elsewhere, places=places)
    assert known.orphans(at(0), at(1_000)) == [lone.number, dateless.number]
    assert known.orphans(at(0), at(250)) == [dateless.number]
    assert known.orphans(at(250), at(250.000001)) == [lone.number]
