"""NATS without a server: originals, items of a mapping, options."""

import pytest

from collectors.infra.nats import Nats
from collectors.infra.nats_original import MEDIA_TYPE, message_item, write_envelope
from collectors.mapping.templates import template
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, SkippableRecord
from ledger.core.source import SourceConfig

TIME = "1795590606123456789"


def source(**options: str) -> Nats:
    given = {"url": "nats://server.example", "stream": "AUDIT", **options}
    config = SourceConfig(id="edge", type="nats", title="Edge", options=given, mapping=template("edge-events").text)
    return Nats(config, {}, SystemClock())


def test_an_edge_event_becomes_a_record_with_the_stream_s_own_number_and_time() -> None:
    payload = (
        b'{"id":"e-1","time":"2026-11-25T07:10:06.120Z","event":"configure","user":"admin1","object":"recipe/7",'
        b'"type":"recipe","changes":[{"attribute":"temp","old":71.25,"new":72.50,"unit":"degC"},'
        b'{"attribute":"time","new":null}],"reason":"CC-12","batch":"B-17","equipment":"REACTOR-1"}'
    )
    collector = source()
    data = write_envelope("AUDIT", "audit.site.line1", 17, TIME, {"Nats-Msg-Id": "m-1"}, payload)
    record = collector.derive(collector.original(data, MEDIA_TYPE))
    assert (record.source_record_id, record.source_sequence, record.action.value) == ("e-1", "17", "configure")
    assert record.source_recorded_at is not None
    assert (record.source_recorded_at.text, record.source_recorded_at.instant_us) == (TIME, 1795590606123456)
    assert [(change.attribute, change.old, change.new) for change in record.changes if change.unit] == [
        ("temp", "71.25", "72.50")
    ]
    assert record.changes[1].new is None
    assert [(link.kind.value, link.id) for link in record.links] == [("batch", "B-17"), ("equipment", "REACTOR-1")]


@pytest.mark.parametrize(
    ("payload", "headers", "identity"),
    [
        (b'{"id":"e-1","time":"2026-11-25"}', {"Nats-Msg-Id": "m-1"}, "e-1"),
        (b'{"time":"2026-11-25"}', {"Nats-Msg-Id": "m-1"}, "m-1"),
        (b'{"time":"2026-11-25"}', {}, f"AUDIT/17@{TIME}"),
    ],
)
def test_a_message_is_known_by_its_own_id_else_the_client_s_else_the_stream_s(
    payload: bytes, headers: dict[str, str], identity: str
) -> None:
    collector = source()
    data = write_envelope("AUDIT", "audit.x", 17, TIME, headers, payload)
    assert collector.derive(collector.original(data, MEDIA_TYPE)).source_record_id == identity


@pytest.mark.parametrize("payload", [b"", b"\x00\xff", "\ufeff{}".encode(), b"21.5"])
def test_a_payload_stands_in_the_original_byte_for_byte(payload: bytes) -> None:
    data = write_envelope("S", "a.b", 1, TIME, {"k": "v\u00e9"}, payload)
    item = message_item(data, "bytes")
    assert (item["payload"], item["levels"], item["headers"]) == (payload, ["a", "b"], {"k": "v\u00e9"})


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"stream":"S","subject":"a","sequence":1,"time":"1"}'])
def test_bytes_that_are_no_original_are_refused(data: bytes) -> None:
    with pytest.raises(SkippableRecord):
        message_item(data, "json")


@pytest.mark.parametrize(
    "options",
    [{"url": "server.example"}, {"url": "nats://user:secret@server.example"}, {"payload": "xml"}, {"stream": ""}],
)
def test_options_that_cannot_be_are_named(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        source(**options)
    assert caught.value.advice
