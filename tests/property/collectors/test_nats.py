"""Any original of a NATS message is a record or refused, and any message stands in its original whole."""

import json

from hypothesis import given
from hypothesis import strategies as st

from collectors.infra.nats import Nats
from collectors.infra.nats_original import MEDIA_TYPE, message_item, write_envelope
from collectors.mapping.templates import template
from ledger.core.clock import SystemClock
from ledger.core.errors import SkippableRecord
from ledger.core.record import Record
from ledger.core.source import SourceConfig

CONFIG = SourceConfig(
    id="edge",
    type="nats",
    title="Edge",
    options={"url": "nats://server.example", "stream": "S"},
    mapping=template("edge-events").text,
)
COLLECTOR = Nats(CONFIG, {}, SystemClock())
TIME = "1795590606123456789"
texts = st.text(max_size=9)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
events = st.dictionaries(
    st.sampled_from(["id", "time", "event", "user", "object", "changes", "batch", "outcome"]), json_values, max_size=8
)


@given(st.binary(max_size=60), st.dictionaries(texts, texts, max_size=2), st.integers(1, 2**63))
def test_a_message_stands_in_its_original_whole(data: bytes, headers: dict[str, str], sequence: int) -> None:
    item = message_item(write_envelope("S", "a.b", sequence, TIME, headers, data), "bytes")
    assert (item["payload"], item["headers"], item["sequence"]) == (data, headers, sequence)


@given(events)
def test_any_event_is_a_record_or_refused(event: dict[str, object]) -> None:

    data = write_envelope("S", "a.b", 1, TIME, {}, json.dumps(event).encode())
    try:
        assert isinstance(COLLECTOR.derive(COLLECTOR.original(data, MEDIA_TYPE)), Record)
    except SkippableRecord:
        return


@given(st.binary(max_size=80), st.integers(0, 200), st.binary(max_size=3))
def test_any_original_is_a_record_or_refused(junk: bytes, place: int, change: bytes) -> None:
    whole = write_envelope("S", "a.b", 1, TIME, {"k": "v"}, b'{"time":"2026-11-25T07:10:06Z","id":"e"}')
    for data in (junk, whole[:place] + change + whole[place + len(change) :]):
        try:
            assert isinstance(COLLECTOR.derive(COLLECTOR.original(data, MEDIA_TYPE)), Record)
        except SkippableRecord:
            continue
