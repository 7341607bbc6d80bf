"""Rows as originals: whatever a driver gives comes back as it was, and whatever bytes arrive are read or refused."""

import contextlib
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collectors.it.sql_reader import Row, read_row
from collectors.it.sql_value import Envelope, decode, from_cell, item_row, to_cell
from collectors.it.sql_window import Cursor, Window, read_memory
from ledger.core.errors import SkippableRecord
from ledger.core.run import SourceState


def _unfolded(moment: Any) -> Any:
    """No database says which of an hour that comes twice it means."""
    return moment.replace(fold=0)


ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=9, seconds=1))])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.decimals(),
    st.text(st.characters()),  # lone surrogates, too
    st.binary(),
    st.datetimes().map(_unfolded),
    st.datetimes(timezones=ZONES).map(_unfolded),
    st.dates(),
    st.times().map(_unfolded),
    st.timedeltas(),
    st.uuids(),
)
ROWS = st.lists(
    st.tuples(st.text(max_size=8), st.one_of(SCALARS, st.lists(SCALARS, max_size=3))), min_size=1, max_size=5
)


def same(one: object, other: object) -> bool:
    return type(one) is type(other) and repr(one) == repr(other)


@given(SCALARS)
def test_a_value_comes_back_with_its_type_and_every_digit(value: object) -> None:
    assert same(from_cell(to_cell(value)), value)


@given(ROWS)
def test_a_row_comes_back_from_its_original_and_can_be_mapped(row: list[tuple[str, object]]) -> None:
    found = read_row("t", [name for name, _ in row], [value for _, value in row], [])
    assert found.envelope is not None
    assert decode(found.data) == msgspec.convert(msgspec.to_builtins(found.envelope), Envelope)
    assert len(item_row(decode(found.data).row, lower=True)) == len(row)


@given(
    st.binary(max_size=200)
    | st.recursive(st.text(max_size=4), lambda inner: st.lists(inner, max_size=3)).map(msgspec.json.encode)
)
def test_bytes_that_are_no_row_are_refused(data: bytes) -> None:
    try:
        decode(data)
    except SkippableRecord:
        return
    raise AssertionError("no row is that short")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(
        st.tuples(st.text(max_size=3), st.sampled_from(["int", "list", "bytes", "instant", "x"]), JUNK), max_size=4
    )
)
def test_cells_that_nobody_wrote_are_refused_or_read_and_nothing_else(row: list[tuple[str, str, object]]) -> None:
    with contextlib.suppress(SkippableRecord):
        item_row(decode(msgspec.json.encode({"table": "t", "row": row})).row, lower=False)


@st.composite
def histories(draw: st.DrawFn) -> list[dict[int, str]]:
    """What a table holds at each look: rows come, late ones too, are amended, and go."""
    table: dict[int, str] = {}
    looks = []
    for _ in range(draw(st.integers(1, 6))):
        for _ in range(draw(st.integers(0, 5))):
            key = draw(st.integers(0, 12))
            if draw(st.booleans()) or key not in table:
                table[key] = draw(st.sampled_from("abc"))
            else:
                del table[key]
        looks.append(dict(table))
    return looks


@given(histories(), st.integers(2, 30), st.booleans())
def test_each_form_of_a_row_comes_once_and_what_is_gone_is_said(
    looks: list[dict[int, str]], most: int, dies: bool
) -> None:
    state = SourceState(source="s")
    cursor = Cursor(order=("id",))
    before: dict[int, str] = {}
    for look in looks:
        window = Window(cursor, read_memory(state), most, 0)
        floor = -1 if cursor.floor is None else int(cursor.floor[0].value)
        groups = [_row(key, value) for key, value in sorted(look.items()) if key >= floor]
        new = []
        for row in groups:
            for one, _ in window.fresh([row]):
                window.taken(one)
                new.append((one.position[0].value, one.digest))
        window.finish()
        known = {key: _row(key, value).digest for key, value in before.items() if key >= floor}
        expected = [
            (row.position[0].value, row.digest) for row in groups if known.get(int(row.position[0].value)) != row.digest
        ]
        if len(before) <= most:
            assert new == expected
            assert len(window.gone) == len([key for key in known if key not in look])
        if dies:
            dies = False  # what this run did counts for nothing
            continue
        position, snapshot = window.state()
        cursor = msgspec.structs.replace(cursor, floor=position)
        state = msgspec.structs.replace(state, snapshot=snapshot)
        before = look
        assert len(read_memory(state)) <= max(most, 1) + 1


def _row(key: int, value: str) -> Row:
    return read_row("t", ["id", "value"], [key, value], [0])


def test_what_a_driver_gives_without_a_rule_is_unreadable_and_keeps_its_words() -> None:
    row = read_row("t", ["id", "shape"], [1, {"a": 1}], [0])
    assert (row.envelope, row.unreadable) == (None, "a value of type dict has no rule")
    assert b"{'a': 1}" in row.data


def test_kinds_are_told_apart() -> None:
    values: list[object] = [
        1,
        1.0,
        Decimal(1),
        "1",
        True,
        b"1",
        date(2026, 1, 1),
        datetime(2026, 1, 1),
        time(1),
        UUID(int=1),
    ]
    digests = {read_row("t", ["a"], [value], []).digest for value in values}
    assert len(digests) == len(values)
