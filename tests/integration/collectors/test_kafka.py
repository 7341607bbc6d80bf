"""The Kafka protocol against librdkafka's mock cluster: partitions, headers, tombstones, retention, new topics."""

import json
from collections.abc import Iterator

import pytest

from collectors.infra import kafka as module
from collectors.infra.kafka import Cursor, Kafka
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import FatalSource
from ledger.core.record import Record
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from tests.integration.collectors.following import Following, wait_for
from tests.support.kafka_mock import KafkaMock
from tests.support.memory_sink import MemorySink

QUICK = Patience(attempts=2, first=0.05, longest=0.1)
MAPPING = """
name = "anything"
version = 1
title = "Anything"
[options]
payload = "text"
[record]
id = "identity"
action = { path = "tombstone", map = { true = "delete", false = "update" } }
occurred_at = { at = "time", format = "unix-ms" }
object = { type = { text = "key" }, id = { path = "key", default = "none" } }
[[record.changes]]
attribute = { text = "value" }
new = "value"
[[record.changes]]
attribute = { text = "origin" }
new = "headers.origin"
"""


@pytest.fixture(scope="module")
def broker() -> Iterator[KafkaMock]:
    broker = KafkaMock()
    yield broker
    broker.close()


def collector(broker: KafkaMock, topics: str, **options: str) -> Kafka:
    given = {"brokers": broker.brokers, "topics": topics, **options}
    config = SourceConfig(id="bus", type="kafka", title="Bus", options=given, mapping=MAPPING)
    return Kafka(config, {}, SystemClock())


def pull(source: Kafka, sink: MemorySink) -> None:
    Runner(source, sink, SystemClock(), patience=QUICK).pull(0.1)


def told(records: list[Record]) -> list[object]:
    return [record.changes[0].new for record in records]


def test_each_partition_comes_in_order_with_what_stands_beside_its_values(broker: KafkaMock) -> None:
    broker.make_topic("beside")
    source, sink = collector(broker, "beside"), MemorySink("bus")
    broker.produce("beside", [b"a1", b"a2"], key=b"k", headers=[("origin", b"lims")], time_ms=1_795_590_606_123)
    broker.produce("beside", [b"b1"], partition=3)
    broker.produce("beside", [b"a3", None], key=b"k")
    pull(source, sink)
    first = [record for record in sink.records if "/0/" in record.source_record_id]
    assert told(first) == ["a1", "a2", "a3", None]
    assert told([record for record in sink.records if "/3/" in record.source_record_id]) == ["b1"]
    assert [record.action.value for record in first] == ["update", "update", "update", "delete"]
    assert (first[0].changes[1].new, first[0].object.id) == ("lims", "k")
    assert first[0].source_record_id == "beside/0/0@1795590606123"
    pull(source, sink)
    assert len(sink.records) == 5
    assert (sink.gaps, sink.duplicates) == ([], 0)


def test_tombstones_are_left_out_where_they_say_nothing_new(broker: KafkaMock) -> None:
    broker.make_topic("graves")
    source, sink = collector(broker, "graves", tombstones="skip"), MemorySink("bus")
    broker.produce("graves", [b"1", None, b"2", None], key=b"k")
    pull(source, sink)
    assert told(sink.records) == ["1", "2"]
    assert json.loads(sink.state("bus").cursor or "")["offsets"]["graves"]["0"] == 4


def test_what_retention_deleted_before_it_was_read_is_a_gap_that_names_the_offsets(broker: KafkaMock) -> None:
    broker.make_topic("kept")
    source, sink = collector(broker, "kept", tombstones="skip"), MemorySink("bus")
    broker.produce("kept", [b"1", b"2"])
    pull(source, sink)
    broker.produce("kept", [b"lost"])
    broker.forget("kept", 0)
    broker.produce("kept", [b"3"])
    pull(source, sink)
    assert told(sink.records) == ["1", "2", "3"]
    (gap,) = sink.gaps
    assert gap.subject == "topic kept partition 0"
    assert gap.reason.startswith("messages 2 to ")


def test_a_reader_that_is_overtaken_while_it_reads_states_it_and_goes_on(broker: KafkaMock) -> None:
    broker.make_topic("slow")
    source, sink = collector(broker, "slow", tombstones="skip"), MemorySink("bus")
    broker.produce("slow", [b"before"])

    def fall_behind(batch: RunBatch) -> None:
        if batch.submissions and not sink.gaps:
            broker.cable.pull()
            broker.produce("slow", [b"lost"])
            broker.forget("slow", 0)
            broker.cable.plug()

    sink.on_taken = fall_behind
    with Following(source, sink):
        wait_for(lambda: bool(sink.gaps), 30)
        broker.produce("slow", [b"after"])
        wait_for(lambda: told(sink.records)[-1] == "after")
    assert told(sink.records) == ["before", "after"]
    assert sink.gaps[0].reason.startswith("messages 1 to ")
    assert sink.duplicates == 0


def test_topics_that_are_new_are_found_by_their_pattern_and_read_from_the_beginning(
    broker: KafkaMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REFRESH_SECONDS", 0.5)
    broker.make_topic("cdc.one")
    source, sink = collector(broker, r"^cdc\..*"), MemorySink("bus")
    broker.produce("cdc.one", [b"1"])
    with Following(source, sink):
        wait_for(lambda: len(sink.records) == 1)
        broker.make_topic("cdc.two")
        broker.produce("cdc.two", [b"2"])
        wait_for(lambda: len(sink.records) == 2)
        broker.produce("cdc.one", [b"3"])
        wait_for(lambda: len(sink.records) == 3)
    assert told(sink.records) == ["1", "2", "3"]
    assert sink.duplicates == 0


@pytest.mark.parametrize(("start", "expected"), [("all", ["old", "new"]), ("new", ["new"])])
def test_a_first_run_reads_what_is_there_or_only_what_is_new_as_told(
    broker: KafkaMock, start: str, expected: list[str]
) -> None:
    topic = f"first-{start}"
    broker.make_topic(topic)
    broker.produce(topic, [b"old"])
    source, sink = collector(broker, topic, start=start), MemorySink("bus")
    pull(source, sink)
    broker.produce(topic, [b"new"])
    pull(source, sink)
    assert told(sink.records) == expected


def test_many_messages_come_once_each_over_a_network_that_breaks(broker: KafkaMock) -> None:
    broker.make_topic("many")
    source, sink = collector(broker, "many"), MemorySink("bus")
    pull(source, sink)
    with Following(source, sink):
        for at in range(0, 3000, 500):
            broker.produce("many", [str(number).encode() for number in range(at, at + 500)])
            broker.cable.cut_after(2000)
        wait_for(lambda: len(sink.records) >= 3000, 40)
    assert told(sink.records) == [str(number) for number in range(3000)]
    assert sink.duplicates == 0


def test_another_cluster_is_not_taken_for_the_one_that_was_read(broker: KafkaMock) -> None:
    broker.make_topic("here")
    source, sink = collector(broker, "here"), MemorySink("bus")
    pull(source, sink)
    other = KafkaMock()
    try:
        other.make_topic("here")
        with pytest.raises(FatalSource, match="belong to cluster"):
            pull(collector(other, "here"), sink)
    finally:
        other.close()


def test_a_topic_that_is_not_there_is_for_a_person(broker: KafkaMock) -> None:
    source = collector(broker, "nowhere")
    assert not source.check().ok
    with pytest.raises(FatalSource, match="no topic 'nowhere'"):
        pull(source, MemorySink("bus"))


def test_a_cursor_names_every_partition(broker: KafkaMock) -> None:
    broker.make_topic("beside")
    sink = MemorySink("bus")
    pull(collector(broker, "beside"), sink)
    cursor = json.loads(sink.state("bus").cursor or "")
    assert set(cursor) == set(Cursor.__struct_fields__)
    assert set(cursor["offsets"]["beside"]) == {"0", "1", "2", "3"}
