"""Messages of pgoutput as a server could send them come back whole; any other bytes are refused and nothing else."""

import contextlib
import json
import struct
from base64 import b64encode
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.it import pg_output
from collectors.it.pg_feed import Changed, Envelope, Feed, to_item
from collectors.it.pg_output import Begin, Commit, Message, Relation, RowChange
from ledger.core.errors import SkippableRecord

NAMES = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=12)
CELLS = st.one_of(
    st.none(), st.just("u"), st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(str.encode)
)
NUMBERS = st.integers(0, 2**32 - 1)


def begin(lsn: int = 0x1_0000_00FF, microseconds: int = 0, xid: int = 7) -> bytes:
    return struct.pack(">cQqI", b"B", lsn, microseconds, xid)


def relation(columns: list[str], types: list[int], oid: int = 1, identity: bytes = b"f") -> bytes:
    parts = [struct.pack(">cI", b"R", oid), b"public\x00table\x00", identity, struct.pack(">H", len(columns))]
    for name, kind in zip(columns, types, strict=True):
        parts.append(b"\x01" + name.encode() + b"\x00" + struct.pack(">Ii", kind, -1))
    return b"".join(parts)


def row(cells: list[bytes | str | None]) -> bytes:
    parts = [struct.pack(">H", len(cells))]
    for cell in cells:
        if isinstance(cell, bytes):
            parts.append(b"t" + struct.pack(">I", len(cell)) + cell)
        else:
            parts.append(b"n" if cell is None else b"u")
    return b"".join(parts)


def text(data: bytes) -> str:
    return b64encode(data).decode()


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[bytes | str | None], list[bytes | str | None]]:
    columns = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    size = len(columns)
    return (
        columns,
        draw(st.lists(CELLS, min_size=size, max_size=size)),
        draw(st.lists(CELLS, min_size=size, max_size=size)),
    )


@given(tables())
def test_an_update_says_old_and_new_of_every_column_that_has_them(
    table: tuple[list[str], list[bytes | str | None], list[bytes | str | None]],
) -> None:
    columns, old, new = table
    feed = Feed("pgoutput", "user", lambda _, __: (columns[0],))
    change = b"U" + struct.pack(">I", 1) + b"O" + row(old) + b"N" + row(new)
    events = [
        event
        for data in (begin(), relation(columns, [25] * len(columns)), change)
        for event in feed.events("0/1", data)
    ]
    assert isinstance(events[0], Begin)
    assert isinstance(events[1], Changed)
    found = to_item(events[1].data)
    was = {name: cell for name, cell in zip(columns, old, strict=True) if cell != "u"}
    expected = {name: was.get(name) if cell == "u" else cell for name, cell in zip(columns, new, strict=True)}
    expected = {name: cell for name, cell in expected.items() if name in was or new[columns.index(name)] != "u"}
    for said, wanted in ((found["old"], was), (found["new"], expected)):
        assert said == {name: cell.decode() if isinstance(cell, bytes) else None for name, cell in wanted.items()}


@given(NUMBERS, NUMBERS, st.integers(-(2**55), 2**55), NUMBERS)
def test_begin_and_commit_say_places_and_time(high: int, low: int, microseconds: int, xid: int) -> None:
    place = (high << 32) + low
    found = pg_output.decode(begin(place, microseconds, xid))
    assert isinstance(found, Begin)
    assert (found.commit_lsn, found.xid) == (f"{high:X}/{low:X}", str(xid))
    assert found.at.endswith("+00:00")
    ended = pg_output.decode(struct.pack(">cBQQq", b"C", 0, place, place, microseconds))
    assert isinstance(ended, Commit)
    assert ended.commit_lsn == found.commit_lsn


@given(
    st.binary(max_size=300)
    | st.tuples(st.sampled_from(list(b"BCRMIUDTYO")), st.binary(max_size=300)).map(lambda two: bytes([two[0]]) + two[1])
)
def test_any_bytes_are_a_message_or_are_refused(data: bytes) -> None:
    with contextlib.suppress(SkippableRecord):
        found = pg_output.decode(data)
        assert found is None or isinstance(found, Begin | Commit | Relation | Message | RowChange)


@given(st.data(), tables())
def test_a_message_that_is_cut_or_changed_is_refused_or_read(
    data: st.DataObject, table: tuple[list[str], list[bytes | str | None], list[bytes | str | None]]
) -> None:
    columns, old, _ = table
    whole = b"I" + struct.pack(">I", 1) + b"N" + row(old)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(SkippableRecord):
        pg_output.decode(cut)
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = whole[:place] + bytes([data.draw(st.integers(0, 255))]) + whole[place + 1 :]
    envelope = Envelope(
        plugin="pgoutput",
        lsn="0/1",
        n=1,
        begin=text(begin()),
        change=text(changed),
        relation=text(relation(columns, [20] * len(columns))),
    )
    with contextlib.suppress(SkippableRecord):
        assert to_item(msgspec.json.encode(envelope))["kind"] in ("insert", "truncate", "delete", "update")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["action", "name", "value", "pk", "columns", "identity", "lsn", "xid", "timestamp", "schema", "table"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(JSON, JSON, JSON)
def test_an_original_of_wal2json_that_nobody_wrote_is_refused_or_read(
    first: object, second: object, third: object
) -> None:
    begin_text, change, message = (json.dumps(one) for one in (first, second, third))
    envelope = Envelope(plugin="wal2json", lsn="0/1", n=1, begin=begin_text, change=change, message=message)
    with contextlib.suppress(SkippableRecord):
        to_item(msgspec.json.encode(envelope))


@given(JSON, st.sampled_from(["I", "U", "D", "T", "M", "B", "C"]))
def test_rows_of_wal2json_that_make_no_sense_do_not_end_the_feed(given_json: object, action: str) -> None:
    found = {**given_json, "action": action} if isinstance(given_json, dict) else given_json
    feed = Feed("wal2json", "user", lambda _, __: ())
    with contextlib.suppress(SkippableRecord):
        list(feed.events("0/1", json.dumps(found).encode()))


def test_values_of_plain_types_become_those_types_and_all_others_stay_texts() -> None:
    columns = [pg_output.Column(name=str(kind), type=kind, key=True) for kind in (16, 17, 20, 1700, 701, 1184)]
    cells = (b"t", b"\\x00FF", b"9223372036854775807", b"1.50", b"1e+16", b"2026-03-01 07:15:00+00")
    assert list(pg_output.values(pg_output.Tuple(cells=cells), columns).values()) == [
        True,
        "00ff",
        9223372036854775807,
        Decimal("1.50"),
        "1e+16",
        "2026-03-01 07:15:00+00",
    ]
    odd = pg_output.values(pg_output.Tuple(cells=(b"perhaps", b"\\xzz", b"1.5", b"NaN", b"", b"\xff")), columns)
    assert list(odd.values()) == ["perhaps", "\\xzz", "1.5", "NaN", "", "\ufffd"]


def test_a_change_of_a_table_that_was_not_described_is_unreadable_and_counted() -> None:
    feed = Feed("pgoutput", "user", lambda _, __: ())
    first = list(feed.events("0/1", b"I" + struct.pack(">I", 5) + b"N" + row([b"1"])))
    broken = list(feed.events("0/1", b"I" + struct.pack(">I", 5)))
    assert [(event.n, bool(event.unreadable)) for event in (*first, *broken) if isinstance(event, Changed)] == [
        (1, True),
        (2, True),
    ]
    for vital in (b"B", b"C", b"R"):
        with pytest.raises(SkippableRecord):
            list(feed.events("0/1", vital))
