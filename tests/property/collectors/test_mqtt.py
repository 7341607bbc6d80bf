"""Any bytes from a broker, and any original, are read, refused in words, or kept as unreadable."""

import mqtt5
from hypothesis import given
from hypothesis import strategies as st

from collectors.mapping.templates import template
from collectors.ot.mqtt import Mqtt
from collectors.ot.mqtt_feed import Message
from collectors.ot.mqtt_original import message_item, read_envelope, write_envelope
from collectors.ot.mqtt_wire import MalformedPacket, Unreadable, Version, Wire
from ledger.core.clock import SystemClock
from ledger.core.errors import SkippableRecord
from ledger.core.record import Original, Record
from ledger.core.source import SourceConfig

AT = "2026-11-25T07:10:06.123456Z"
CONFIG = SourceConfig(
    id="uns",
    type="mqtt",
    title="UNS",
    options={"url": "mqtt://broker.example", "topics": "plant/#"},
    mapping=template("unified-namespace-json").text,
)
COLLECTOR = Mqtt(CONFIG, {}, SystemClock())
VERSIONS: st.SearchStrategy[Version] = st.sampled_from(["5", "3.1.1"])

topics = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="+#"), min_size=1, max_size=12)
publishes = st.builds(
    mqtt5.PublishPacket,
    topics,
    st.binary(max_size=40),
    qos=st.just(mqtt5.QoS.AT_LEAST_ONCE),
    packet_id=st.integers(1, 65_535),
    duplicate=st.booleans(),
    content_type=st.none() | topics,
    message_expiry_interval=st.none() | st.integers(0, 2**32 - 1),
    correlation_data=st.none() | st.binary(max_size=9),
    user_properties=st.lists(st.tuples(topics, topics), max_size=2),
)
frames = st.builds(
    lambda first, body: bytes((first, len(body))) + body,
    st.integers(0, 15).map(lambda low: 0x30 | low) | st.integers(0, 255),
    st.binary(max_size=60),
)


@given(VERSIONS, st.lists(frames | st.binary(max_size=8), max_size=4), st.integers(1, 40))
def test_any_bytes_are_packets_unreadable_messages_or_malformed(
    version: Version, parts: list[bytes], step: int
) -> None:
    wire, data = Wire(version), b"".join(parts)
    try:
        for at in range(0, len(data), step):
            for packet in wire.feed(data[at : at + step]):
                if isinstance(packet, Unreadable):
                    assert packet.data in data
                    assert packet.reason
    except MalformedPacket:
        return


@given(st.lists(publishes, max_size=4), st.integers(1, 40))
def test_messages_are_read_as_they_were_sent_however_their_bytes_arrive(
    packets: list[mqtt5.PublishPacket], step: int
) -> None:
    wire, data = Wire("5"), b"".join(packet.write() for packet in packets)
    found = [packet for at in range(0, len(data), step) for packet in wire.feed(data[at : at + step])]
    assert [packet.write() for packet in found if isinstance(packet, mqtt5.PublishPacket)] == [
        packet.write() for packet in packets
    ]


@given(publishes, st.data())
def test_a_changed_byte_of_a_message_gives_a_message_or_is_kept_as_it_came(
    packet: mqtt5.PublishPacket, data: st.DataObject
) -> None:
    sent = packet.write()
    place = data.draw(st.integers(2 if sent[1] < 0x80 else 3, len(sent) - 1))  # behind the length
    changed = sent[:place] + bytes([data.draw(st.integers(0, 255))]) + sent[place + 1 :]
    try:
        (found,) = Wire("5").feed(changed)
    except MalformedPacket:
        return
    assert isinstance(found, mqtt5.PublishPacket) or (isinstance(found, Unreadable) and found.data == changed)


@given(publishes)
def test_an_original_keeps_all_that_a_message_says(packet: mqtt5.PublishPacket) -> None:
    item = message_item(read_envelope(write_envelope(Message(packet, AT, 1))), "bytes")
    assert (item["topic"], item["payload"], item["content_type"]) == (
        packet.topic,
        packet.payload,
        packet.content_type,
    )
    assert item["properties"] == dict(packet.user_properties)


@given(
    st.binary(max_size=80)
    | st.dictionaries(st.sampled_from(["id", "timestamp", "event", "old", "new"]), st.text(max_size=9)).map(
        lambda event: write_envelope(Message(mqtt5.PublishPacket("a", repr(event).replace("'", '"').encode()), AT, 1))
    )
)
def test_any_original_is_a_record_or_refused(data: bytes) -> None:
    original = Original(data=data, media_type="application/json", parser="mqtt", parser_version="1")
    try:
        assert isinstance(COLLECTOR.derive(original), Record)
    except SkippableRecord:
        return
