"""Each check of a record in plants written by hand: what holds, what fails, what cannot be told, and the edge."""

from typing import Any

import pytest

from ledger.core.record import Action, ActorKind, LinkKind
from tests.plant.model import UNSAID, AccountRow, Change, Count, Fact, Maps, Parameter, PlaceRow
from tests.plant.truth import CHECKS, Lasting
from tests.unit.plant.hand import T0, at, clock, fact, looked, run, truth, undated


def parameter(name: str, type_: str | None = None, applies: int | None = None, **value: Any) -> Parameter:
    return Parameter(name, "dcs", type_, value, applies)


def cell(check: str, judged: Fact, *others: Fact, **known: Any) -> str:
    """The verdict on the first, among the others of its plant, which were told after it."""
    return truth(judged, *others, **known).cell(judged.number, check)


def after(check: str, judged: Fact, *others: Fact, **known: Any) -> str:
    """The verdict on the first, which was told after the others."""
    return truth(*others, judged, **known).cell(judged.number, check)


def test_all_thirteen_are_there_and_a_record_of_which_nothing_is_known_passes_none_but_what_it_shows_itself() -> None:
    one = fact(0, original=None)
    assert list(CHECKS) == [f"C{number:02}" for number in range(1, 14)]
    assert truth(one).cells(0) == (
        "N:no-identity-map",
        "N:no-sessions",
        "N:no-schema",
        "N:no-limit",
        "N:no-limit",
        "N:no-original",
        "N:no-range",
        "N:no-sequence",
        "N:no-profile",
        "N:no-previous",
        "N:no-limit",
        "N:no-limit",
        "N:no-profile",
    )


ROWS = [
    AccountRow("dcs", "op1", "P1", until=at(100)),
    AccountRow("dcs", "line", None, shared=True),
    AccountRow("dcs", "two", "P2"),
    AccountRow("dcs", "two", "P3", since=at(-50)),
    AccountRow("dcs", "gone", None),
    AccountRow("dcs", "svc", "SYNC", ActorKind.SERVICE),
    AccountRow("dcs", "aimless", None, ActorKind.SERVICE),
]
SERVICE = {"kind": ActorKind.SERVICE}


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        ({}, "P"),
        ({"account": None}, "F:unmapped"),
        ({"account": "stranger"}, "F:unmapped"),
        ({"account": "line"}, "F:shared-account"),
        ({"account": "two"}, "F:shared-account"),
        ({"account": "gone"}, "F:inactive"),
        ({"account": "svc", **SERVICE}, "P"),
        ({"account": "aimless", **SERVICE}, "F:service-without-purpose"),
        ({"account": "stranger", **SERVICE}, "F:service-without-purpose"),
        ({"source": "mes"}, "N:no-identity-map"),
    ],
)
def test_c01_an_account_is_one_active_persons(told: dict[str, Any], verdict: str) -> None:
    assert cell("C01", fact(0, **told), maps=Maps(ROWS)) == verdict


def test_c01_an_account_ends_when_its_person_leaves_and_a_doubtful_clock_decides_nothing() -> None:
    maps = Maps(ROWS)
    assert cell("C01", fact(99.9), maps=maps) == "P"
    assert cell("C01", fact(100), maps=maps) == "F:inactive"
    assert cell("C01", fact(99.9, clock=clock(doubt_s=1)), maps=maps) == "N:order-unknown"


def test_c01_a_correction_of_the_map_answers_for_earlier_records() -> None:
    maps = Maps([AccountRow("dcs", "op1", None)], corrections=[AccountRow("dcs", "op1", "P1")])
    assert [cell("C01", fact(0), maps=maps, corrected=corrected) for corrected in (False, True)] == ["F:inactive", "P"]


FAR = Parameter("travel", None, None, {"pairs": [("A", "B", 60)]})


def seen(seconds: float, workstation: str, **told: Any) -> Fact:
    return fact(seconds, workstation=workstation, **told)


def test_c02_nobody_is_at_two_places_with_less_time_between_than_the_way_takes() -> None:
    known = {"parameters": [FAR], "maps": Maps([AccountRow("dcs", "op1", "P1"), AccountRow("mes", "m1", "P1")])}
    assert cell("C02", fact(0), **known) == "N:no-sessions"
    assert cell("C02", seen(0, "A")) == "N:no-travel-table"
    assert cell("C02", undated(0, workstation="A"), **known) == "N:no-occurred-time"
    assert cell("C02", seen(0, "A"), **known) == "P"
    assert cell("C02", seen(0, "A"), seen(10, "A"), seen(10, "C"), **known) == "P"
    assert cell("C02", seen(0, "A"), seen(59.9, "B"), **known) == "F:two-places"
    assert cell("C02", seen(70, "B"), seen(10.1, "A"), **known) == "F:two-places"
    assert cell("C02", seen(0, "A"), seen(60, "B"), **known) == "P"
    assert cell("C02", seen(0, "A"), seen(10, "B", source="mes", account="m1"), **known) == "F:two-places"
    assert cell("C02", seen(0, "A"), seen(10, "B", source="mes", account="m2"), **known) == "P"


def test_c02_what_a_clock_leaves_open_is_no_second_place() -> None:
    known = {"parameters": [FAR]}
    doubtful, unmeasured = seen(50, "B", clock=clock(doubt_s=15)), seen(50, "B", clock=None)
    assert cell("C02", seen(0, "A"), doubtful, **known) == "P"
    assert cell("C02", seen(0, "A"), unmeasured, **known) == "P"
    assert cell("C02", seen(0, "A"), seen(40, "B", clock=clock(doubt_s=15)), **known) == "F:two-places"


def test_c03_units_are_those_of_the_schema() -> None:
    schema = parameter("schema", units=["kg"], codes={})
    for unit, verdict in (("kg", "P"), (None, "P"), ("lb", "F:unit")):
        assert cell("C03", fact(0, changes=[Change("w", "1", "2", unit)]), parameters=[schema]) == verdict


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, "P"), (10, "P"), (10.000002, "F:late"), (-2, "P"), (-2.000002, "F:early")],
)
def test_c04_a_record_is_written_when_it_happens(seconds: float, verdict: str) -> None:
    one = fact(0, recorded=at(seconds))
    assert cell("C04", one, parameters=[parameter("limits", late_s=10)]) == verdict


def test_c04_needs_both_times_and_the_limit_that_applied_then() -> None:
    first = parameter("limits", late_s=10)
    later = parameter("limits", "setpoint", at(100), late_s=60)
    slow = {"parameters": [first, later]}
    assert cell("C04", fact(0, recorded=None), **slow) == "N:no-recorded-time"
    assert cell("C04", fact(0, unread_recorded=True), **slow) == "N:no-recorded-time"
    assert cell("C04", undated(0), **slow) == "N:no-occurred-time"
    assert cell("C04", looked(0, 10), **slow) == "N:no-occurred-time"
    assert cell("C04", fact(99, recorded=at(120)), **slow) == "F:late"
    assert cell("C04", fact(100, recorded=at(121)), **slow) == "P"
    assert cell("C04", fact(100, thing=("other", "x"), recorded=at(121)), **slow) == "F:late"


def test_c04_what_is_of_the_source_and_type_holds_before_the_source_before_the_type_before_all() -> None:
    limits = [
        Parameter("limits", source, type_, {"late_s": late}, applies)
        for source, type_, late, applies in (
            (None, None, 1, None),
            (None, "setpoint", 2, None),
            ("dcs", None, 4, None),
            ("dcs", "setpoint", 8, at(100)),
            ("dcs", "setpoint", 16, at(200)),
        )
    ]

    def held(one: Fact) -> int:
        """The longest of the delays that is not late, in seconds."""
        start = one.at
        for late in (1, 2, 4, 8, 16):
            one.recorded = start + late * 1_000_000
            if cell("C04", one, parameters=limits) == "F:late":
                return late // 2
        return 16

    assert held(fact(0, thing=("other", "x"), source="mes")) == 1
    assert held(fact(0, source="mes")) == 2
    assert held(fact(0, thing=("other", "x"))) == held(fact(99)) == 4
    assert held(fact(100)) == 8
    assert held(fact(200)) == 16


@pytest.mark.parametrize(
    ("measured", "offset", "doubt", "verdict"),
    [
        (0, 0, 0, "P"),
        (60, 0, 0, "P"),
        (60.1, 0, 0, "F:clock-old"),
        (-60.1, 0, 0, "F:clock-old"),
        (61, 0, 2, "P"),
        (0, 1, 0, "P"),
        (0, -1.1, 0, "F:clock-off"),
        (0, 1.1, 0.2, "P"),
    ],
)
def test_c05_the_clock_was_measured_near_and_was_right(
    measured: float, offset: float, doubt: float, verdict: str
) -> None:
    one = fact(0, clock=clock(offset, doubt, measured))
    one.claimed = T0 + round(offset * 1_000_000)
    limits = parameter("limits", late_s=1, clock_within_minutes=1, clock_tolerance_ms=1_000)
    assert cell("C05", one, parameters=[limits]) == verdict
    assert cell("C05", fact(0, clock=None), parameters=[limits]) == "N:no-clock"


def test_c06_the_record_comes_from_its_original() -> None:
    verdicts = [cell("C06", fact(0, original=one)) for one in ("true", "other", "foreign", None)]
    assert verdicts == ["P", "F:not-derived", "N:no-parser", "N:no-original"]


@pytest.mark.parametrize(
    ("new", "kind", "verdict"),
    [
        ("10.00", "decimal", "P"),
        ("20", "decimal", "P"),
        ("20.01", "decimal", "F:out-of-range"),
        ("9.99", "decimal", "F:out-of-range"),
        ("high", "decimal", "F:out-of-range"),
        ("15.5", "integer", "F:out-of-range"),
        ("15", "integer", "P"),
        ("high", "text", "P"),
        (UNSAID, "decimal", "N:no-range"),
    ],
)
def test_c07_a_value_is_one_that_can_be(new: Any, kind: str, verdict: str) -> None:
    rule = parameter("range", attribute="w", low="10", high="20", kind=kind)
    assert cell("C07", fact(0, changes=[Change("w", "1", new)]), parameters=[rule]) == verdict
    assert cell("C07", fact(0, changes=[Change("other", "1", new)]), parameters=[rule]) == "N:no-range"


def test_c07_what_else_recorded_it_agrees() -> None:
    rules = [
        parameter("range", attribute="w", low="0", high="100", kind="decimal"),
        parameter("corroboration", source="plc", tag="SCALE", attribute="w", tolerance="0.1", within_s=10),
    ]
    one = fact(0, changes=[Change("w", None, "50.00")])

    def scale(seconds: float, value: str, **told: Any) -> Fact:
        return fact(seconds, source="plc", thing=("scale", "SCALE"), changes=[Change("w", UNSAID, value)], **told)

    for scales, verdict in (
        ([], "N:no-corroboration"),
        ([scale(10, "50.10")], "P"),
        ([scale(-10, "50.11")], "F:differs"),
        ([scale(-10, "50.11"), scale(5, "50.0")], "P"),
        ([scale(10.1, "50.00")], "N:no-corroboration"),
        ([scale(12, "50.00", clock=clock(doubt_s=2))], "P"),
    ):
        assert cell("C07", one, *scales, parameters=rules) == verdict
    impossible = fact(0, changes=[Change("w", None, "500.00")])
    assert cell("C07", impossible, parameters=rules) == "F:out-of-range"


def test_c07_a_total_is_what_stood_in_its_parts_before_it() -> None:
    parts = {"source": "mes", "object_type": "weighing", "link": "batch", "within_s": 60}
    rules = [
        parameter("range", attribute="t", kind="decimal"),
        parameter("cross-footing", attribute="t", parts=parts | {"attribute": "w"}, tolerance="0.1"),
    ]

    def weighed(seconds: float, id_: str, new: str, batch: str = "B1", **told: Any) -> Fact:
        thing = ("weighing", id_)
        return fact(seconds, source="mes", thing=thing, batch=batch, changes=[Change("w", None, new)], **told)

    def total(new: str, *others: Fact, batch: str | None = "B1", known: bool = True) -> str:
        one = fact(0, batch=batch, changes=[Change("t", None, new)])
        runs = [run(-200, 100, "mes")] if known else []
        return cell("C07", one, *others, parameters=rules, runs=runs)

    two = [weighed(-20, "1", "10"), weighed(-10, "2", "5")]
    assert total("15.1", *two) == "P"
    assert total("15.2", *two) == "F:not-footing"
    assert total("15.2", *two, known=False) == "N:not-covered"
    assert total("15", *two, known=False) == "P"
    assert total("15", *two, weighed(5, "3", "9"), weighed(-61, "4", "9"), weighed(-5, "5", "9", "B2")) == "P"
    assert total("16", *two, weighed(-5, "2", "6")) == "P"
    assert total("15", *two, weighed(-1, "3", "9", clock=clock(doubt_s=2))) == "N:order-unknown"
    assert total("15", *two, batch=None) == "N:no-parts"
    assert total("0") == "P"
    assert total("0", known=False) == "N:not-covered"
    rules[1] = parameter("cross-footing", attribute="t", parts=parts)
    assert [total(new, *two) for new in ("2", "3")] == ["P", "F:not-footing"]


def test_c06_a_true_copy_stands_for_an_original_that_nobody_can_read() -> None:
    for original, verdict in (("foreign", "P"), (None, "P"), ("true", "P"), ("other", "F:not-derived")):
        assert cell("C06", fact(0, original=original), copied="dcs") == verdict
    assert cell("C06", fact(0, original=None), copied="dcs", corrected=False) == "N:no-original"
    assert cell("C06", fact(0, original=None), copied="mes") == "N:no-original"


def test_c08_where_a_source_numbers_nothing_its_last_count_tells() -> None:
    facts = [fact(seconds) for seconds in (0, 5, 10)]
    for counts, verdicts in (
        ([Count("dcs", at(0), at(10), 2)], ["P", "P", "N:no-sequence"]),
        ([Count("dcs", at(0), at(10), 2), Count("dcs", at(5), at(11), 1)], ["P", "F:count-differs", "F:count-differs"]),
        ([Count("mes", at(0), at(10), 2)], ["N:no-sequence"] * 3),
    ):
        known = truth(*facts, counts=counts)
        assert [known.cell(number, "C08") for number in range(3)] == verdicts


def series(*numbers: int, name: str = "s") -> list[Fact]:
    return [fact(place, series=name, sequence=number) for place, number in enumerate(numbers)]


@pytest.mark.parametrize(
    ("numbers", "wraps", "verdicts"),
    [
        ([7, 8, 9], None, ["P", "P", "P"]),
        ([7, 9, 10], None, ["P", "F:gap", "P"]),
        ([7, 7, 8], None, ["F:duplicate", "F:duplicate", "P"]),
        ([8, 7], None, ["P", "P"]),
        ([9, 7], None, ["F:gap", "P"]),
        ([254, 255, 0, 1], 256, ["P", "P", "P", "P"]),
        ([254, 255, 1], 256, ["P", "P", "F:gap"]),
        ([255, 255], 256, ["F:duplicate", "F:duplicate"]),
        ([255, 0], None, ["F:gap", "P"]),
    ],
)
def test_c08_no_number_is_missing_or_given_twice(numbers: list[int], wraps: int | None, verdicts: list[str]) -> None:
    rule = parameter("sequence", policy="every", wraps=wraps)
    known = truth(*series(*numbers), parameters=[rule])
    assert [known.cell(number, "C08") for number in range(len(numbers))] == verdicts


def test_c08_another_series_begins_anew_and_without_a_policy_nothing_is_told() -> None:
    rule = parameter("sequence", policy="every")
    known = truth(*series(7, 8), *series(1, 2, name="t"), parameters=[rule])
    assert [known.cell(number, "C08") for number in range(4)] == ["P", "P", "P", "P"]
    assert cell("C08", series(7)[0]) == "N:no-sequence"
    assert cell("C08", series(7)[0], parameters=[parameter("sequence", policy="none")]) == "N:no-sequence"
    assert cell("C08", fact(0), parameters=[rule]) == "N:no-sequence"


def test_c08_a_result_has_its_sample() -> None:
    sample = ((LinkKind.SAMPLE, "S1"),)
    wanted = [{"source": "lims", "object_type": "sample", "within_s": 100}]
    rules = [
        parameter("sequence", policy="every"),
        parameter("profile", old=False, new=False, reason=False, companions=wanted),
    ]
    result = series(7)[0]
    result.links = sample

    def told(*others: Fact, unreachable: list[tuple[int, int]] | None = None, ended: float = 200) -> str:
        runs = [run(-200, -190, "lims"), run(ended - 10, ended, "lims", unreachable=unreachable or [])]
        return cell("C08", result, *others, parameters=rules, runs=runs)

    def taken(seconds: float, id_: str = "S1") -> Fact:
        return fact(seconds, thing=("sample", id_), source="lims", links=[(LinkKind.SAMPLE, id_)])

    assert told(taken(-100)) == "P"
    assert told(taken(-100.1)) == "F:companion-missing"
    assert told(taken(-50, "S2")) == "F:companion-missing"
    assert told(ended=50) == "N:not-covered"
    assert told(unreachable=[(at(-20), at(-10))]) == "N:not-covered"
    assert told(unreachable=[(at(-150), at(-110))]) == "F:companion-missing"


@pytest.mark.parametrize(
    ("change", "reason", "verdict"),
    [
        (Change("w", "1", "2"), "after the sample", "P"),
        (Change("w", None, "2"), "after the sample", "P"),
        (Change("w", UNSAID, "2"), "after the sample", "F:old-missing"),
        (Change("w", "1", UNSAID), "after the sample", "F:new-missing"),
        (Change("w", "1", "2"), None, "F:reason-missing"),
        (Change("w", "1", "2"), "  ", "F:reason-missing"),
        (Change("w", "1", "2"), " OK ", "F:reason-vague"),
    ],
)
def test_c09_old_new_and_reason_are_there_where_the_type_asks_for_them(
    change: Change, reason: str | None, verdict: str
) -> None:
    strict = parameter("profile", "setpoint", old=True, new=True, reason=True)
    lax = parameter("profile", old=False, new=False, reason=False)
    words = Parameter("vague-words", None, None, {"words": ["ok"]})
    one = fact(0, changes=[change], reason=reason)
    assert cell("C09", one, parameters=[lax, strict, words]) == verdict
    assert cell("C09", one, parameters=[lax, words]) == "P"
    assert cell("C09", one, parameters=[words]) == "N:no-profile"


def value(seconds: float, old: Any, new: Any, **told: Any) -> Fact:
    return fact(seconds, changes=[Change("w", old, new)], **told)


def test_c10_a_change_goes_on_from_the_one_before() -> None:
    first = value(0, "1", "2")
    assert cell("C10", first) == "N:no-previous"
    assert after("C10", value(10, "2", "3"), first) == "P"
    assert after("C10", value(10, "5", "3"), first) == "F:broken-continuity"
    assert after("C10", value(10, UNSAID, "3"), first) == "N:no-previous"
    assert after("C10", value(10, "2", "3"), value(0, "1", UNSAID)) == "N:no-previous"
    assert after("C10", value(10, "2", "3"), value(0, "1", "9", source="mes")) == "N:no-previous"
    assert after("C10", value(20, "3", "4"), first, value(10, "2", "3")) == "P"
    assert cell("C10", value(20, "3", "4"), first, value(10, "2", "3")) == "P"
    assert cell("C10", value(10, "2", "3"), value(20, "9", "8"), first) == "P"


def test_c10_an_order_that_clocks_leave_open_breaks_nothing() -> None:
    first = value(0, "1", "2")
    doubtful = clock(doubt_s=8, measured=3)
    assert after("C10", value(5, "9", "3", clock=doubtful), first) == "N:order-unknown"
    assert after("C10", value(9, "9", "3", clock=doubtful), first) == "F:broken-continuity"
    assert after("C10", undated(5, changes=[Change("w", "9", "3")]), first) == "N:order-unknown"
    assert after("C10", value(30, "9", "3"), first, undated(5, changes=[Change("w", "2", "3")])) == "N:order-unknown"
    # Which of the two before it was the last cannot be told either.
    assert after("C10", value(30, "9", "3"), first, value(5, "2", "4", clock=doubtful)) == "N:order-unknown"
    gap = fact(10, changes=[Change("w", "9", "3", gap=True)])
    assert after("C10", gap, first) == "N:order-unknown"


def test_c10_times_follow_the_numbers() -> None:
    def told(seconds: float, number: int, recorded: float) -> Fact:
        return fact(seconds, series="s", sequence=number, recorded=at(recorded))

    for recorded, verdict in ((5, "P"), (9.999999, "P"), (10, "P"), (4.999999, "F:out-of-sequence")):
        assert after("C10", told(20, 8, recorded), told(4, 7, 5)) == verdict
    late_entry = told(0, 8, 10)
    assert after("C10", late_entry, told(4, 7, 5)) == "P"
    unwritten = [fact(when, series="s", sequence=number, recorded=None) for when, number in ((4, 7), (3, 8))]
    assert after("C10", unwritten[1], unwritten[0]) == "F:out-of-sequence"


def test_c10_unit_and_rounding_are_as_specified() -> None:
    rule = parameter("range", attribute="w", unit="kg", decimals=2, kind="decimal")
    for new, unit, verdict in (("2.00", "kg", "P"), ("2.0", "kg", "F:decimals"), ("2.00", "lb", "F:unit")):
        one = fact(10, changes=[Change("w", "1.00", new, unit)])
        before = fact(0, changes=[Change("w", "0.50", "1.00", "kg")])
        assert after("C10", one, before, parameters=[rule]) == verdict


@pytest.mark.parametrize(
    ("lasting", "verdict"),
    [
        (Lasting({0: 24}, {0}, 2, 99), "P"),
        (Lasting({0: 24.1}, {0}, 2, 99), "F:not-anchored"),
        (Lasting({}, {0}, 2, 24), "N:no-anchor"),
        (Lasting({}, {0}, 2, 25), "F:not-anchored"),
        (Lasting({0: 1}, (), 2, 1), "N:no-verification"),
        (Lasting({0: 1}, {0}, 1, 1), "F:copies"),
        (Lasting({0: 1}, {0}, 0, 1), "N:no-copies"),
    ],
)
def test_c11_others_let_a_record_last(lasting: Lasting, verdict: str) -> None:
    rule = parameter("enduring", anchor_hours=24, copies=2)
    assert cell("C11", fact(0), parameters=[rule], lasting=lasting) == verdict
    assert cell("C11", fact(0), lasting=lasting) == "N:no-limit"


def test_c11_and_c12_need_what_no_plant_has() -> None:
    rules = [parameter("enduring", anchor_hours=1), parameter("available", seconds=5)]
    known = truth(fact(0), parameters=rules)
    assert [known.cell(0, check) for check in ("C11", "C12")] == ["N:no-anchor", "N:no-retrieval-test"]


def test_c13_a_path_leads_from_the_record_to_all_that_its_type_asks_for() -> None:
    def told(links: list[str], one: Fact, *others: Fact, ruled: bool = True, **more: Any) -> str:
        rules = [parameter("profile", old=False, new=False, reason=False, links=links, **more)]
        rules += [Parameter("occupation", None, "reactor", {})] if ruled else []
        places = [PlaceRow("dcs", "R-1", "R-1", "NORTH", "reactor"), PlaceRow("dcs", "TIC-9", "R-1", "NORTH")]
        maps = Maps([AccountRow("dcs", "op1", "P1")], places)
        return cell("C13", one, *others, parameters=rules, maps=maps)

    edges = [
        fact(when, do, ("step", "x"), batch="B1", asset="R-1") for when, do in ((0, Action.START), (9, Action.STOP))
    ]
    tagged = fact(5, thing=("setpoint", "TIC-9"))
    assert cell("C13", fact(0)) == "N:no-profile"
    assert told([], fact(5)) == "P"
    assert told(["batch"], fact(5, batch="B1")) == "P"
    assert told(["batch", "equipment", "person"], tagged, *edges) == "P"
    assert told(["batch"], fact(15, thing=("setpoint", "TIC-9")), *edges) == "F:unreachable-path"
    assert told(["batch"], fact(15, thing=("setpoint", "TIC-9")), *edges, ruled=False) == "N:no-batch-rule"
    assert told(["equipment"], fact(5)) == "F:unreachable-path"
    assert told(["person"], fact(5, account="stranger")) == "F:unreachable-path"
    assert told(["sample"], fact(5)) == "F:unreachable-path"
    assert told([], fact(5), change_request=True) == "F:unreachable-path"
    assert told([], fact(5, links=[(LinkKind.CHANGE_REQUEST, "CR-1")]), change_request=True) == "P"
