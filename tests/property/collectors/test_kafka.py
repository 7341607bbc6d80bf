"""Any original of a Kafka message is a record or refused, and any message stands in its original whole."""

import json

from hypothesis import given
from hypothesis import strategies as st

from collectors.infra.kafka import Kafka
from collectors.infra.kafka_original import MEDIA_TYPE, Envelope, Header, message_item, packed, write_envelope
from collectors.mapping.templates import template
from collectors.payload import pack
from ledger.core.clock import SystemClock
from ledger.core.errors import SkippableRecord
from ledger.core.record import Record
from ledger.core.source import SourceConfig

CONFIG = SourceConfig(
    id="cdc",
    type="kafka",
    title="Rows",
    options={"brokers": "broker.example:9092", "topics": "t"},
    mapping=template("cdc-rows").text,
)
COLLECTOR = Kafka(CONFIG, {}, SystemClock())
texts = st.text(max_size=9)
data = st.none() | st.binary(max_size=20)
rows = st.none() | st.dictionaries(texts, st.none() | st.integers() | st.floats() | texts, max_size=3)
events = st.fixed_dictionaries(
    {},
    optional={
        "before": rows,
        "after": rows,
        "op": st.sampled_from(["c", "u", "d", "r", "t", "x", None, 1]),
        "source": st.none()
        | st.dictionaries(st.sampled_from(["db", "table", "ts_ms"]), texts | st.integers(), max_size=3),
        "ts_ms": st.none() | st.integers() | texts,
    },
)


def original(key: bytes | None, value: bytes | None) -> bytes:
    return write_envelope(Envelope(topic="t", partition=0, offset=1, time=1, key=packed(key), value=packed(value)))


def derived(bytes_: bytes) -> None:
    try:
        assert isinstance(COLLECTOR.derive(COLLECTOR.original(bytes_, MEDIA_TYPE)), Record)
    except SkippableRecord:
        return


@given(data, data, st.lists(st.tuples(texts, st.binary(max_size=9)), max_size=2))
def test_a_message_stands_in_its_original_whole(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    packed_headers = tuple(Header(*pack(content), name=name) for name, content in headers)
    envelope = Envelope(
        topic="t", partition=3, offset=2**62, key=packed(key), value=packed(value), headers=packed_headers
    )
    item = message_item(write_envelope(envelope), "bytes", "bytes")
    assert (item["key"], item["value"], item["tombstone"]) == (key, value, value is None)
    assert item["offset"] == 2**62


@given(events, st.none() | st.dictionaries(texts, texts, max_size=2), st.booleans())
def test_any_row_is_a_record_or_refused(event: dict[str, object], key: object, wrapped: bool) -> None:
    told = {"schema": None, "payload": event} if wrapped else event
    derived(original(json.dumps(key).encode(), json.dumps(told).encode()))


@given(st.binary(max_size=80), st.integers(0, 200), st.binary(max_size=3))
def test_any_original_is_a_record_or_refused(junk: bytes, place: int, change: bytes) -> None:
    whole = original(b'{"id":1}', b'{"op":"u","source":{"db":"a","table":"b","ts_ms":1},"before":{"v":1},"after":{}}')
    derived(junk)
    derived(whole[:place] + change + whole[place + len(change) :])
