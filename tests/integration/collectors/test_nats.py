"""NATS JetStream against a real server: what it keeps comes once, what it lost is stated, nothing stays behind."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from nats.js.api import RetentionPolicy, StreamConfig

from collectors.infra import nats as module
from collectors.infra import nats_stream
from collectors.infra.nats import Nats
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import FatalSource
from ledger.core.record import Record
from ledger.core.source import SourceConfig
from tests.integration.collectors.following import Following, wait_for
from tests.support.memory_sink import MemorySink
from tests.support.nats_server import NatsServer

QUICK = Patience(attempts=2, first=0.05, longest=0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    server.start()
    yield server
    server.stop()


def collector(server: NatsServer, stream: str, **options: str) -> Nats:
    given = {"url": server.url, "user": "collector", "stream": stream, **options}
    config = SourceConfig(id=stream, type="nats", title="Edge", options=given, mapping=template("edge-events").text)
    return Nats(config, {"password": server.passwords["collector"]}, SystemClock())


def pull(source: Nats, sink: MemorySink) -> None:
    Runner(source, sink, SystemClock(), patience=QUICK).pull(0.1)


def event(new: object) -> bytes:
    return json.dumps({"time": "2026-11-25T07:10:06.123Z", "changes": [{"attribute": "v", "new": new}]}).encode()


def told(records: list[Record]) -> list[object]:
    return [record.changes[0].new for record in records]


def test_what_limits_deleted_before_it_was_read_is_a_gap_that_names_the_numbers(server: NatsServer) -> None:
    server.make(StreamConfig(name="LIMITED", subjects=["limited.>"], max_msgs=5))
    source, sink = collector(server, "LIMITED"), MemorySink("LIMITED")
    server.publish([("limited.a", event(at)) for at in range(3)])
    pull(source, sink)
    server.publish([("limited.a", event(at)) for at in range(3, 20)])
    pull(source, sink)
    assert told(sink.records) == [0, 1, 2, *range(15, 20)]
    (gap,) = sink.gaps
    assert gap.subject == "messages 4 to 15"
    assert gap.reason.startswith("12 messages were deleted")
    assert [record.source_sequence for record in sink.records][:4] == ["1", "2", "3", "16"]


def test_with_a_subject_numbers_of_others_are_no_gap_and_a_moved_beginning_is(server: NatsServer) -> None:
    server.make(StreamConfig(name="MIXED", subjects=["mixed.>"], max_msgs=6))
    source, sink = collector(server, "MIXED", subject="mixed.a.*"), MemorySink("MIXED")
    server.publish([("mixed.a.x", event("a1")), ("mixed.b.x", event("b1")), ("mixed.a.y", event("a2"))])
    pull(source, sink)
    assert (told(sink.records), sink.gaps) == (["a1", "a2"], [])
    server.publish([("mixed.b.x", event(at)) for at in range(9)])
    server.publish([("mixed.a.x", event("a3"))])
    pull(source, sink)
    assert told(sink.records) == ["a1", "a2", "a3"]
    assert [gap.subject for gap in sink.gaps] == ["messages 4 to 7"]


def test_a_stream_that_was_made_anew_is_read_from_its_beginning_after_a_gap(server: NatsServer) -> None:
    config = StreamConfig(name="ANEW", subjects=["anew.>"])
    server.make(config)
    source, sink = collector(server, "ANEW"), MemorySink("ANEW")
    server.publish([("anew.a", event(at)) for at in range(3)])
    pull(source, sink)
    server.act(lambda jetstream: jetstream.delete_stream("ANEW"))
    server.make(config)
    server.publish([("anew.a", event("new"))])
    pull(source, sink)
    assert told(sink.records) == [0, 1, 2, "new"]
    assert [gap.reason for gap in sink.gaps] == ["the stream was made anew"]
    assert sink.changed == [], "the same number is another message"


def test_many_messages_come_in_order_and_nothing_stays_at_the_server(server: NatsServer) -> None:
    server.make(StreamConfig(name="MANY", subjects=["many.>"]))
    source, sink = collector(server, "MANY"), MemorySink("MANY")
    server.publish([("many.a", event(at)) for at in range(600)])
    with Following(source, sink):
        wait_for(lambda: len(sink.records) == 600)
        server.publish([("many.a", event("live"))])
        wait_for(lambda: len(sink.records) > 600)
    assert told(sink.records) == [*range(600), "live"]
    assert len(sink.runs) < 20
    assert server.act(lambda jetstream: jetstream.consumers_info("MANY")) == []


def test_a_server_that_was_killed_is_read_on_where_it_was_left(server: NatsServer) -> None:
    server.make(StreamConfig(name="KILLED", subjects=["killed.>"]))
    source, sink = collector(server, "KILLED"), MemorySink("KILLED")
    with Following(source, sink):
        server.publish([("killed.a", event("before"))])
        wait_for(lambda: bool(sink.records))
        server.kill()
        server.start()
        server.publish([("killed.a", event("after"))])
        wait_for(lambda: len(sink.records) == 2)
    assert told(sink.records) == ["before", "after"]
    assert sink.gaps == []


def test_a_reading_that_the_server_forgot_is_begun_again(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ALIVE_SECONDS", 0.5)
    server.make(StreamConfig(name="FORGOT", subjects=["forgot.>"]))
    source, sink = collector(server, "FORGOT", heartbeat_seconds="1"), MemorySink("FORGOT")
    with Following(source, sink):
        wait_for(lambda: bool(server.act(lambda jetstream: jetstream.consumers_info("FORGOT"))))
        (reading,) = server.act(lambda jetstream: jetstream.consumers_info("FORGOT"))
        server.act(lambda jetstream: jetstream.delete_consumer("FORGOT", reading.name))
        server.publish([("forgot.a", event("after"))])
        wait_for(lambda: bool(sink.records))
    assert told(sink.records) == ["after"]


@pytest.mark.parametrize("retention", [RetentionPolicy.WORK_QUEUE, RetentionPolicy.INTEREST])
def test_a_stream_that_gives_its_messages_away_is_not_read_beside_its_consumers(
    server: NatsServer, retention: RetentionPolicy
) -> None:
    name = f"AWAY-{retention.value}"
    server.make(StreamConfig(name=name, subjects=[f"{retention.value}.>"], retention=retention))
    source = collector(server, name)
    checks = {check.name: check for check in source.check().checks}
    assert not checks["retention"].ok
    assert "mirror" in checks["retention"].advice
    with pytest.raises(FatalSource, match="gives its messages away"):
        pull(source, MemorySink(name))


def test_a_stream_that_is_not_there_is_for_a_person(server: NatsServer) -> None:
    source = collector(server, "NOWHERE")
    assert not source.check().ok
    with pytest.raises(FatalSource, match="no stream 'NOWHERE'"):
        pull(source, MemorySink("NOWHERE"))


def test_a_server_without_jetstream_is_for_a_person(tmp_path: Path) -> None:
    server = NatsServer(tmp_path, jetstream=False)
    server.start()
    try:
        with pytest.raises(FatalSource, match="no JetStream"):
            pull(collector(server, "X"), MemorySink("X"))
    finally:
        server.stop()


def test_over_tls_the_server_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nats_stream, "_TIMEOUT", 1.0)
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=nats", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(["openssl", "req", *options, *names, *files], check=True, capture_output=True)
    settings = f'tls {{cert_file: "{tmp_path}/cert.pem", key_file: "{tmp_path}/key.pem"}}\n'
    server = NatsServer(tmp_path, settings)
    server.start()
    try:
        url = server.url.replace("nats:", "tls:")
        with pytest.raises(FatalSource, match="no stream 'X'"):
            pull(collector(server, "X", url=url, ca=str(tmp_path / "cert.pem")), MemorySink("X"))
        with pytest.raises(FatalSource, match="no TLS"):
            pull(collector(server, "X", url=url), MemorySink("X"))
    finally:
        server.stop()
