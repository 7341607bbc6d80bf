"""Two looks at Tryton: what lies between is told once, and what cannot be known is said to be a gap."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.it.tryton_look import (
    LogRow,
    Look,
    Memory,
    format_ranges,
    gaps,
    hand_over,
    log_row,
    parse_ranges,
    pending,
    settle,
)
from collectors.it.tryton_models import MODELS, Watched
from collectors.it.tryton_record import Reader
from ledger.core.record import Action, ActorKind, Interval, LinkBasis, LinkKind, Record
from ledger.core.times import Basis

MODEL = "production.bom.input"
FIRST, SECOND, THIRD = (f"2026-11-25T07:0{minute}:00.000000Z" for minute in (0, 1, 2))
READER = Reader("erp", "UTC", MODELS, {"PROD": "REACTOR-1"}, frozenset({"root"}))
UNSET = msgspec.UNSET


def stamp(second: int) -> dict[str, Any]:
    return {
        "__class__": "datetime", "year": 2026, "month": 11, "day": 25, "hour": 7, "minute": 0, "second": second,
        "microsecond": 123456,
    }  # fmt: skip


def row(identity: int, written: int | None = None, **values: Any) -> str:
    whole = {
        "id": identity,
        "rec_name": "[SALT] Salt",
        "create_date": stamp(1),
        "create_uid": 2,
        "create_uid.": {"id": 2, "login": "engineer1", "rec_name": "engineer1"},
        "write_date": None if written is None else stamp(written),
        "write_uid": None if written is None else 3,
        "write_uid.": None if written is None else {"id": 3, "login": "planner1", "rec_name": "planner1"},
        "bom": 1,
        "bom.": {"id": 1, "name": "Buffer BOM", "code": None},
        "product": 2,
        "product.": {"id": 2, "code": "SALT"},
        "unit.": {"id": 2, "symbol": "kg"},
        "quantity": 2.5,
        "unit": 2,
        **values,
    }
    return json.dumps(whole)


def log(number: int, target: str | None, resource: str = f"{MODEL},1", event: str = "write") -> LogRow:
    text = json.dumps(
        {
            "id": number,
            "create_date": stamp(10 + number),
            "user": 3,
            "user.": {"id": 3, "login": "planner1", "rec_name": "Planner"},
            "resource": resource or None,
            "event": event,
            "target": target,
        }
    )
    return log_row(number, text, resource)


def look(at: str, since: str | None, rows: dict[int, str], *logs: LogRow, ids: set[int] | None = None) -> Look:
    return Look(
        at=at,
        since=since,
        log_ids=frozenset(one.id for one in logs),
        logs=logs,
        ids={MODEL: frozenset(rows if ids is None else ids)},
        rows={f"{MODEL},{identity}": text for identity, text in rows.items()},
    )


def seen(*rows: str) -> Memory:
    """The memory of a first look at these rows."""
    memory, _ = settle(look(FIRST, None, {json.loads(text)["id"]: text for text in rows}), Memory(), "")
    return memory


def records(one: Look, memory: Memory) -> list[Record]:
    return [READER.derive(found.original) for found in pending(one, memory, MODELS)]


def test_a_change_between_two_looks_shows_old_and_new_and_between_when() -> None:
    (record,) = records(look(SECOND, FIRST, {1: row(1, 12, quantity=2.7)}, log(2, "quantity")), seen(row(1)))
    (change,) = record.changes
    assert (change.attribute, change.old, change.new, change.unit) == ("quantity", "2.5", "2.7", "kg")
    assert change.inferred == Interval(after=FIRST, before=SECOND)
    assert not change.gap
    assert record.source_record_id == "ir.model.log,2"
    assert (record.action, record.actor.account, record.actor.kind) == (Action.UPDATE, "planner1", ActorKind.PERSON)
    assert (record.occurred_at.text, record.occurred_at.basis) == ("2026-11-25T07:00:12.123456", Basis.ASSUMED)
    assert {(link.kind, link.id, link.basis) for link in record.links} == {
        (LinkKind.RECIPE, "Buffer BOM", LinkBasis.READ),
        (LinkKind.MATERIAL, "SALT", LinkBasis.READ),
    }


def test_several_changes_between_two_looks_are_a_gap_and_no_value_is_given_to_the_wrong_one() -> None:
    memory = seen(row(1))
    one = look(SECOND, FIRST, {1: row(1, 14, quantity=9.0)}, log(2, "quantity"), log(3, "quantity"), log(4, "quantity"))
    first, middle, last = (record.changes[0] for record in records(one, memory))
    assert [(change.old, change.new, change.gap) for change in (first, middle, last)] == [
        ("2.5", UNSET, True),
        (UNSET, UNSET, True),
        (UNSET, "9.0", True),
    ]
    (gap,) = gaps(one, memory, MODELS)
    assert gap.subject == f"{MODEL},1 quantity"
    assert gap.reason.startswith("3 changes")
    assert gap.between == Interval(after=FIRST, before=SECOND)


def test_a_change_that_the_source_did_not_log_is_a_record_of_the_row_s_own_writer() -> None:
    memory = seen(row(1))
    one = look(SECOND, FIRST, {1: row(1, 30, quantity=3.0)})
    (record,) = records(one, memory)
    assert record.source_record_id == f"version:{MODEL},1@2026-11-25T07:00:30.123456"
    assert (record.actor.account, record.changes[0].old, record.changes[0].new) == ("planner1", "2.5", "3.0")
    assert list(gaps(one, memory, MODELS)) == []


def test_a_value_that_changed_behind_the_source_s_back_is_a_gap() -> None:
    memory = seen(row(1))
    one = look(SECOND, FIRST, {1: row(1, quantity=3.0)})
    assert records(one, memory) == []
    (gap,) = gaps(one, memory, MODELS)
    assert gap.subject == f"{MODEL},1 quantity"


def test_a_row_that_is_gone_without_a_word_is_a_record_by_nobody_known_and_a_gap() -> None:
    memory = seen(row(1), row(2))
    one = look(SECOND, FIRST, {}, ids={1})
    (record,) = records(one, memory)
    assert (record.action, record.object.id, record.actor.kind) == (Action.DELETE, "2", ActorKind.UNKNOWN)
    assert (record.occurred_at.instant_us, record.occurred_at.text) == (None, f"{FIRST}/{SECOND}")
    assert [gap.subject for gap in gaps(one, memory, MODELS)] == [f"{MODEL},2"]


def test_a_logged_deletion_keeps_the_last_values_and_is_no_gap() -> None:
    memory = seen(row(1))
    one = look(SECOND, FIRST, {}, log(2, None, event="delete"), ids=set())
    (record,) = records(one, memory)
    assert record.action is Action.DELETE
    assert {change.attribute: change.old for change in record.changes}["quantity"] == "2.5"
    assert list(gaps(one, memory, MODELS)) == []


def test_a_deletion_that_the_source_does_not_name_stands_for_itself() -> None:
    one = look(SECOND, FIRST, {}, log(2, None, resource="", event="delete"), ids=set())
    record = records(one, seen())[0]
    assert (record.action, record.object.type, record.object.id) == (Action.DELETE, "ir.model.log", "2")


def test_a_log_row_that_vanished_from_the_source_is_a_gap() -> None:
    memory, _ = settle(look(FIRST, None, {1: row(1)}, log(2, "bom"), log(3, "bom")), Memory(), "")
    one = look(SECOND, FIRST, {}, ids={1})
    (gap,) = gaps(msgspec.structs.replace(one, log_ids=frozenset({3})), memory, MODELS)
    assert gap.subject == "ir.model.log,2"


def test_a_log_number_that_comes_late_is_still_read_and_one_that_never_comes_is_a_gap() -> None:
    memory, _ = settle(look(FIRST, None, {1: row(1)}, log(2, "bom"), log(5, "bom")), Memory(), "")
    late = look(SECOND, FIRST, {1: row(1)}, log(3, "bom"))
    assert [record.source_record_id for record in records(late, memory)] == ["ir.model.log,3"]
    memory, unknown = settle(late, memory, "")
    assert unknown == ()
    memory, unknown = settle(look(THIRD, SECOND, {1: row(1)}), memory, horizon=THIRD)
    assert memory.low == 5
    assert [gap.subject for gap in unknown] == ["ir.model.log,1,4"]


def test_a_creation_that_was_never_written_since_is_the_source_s_own_word() -> None:
    one = look(FIRST, None, {1: row(1), 2: row(2, 40)})
    untouched, written = records(one, Memory())
    assert (untouched.action, untouched.actor.account) == (Action.CREATE, "engineer1")
    assert all(change.inferred is None for change in untouched.changes)
    assert all(change.inferred is not None for change in written.changes)


def test_a_transition_names_the_new_state_itself_and_starts_and_stops_an_order() -> None:
    logs = [
        log(number, f"state:{state}", "production,1", "transition")
        for number, state in enumerate(("waiting", "running", "done"), start=2)
    ]
    actions = [(record.action, record.changes[0].new) for record in records(look(SECOND, FIRST, {}, *logs), seen())]
    assert actions == [(Action.UPDATE, "waiting"), (Action.START, "running"), (Action.STOP, "done")]
    assert not any(record.changes[0].inferred for record in records(look(SECOND, FIRST, {}, *logs), seen()))


@given(st.lists(st.integers(1, 6), max_size=12), st.integers(1, 5))
def test_a_look_in_parts_hands_over_the_same_as_in_one_wherever_it_is_broken_off(targets: list[int], size: int) -> None:
    rows = {identity: row(identity, 50, quantity=float(identity)) for identity in range(1, 9)}
    logs = [log(number, "quantity", f"{MODEL},{identity}") for number, identity in enumerate(targets, start=1)]
    one, memory = look(SECOND, FIRST, rows, *logs), seen(*(row(identity) for identity in range(1, 7)))
    whole = [found.original for found in pending(one, memory, MODELS)]
    parts = []
    while left := list(pending(one, memory, MODELS)):
        parts += [found.original for found in left[:size]]
        memory = msgspec.json.decode(hand_over(memory, left[:size]).to_bytes(), type=Memory)
    assert parts == whole


def test_rows_that_do_not_fit_are_left_out_oldest_first_and_a_gap_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.it.tryton_look.MAX_SNAPSHOT", 6000)
    rows = {identity: row(identity) for identity in range(1, 21)}
    memory, unknown = settle(look(SECOND, FIRST, rows), Memory(), "")
    assert len(memory.to_bytes()) <= 6000
    assert f"{MODEL},20" in memory.rows
    assert f"{MODEL},1" not in memory.rows
    assert [gap.subject for gap in unknown] == ["snapshot"]
    assert records(look(THIRD, SECOND, rows), memory) == [], "what is known to exist is not created again"


@given(st.sets(st.integers(0, 200)))
def test_ranges_hold_exactly_the_numbers(numbers: set[int]) -> None:
    assert parse_ranges(format_ranges(numbers)) == numbers


def test_only_paired_fields_count_as_several_changes() -> None:
    one = look(SECOND, FIRST, {1: row(1)}, log(2, "companies"), log(3, "companies"))
    assert [record.changes[0].gap for record in records(one, seen(row(1)))] == [False, False]
    assert list(gaps(one, seen(row(1)), {MODEL: Watched(fields=("quantity",))})) == []
