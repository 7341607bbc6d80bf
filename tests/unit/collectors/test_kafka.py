"""Kafka without a broker: originals, items of a mapping, Debezium's documented envelope, errors, options."""

from typing import Any

import pytest
from confluent_kafka import KafkaError

from collectors.infra import kafka_reader
from collectors.infra.kafka import Kafka
from collectors.infra.kafka_original import MEDIA_TYPE, Envelope, Header, message_item, packed, write_envelope
from collectors.infra.kafka_reader import Access, Reader
from collectors.mapping.templates import template
from ledger.core.clock import SystemClock
from ledger.core.errors import CollectorError, ConfigError, FatalSource, RetriableSource, SkippableRecord
from ledger.core.record import Record
from ledger.core.source import SourceConfig

ROW = (
    b'{"before":{"id":7,"value":"5.10","note":null},"after":{"id":7,"value":"5.2","note":null},"source":{"version":"2.7",'
    b'"connector":"postgresql","name":"lims","ts_ms":1795590606123,"db":"lims","schema":"public","table":"result",'
    b'"txId":571,"lsn":24023128},"op":"u","ts_ms":1795590606456}'
)


def source(**options: str) -> Kafka:
    given = {"brokers": "broker.example:9092", "topics": "lims.public.result", **options}
    config = SourceConfig(id="cdc", type="kafka", title="LIMS rows", options=given, mapping=template("cdc-rows").text)
    return Kafka(config, {}, SystemClock())


def envelope(value: bytes | None, key: bytes | None = b'{"id":7}', **members: Any) -> Envelope:
    return Envelope(
        topic="lims.public.result",
        partition=2,
        offset=41,
        time=1_795_590_606_789,
        time_of="create",
        key=packed(key),
        value=packed(value),
        **members,
    )


def record(value: bytes, key: bytes | None = b'{"id":7}') -> Record:
    collector = source()
    return collector.derive(collector.original(write_envelope(envelope(value, key)), MEDIA_TYPE))


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_changed_row_is_told_by_what_differs_with_or_without_a_schema_beside_it(wrapped: bool) -> None:
    schema = b'{"schema":{"type":"struct"},"payload":'
    found = record(schema + ROW + b"}" if wrapped else ROW, schema + b'{"id":7}}' if wrapped else b'{"id":7}')
    assert found.source_record_id == "lims.public.result/2/41@1795590606789"
    assert (found.action.value, found.object.type, found.object.id) == ("update", "lims.result", '{"id":7}')
    assert (found.occurred_at.instant_us, found.actor.account) == (1_795_590_606_123_000, None)
    assert found.source_recorded_at is not None
    assert found.source_recorded_at.text == "1795590606456"
    (change,) = found.changes
    assert (change.attribute, change.old, change.new) == ("value", "5.10", "5.2")


@pytest.mark.parametrize(("op", "action"), [("c", "create"), ("d", "delete"), ("r", "read"), ("t", "delete")])
def test_every_operation_of_the_envelope_has_a_word(op: str, action: str) -> None:
    text = ROW.replace(b'"op":"u"', b'"op":"%s"' % op.encode())
    if op == "c":
        text = text.replace(b'{"id":7,"value":"5.10","note":null}', b"null")
    if op == "d":
        text = text.replace(b'{"id":7,"value":"5.2","note":null}', b"null")
    found = record(text)
    assert found.action.value == action
    assert len(found.changes) == (3 if op in "cd" else 1)


@pytest.mark.parametrize("data", [None, b"", b"\x00\xff", b"text", "\ufeff".encode()])
def test_key_and_value_stand_in_the_original_byte_for_byte_and_null_is_not_empty(data: bytes | None) -> None:
    headers = (Header("x", None, name="a"), Header(None, "/w==", name="b"), Header(None, None, name="c"))
    item = message_item(write_envelope(envelope(data, data, headers=headers)), "bytes", "bytes")
    assert (item["key"], item["value"], item["tombstone"]) == (data, data, data is None)
    assert item["headers"] == {"a": "x", "b": "/w==", "c": None}
    assert (item["partition"], item["offset"], item["time_of"]) == (2, 41, "create")


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"topic":"a","partition":0,"offset":"1"}'])
def test_bytes_that_are_no_original_are_refused(data: bytes) -> None:
    with pytest.raises(SkippableRecord):
        message_item(data, "json", "json")


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (KafkaError._AUTHENTICATION, FatalSource, "refuses user 'reader'"),
        (KafkaError.SASL_AUTHENTICATION_FAILED, FatalSource, "refuses user 'reader'"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, FatalSource, "refuses user 'reader'"),
        (KafkaError._SSL, FatalSource, "no TLS with"),
        (KafkaError._TRANSPORT, RetriableSource, "cannot be read"),
        (KafkaError.LEADER_NOT_AVAILABLE, RetriableSource, "cannot be read"),
    ],
)
def test_what_a_broker_refuses_is_for_a_person_and_what_may_pass_for_later(
    code: int, kind: type[CollectorError], words: str
) -> None:
    access = Access(brokers="127.0.0.1:1", client_id="c", security="sasl_plaintext", user="reader", password="p-17")
    with Reader(access) as reader:
        reader._note(KafkaError(code))
        reader._note(KafkaError(KafkaError._TRANSPORT))
        reader._note(KafkaError(KafkaError._ALL_BROKERS_DOWN))
        with pytest.raises(kind) as caught:
            reader.fetch(1, 0)
    assert words in caught.value.message
    assert "127.0.0.1:1" in caught.value.message
    assert "p-17" not in caught.value.message + caught.value.advice


def test_a_broker_that_is_not_there_is_given_up_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_reader, "_TIMEOUT", 1.0)
    with (
        Reader(Access(brokers="127.0.0.1:1", client_id="c")) as reader,
        pytest.raises(RetriableSource, match=r"127\.0\.0\.1:1"),
    ):
        reader.cluster(["t"])


@pytest.mark.parametrize(
    "options",
    [
        {"topics": ""},
        {"topics": "^(["},
        {"payload": "avro"},
        {"key_format": "x"},
        {"tombstones": "drop"},
        {"start": "now"},
        {"security": "tls"},
        {"mechanism": "GSSAPI"},
    ],
)
def test_options_that_cannot_be_are_named(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        source(**options)
    assert caught.value.advice
