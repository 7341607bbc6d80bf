"""A list without a trail: items are told apart by their key, and a page that slips loses none of them."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from collectors.it.snapshot_rest import SnapshotRest
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Action, Record
from ledger.core.source import SourceConfig
from tests.support.http_peer import Asked, HttpPeer, Reply, as_json
from tests.support.list_server import ListServer
from tests.support.memory_sink import MemorySink

TOKEN = "token-of-a-test"
OPTIONS = {
    "path": "methods",
    "items": "methods",
    "key": "id",
    "object": "method",
    "ignore": "seen",
    "modified": "changedAt",
    "count": "version",
    "name": "note",
    "paging": "offset",
    "total": "total",
    "page_size": "3",
    "auth": "bearer",
    "baseline": "each",
}


class World:
    """A list, a sink, and what a look adds."""

    def __init__(self, url: str, options: dict[str, str]) -> None:
        self.options = {"url": url, **options}
        self.sink = MemorySink("hplc")

    def collector(self) -> SnapshotRest:
        secrets = {"password": TOKEN} if self.options.get("auth") == "bearer" else {}
        options = {name: value for name, value in self.options.items() if value}
        config = SourceConfig(id="hplc", type="snapshot-rest", title="HPLC", options=options)
        return SnapshotRest(config, secrets, SystemClock())

    def look(self) -> list[Record]:
        before = len(self.sink.records)
        patience = Patience(attempts=1, first=0, longest=0)
        Runner(self.collector(), self.sink, SystemClock(), patience=patience).pull()
        assert self.sink.changed == []
        return self.sink.records[before:]


@pytest.fixture
def server() -> Iterator[ListServer]:
    running = ListServer(TOKEN)
    for number in range(8):
        running.add(f"method {number}")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def world(server: ListServer) -> World:
    return World(server.url, OPTIONS)


def said(record: Record) -> dict[str, tuple[object, object]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


def test_items_that_come_change_and_go_are_told_with_old_and_new_values(server: ListServer, world: World) -> None:
    first = world.look()
    assert [record.object.id for record in first] == [str(number) for number in range(1, 9)]
    assert (first[0].object.type, first[0].object.name) == ("method", "method 0")
    assert list(said(first[0])) == ["id", "note", "limits.low", "limits.high", "version", "changedAt"]
    assert said(first[0])["limits.low"] == (msgspec.UNSET, "6.5")
    server.items[2] |= {"limits": {"low": 6.5, "high": 9.25}, "version": 2, "changedAt": "2026-05-01T10:00:00Z"}
    del server.items[4]
    server.items[0]["seen"] = 99
    gone, changed = world.look()
    assert (gone.action, gone.object.id) == (Action.DELETE, "5")
    assert said(changed) == {
        "limits.high": ("7.5", "9.25"),
        "version": (1, 2),
        "changedAt": (said(first[2])["changedAt"][1], "2026-05-01T10:00:00Z"),
    }
    assert changed.occurred_at.text == "2026-05-01T10:00:00Z"
    assert not any(change.gap for change in changed.changes)
    server.items[2] |= {"note": "later", "version": 5}
    (record,) = world.look()
    assert all(change.gap for change in record.changes)


def test_the_original_holds_each_item_byte_for_byte(server: ListServer, world: World) -> None:
    world.look()
    original = world.sink.submissions[3].original
    assert original is not None
    assert json.loads(original.data)["new"] == json.dumps(server.items[3])


def test_an_item_that_slips_between_two_pages_is_not_gone(server: ListServer, world: World) -> None:
    world.look()
    slipped: list[dict[str, Any]] = []

    def slip(offset: int) -> None:
        """After the first page somebody deletes an item of it, so the next page begins one item too late."""
        if offset == 0 and not slipped:
            slipped.append(server.items.pop(0))

    server.between = slip
    assert world.look() == [], "the one that slipped is there, and the one that is gone was seen"
    assert slipped
    (record,) = world.look()
    assert (record.action, record.object.id) == (Action.DELETE, "1")


def test_a_list_that_gives_less_than_it_counts_calls_nothing_gone(server: ListServer, world: World) -> None:
    world.look()
    del server.items[4]
    server.hidden = 1
    assert world.look() == []
    (gap,) = world.sink.gaps
    assert "1 items fewer" in gap.reason
    server.hidden = 0
    (record,) = world.look()
    assert (record.action, record.object.id) == (Action.DELETE, "5")


def test_a_key_that_names_two_items_needs_a_person(server: ListServer, world: World) -> None:
    server.items[1]["id"] = 1
    with pytest.raises(FatalSource, match="'1' comes twice"):
        world.look()
    assert not world.collector().check().ok


def test_a_refused_token_needs_a_person_and_a_server_that_is_away_does_not(server: ListServer, world: World) -> None:
    world.look()
    world.options["auth"] = "none"
    with pytest.raises(FatalSource):
        world.look()
    world.options["auth"] = "bearer"
    server.stop()
    try:
        with pytest.raises(RetriableSource, match=str(server.port)):
            world.look()
    finally:
        server.start()
    assert world.look() == []


def test_several_members_can_name_an_item_and_all_others_be_refused_once() -> None:
    listed = b'[{"a":"x/y","b":1},{"a":"x","b":"y/1"},{"a":"x"},{"a":null,"b":2},7,{"a":"\xff","b":3}]'
    with HttpPeer(lambda _: Reply(body=listed)) as peer:
        world = World(peer.url, {"path": "things", "key": "a, b", "baseline": "each"})
        assert [record.object.id for record in world.look()] == ["x%2Fy/1", "x/y%2F1"]
        assert world.look() == []
        assert [one.data for one in world.sink.rejected] == [
            b'{"a":"x"}',
            b'{"a":null,"b":2}',
            b"7",
            b'{"a":"\xff","b":3}',
        ]
        assert not world.collector().check().ok


def test_an_item_that_is_only_written_otherwise_is_no_change() -> None:
    texts = [b'[{"id":1,"x":{"b":1.50,"a":[1,2]}}]', b'[{"x": {"a": [1, 2], "b": 1.50}, "id": 1}]']
    bodies = iter([*texts, b'[{"id":1,"x":{"b":1.5,"a":[1,2]}}]'])

    def answer(_: Asked) -> Reply:
        return Reply(body=next(bodies))

    with HttpPeer(answer) as peer:
        world = World(peer.url, {"path": "things", "key": "id", "baseline": "each"})
        world.look()
        assert world.look() == []
        (record,) = world.look()
        assert said(record) == {"x.b": ("1.50", "1.5")}


def test_what_no_ledger_can_hold_is_replaced_and_nothing_breaks() -> None:
    listed = b'[{"id":"a\\u0000\\ud800","n":NaN,"deep":' + b'{"x":' * 30 + b"1" + b"}" * 30 + b',"\\ud800":1e400}]'
    with HttpPeer(lambda _: Reply(body=listed)) as peer:
        world = World(peer.url, {"path": "things", "key": "id", "baseline": "each"})
        (record,) = world.look()
        assert record.object.id.startswith("a\ufffd\ufffd#")
        assert said(record)["n"][1] == "NaN"
        assert not world.sink.rejected


def test_a_page_that_is_no_list_is_tried_again_and_another_list_is_a_new_baseline(server: ListServer) -> None:
    with HttpPeer(lambda _: Reply(body=b"<html>maintenance</html>")) as peer:
        world = World(peer.url, {"path": "things", "key": "id", "baseline": "one"})
        with pytest.raises(RetriableSource):
            world.look()
        peer.handler = lambda asked: as_json([{"id": asked.path}])
        (record,) = world.look()
        assert record.object.type == "baseline"
        world.options["path"] = "others"
        (record,) = world.look()
        assert record.object.type == "baseline"
        assert [gap.subject for gap in world.sink.gaps] == ["scope"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"key": ""}, "key"),
        ({"key": "a["}, "JMESPath"),
        ({"paging": "time"}, "paging"),
        ({"paging": "token"}, "next"),
        ({"path": "things/{each}"}, "path"),
        ({"url": "http://hplc.example/"}, "clear"),
        ({"modified_format": "%Q"}, "format"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], named: str) -> None:
    world = World("http://127.0.0.1:1/", {**OPTIONS, **options})
    with pytest.raises(ConfigError, match=named):
        world.collector()
