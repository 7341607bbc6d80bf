"""Folders, tables and lists: whatever they hold, records tell it; any original is a record or refused."""

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collectors.compare.collector import ComparingCollector
from collectors.compare.look import object_id
from collectors.compare.original import Envelope
from collectors.infra.snapshot_files import SnapshotFiles
from collectors.it.snapshot_rest import SnapshotRest
from collectors.it.snapshot_sql import SnapshotSql
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import SkippableRecord
from ledger.core.record import Action, Original, Record
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink


def config(kind: str, **options: str) -> SourceConfig:
    return SourceConfig(id="s", type=kind, title="S", options={"baseline": "each", **options})


def look(collector: ComparingCollector, sink: MemorySink) -> None:
    Runner(collector, sink, SystemClock(), patience=Patience(attempts=1, first=0, longest=0)).pull()
    assert sink.changed == []
    assert not sink.rejected


def replayed(sink: MemorySink, attribute: str) -> Mapping[str, object]:
    """Id → the attribute's value, as the records tell it."""
    state: dict[str, object] = {}
    for record in sink.records:
        if record.action is Action.DELETE:
            del state[record.object.id]
            continue
        state.setdefault(record.object.id, None)
        for change in record.changes:
            if change.attribute == attribute:
                assert change.old is msgspec.UNSET or change.old == state[record.object.id]
                state[record.object.id] = change.new
    return state


names = st.sampled_from(["a", "b.txt", "d/e", "d/f g", "ü\u202e", "x" * 200])
trees = st.dictionaries(names, st.binary(max_size=30), max_size=5)


@given(st.lists(trees, min_size=1, max_size=3))
def test_the_records_of_any_trees_give_the_last_one(steps: list[dict[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, sink = Path(place) / "f", MemorySink("s")
        for tree in steps:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name, data in tree.items():
                path = folder / os.fsdecode(name.encode())
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
            look(SnapshotFiles(config("snapshot-files", folder=str(folder)), {}, SystemClock()), sink)
            assert replayed(sink, "size") == {name: len(data) for name, data in tree.items()}


cells = st.none() | st.integers(-(2**60), 2**60) | st.text(max_size=8) | st.binary(max_size=5) | st.floats(width=16)
tables = st.dictionaries(st.sampled_from(["1", "2", "a/b", "", "\x00", "\ufffd"]), cells, max_size=4)


@given(st.lists(tables, min_size=1, max_size=3))
def test_the_records_of_any_rows_give_the_last_table(steps: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        file, sink = Path(place) / "t.sqlite", MemorySink("s")
        for rows in steps:
            file.unlink(missing_ok=True)
            with sqlite3.connect(file) as database:
                database.execute("PRAGMA synchronous = OFF")
                database.execute("CREATE TABLE t (k TEXT, v)")
                database.executemany("INSERT INTO t VALUES (?, ?)", rows.items())
            database.close()
            source = config("snapshot-sql", url=f"sqlite:///{file}", table="t", key="k")
            look(SnapshotSql(source, {}, SystemClock()), sink)
            assert set(replayed(sink, "v")) == {object_id(key) for key in rows}


SOURCES: list[ComparingCollector] = [
    SnapshotFiles(config("snapshot-files", folder="/nowhere"), {}, SystemClock()),
    SnapshotSql(
        config("snapshot-sql", url="sqlite:////nowhere", table="t", key="k", modified="m", count="c"), {}, SystemClock()
    ),
    SnapshotRest(
        config("snapshot-rest", url="https://h/", path="p", key="k", modified="m", count="c", name="n"),
        {},
        SystemClock(),
    ),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("kmcnrow"), inner, max_size=3),
    max_leaves=6,
)
sorts = st.sampled_from(["int", "text", "bytes", "x", "list"])
rows = st.lists(st.tuples(st.text(max_size=2), sorts, values), max_size=3)
members = st.sampled_from(["k", "m", "c", "n", "mtime", "size", "text", "row"])
states = st.dictionaries(members, values | rows, max_size=4)


@given(st.sampled_from(SOURCES), states, st.none() | states)
def test_any_state_is_a_record_or_refused(
    source: ComparingCollector, new: dict[str, Any], old: dict[str, Any] | None
) -> None:
    envelope = Envelope(
        sort="first" if old is None else "changed",
        look=1,
        after="" if old is None else "2026-01-01T00:00:00.000000Z",
        before="2026-01-02T00:00:00.000000Z",
        type="t",
        id="i",
        old=None if old is None else json.dumps(old),
        new=json.dumps(new),
    )
    original = Original(data=envelope.encode(), media_type="application/json", parser="p", parser_version="1")
    try:
        record = source.derive(original)
    except SkippableRecord:
        return
    assert isinstance(record, Record)
