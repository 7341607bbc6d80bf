"""MQTT without a broker: packets of both versions, what is remembered across a break, options, originals."""

import mqtt5
import pytest

from collectors.mapping.templates import template
from collectors.ot import mqtt_memory
from collectors.ot.mqtt import Mqtt
from collectors.ot.mqtt_feed import Message, Place
from collectors.ot.mqtt_memory import LIMIT, Memory
from collectors.ot.mqtt_original import message_item, read_envelope, write_envelope
from collectors.ot.mqtt_wire import MalformedPacket, Unreadable, Wire
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, SkippableRecord
from ledger.core.record import Original
from ledger.core.source import SourceConfig

AT = "2026-11-25T07:10:06.123456Z"
OPTIONS = {"url": "mqtt://broker.example", "topics": "plant/#"}


def source(**options: str) -> Mqtt:
    config = SourceConfig(
        id="uns",
        type="mqtt",
        title="UNS",
        options={**OPTIONS, **options},
        mapping=template("unified-namespace-json").text,
    )
    return Mqtt(config, {}, SystemClock())


def message(payload: bytes, topic: str = "plant/a", **members: object) -> Message:
    return Message(mqtt5.PublishPacket(topic, payload, **members), AT, 7)  # type: ignore[arg-type]


def test_packets_of_3_1_1_are_those_of_its_standard() -> None:
    wire = Wire("3.1.1")
    connect = mqtt5.ConnectPacket("me", username="u", password=b"p", clean_start=False, keep_alive=60)
    assert wire.encode(connect) == bytes.fromhex("1014 0004 4d515454 04 c0 003c 0002 6d65 0001 75 0001 70")
    topics = [mqtt5.TopicFilter("a/#", max_qos=mqtt5.QoS.AT_LEAST_ONCE, retain_as_published=False)]
    assert wire.encode(mqtt5.SubscribePacket(5, topics)) == bytes.fromhex("8208 0005 0003 612f23 01")
    assert wire.encode(mqtt5.UnsubscribePacket(5, ["a/#"])) == bytes.fromhex("a207 0005 0003 612f23")
    assert wire.encode(mqtt5.PublishPacket("a", b"x")) == bytes.fromhex("3004 0001 61 78")
    sure = mqtt5.PublishPacket("a", b"x", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=7)
    assert wire.encode(sure) == bytes.fromhex("3206 0001 61 0007 78")
    assert wire.encode(mqtt5.PubAckPacket(3)) == bytes.fromhex("4002 0003")
    assert wire.encode(mqtt5.DisconnectPacket()) == bytes.fromhex("e000")


def test_a_will_is_told_to_a_broker_of_3_1_1_as_its_standard_has_it() -> None:
    will = mqtt5.Will("gone", payload=b"x", qos=mqtt5.QoS.AT_LEAST_ONCE)
    packet = mqtt5.ConnectPacket("me", username="u", clean_start=True, will=will)
    assert Wire("3.1.1").encode(packet) == bytes.fromhex(
        "101a 00044d515454 04 8e 0000 00026d65 0004676f6e65 000178 000175"
    )


def test_what_only_mqtt_5_has_is_not_sent_to_a_broker_of_3_1_1() -> None:
    with pytest.raises(ValueError, match="properties"):
        Wire("3.1.1").encode(mqtt5.ConnectPacket("me", session_expiry_interval=60))


@pytest.mark.parametrize("step", [1, 2, 5, 1000])
def test_packets_of_3_1_1_are_read_however_their_bytes_arrive(step: int) -> None:
    data = bytes.fromhex(
        "2002 01 00"  # CONNACK, session present
        "9003 0005 02"  # SUBACK
        "3b 08 0003 612f62 0007 78"  # PUBLISH, DUP, QoS 1, retained, payload x
        "30 05 0003 612f62"  # PUBLISH, QoS 0, no payload
        "6202 0009"  # PUBREL
        "b002 0006"  # UNSUBACK
        "d000"  # PINGRESP
    )
    wire = Wire("3.1.1")
    found = [packet for at in range(0, len(data), step) for packet in wire.feed(data[at : at + step])]
    connack, suback, first, second, pubrel, unsuback, pong = found
    assert isinstance(connack, mqtt5.ConnAckPacket)
    assert connack.session_present
    assert isinstance(suback, mqtt5.SubAckPacket)
    assert [int(code) for code in suback.reason_codes] == [2]
    assert isinstance(first, mqtt5.PublishPacket)
    assert (first.topic, first.payload, first.packet_id, first.duplicate, first.retain) == ("a/b", b"x", 7, True, True)
    assert isinstance(second, mqtt5.PublishPacket)
    assert (second.topic, second.payload, second.packet_id, int(second.qos)) == ("a/b", b"", None, 0)
    assert isinstance(pubrel, mqtt5.PubRelPacket)
    assert pubrel.packet_id == 9
    assert isinstance(unsuback, mqtt5.UnsubAckPacket)
    assert isinstance(pong, mqtt5.PingRespPacket)


@pytest.mark.parametrize(("code", "reason"), [(1, 0x84), (2, 0x85), (3, 0x88), (4, 0x86), (5, 0x87)])
def test_a_refusal_in_3_1_1_is_that_of_5(code: int, reason: int) -> None:
    (answer,) = Wire("3.1.1").feed(bytes((0x20, 2, 0, code)))
    assert isinstance(answer, mqtt5.ConnAckPacket)
    assert int(answer.reason_code) == reason


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_message_that_mqtt_does_not_allow_is_kept_whole_and_can_be_acknowledged(version: str) -> None:
    body = b"\x00\x02\xff\xfe" + b"\x00\x11" + (b"\x00" if version == "5" else b"") + b"payload"
    data = bytes((0x32, len(body))) + body
    (found,) = Wire("5" if version == "5" else "3.1.1").feed(data)
    assert isinstance(found, Unreadable)
    assert (found.data, found.packet_id, found.qos) == (data, 17, 1)


@pytest.mark.parametrize(
    "data",
    ["00 00", "30 ff ff ff ff 01", "20 02 00 09", "36 05 00 01 61 00 05", "e0 00", "32 01 00", "32 04 00 02 61 62"],
)
def test_what_is_no_packet_of_3_1_1_is_malformed(data: str) -> None:
    with pytest.raises(MalformedPacket):
        Wire("3.1.1").feed(bytes.fromhex(data))


def test_a_large_packet_is_read_in_time_that_grows_with_its_size() -> None:
    payload = bytes(8_000_000)
    data = mqtt5.PublishPacket("a", payload).write()
    wire, found = Wire("5"), []
    for at in range(0, len(data), 65_536):
        found += wire.feed(data[at : at + 65_536])
    assert [packet.payload for packet in found if isinstance(packet, mqtt5.PublishPacket)] == [payload]


def test_a_message_is_the_same_again_only_with_its_packet_id_its_content_and_the_flag() -> None:
    memory = Memory("")
    memory.add(5, "a", b"x")
    again = Memory(memory.text)
    assert again.is_again(5, "a", b"x", flagged=True)
    assert not Memory(memory.text).is_again(5, "a", b"y", flagged=True)
    assert not Memory(memory.text).is_again(6, "a", b"x", flagged=True)
    assert not Memory(memory.text).is_again(5, "a", b"x", flagged=False), "the broker gave the number anew"
    assert not memory.is_again(5, "a", b"x", flagged=True), "on the same connection nothing is sent again"


def test_a_number_that_the_broker_gave_anew_names_the_new_message_from_then_on() -> None:
    memory = Memory("")
    memory.add(5, "a", b"x")
    again = Memory(memory.text)
    assert not again.is_again(5, "a", b"x", flagged=False)
    assert not again.is_again(5, "a", b"x", flagged=True)


def test_what_an_answered_ping_proves_acknowledged_is_forgotten_and_no_more() -> None:
    memory = Memory("")
    memory.add(1, "a", b"x")
    memory.add(2, "a", b"x")
    assert memory.waiting
    memory.ask()
    assert not memory.waiting
    memory.add(3, "a", b"x")
    memory.answered()
    later = Memory(memory.text)
    assert not later.is_again(1, "a", b"x", flagged=True)
    assert not later.is_again(2, "a", b"x", flagged=True)
    assert later.is_again(3, "a", b"x", flagged=True)


def test_what_an_earlier_connection_left_is_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = Memory("")
    earlier.add(1, "a", b"x")
    memory = Memory(earlier.text)
    memory.answered()
    assert memory.text == earlier.text
    monkeypatch.setattr(mqtt_memory, "monotonic", lambda: float("inf"))
    assert memory.waiting
    memory.answered()
    assert memory.text == ""
    assert not memory.waiting


def test_however_many_messages_are_under_way_a_cursor_can_hold_what_is_remembered() -> None:
    memory = Memory("")
    for at in range(2 * LIMIT):
        memory.add(at % 65_535 + 1, "a", str(at).encode())
        if at == LIMIT // 2:
            memory.ask()
    memory.answered()
    assert len(memory.text) < 40_000
    again = Memory(memory.text)
    assert again.is_again(2 * LIMIT, "a", str(2 * LIMIT - 1).encode(), flagged=True)
    assert again.is_again(LIMIT + 1, "a", str(LIMIT).encode(), flagged=True)
    assert not again.is_again(LIMIT, "a", str(LIMIT - 1).encode(), flagged=True)


@pytest.mark.parametrize("text", ["A", "AAAA", "!!!!"])
def test_a_memory_that_cannot_be_read_is_not_taken_for_an_empty_one(text: str) -> None:
    with pytest.raises(FatalSource):
        Memory(text)


@pytest.mark.parametrize("payload", [b"", b"21.5", b"\x00\xff\xfe", "\ufeff{}".encode(), b'{"a":1}', b"\x80"])
def test_a_payload_stands_in_the_original_byte_for_byte(payload: bytes) -> None:
    envelope = read_envelope(write_envelope(message(payload)))
    assert message_item(envelope, "bytes")["payload"] == payload
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        with pytest.raises(SkippableRecord, match="not UTF-8"):
            message_item(envelope, "text")
    else:
        assert message_item(envelope, "text")["payload"] == text


def test_an_item_tells_all_that_the_message_told_and_when_it_came() -> None:
    properties = {"content_type": "application/json", "response_topic": "r", "correlation_data": b"\x01\xff"}
    given = message(
        b'{"v":1.50}',
        "plant/site/line",
        qos=mqtt5.QoS.AT_LEAST_ONCE,
        packet_id=9,
        retain=True,
        user_properties=[("user", "operator1"), ("n", "1")],
        **properties,
    )
    item = dict(message_item(read_envelope(write_envelope(given)), "json"))
    digest = item.pop("digest")
    payload = item.pop("payload")
    assert isinstance(payload, dict)
    assert str(payload["v"]) == "1.50"
    assert item == {
        "topic": "plant/site/line",
        "levels": ["plant", "site", "line"],
        "qos": 1,
        "retain": True,
        "received": AT,
        "number": 7,
        "content_type": "application/json",
        "response_topic": "r",
        "correlation": "Af8=",
        "properties": {"user": "operator1", "n": "1"},
    }
    delivered_again = mqtt5.PublishPacket(
        "plant/site/line",
        b'{"v":1.50}',
        qos=mqtt5.QoS.AT_LEAST_ONCE,
        packet_id=77,
        duplicate=True,
        message_expiry_interval=3,
        user_properties=[("user", "operator1"), ("n", "1")],
    )
    later = message_item(read_envelope(write_envelope(Message(delivered_again, "later", 8))), "json")
    assert later["digest"] == digest
    assert (
        message_item(read_envelope(write_envelope(message(b'{"v":1.5}', "plant/site/line"))), "json")["digest"]
        != digest
    )


def test_an_event_of_the_unified_namespace_is_read_with_old_and_new_value() -> None:
    payload = (
        b'{"id":"e-1","timestamp":"2026-11-25T07:10:06.123Z","event":"approve","user":"qa1","tag":"TIC101","old":71.25,'
        b'"new":72.50,"unit":"degC","reason":"as ordered","batch":"B-17","outcome":"denied"}'
    )
    collector = source()
    original = collector.original(write_envelope(message(payload, "plant/s/a/l/reactor")), "application/json")
    record = collector.derive(original)
    (change,) = record.changes
    assert (record.source_record_id, record.action.value, record.actor.account) == ("e-1", "approve", "qa1")
    assert (change.attribute, change.old, change.new, change.unit) == ("Value", "71.25", "72.50", "degC")
    assert (record.object.id, record.reason, record.outcome.value) == (
        "plant/s/a/l/reactor/TIC101",
        "as ordered",
        "denied",
    )
    assert [(link.kind.value, link.id) for link in record.links] == [
        ("batch", "B-17"),
        ("equipment", "plant/s/a/l/reactor"),
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"url": "tcp://broker.example"},
        {"url": "mqtt://"},
        {"url": "mqtt://user:secret@broker.example"},
        {"url": "mqtt://broker.example:port"},
        {"url": "mqtt://broker.example/path"},
        {"topics": "plant/#/more"},
        {"topics": "plant/a+"},
        {"topics": "a\x00"},
        {"qos": "3"},
        {"protocol": "4"},
        {"payload": "xml"},
        {"retained": "maybe"},
        {"window": "0"},
    ],
)
def test_options_that_cannot_be_are_named(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        source(**options)
    assert caught.value.advice


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"topic":"a","qos":1,"received":"t","number":1}'])
def test_bytes_that_are_no_original_are_refused(data: bytes) -> None:
    with pytest.raises(SkippableRecord):
        source().derive(Original(data=data, media_type="application/json", parser="mqtt", parser_version="1"))


def test_a_cursor_is_small_however_long_a_source_was_listened_to() -> None:
    assert len(source().cursor(Place(at=AT, topics=("1 plant/#",), number=10**12))) < 150
