"""Which parameter holds for a record, and what a value of each name may be."""

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from ledger.core import canonical
from ledger.core.errors import SchemaViolation
from ledger.core.parameters import STRUCTS, Limits, ParameterName, members, most_specific, read, written
from ledger.core.record import LinkKind
from tests.plant.rules import parameters as of_the_plant

HANDBOOK = Path(__file__).parents[3] / "deploy" / "handbook" / "parameters.md"


class Set(NamedTuple):
    source: str | None
    type: str | None
    applies_us: int | None = None
    removed: bool = False


ALL, TYPE, SOURCE, BOTH = Set(None, None), Set(None, "result"), Set("lims", None), Set("lims", "result")


@pytest.mark.parametrize(
    ("candidates", "source", "type_", "chosen"),
    [
        ([ALL, TYPE, SOURCE, BOTH], "lims", "result", BOTH),
        ([BOTH, SOURCE, TYPE, ALL], "lims", "sample", SOURCE),
        ([BOTH, SOURCE, TYPE, ALL], "mes", "result", TYPE),
        ([BOTH, SOURCE, TYPE, ALL], "mes", "sample", ALL),
        ([ALL, TYPE, SOURCE], "lims", "result", SOURCE),
        ([ALL, TYPE], "lims", "result", TYPE),
        ([BOTH, SOURCE, TYPE], "mes", "sample", None),
        ([BOTH, SOURCE, TYPE, ALL], None, None, ALL),
        ([BOTH, SOURCE, TYPE, ALL], None, "result", TYPE),
        ([], "lims", "result", None),
    ],
)
@pytest.mark.requirement("R14")
def test_what_is_said_of_source_and_type_holds_before_what_is_said_of_more(
    candidates: list[Set], source: str | None, type_: str | None, chosen: Set | None
) -> None:
    assert most_specific(candidates, source, type_, 0) == chosen
    assert most_specific(candidates[::-1], source, type_, 0) == chosen


@pytest.mark.parametrize(
    ("moment", "chosen"), [(-1, None), (99, None), (100, 100), (199, 100), (200, 200), (10**18, 200)]
)
def test_of_those_that_say_the_same_the_latest_that_applies_by_then_holds(moment: int, chosen: int | None) -> None:
    always, first, second = BOTH, BOTH._replace(applies_us=100), BOTH._replace(applies_us=200)
    found = most_specific([second, always, first, SOURCE._replace(applies_us=150)], "lims", "result", moment)
    assert found is not None
    assert found.applies_us == chosen


def test_before_a_specific_one_applies_the_general_one_holds() -> None:
    later = BOTH._replace(applies_us=100)
    assert most_specific([later, ALL], "lims", "result", 99) == ALL
    assert most_specific([later, ALL], "lims", "result", 100) == later
    assert most_specific([later], "lims", "result", 99) is None


def test_where_one_was_removed_the_next_general_one_holds_from_then_on() -> None:
    gone = BOTH._replace(applies_us=100, removed=True)
    back = BOTH._replace(applies_us=200)
    held = [most_specific([BOTH, gone, back, TYPE], "lims", "result", moment) for moment in (99, 100, 200)]
    assert held == [BOTH, TYPE, back]
    assert most_specific([gone], "lims", "result", 100) is None


def test_every_name_has_its_struct_and_says_its_members() -> None:
    assert set(STRUCTS) == set(ParameterName)
    assert members(ParameterName.LIMITS)[0] == "late_s"


def test_the_handbook_names_every_parameter_and_member() -> None:
    lines = HANDBOOK.read_text(encoding="utf-8").splitlines()
    for name in ParameterName:
        (line,) = (one for one in lines if one.startswith(f"| `{name.value}` |"))
        assert {member for member in members(name) if f"`{member}`" not in line} == set()


def test_a_value_is_kept_with_every_member_so_that_no_later_default_changes_it() -> None:
    text = written(read(ParameterName.LIMITS, '{ "late_s" : 10 }'))
    assert text == '{"clock_tolerance_ms":60000,"clock_within_minutes":60,"early_s":2,"late_s":10}'
    assert read(ParameterName.LIMITS, text) == Limits(late_s=10)


def test_what_the_plant_is_judged_by_is_read_and_written_as_it_is() -> None:
    seen = set()
    for one in of_the_plant():
        name = ParameterName(one.name)
        value = read(name, msgspec.json.encode(one.value))
        text = written(value)
        canonical.require_canonical(text.encode())
        assert read(name, text) == value
        told = msgspec.json.decode(text)
        assert {member: told[member] for member in one.value} == msgspec.to_builtins(one.value)
        seen.add(name)
    assert len(seen) >= 12


PARTS = {"source": "mes", "object_type": "weighing", "link": "batch", "within_s": 60}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("limits", {}, "late_s"),
        ("limits", {"late_s": 2.5}, "late_s"),
        ("limits", {"late_s": -1}, "late_s"),
        ("limits", {"late_s": 1, "latest_s": 1}, "latest_s"),
        ("limits", [], "object"),
        ("profile", {"old": True, "new": True, "reason": True, "links": ["batches"]}, "links"),
        ("profile", {"old": True, "new": True, "reason": True, "companions": [{"source": "erp"}]}, "companions"),
        ("range", {"attribute": "pH", "kind": "decimal", "low": "four"}, "low"),
        ("range", {"attribute": "pH", "kind": "decimal", "high": "NaN"}, "high"),
        ("range", {"attribute": "pH", "kind": "integer", "low": "10", "high": "9"}, "low 10 is more than high 9"),
        ("range", {"attribute": "pH", "kind": "text", "low": "1"}, "a text has neither low"),
        ("sequence", {"policy": "some"}, "policy"),
        ("sequence", {"policy": "every", "wraps": 1}, "wraps"),
        ("travel", {"pairs": [["A", "B"]]}, "pairs"),
        ("expected", {"steps": []}, "steps"),
        ("expected", {"steps": [{"step": "a", "source": "b", "object_type": "c", "action": "bake"}]}, "action"),
        ("corroboration", {"source": "plc", "tag": "S", "attribute": "w", "tolerance": "", "within_s": 1}, "tolerance"),
        ("cross-footing", {"attribute": "total", "addends": ["a"], "tolerance": "little"}, "tolerance"),
        ("cross-footing", {"attribute": "total"}, "either addends or parts"),
        ("cross-footing", {"attribute": "total", "addends": ["a"], "parts": PARTS}, "either addends or parts"),
        ("cross-footing", {"attribute": "total", "parts": PARTS | {"link": "line"}}, "link"),
        ("vague-words", {"words": [""]}, "words"),
        ("schema", {"units": ["kg"], "codes": {"state": "on"}}, "codes"),
    ],
)
def test_a_member_that_is_wrong_is_named(name: str, value: Any, said: str) -> None:
    with pytest.raises(SchemaViolation, match=said) as refused:
        read(ParameterName(name), msgspec.json.encode(value))
    assert refused.value.message.startswith(f"parameter {name}: ")


@pytest.mark.parametrize("text", ["", "{", "\ud800", b"\xff", "null"])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(SchemaViolation, match="parameter profile"):
        read(ParameterName.PROFILE, text)


def test_links_are_kinds_of_links() -> None:
    value = read(ParameterName.PROFILE, '{"old":false,"new":true,"reason":false,"links":["batch","change-request"]}')
    assert value.links == (LinkKind.BATCH, LinkKind.CHANGE_REQUEST)  # type: ignore[union-attr]
