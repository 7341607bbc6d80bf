"""JSON over HTTP: pieces are the source's own bytes, and what arrives is handed over, rejected, or said in words."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collectors.it.http_words import excerpt
from collectors.it.listing_cursor import Mark, Place
from collectors.it.listing_item import originals, short_of
from collectors.it.listing_json import cut, split, to_bytes, to_text, without
from collectors.it.listing_spec import Spec
from collectors.it.rest import Rest
from collectors.mapping.templates import template
from ledger.core.clock import SystemClock
from ledger.core.errors import CollectorError, SkippableRecord
from ledger.core.record import Record
from ledger.core.run import SourceState
from ledger.core.source import SourceConfig
from tests.support.http_peer import HttpPeer, Reply

NAMES = st.sampled_from(["a", "b", "issues", "journals", "log", "id", "é", 'q"uote', ""])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(), max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=20,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=5)
PATHS = st.lists(NAMES, max_size=3).map(tuple)


@st.composite
def written(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> str:
    """A value in one of the ways in which JSON is written."""
    indent = draw(st.sampled_from([None, 1]))
    return json.dumps(draw(values), ensure_ascii=draw(st.booleans()), indent=indent)


def same(one: object, other: object) -> bool:
    """Equality that takes NaN for itself."""
    return repr(one) == repr(other)


def at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


@given(st.binary(max_size=200))
def test_any_bytes_come_back_from_text_but_for_a_mark_at_their_beginning(data: bytes) -> None:
    assert to_bytes(to_text(data)) == data.removeprefix(b"\xef\xbb\xbf")


@given(written(OBJECTS), PATHS)
def test_a_part_is_cut_out_in_the_source_s_own_words(text: str, path: tuple[str, ...]) -> None:
    value = json.loads(text)
    try:
        found = cut(text, path)
    except ValueError:
        assert not isinstance(at(value, path[:-1]), dict)
        return
    assert found is None or found in text
    assert found is None or same(json.loads(found), at(value, path))
    assert found is not None or at(value, path) is None


@given(written(st.lists(VALUES, max_size=5)), st.lists(st.sampled_from(["x", "y"]), max_size=2))
def test_a_page_is_its_items_and_what_stands_around_them(text: str, path: list[str]) -> None:
    page = text
    for name in reversed(path):
        page = f'{{"before": 1.50, {json.dumps(name)}: {page}, "after": null}}'
    around, found = split(page, tuple(path))
    assert found is not None
    assert same([json.loads(one) for one in found], json.loads(text))
    assert all(one in text for one in found)
    assert not path or str(around["before"]) == "1.50"


@given(written(OBJECTS), PATHS)
def test_leaving_a_part_out_leaves_all_else(text: str, path: tuple[str, ...]) -> None:
    if not path:
        return
    value = json.loads(text)
    left = json.loads(without(text, path))
    holder = at(value, path[:-1])
    if isinstance(holder, dict):
        holder.pop(path[-1], None)
    assert same(left, value)


@given(written(VALUES), PATHS, st.lists(NAMES, max_size=2))
def test_an_item_gives_originals_or_says_that_it_cannot(text: str, path: tuple[str, ...], keep: list[str]) -> None:
    spec = Spec(path="x", nested=(path or ("a",),), nested_total=("id",), keep=tuple(keep), itself=True)
    assert short_of(spec, text) >= 0
    try:
        found = list(originals(spec, "", text))
    except SkippableRecord:
        return
    assert all(isinstance(json.loads(one), dict) for one in found)
    assert json.loads(found[0])["part"] == "item"


@given(st.one_of(st.binary(max_size=400), written(VALUES).map(str.encode)))
def test_what_a_source_says_is_one_short_printable_line(said: bytes) -> None:
    words = excerpt(said)
    assert len(words) <= 301
    assert words.isprintable()
    words.encode("utf-8")


@given(st.lists(st.tuples(st.binary(max_size=3), st.one_of(st.none(), st.integers(0, 50))), max_size=40))
def test_a_place_hands_over_each_content_once_and_its_mark_never_goes_back(
    seen: list[tuple[bytes, int | None]],
) -> None:
    place, before = Place(Mark(), window_us=5, lists=1, moves=True), None
    for number, (content, time) in enumerate(seen):
        known = content in [one for one, _ in seen[:number]]
        assert place.is_new(content, time, 1) == (not known)
        place.passed(time, 40)
        mark = place.under_way()
        assert before is None or (mark.at is not None and mark.at >= before)
        assert mark.at is None or mark.at <= 40
        before = mark.at
    again = Place(place.under_way(), window_us=5, lists=1, moves=True)
    assert not any(again.is_new(content, time, 2) for content, time in seen)


class Fed:
    """A collector of Redmine's shape at a peer that gives the bytes of a test."""

    def __init__(self) -> None:
        self.body = b""
        self._peer = HttpPeer(lambda asked: Reply(body=b"{}" if asked.path == "/users/current.json" else self.body))
        self._stack = ExitStack()
        self._stack.enter_context(self._peer)
        mapping = template("redmine-issue-journals").text
        options = {"url": self._peer.url, "detail": "", "sorted": "no", "paging": "none"}
        config = SourceConfig(id="q", type="rest", title="Q", options=options, mapping=mapping)
        self.rest = Rest(config, {"password": "key"}, SystemClock())

    def close(self) -> None:
        self._stack.close()


FED: list[Fed] = []


def fed() -> Fed:
    if not FED:
        FED.append(Fed())
    return FED[0]


def teardown_module() -> None:
    for one in FED:
        one.close()


JOURNALS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(), "created_on": st.sampled_from(["2026-11-25T06:51:13Z", "soon", None])},
        optional={"user": VALUES, "notes": VALUES, "details": VALUES},
    ),
    max_size=3,
)
PAGES = written(
    st.fixed_dictionaries({"issues": st.lists(st.one_of(VALUES, st.fixed_dictionaries({"journals": JOURNALS})))})
)


@given(
    st.one_of(PAGES.map(str.encode), st.binary(max_size=300), PAGES.map(lambda page: page.encode()[: len(page) // 2]))
)
def test_whatever_a_source_answers_becomes_records_rejected_bytes_or_an_error_of_ours(body: bytes) -> None:
    peer = fed()
    peer.body = body
    batches: Iterator[Any] = peer.rest.collect(SourceState(source="q"), threading.Event())
    try:
        found = list(batches)
    except CollectorError as error:
        error.message.encode("utf-8")
        return
    for batch in found:
        msgspec.json.encode(batch)
        for submission in batch.submissions:
            assert isinstance(submission.record, Record)
            assert peer.rest.derive(submission.original) == submission.record
