"""Whatever happens between looks, the records tell exactly how the last seen state came about; no original breaks."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.compare.look import object_id
from collectors.compare.original import Envelope
from collectors.runner import Patience, Runner
from ledger.core.errors import AccessDenied, SkippableRecord
from ledger.core.record import Action, Original, Record
from tests.support.memory_sink import MemorySink
from tests.support.shelf import HandClock, Shelf, ShelfCollector

values = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "b", "a\x00", "\U0001f9ea"])
members = st.dictionaries(st.sampled_from(["x", "y", "count", "at", "_noise"]), values, max_size=4)
shelves = st.dictionaries(st.sampled_from(["A", "B", "C", "D\x00", "E" * 600, ""]), members, max_size=6)
looks = st.lists(st.tuples(shelves, st.booleans(), st.booleans()), min_size=1, max_size=6)


@given(looks, st.sets(st.sampled_from(["A", "B", "C"])))
def test_the_records_of_any_looks_give_the_last_state_that_was_seen(
    steps: list[tuple[dict[str, dict[str, Any]], bool, bool]], behind: set[str]
) -> None:
    shelf, clock, sink = Shelf(), HandClock(), MemorySink("shelf")
    seen: dict[str, dict[str, Any]] = {}
    for objects, hidden, killed in steps:
        shelf.objects, shelf.unread = objects, behind if hidden else set()
        sink.on_taken = _die if killed else lambda _: None
        runner = Runner(ShelfCollector(shelf, clock), sink, clock, patience=Patience(attempts=1, first=0, longest=0))
        if killed:
            with pytest.raises(AccessDenied):
                runner.pull()
        else:
            runner.pull()
        seen = {
            **{name: state for name, state in seen.items() if name in objects and name in shelf.unread},
            **{name: state for name, state in objects.items() if name not in shelf.unread},
        }
        assert _replayed(sink.records) == {object_id(name): _said(state) for name, state in seen.items()}
    assert sink.changed == []
    assert not sink.rejected
    for submission in sink.submissions:
        assert submission.original is not None
        assert ShelfCollector(shelf, clock).derive(submission.original) == submission.record


def _die(_: object) -> None:
    raise AccessDenied("the process is killed")


def _said(state: dict[str, Any]) -> dict[str, str]:
    """As the state is compared: a truth value is no number."""
    return {
        name: json.dumps(value.replace("\x00", "\ufffd") if isinstance(value, str) else value)
        for name, value in state.items()
        if not name.startswith("_")
    }


def _replayed(records: list[Record]) -> dict[str, dict[str, str]]:
    state: dict[str, dict[str, str]] = {}
    for record in records:
        if record.action is Action.DELETE:
            del state[record.object.id]
            continue
        known = state.setdefault(record.object.id, {})
        for change in record.changes:
            old = None if change.old is msgspec.UNSET else json.dumps(change.old)
            assert known.get(change.attribute) == old
            if change.new is msgspec.UNSET:
                del known[change.attribute]
            else:
                known[change.attribute] = json.dumps(change.new)
    return state


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
sorts = st.sampled_from(["baseline", "first", "created", "changed", "deleted"])
instants = st.sampled_from(["", "2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z", "now"])


@given(sorts, instants, instants, st.none() | json_values, st.none() | json_values, st.text(max_size=5))
def test_any_envelope_is_a_record_or_refused(
    sort: Any, after: str, before: str, old: object, new: object, text: str
) -> None:
    states = [None if value is None else json.dumps(value) for value in (old, new)]
    envelope = Envelope(sort=sort, look=1, after=after, before=before, type=text, id=text, old=states[0], new=states[1])
    _derived(envelope.encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_refused(data: bytes) -> None:
    _derived(data)


def _derived(data: bytes) -> None:
    original = Original(data=data, media_type="application/json", parser="shelf", parser_version="1")
    try:
        record = ShelfCollector(Shelf(), HandClock()).derive(original)
    except SkippableRecord:
        return
    assert isinstance(record, Record)
