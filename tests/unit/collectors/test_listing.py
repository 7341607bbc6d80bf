"""Lists that change while they are read, answers that are not what they should be, and what a cursor makes of both."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collectors.it.listing_cursor import Cursor
from collectors.it.rest import Rest
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, ConfigError, FatalSource, RetriableSource
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import SourceConfig
from tests.support.http_peer import Asked, HttpPeer, Reply, as_json
from tests.support.memory_sink import MemorySink

QUICK = Patience(attempts=2, first=0.01, longest=0.02)
START = datetime(2026, 11, 25, 8, 0, 0, tzinfo=UTC)
MAPPING = """
name = "entry"
version = 1
title = "Entries"
[record]
id = "id"
action = { text = "update" }
occurred_at = "at"
object = { type = { text = "thing" }, id = "id" }
[[record.changes]]
attribute = { text = "text" }
new = "text"
"""
NESTED = MAPPING.replace(
    'id = "id"\naction', 'id = { join = ["parent.id || item.id", "item.n || part"], by = "/" }\naction'
)
NESTED = (
    NESTED.replace('"at"', '"item.at"')
    .replace('id = "id" }', 'id = "parent.id || item.id" }')
    .replace('"text"\n', '"item.text"\n')
)


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.us = int(datetime(2026, 11, 26, tzinfo=UTC).timestamp()) * 1_000_000

    def now_us(self) -> int:
        self.us += 1000
        return self.us

    def later(self, **span: float) -> None:
        self.us += timedelta(**span) // timedelta(microseconds=1)


class Trail:
    """Entries as a source keeps them; gives pages in the way that `style` names, and lets a test meddle meanwhile."""

    def __init__(self, style: str = "offset", count: int = 0) -> None:
        self.style = style
        self.entries: list[dict[str, Any]] = []
        self.largest_page = 1000
        self.by_time = True
        self.meddle: Callable[[int], None] = lambda _: None
        self.pages = 0
        self.total: int | None = None
        self.says_total = True
        for number in range(count):
            self.add(number)

    def add(self, seconds: float, text: str | None = None, **members: Any) -> dict[str, Any]:
        at = (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        entry = {"id": len(self.entries) + 1, "at": at, "text": text or f"T{len(self.entries) + 1}", **members}
        self.entries.append(entry)
        return entry

    def touch(self, entry: dict[str, Any], seconds: float) -> None:
        entry["at"] = (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def __call__(self, asked: Asked) -> Reply:
        self.pages += 1
        found = [one for one in self.entries if one["at"] >= asked.query.get("since", "")]
        if self.by_time:
            found.sort(key=lambda one: (one["at"], one["id"]))
        reply = self._page(asked, found)
        self.meddle(self.pages)
        return reply

    def _page(self, asked: Asked, found: list[dict[str, Any]]) -> Reply:
        size = min(int(asked.query.get("limit", 1000)), self.largest_page)
        place = int(asked.query.get("place", 0))
        if self.style == "page":
            place = (place - 1 if place else 0) * size
        page, more = found[place : place + size], place + size < len(found)
        around: dict[str, Any] = {"items": page}
        if self.says_total and self.style in {"offset", "page"}:
            around["total"] = len(found) if self.total is None else self.total
        headers: dict[str, Any] = {}
        link = f"/list?place={place + size}&limit={size}&since={asked.query.get('since', '')}"
        if more and self.style == "link":
            headers["Link"] = f'<{link}>; rel="last next", </list>; rel="first"'
        if more and self.style == "next":
            around["next"] = link
        if more and self.style == "token":
            around["next"] = str(place + size)
        return as_json(around, **headers)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def peer() -> Iterator[HttpPeer]:
    with HttpPeer(lambda _: as_json({"items": []})) as made:
        yield made


def collector(peer: HttpPeer, clock: HandClock, mapping: str = MAPPING, **options: str) -> Rest:
    given = {
        "url": peer.url,
        "path": "list",
        "items": "items",
        "paging": "offset",
        "size_param": "limit",
        "place_param": "place",
        "page_size": "10",
        "time": "at",
        "since": "since={since}",
        "sorted": "yes",
        "total": "total",
        **options,
    }
    config = SourceConfig(
        id="s", type="rest", title="S", options={name: text for name, text in given.items() if text}, mapping=mapping
    )
    return Rest(config, {}, clock)


def pull(sink: MemorySink, made: Rest) -> None:
    Runner(made, sink, made.clock, patience=QUICK).pull()


def ids(sink: MemorySink) -> list[str]:
    return [record.source_record_id for record in sink.records]


STYLES = {
    "offset": {"paging": "offset"},
    "page": {"paging": "page"},
    "link": {"paging": "link", "total": ""},
    "next": {"paging": "next", "next": "next", "total": ""},
    "token": {"paging": "token", "next": "next", "total": ""},
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("is_sorted", ["yes", "no"])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 35])
def test_every_way_of_paging_gives_the_whole_list_once(
    peer: HttpPeer, clock: HandClock, style: str, is_sorted: str, count: int
) -> None:
    peer.handler, sink = Trail(style, count), MemorySink("s")
    options = {**STYLES[style], "sorted": is_sorted}
    pull(sink, collector(peer, clock, **options))
    assert ids(sink) == [str(number) for number in range(1, count + 1)]
    pull(sink, collector(peer, clock, **options))
    assert (len(sink.records), sink.duplicates, sink.gaps) == (count, 0, [])


@pytest.mark.parametrize("style", ["offset", "page"])
@pytest.mark.parametrize("says_total", [True, False])
def test_a_source_that_gives_less_than_asked_for_is_still_read_to_the_end(
    peer: HttpPeer, clock: HandClock, style: str, says_total: bool
) -> None:
    peer.handler = trail = Trail(style, 35)
    trail.largest_page, trail.says_total = 7, says_total
    for is_sorted in ("yes", "no"):
        sink = MemorySink("s")
        pull(sink, collector(peer, clock, **{**STYLES[style], "sorted": is_sorted}))
        assert sorted(ids(sink), key=int) == [str(number) for number in range(1, 36)]


def test_an_item_that_moves_while_pages_are_read_makes_no_other_be_skipped(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset", 60)

    def meddle(page: int) -> None:
        if page <= 5:
            trail.touch(trail.entries[page - 1], 100 + page)

    trail.meddle = meddle
    sink = MemorySink("s")
    pull(sink, collector(peer, clock))
    assert {int(one) for one in ids(sink)} == set(range(1, 61))


def test_by_an_offset_alone_one_would_be_skipped_which_is_why_it_is_not_used_so(
    peer: HttpPeer, clock: HandClock
) -> None:
    peer.handler = trail = Trail("offset", 60)
    trail.meddle = lambda page: trail.touch(trail.entries[page - 1], 100 + page) if page <= 5 else None
    sink = MemorySink("s")
    pull(sink, collector(peer, clock, sorted="no"))
    assert {int(one) for one in ids(sink)} != set(range(1, 61))


def test_more_items_of_the_same_time_than_a_page_holds_are_all_read(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset", 5)
    for _ in range(33):
        trail.add(5)
    for number in range(5):
        trail.add(6 + number)
    sink = MemorySink("s")
    pull(sink, collector(peer, clock))
    assert {int(one) for one in ids(sink)} == set(range(1, 44))


def test_reading_on_by_time_alone_ends_and_says_when_it_cannot(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset", 25)
    options = {"paging": "time", "place_param": "", "total": ""}
    sink = MemorySink("s")
    pull(sink, collector(peer, clock, **options))
    assert ids(sink) == [str(number) for number in range(1, 26)]
    for _ in range(12):
        trail.add(30)
    with pytest.raises(FatalSource, match="of the same time"):
        pull(sink, collector(peer, clock, **options))


@pytest.mark.parametrize("style", ["next", "link"])
def test_pages_that_lead_in_a_circle_or_to_another_server_end_the_run(
    peer: HttpPeer, clock: HandClock, style: str
) -> None:
    links = {"/list": "/list?place=1", "/list?place=1": "/list?place=2", "/list?place=2": "/list?place=1"}
    numbers = iter(range(1, 100))

    def handler(asked: Asked) -> Reply:
        link = links["/list" + (f"?place={asked.query['place']}" if "place" in asked.query else "")]
        headers: dict[str, Any] = {"Link": f'<{link}>; rel="next"'} if style == "link" else {}
        item = {"id": next(numbers), "at": "2026-11-25T08:00:00Z", "text": "x"}
        return as_json({"items": [item], "next": link}, **headers)

    peer.handler, sink = handler, MemorySink("s")
    with pytest.raises(FatalSource, match="circle"):
        pull(sink, collector(peer, clock, **STYLES[style]))
    assert ids(sink) == ["1", "2", "3"], "what was read before is handed over"
    links["/list"] = "http://192.0.2.1/list"
    with pytest.raises(FatalSource, match="another server"):
        pull(MemorySink("s"), collector(peer, clock, **STYLES[style]))


def test_a_source_that_pays_no_heed_to_the_place_asked_for_does_not_keep_the_collector_busy(
    peer: HttpPeer, clock: HandClock
) -> None:
    peer.handler = trail = Trail("offset", 10)
    trail.says_total = False
    for paging in ("offset", "page"):
        with pytest.raises(FatalSource, match="same page again"):
            pull(MemorySink("s"), collector(peer, clock, paging=paging, place_param="ignored"))
    assert len(peer.asked) < 10


def test_what_becomes_visible_late_is_found_within_the_window_and_nothing_is_doubled(
    peer: HttpPeer, clock: HandClock
) -> None:
    peer.handler = trail = Trail("offset", 30)
    sink = MemorySink("s")
    pull(sink, collector(peer, clock))
    trail.add(5, "late")
    clock.later(minutes=5)
    pull(sink, collector(peer, clock))
    assert ids(sink)[30:] == ["31"]
    clock.later(minutes=11)
    pull(sink, collector(peer, clock))
    assert sink.duplicates == 0
    assert peer.asked[-1].query["since"] == "2026-11-25T08:00:29Z", "nothing new for so long: no need to read again"
    trail.add(29, "same second")
    pull(sink, collector(peer, clock))
    assert ids(sink)[31:] == ["32"]


def test_what_is_before_the_start_is_never_read_not_even_within_the_window(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset", 10)
    sink, made = MemorySink("s"), collector(peer, clock, start="2026-11-25T09:00:06+01:00")
    pull(sink, made)
    trail.add(11)
    trail.add(3)
    pull(sink, made)
    assert ids(sink) == ["7", "8", "9", "10", "11"]


def test_an_item_that_is_changed_afterwards_comes_again_while_the_window_lasts(
    peer: HttpPeer, clock: HandClock
) -> None:
    peer.handler = trail = Trail("offset", 3)
    sink = MemorySink("s")
    pull(sink, collector(peer, clock))
    trail.entries[1]["text"] = "rewritten"
    pull(sink, collector(peer, clock))
    assert sink.changed == ["2"]
    pull(sink, collector(peer, clock))
    assert (len(sink.records), sink.duplicates) == (4, 0)


def test_a_time_in_the_future_does_not_hide_what_comes_after(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset", 3)
    trail.add(90_000_000, "from 2029")
    sink = MemorySink("s")
    pull(sink, collector(peer, clock))
    trail.add((datetime.now(UTC) - START).total_seconds(), "now, by the clock of the source's answers")
    pull(sink, collector(peer, clock))
    assert ids(sink) == ["1", "2", "3", "4", "5"]


def test_dying_anywhere_in_a_long_list_loses_nothing_and_doubles_nothing(peer: HttpPeer, clock: HandClock) -> None:
    for is_sorted in ("yes", "no"):
        peer.handler = trail = Trail("offset", 2600)
        trail.meddle = lambda _: None
        sink = MemorySink("s")
        made = collector(peer, clock, sorted=is_sorted, page_size="100")
        deaths = iter([True, False, True, False, False] + [False] * 100)

        def die(_: RunBatch, deaths: Iterator[bool] = deaths) -> None:
            if next(deaths):
                raise AccessDenied("the process is killed")

        sink.on_taken = die
        for _ in range(2):
            with pytest.raises(AccessDenied):
                pull(sink, made)
        pull(sink, made)
        assert sorted(ids(sink), key=int) == [str(number) for number in range(1, 2601)]
        assert (len(sink.runs) > 3, sink.changed, sink.duplicates) == (True, [], 0)


def test_a_cursor_stays_within_its_bounds_however_much_was_read(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset")
    trail.largest_page = 10_000
    for number in range(4200):
        trail.add(number / 700)
    sink = MemorySink("s")
    pull(sink, collector(peer, clock, page_size="5000"))
    assert max(len(run.cursor_to or "") for run in sink.runs) < 65_536
    assert len(ids(sink)) == 4200
    pull(sink, collector(peer, clock, page_size="5000"))
    assert len(ids(sink)) == 4200
    assert 0 < sink.duplicates < 4200, "what the cursor could not hold came again, and the sink knew it"


def test_fewer_items_than_the_source_counts_are_a_gap(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset", 4)
    trail.total = 7
    sink = MemorySink("s")
    pull(sink, collector(peer, clock, sorted="no"))
    assert [gap.reason for gap in sink.gaps] == ["3 items fewer came than the source itself counts"]


def test_what_lies_beyond_the_reach_of_a_source_is_a_gap(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset", 1)
    sink = MemorySink("s")
    pull(sink, collector(peer, clock, reach_days="30"))
    assert sink.gaps == []
    peer.handler = lambda asked: Reply(status=503)
    clock.later(days=45)
    peer.handler = trail
    pull(sink, collector(peer, clock, reach_days="30"))
    (gap,) = sink.gaps
    assert gap.between.after < gap.between.before


def test_one_item_that_cannot_be_read_is_rejected_with_its_bytes_and_no_other(peer: HttpPeer, clock: HandClock) -> None:
    good = b'{"id": 1, "at": "2026-11-25T08:00:00Z", "text": "fine"}'
    bad = [b'{"id": 2, "at": "2026-11-25T08:00:00Z", "text": "caf\xe9"}', b'"a text"', b"17", b'{"id": 3}']
    peer.handler = lambda _: Reply(body=b'{"items": [' + b", ".join([good, *bad]) + b'], "total": 5}')
    sink = MemorySink("s")
    pull(sink, collector(peer, clock))
    assert ids(sink) == ["1"]
    assert sink.submissions[0].original is not None
    assert sink.submissions[0].original.data == good
    assert [one.data for one in sink.rejected] == bad
    pull(sink, collector(peer, clock))
    assert len(sink.rejected) == len(bad), "once"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(body=b"<html>maintenance</html>"), RetriableSource),
        (Reply(body=b'{"items": [{"id": 1'), RetriableSource),
        (Reply(body=b'{"items": ' + b"[" * 100_000), RetriableSource),
        (Reply(body=b""), RetriableSource),
        (Reply(body=b'{"items": {"id": 1}}'), RetriableSource),
        (Reply(body=b'{"other": []}'), FatalSource),
        (as_json({"message": "gone"}, 404), FatalSource),
        (as_json({"failed": "LIMIT reached", "items": []}), RetriableSource),
        (as_json({"failed": "no such thing"}), FatalSource),
    ],
)
def test_an_answer_that_is_no_list_is_said_in_words_with_advice(
    peer: HttpPeer, clock: HandClock, reply: Reply, kind: type[RetriableSource | FatalSource]
) -> None:
    peer.handler = lambda _: reply
    made = collector(peer, clock, problem="failed", passing="LIMIT")
    with pytest.raises(kind) as caught:
        list(made.collect(SourceState(source="s"), threading.Event()))
    assert peer.url in caught.value.message
    assert caught.value.advice
    report = made.check()
    assert [check.name for check in report.checks if not check.ok] == ["source"]


def test_a_list_said_to_be_sorted_that_is_not_is_said(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset", 3)
    trail.by_time = False
    trail.touch(trail.entries[0], 50)
    with pytest.raises(FatalSource, match="does not ascend"):
        pull(MemorySink("s"), collector(peer, clock))


def test_a_list_that_did_not_change_is_not_sent_again(peer: HttpPeer, clock: HandClock) -> None:
    trail = Trail("next", 3)
    sent: list[int] = []

    def handler(asked: Asked) -> Reply:
        reply = trail(asked)
        tag = f'"{hash(reply.body)}"'
        if asked.headers.get("if-none-match") == tag:
            sent.append(304)
            return Reply(status=304)
        sent.append(200)
        return Reply(body=reply.body, headers={**reply.headers, "ETag": tag})

    peer.handler, sink = handler, MemorySink("s")
    options = STYLES["next"]
    for _ in range(3):
        pull(sink, collector(peer, clock, **options))
    assert sent == [200, 200, 304], "the second asks from the time of the last item on, and the third the same again"
    trail.add(4, "new")
    pull(sink, collector(peer, clock, **options))
    assert ids(sink) == ["1", "2", "3", "4"]
    assert sink.duplicates == 0


NEST = {"nested": "log.entries", "nested_total": "log.total", "keep": "id", "itself": "yes"}


def nest(entry: dict[str, Any], *texts: str, total: int | None = None) -> None:
    at = entry["at"]
    entry["log"] = {"entries": [{"n": n, "at": at, "text": text} for n, text in enumerate(texts, start=1)]}
    entry["log"]["total"] = len(texts) if total is None else total


def test_an_item_gives_a_record_of_itself_and_one_of_each_entry_in_it_in_its_own_words(
    peer: HttpPeer, clock: HandClock
) -> None:
    peer.handler = trail = Trail("offset", 2)
    nest(trail.entries[0], "a", "b")
    nest(trail.entries[1])
    sink = MemorySink("s")
    pull(sink, collector(peer, clock, NESTED, **NEST))
    assert ids(sink) == ["1/item", "1/1", "1/2", "2/item"]
    originals = [one.original.data for one in sink.submissions if one.original]
    at = trail.entries[0]["at"]
    assert originals[1].decode() == (
        '{"part":"log.entries","parent":{"id":1},"item":{"n": 1, "at": "' + at + '", "text": "a"}}'
    )
    assert json.loads(originals[0])["item"] == {"id": 1, "at": at, "text": "T1", "log": {"total": 2}}


def test_an_item_that_changed_again_hands_over_only_what_is_new_in_it(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset", 2)
    nest(trail.entries[0], "a", "b")
    sink = MemorySink("s")
    pull(sink, collector(peer, clock, NESTED, **NEST))
    trail.touch(trail.entries[0], 50)
    trail.entries[0]["log"]["entries"].append({"n": 3, "at": trail.entries[0]["at"], "text": "c"})
    pull(sink, collector(peer, clock, NESTED.replace('"item.text"', '"item.n"'), **NEST))
    assert [record for record in ids(sink) if record.startswith("1/")][-1] == "1/3"


def test_entries_that_an_item_counts_and_does_not_give_are_a_gap(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset", 1)
    nest(trail.entries[0], "a", total=3)
    sink = MemorySink("s")
    pull(sink, collector(peer, clock, NESTED, **NEST))
    assert [gap.reason for gap in sink.gaps] == ["2 entries of an item fewer came than the item itself counts"]


def test_an_item_that_is_gone_when_it_is_to_be_read_in_full_is_a_gap(peer: HttpPeer, clock: HandClock) -> None:
    trail = Trail("offset", 3)

    def handler(asked: Asked) -> Reply:
        if not asked.path.startswith("/one/"):
            return trail(asked)
        number = int(asked.path.removeprefix("/one/"))
        return as_json({}, 404) if number == 2 else as_json({"whole": {**trail.entries[number - 1], "text": "full"}})

    peer.handler, sink = handler, MemorySink("s")
    pull(sink, collector(peer, clock, detail="one/{id}", detail_item="whole"))
    assert ids(sink) == ["1", "3"]
    assert [change.new for record in sink.records for change in record.changes] == ["full", "full"]
    assert [gap.reason for gap in sink.gaps] == ["an item was listed, and was gone when it was to be read"]


def test_an_item_cannot_lead_its_own_reading_astray(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = lambda asked: (
        as_json({"items": [{"id": "../../admin?x=1#/\u20ac", "at": "2026-11-25T08:00:00Z"}, {"at": "x"}], "total": 2})
        if asked.path == "/list"
        else as_json({"id": 1, "at": "2026-11-25T08:00:00Z", "text": "x"})
    )
    sink = MemorySink("s")
    pull(sink, collector(peer, clock, detail="one/{id}"))
    assert [asked.path for asked in peer.asked if asked.path != "/list"] == [
        "/one/..%2F..%2Fadmin%3Fx%3D1%23%2F%E2%82%AC"
    ]
    assert len(sink.rejected) == 1


def test_several_lists_each_have_their_own_place(peer: HttpPeer, clock: HandClock) -> None:
    trails = {"/list/a b": Trail("offset", 3), "/list/c": Trail("offset", 1)}
    for trail in trails.values():
        trail.says_total = False
    peer.handler = lambda asked: trails[asked.path.replace("%20", " ")](asked)
    mapping = MAPPING.replace('"id"\naction', '{ join = ["each", "item.id"], by = "/" }\naction')
    mapping = mapping.replace('id = "id" }', 'id = "each" }').replace('"at"', '"item.at"')
    options = {"path": "list/{each}", "each": "a b, c", "total": ""}
    sink = MemorySink("s")
    pull(sink, collector(peer, clock, mapping, **options))
    trails["/list/c"].add(2)
    pull(sink, collector(peer, clock, mapping, **options))
    assert ids(sink) == ["a b/1", "a b/2", "a b/3", "c/1", "c/2"]
    assert sink.duplicates == 0


def test_a_wrong_key_that_a_source_takes_for_no_key_is_found_by_the_probe(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = lambda asked: as_json({}, 401) if asked.path == "/me" else as_json({"items": [], "total": 0})
    with pytest.raises(FatalSource, match="refuses"):
        pull(MemorySink("s"), collector(peer, clock, probe="me"))
    assert not collector(peer, clock, probe="me").check().ok
    assert {asked.path for asked in peer.asked} == {"/me"}


def test_trying_a_source_says_what_does_not_fit(peer: HttpPeer, clock: HandClock) -> None:
    peer.handler = trail = Trail("offset")
    says = {check.name: check for check in collector(peer, clock).check().checks}
    assert says["list"].ok
    assert "empty" in says["list"].says
    trail.add(1)
    assert "1 records" in {check.name: check.says for check in collector(peer, clock).check().checks}["list"]
    trail.entries[0]["at"] = "2026-11-25T08:00:00"
    report = collector(peer, clock).check()
    assert any(check.name == "list" and "no instant" in check.says for check in report.checks)
    del trail.entries[0]["id"]
    trail.by_time = False
    report = collector(peer, clock).check()
    assert any("mapping does not fit" in check.says for check in report.checks)


@pytest.mark.parametrize(
    "options",
    [
        {"paging": "cursor"},
        {"paging": "next"},
        {"paging": "time", "sorted": "no"},
        {"time": ""},
        {"start": "yesterday"},
        {"start": "2026-11-25T08:00:00"},
        {"since": "", "start": "2026-11-25T08:00:00Z", "sorted": "no"},
        {"since": "since"},
        {"since": "x={when}"},
        {"path": "list/{each}"},
        {"each": "a"},
        {"path": "l/{each}", "each": ",".join(str(one) for one in range(101))},
        {"keep": "id"},
        {"page_size": "0"},
        {"since_zone": "Europe"},
        {"next": "[", "paging": "next"},
        {"auth": "kerberos"},
        {"auth": "basic"},
        {"url": "http://example.org/"},
        {"window_minutes": "-1"},
        {"unknown": "x"},
        {"max_mebibytes": "1e9"},
    ],
)
def test_options_that_cannot_be_are_refused_with_advice_before_anything_is_asked(
    peer: HttpPeer, clock: HandClock, options: dict[str, str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        collector(peer, clock, **options)
    assert caught.value.advice
    assert peer.asked == []


def test_a_cursor_of_another_type_is_refused_rather_than_begun_anew(peer: HttpPeer, clock: HandClock) -> None:
    with pytest.raises(FatalSource):
        list(collector(peer, clock).collect(SourceState(source="s", cursor='{"marks": 7}'), threading.Event()))
    assert Cursor() == Cursor(marks={})


def test_a_run_ends_early_when_it_is_told_to_and_goes_on_from_there(peer: HttpPeer) -> None:
    peer.handler = trail = Trail("offset", 40)
    stop = threading.Event()
    trail.meddle = lambda page: stop.set() if page == 2 else None
    sink = MemorySink("s")
    made = collector(peer, SystemClock())  # type: ignore[arg-type]
    Runner(made, sink, SystemClock(), stop=stop, patience=QUICK).pull()
    assert 0 < len(ids(sink)) < 40
    pull(sink, made)
    assert ids(sink) == [str(number) for number in range(1, 41)]
