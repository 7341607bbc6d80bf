"""Parameters of a log: which holds for a record, as of a size; a value that is none is not stored."""

from typing import Any

import pytest

from ledger.core.clock import parse_utc
from ledger.core.errors import SchemaViolation
from ledger.core.parameters import Limits, ParameterName
from ledger.sources.maps import Page
from ledger.sources.parameter_kinds import Parameter
from ledger.sources.parameters import Found, Parameters
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger

pytestmark = pytest.mark.sampled

Y1, Y2, Y3 = (f"202{year}-01-01T00:00:00.000000Z" for year in (4, 5, 6))


def limits(late_s: int | None, **members: Any) -> Parameter:
    value = None if late_s is None else f'{{"late_s": {late_s}}}'
    usual: dict[str, Any] = {"name": ParameterName.LIMITS, "reason": "CR-0042", "authority": AUTHORITY}
    return Parameter(**(usual | {"value": value} | members))


def held(
    ledger: Ledger, source: str, type_: str, at: str, size: int | None = None, log: int = RECORDS
) -> tuple[int, int] | None:
    """How late the limits let a record be, and the entry that says so."""
    with ledger.store.reading() as connection:
        found = Parameters(ledger.store).at(connection, log, size, ParameterName.LIMITS, source, type_, parse_utc(at))
    if found is None:
        return None
    assert isinstance(found.value, Limits)
    return found.value.late_s, found.entry


@pytest.mark.requirement("R14")
def test_a_specific_parameter_holds_before_a_general_one_and_a_later_one_before_an_earlier(ledger: Ledger) -> None:
    given = [
        limits(1),
        limits(2, type="result"),
        limits(3, source="lims"),
        limits(4, source="lims", type="result"),
        limits(5, source="lims", type="result", applies_from=Y2),
    ]
    first, *_, last = Parameters(ledger.store).put(RECORDS, given)
    assert held(ledger, "mes", "sample", Y1) == (1, first)
    assert held(ledger, "mes", "result", Y1) == (2, first + 1)
    assert held(ledger, "lims", "sample", Y3) == (3, first + 2)
    assert held(ledger, "lims", "result", Y1) == (4, first + 3)
    assert held(ledger, "lims", "result", Y2) == (5, last)
    with ledger.store.reading() as connection:
        at = (SYSTEM_LOG, None, ParameterName.LIMITS, "mes", "sample", parse_utc(Y1))
        assert Parameters(ledger.store).at(connection, *at) is None, "each log has its own"
        asked = (RECORDS, None, ParameterName.RANGE, "mes", "sample", parse_utc(Y1))
        assert Parameters(ledger.store).at(connection, *asked) is None, "nobody has said: none is guessed"


@pytest.mark.requirement("R14")
def test_what_is_said_later_of_earlier_times_changes_no_answer_as_of_an_earlier_size(ledger: Ledger) -> None:
    parameters = Parameters(ledger.store)
    (first,) = parameters.put(RECORDS, [limits(10, source="mes", applies_from=Y2)])
    (back_dated,) = parameters.put(RECORDS, [limits(20, source="mes", applies_from=Y1)])
    (corrected,) = parameters.put(RECORDS, [limits(30, source="mes", applies_from=Y2)])
    (removed,) = parameters.put(RECORDS, [limits(None, source="mes", applies_from=Y3)])
    assert held(ledger, "mes", "a", Y1) == (20, back_dated)
    assert held(ledger, "mes", "a", Y2) == (30, corrected)
    assert held(ledger, "mes", "a", Y3) is None
    assert held(ledger, "mes", "a", Y1, size=back_dated) is None
    assert held(ledger, "mes", "a", Y2, size=corrected) == (10, first)
    assert held(ledger, "mes", "a", Y3, size=corrected) == (10, first)
    assert held(ledger, "mes", "a", Y3, size=removed) == (30, corrected)
    assert held(ledger, "mes", "a", Y3, size=first) is None


def test_what_is_set_is_listed_by_entry_and_page_as_of_a_size(ledger: Ledger) -> None:
    parameters = Parameters(ledger.store)
    words = Parameter(name=ParameterName.VAGUE_WORDS, value='{"words":["ok"]}', reason="list", authority=AUTHORITY)
    first, second, third = parameters.put(RECORDS, [limits(1, source="mes"), words, limits(2, source="lims")])
    (fourth,) = parameters.put(RECORDS, [limits(None, source="mes")])
    assert [one.entry for one in parameters.listed(RECORDS)] == [second, third, fourth]
    assert [one.entry for one in parameters.listed(RECORDS, size=fourth)] == [first, second, third]
    assert [one.entry for one in parameters.listed(RECORDS, ParameterName.LIMITS)] == [third, fourth]
    assert [one.entry for one in parameters.listed(RECORDS, source="lims")] == [third]
    assert [one.entry for one in parameters.listed(RECORDS, page=Page(after=second, limit=1))] == [third]
    now, then = parameters.listed(RECORDS, source="mes"), parameters.listed(RECORDS, size=fourth, source="mes")
    assert [(one.value, one.applies_from) for one in now] == [(None, None)]
    assert [one.value for one in then] == [Limits(late_s=1)]


@pytest.mark.parametrize(
    "bad",
    [
        limits(-1),
        limits(1, value="{}"),
        limits(1, value='{"late_s":1,"more":2}'),
        limits(1, applies_from="2026-01-01"),
        limits(1, applies_from="soon"),
        limits(1, source=""),
        limits(1, type="x" * 513),
    ],
)
def test_a_value_that_is_none_keeps_all_that_comes_with_it_out(sqlite_ledger: Ledger, bad: Parameter) -> None:
    parameters = Parameters(sqlite_ledger.store)
    with pytest.raises(SchemaViolation, match="parameter limits"):
        parameters.put(RECORDS, [limits(1), bad])
    assert parameters.listed(RECORDS) == []


def test_every_part_of_the_ledger_reads_the_same_parameters(sqlite_ledger: Ledger) -> None:
    service = sqlite_ledger.service
    (entry,) = service.quality.parameters.put(RECORDS, [limits(7)])
    with service.store.reading() as connection:
        found = service.record_log().parameters.at(connection, RECORDS, None, ParameterName.LIMITS, None, None, 0)
    assert found == Found(value=Limits(late_s=7), entry=entry)
