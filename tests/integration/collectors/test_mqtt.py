"""MQTT against a real broker: exactly once over breaks without any id in the payload, and what is lost is stated."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes  # type: ignore[import-untyped]
from paho.mqtt.properties import Properties  # type: ignore[import-untyped]

from collectors.ot.mqtt import Mqtt
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, FatalSource, RetriableSource
from ledger.core.record import Record
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from tests.integration.collectors.following import Following, wait_for
from tests.support.cable import Cable
from tests.support.memory_sink import MemorySink
from tests.support.mosquitto import Mosquitto

QUICK = Patience(attempts=2, first=0.05, longest=0.1)
BOTH = pytest.mark.parametrize("version", ["5", "3.1.1"])
MAPPING = """
name = "anything"
version = 1
title = "Anything: each delivery is a record"
[options]
payload = "text"
[record]
id = "number"
action = { text = "update" }
occurred_at = "received"
object = { type = { text = "topic" }, id = "topic" }
[[record.changes]]
attribute = { text = "payload" }
new = "payload"
[[record.changes]]
attribute = { text = "user" }
new = "properties.user"
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("mqtt")
    rules = folder / "rules"
    rules.write_text(
        "user publisher\ntopic #\nuser collector\ntopic read plant/#\ntopic read $SYS/#\n", encoding="utf-8"
    )
    broker = Mosquitto(folder, [f"acl_file {rules}", "sys_interval 1"])
    broker.start()
    yield broker
    broker.stop()


def collector(broker: Mosquitto, name: str, version: str = "5", **options: str) -> Mqtt:
    given = {"url": broker.url, "user": "collector", "topics": f"plant/{name}/#", "protocol": version, **options}
    config = SourceConfig(id=f"{name}-{version}", type="mqtt", title="UNS", options=given, mapping=MAPPING)
    return Mqtt(config, {"password": broker.passwords["collector"]}, SystemClock())


def pull(source: Mqtt, sink: MemorySink, seconds: float = 0.1) -> None:
    Runner(source, sink, SystemClock(), patience=QUICK).pull(seconds)


def told(records: list[Record]) -> list[object]:
    return [record.changes[0].new for record in records]


@BOTH
@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("moment", ["on_submit", "on_taken"])
def test_messages_that_are_all_alike_come_once_each_wherever_the_collector_dies(
    broker: Mosquitto, version: str, qos: int, moment: str
) -> None:
    name = f"alike-{qos}-{moment}"
    sink = MemorySink(f"{name}-{version}")
    source = collector(broker, name, version, qos=str(qos))
    pull(source, sink)
    broker.publish([(f"plant/{name}", b"21.5")] * 30, qos)

    def die(batch: RunBatch) -> None:
        if batch.submissions:
            raise AccessDenied("the process is killed")

    setattr(sink, moment, die)
    deaths = 0
    for _ in range(3):
        try:
            pull(collector(broker, name, version, qos=str(qos)), sink)
        except AccessDenied:
            deaths += 1
    assert deaths > 0
    setattr(sink, moment, lambda _: None)
    with Following(collector(broker, name, version, qos=str(qos)), sink):
        wait_for(lambda: len(sink.records) >= 30)
    assert told(sink.records) == ["21.5"] * 30
    assert sink.duplicates == 0, "known by packet id, not by their ids in the ledger"
    assert sink.gaps == []


@BOTH
def test_a_broken_network_neither_loses_nor_doubles_what_is_under_way(broker: Mosquitto, version: str) -> None:
    name, expected = "cable", [str(at) for at in range(400)]
    with Cable(broker.port) as cable:
        source = collector(broker, name, version, url=f"mqtt://127.0.0.1:{cable.port}")
        sink = MemorySink(source.config.id)
        pull(source, sink)
        with Following(source, sink):
            for at in range(0, 400, 50):
                cable.cut_after(300)
                broker.publish([(f"plant/{name}", text.encode()) for text in expected[at : at + 50]])
                wait_for(lambda: not cable.cut_is_due)
            wait_for(lambda: len(sink.records) >= 400)
    assert told(sink.records) == expected
    assert sink.duplicates == 0
    assert sum(len(run.unreachable) for run in sink.runs) >= 3, "it was cut off, and that is on record"
    assert sink.gaps == []


def test_a_broker_that_restarts_keeps_the_session_and_sends_the_rest(broker: Mosquitto) -> None:
    source = collector(broker, "restart")
    sink = MemorySink(source.config.id)
    pull(source, sink)
    broker.publish([("plant/restart", b"before")])
    broker.stop()
    broker.start()
    broker.publish([("plant/restart", b"after")])
    pull(source, sink)
    assert told(sink.records) == ["before", "after"]
    assert sink.gaps == []


@BOTH
def test_a_session_that_the_broker_lost_is_a_gap_and_listening_goes_on(broker: Mosquitto, version: str) -> None:
    source = collector(broker, "lost", version)
    sink = MemorySink(source.config.id)
    pull(source, sink)
    other = broker.client("collector", f"trailseal-lost-{version}", clean=True)
    other.disconnect()
    other.loop_stop()
    broker.publish([("plant/lost", b"unheard")])
    pull(source, sink)
    broker.publish([("plant/lost", b"heard")])
    pull(source, sink)
    assert told(sink.records) == ["heard"]
    (gap,) = sink.gaps
    assert "not kept the session" in gap.reason


def test_messages_of_qos_0_are_taken_and_absence_is_then_a_gap(broker: Mosquitto) -> None:
    source = collector(broker, "fleeting")
    sink = MemorySink(source.config.id)
    with Following(source, sink):
        wait_for(lambda: len(sink.runs) == 1)
        broker.publish([("plant/fleeting", b"live")], qos=0)
        wait_for(lambda: bool(sink.records))
    broker.publish([("plant/fleeting", b"lost")], qos=0)
    broker.publish([("elsewhere", b"the broker has taken what was sent before")])
    pull(source, sink)
    assert told(sink.records) == ["live"]
    assert [gap.subject for gap in sink.gaps] == ["messages of QoS 0"]


def test_what_the_broker_says_that_it_dropped_is_a_gap(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, ["sys_interval 1", "max_queued_messages 3", "max_inflight_messages 1"])
    broker.start()
    try:
        source = collector(broker, "full", dropped="$SYS/broker/publish/messages/dropped", heartbeat_seconds="1")
        sink = MemorySink(source.config.id)
        with Following(source, sink):
            wait_for(lambda: '"dropped":0' in (sink.state(source.config.id).cursor or ""), 20)
        broker.publish([("plant/full", str(at).encode()) for at in range(20)])
        with Following(source, sink):
            wait_for(lambda: bool(sink.gaps), 20)
        assert len(told(sink.records)) < 20
        assert "dropped" in sink.gaps[0].reason
        assert not [record for record in sink.records if record.object.id.startswith("$SYS")]
    finally:
        broker.stop()


@BOTH
def test_retained_messages_come_once_or_not_at_all_as_told(broker: Mosquitto, version: str) -> None:
    broker.publish([(f"plant/kept-{version}", b"state")], retain=True)
    taking = collector(broker, f"kept-{version}", version)
    skipping = collector(broker, f"kept-{version}", version, retained="skip", client_id=f"skip-{version}")
    for source, expected in ((taking, ["state"]), (skipping, [])):
        sink = MemorySink(source.config.id)
        pull(source, sink)
        pull(source, sink)
        assert told(sink.records) == expected
        assert not sink.duplicates


def test_topics_that_are_no_longer_wanted_are_left_and_new_ones_joined(broker: Mosquitto) -> None:
    first = collector(broker, "a", client_id="changing", topics="plant/t/a, plant/t/b")
    second = collector(broker, "a", client_id="changing", topics="plant/t/b, plant/t/c")
    sink = MemorySink(first.config.id)
    pull(first, sink)
    pull(second, sink)
    broker.publish([("plant/t/a", b"a"), ("plant/t/b", b"b"), ("plant/t/c", b"c")])
    pull(second, sink)
    assert told(sink.records) == ["b", "c"]


def test_what_mqtt_5_says_besides_the_payload_is_there_for_the_mapping(broker: Mosquitto) -> None:
    source = collector(broker, "properties")
    sink = MemorySink(source.config.id)
    pull(source, sink)
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("user", "operator1"), ("station", "HMI-3")]
    broker.publish([("plant/properties", b"1")], properties=properties)
    pull(source, sink)
    (record,) = sink.records
    assert [change.new for change in record.changes] == ["1", "operator1"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", *options, *names, *files], check=True, capture_output=True)
    return folder


def test_over_tls_the_broker_is_verified(certificates: Path, tmp_path: Path) -> None:
    listener = [f"certfile {certificates / 'cert.pem'}", f"keyfile {certificates / 'key.pem'}"]
    broker = Mosquitto(tmp_path, listener=listener)
    broker.start()
    try:
        url = f"mqtts://127.0.0.1:{broker.port}"
        source = collector(broker, "tls", url=url, ca=str(certificates / "cert.pem"))
        sink = MemorySink(source.config.id)
        pull(source, sink)
        command = [*broker.command("mosquitto_pub"), "--cafile", str(certificates / "cert.pem"), "-q", "1"]
        subprocess.run([*command, "-t", "plant/tls", "-m", "sealed"], check=True)
        pull(source, sink)
        assert told(sink.records) == ["sealed"]
        assert {check.name: check.ok for check in source.check().checks}["transport"]
        with pytest.raises(FatalSource, match="no TLS"):
            pull(collector(broker, "tls", url=url), MemorySink(source.config.id))
        with pytest.raises(RetriableSource):
            pull(collector(broker, "tls", url=f"mqtt://127.0.0.1:{broker.port}"), MemorySink(source.config.id))
    finally:
        broker.stop()


def test_the_check_says_what_mqtt_cannot_keep(broker: Mosquitto) -> None:
    checks = {check.name: check for check in collector(broker, "x", qos="0").check().checks}
    assert not checks["delivery"].ok
    assert "lost" in checks["delivery"].says
    checks = {check.name: check for check in collector(broker, "x").check().checks}
    assert checks["delivery"].ok
    assert json.dumps([check.says for check in checks.values()]).count("168 h") == 1
