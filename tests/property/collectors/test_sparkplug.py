"""Whatever comes from a broker under Sparkplug's topics is told, or rejected with its bytes; originals never break."""

import mqtt5
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collectors.batch import BatchBuilder
from collectors.ot.mqtt_feed import Message
from collectors.ot.sparkplug import Sparkplug, _Listener
from collectors.ot.sparkplug_original import Envelope, encode
from collectors.ot.sparkplug_payload import Payload, cut, read_payload
from collectors.ot.sparkplug_state import Memory
from ledger.core import canonical
from ledger.core.clock import SystemClock
from ledger.core.errors import SkippableRecord
from ledger.core.record import Original, Record
from ledger.core.source import SourceConfig

AT = "2026-11-25T07:10:06.123456Z"
CONFIG = SourceConfig(
    id="spb",
    type="sparkplug",
    title="Line",
    options={"url": "mqtt://broker.example", "batch": "g/n/d/a = REACTOR-1", "equipment": "g = SITE"},
)
SOURCE = Sparkplug(CONFIG, {}, SystemClock())
topics = st.sampled_from(
    ["spBv1.0/g/NBIRTH/n", "spBv1.0/g/NDATA/n", "spBv1.0/g/NCMD/n", "spBv1.0/g/NDEATH/n", "spBv1.0/STATE/h"]
    + [f"spBv1.0/g/{kind}/n/d" for kind in ("DBIRTH", "DDATA", "DCMD", "DDEATH")]
)
values = st.one_of(
    st.fixed_dictionaries({"int_value": st.integers(0, 2**32 - 1)}),
    st.fixed_dictionaries({"long_value": st.integers(0, 2**64 - 1)}),
    st.fixed_dictionaries({"float_value": st.floats(width=32)}),
    st.fixed_dictionaries({"double_value": st.floats()}),
    st.fixed_dictionaries({"string_value": st.text(max_size=9)}),
    st.fixed_dictionaries({"bytes_value": st.binary(max_size=9)}),
    st.fixed_dictionaries({"is_null": st.just(True)}),
    st.just({}),
)
metrics = st.builds(
    lambda members, value: {**members, **value},
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["a", "b/c", "", "a\x00", "x" * 600]),
            "alias": st.integers(0, 3),
            "timestamp": st.integers(0, 2**64 - 1) | st.integers(1_795_590_600_000, 1_795_590_600_003),
            "datatype": st.integers(0, 40),
            "is_historical": st.booleans(),
        },
    ),
    values,
)
payloads = st.builds(
    lambda members, told: Payload(metrics=told, **members).SerializeToString(),
    st.fixed_dictionaries(
        {}, optional={"timestamp": st.integers(0, 2**64 - 1), "seq": st.integers(0, 300), "uuid": st.text(max_size=3)}
    ),
    st.lists(metrics, max_size=5),
)


@given(st.lists(st.tuples(topics, payloads | st.binary(max_size=30)), max_size=8))
def test_every_message_is_records_that_a_ledger_takes_or_is_rejected_whole(messages: list[tuple[str, bytes]]) -> None:
    listener, builder = _Listener(SOURCE, None, Memory()), BatchBuilder("spb", SystemClock(), SOURCE.derive, None)
    for number, (topic, payload) in enumerate(messages, start=1):
        listener.take(Message(mqtt5.PublishPacket(topic, payload), AT, number), builder)
    batch = builder.build(None, None)
    sent = [payload for _, payload in messages]
    for rejected in batch.rejected:
        assert rejected.reason
        if rejected.media_type == "application/json":  # a part, in its envelope
            payload = msgspec.json.decode(rejected.data, type=Envelope).payload
            assert payload in sent or any(_is_part(payload, one) for one in sent)
        else:
            assert rejected.data in sent
    for submission in batch.submissions:
        assert submission.original is not None
        canonical.dumps(msgspec.to_builtins(submission.record))
        assert SOURCE.derive(submission.original) == submission.record
    assert msgspec.json.decode(listener._memory.encode(), type=Memory) == listener._memory


@given(payloads)
def test_a_payload_is_what_its_parts_are(data: bytes) -> None:
    fields = cut(data)
    assert fields.join(fields.metrics) == data
    told = [cut(fields.join([one])) for one in fields.metrics]
    assert [part.metrics for part in told] == [[one] for one in fields.metrics]
    assert len(read_payload(data).metrics) == len(fields.metrics)


@given(st.binary(max_size=60) | payloads.map(lambda data: msgspec.json.encode({"topic": "spBv1.0/g/NDATA/n"}) + data))
def test_any_original_is_a_record_or_refused(data: bytes) -> None:
    try:
        assert isinstance(SOURCE.derive(_original(data)), Record)
    except SkippableRecord:
        return


@given(topics, st.binary(max_size=30), st.dictionaries(st.integers(0, 3), st.text(max_size=3)))
def test_an_envelope_of_any_bytes_is_a_record_or_refused(topic: str, data: bytes, aliases: dict[int, str]) -> None:
    envelope = Envelope(topic=topic, data=encode(data), received=AT, number=1, aliases=aliases)
    try:
        assert isinstance(SOURCE.derive(envelope.original()), Record)
    except SkippableRecord:
        return


def _is_part(part: bytes, whole: bytes) -> bool:
    fields = cut(part)
    return all(field in whole for field in (fields.before, *fields.metrics, fields.after))


def _original(data: bytes) -> Original:
    return Original(data=data, media_type="application/json", parser="sparkplug-b", parser_version="1")
