"""Syslog from rsyslog and logger: over TLS with certificates, TCP and UDP; bounds, a full spool, and many messages.

`-s` prints the rate that was reached.
"""

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.demo.process import free_port
from collectors.infra.syslog import Syslog
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import AccessDenied, ConfigError, FatalSource
from ledger.core.record import Record
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from tests.integration.collectors.following import Following, wait_for
from tests.support.certificates import Authority
from tests.support.memory_sink import MemorySink
from tests.support.rsyslog import Rsyslog

FORWARD = """
global(DefaultNetstreamDriverCAFile="{ca}"{client})
*.* action(
  type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="octet-counted"
  template="RSYSLOG_SyslogProtocol23Format" StreamDriver="gtls" StreamDriverMode="1"
  StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="collector.example"
  action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="LinkedList"
)
"""
MANY = 10_000
FLOOD = """
import socket
out = bytearray()
with socket.create_connection(("127.0.0.1", {port})) as to:
    for at in range({number}):
        message = b'<13>1 2026-11-25T06:52:05.%06dZ host control - CHG [audit@32473 user="op1" tag="TIC101.SP" ' \\
            b'old="50" new="55.5"] setpoint changed %d%s' % (at, at, b" " * {padding})
        out += b"%d %s" % (len(message), message)
        if len(out) > 60000:
            to.sendall(out)
            out.clear()
    to.sendall(out)
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def collector(port: int, transport: str = "tcp", mapping: str = "", **options: str) -> Syslog:
    given = {"listen": f"{transport}://127.0.0.1:{port}"} | options
    text = mapping or template("syslog-messages").text
    return Syslog(SourceConfig(id="logs", type="syslog", title="Logs", options=given, mapping=text), {}, SystemClock())


@contextmanager
def following(source: Syslog, port: int) -> Iterator[MemorySink]:
    """The source is collected meanwhile; it listens by the time this is entered."""
    sink = MemorySink("logs")
    with Following(source, sink):
        wait_for(lambda: _accepts(port))
        yield sink


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def logger(port: int, *arguments: str, text: str = "") -> None:
    assert shutil.which("logger"), "logger is not installed (Debian: apt-get install bsdutils)"
    command = ["logger", "-n", "127.0.0.1", "-P", str(port), "-t", "control", *arguments]
    subprocess.run(command, input=text.encode() or None, check=True)


def messages(sink: MemorySink) -> list[object]:
    return [change.new for record in sink.records for change in record.changes if change.attribute == "message"]


def elements(record: Record) -> dict[str, object]:
    skipped = {"message", "severity"}
    return {
        change.attribute: json.loads(str(change.new)) for change in record.changes if change.attribute not in skipped
    }


@pytest.mark.tested(
    system="servers-and-network",
    source="rsyslog",
    type="syslog",
    against="rsyslog 8.2302 over TLS with certificates on both sides",
    holds="what its messages say, structured data, the sender's certificate",
)
def test_rsyslog_sends_over_tls_with_certificates_on_both_sides(authority: Authority, tmp_path: Path) -> None:
    port = free_port()
    certificate, key = authority.issue("collector.example")
    source = collector(
        port,
        "tls",
        certificate=str(certificate),
        key=str(key),
        client_certificates="required",
        client_ca=str(authority.file),
        clients="sender.example",
        spool=str(tmp_path / "spool"),
    )
    senders = {}
    for name, by in (("sender", authority), ("other", authority), ("stranger", Authority(tmp_path, "Another CA"))):
        folder = tmp_path / name
        folder.mkdir()
        files = by.issue(f"{name}.example")
        client = f' DefaultNetstreamDriverCertFile="{files[0]}" DefaultNetstreamDriverKeyFile="{files[1]}"'
        senders[name] = Rsyslog(folder, FORWARD.format(ca=authority.file, client=client, port=port))
    try:
        for server in senders.values():
            server.start()
        with following(source, port) as sink:
            for name, server in senders.items():
                server.send([f'<13>1 2026-11-25T06:52:05.046524Z h {name} - CHG [a@1 x="\\"1"] von {name}'.encode()])
            wait_for(lambda: len(sink.records) > 0)
            time.sleep(1.5)  # the others try again meanwhile
    finally:
        for server in senders.values():
            server.stop()
    (record,) = [record for record in sink.records if record.actor.account in senders]
    assert (record.actor.account, record.actor.workstation, record.object.id) == ("sender", "h", "h")
    assert elements(record) == {"a@1": {"x": '"1'}}
    (original,) = {one.original.data for one in sink.submissions if one.record is record and one.original}
    assert json.loads(original)["certificate"] == "sender.example"
    assert json.loads(original)["transport"] == "tls"


def test_a_sender_without_a_certificate_is_taken_unless_one_is_required(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("collector.example")
    for clients, taken in (("none", True), ("optional", True), ("required", False)):
        port, folder = free_port(), tmp_path / clients
        folder.mkdir()
        ca = "" if clients == "none" else str(authority.file)
        files = {"certificate": str(certificate), "key": str(key), "client_ca": ca, "client_certificates": clients}
        sender = Rsyslog(folder, FORWARD.format(ca=authority.file, client="", port=port))
        try:
            sender.start()
            with following(collector(port, "tls", **{k: v for k, v in files.items() if v}), port) as sink:
                sender.send([b"<13>1 2026-11-25T06:52:05.046524Z h sender - - - hello"])
                if taken:
                    wait_for(lambda: "hello" in messages(sink))
                else:
                    time.sleep(1.5)
                    assert "hello" not in messages(sink)
        finally:
            sender.stop()


def test_logger_sends_structured_data(tmp_path: Path) -> None:
    port = free_port()
    with following(collector(port), port) as sink:
        parameters = ("--sd-id", "audit@32473", "--sd-param", 'old="50"', "--sd-param", 'new="55.5"')
        logger(port, "--tcp", "--octet-count", "--msgid", "CHG", *parameters, "setpoint changed")
        wait_for(lambda: len(sink.records) == 1)
    (record,) = sink.records
    assert elements(record)["audit@32473"] == {"old": "50", "new": "55.5"}
    assert "timeQuality" in elements(record)
    assert record.actor.account == "control"
    assert abs((record.occurred_at.instant_us or 0) - SystemClock().now_us()) < 60_000_000


@pytest.mark.parametrize("framing", [(), ("--octet-count",)], ids=["trailers", "octet counting"])
@pytest.mark.parametrize("form", ["--rfc5424", "--rfc3164"])
def test_logger_sends_over_tcp_in_both_framings_and_both_forms(framing: tuple[str, ...], form: str) -> None:
    port = free_port()
    with following(collector(port), port) as sink:
        logger(port, "--tcp", *framing, form, text="one\ntwo\nthr\u00e9e\n")
        wait_for(lambda: len(sink.records) == 3)
    assert messages(sink) == ["one", "two", "thr\u00e9e"]
    assert {record.actor.account for record in sink.records} == {"control"}


def test_logger_sends_over_udp(tmp_path: Path) -> None:
    port, tcp = free_port(), free_port()
    source = collector(port, listen=f"udp://:{port}, tcp://:{tcp}")
    with following(source, tcp) as sink:
        logger(port, "--udp", text="one\ntwo\n")
        wait_for(lambda: len(sink.records) == 2)
    assert messages(sink) == ["one", "two"]
    assert [check.ok for check in source.check().checks if check.name == "listen"] == [True, True]


def test_of_many_messages_none_is_lost_and_none_comes_twice(tmp_path: Path) -> None:
    port = free_port()
    with following(collector(port, spool=str(tmp_path / "spool")), port) as sink:
        begun, used = time.perf_counter(), time.process_time()
        flood = subprocess.run([sys.executable, "-c", FLOOD.format(port=port, number=MANY, padding=0)], check=True)
        sent = time.perf_counter() - begun
        wait_for(lambda: len(sink.submissions) >= MANY, 60)
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    print(
        f"\nsyslog over TCP: {MANY / sent:.0f} messages/s taken from the sender; {MANY / seconds:.0f} records/s into a "
        f"sink in memory, {MANY / used:.0f} a second of CPU time"
    )
    assert flood.returncode == 0
    assert messages(sink) == [f"setpoint changed {at}" for at in range(MANY)]
    assert sink.changed == []
    assert not sink.rejected


def test_while_the_ledger_does_not_take_the_spool_fills_and_the_sender_waits(tmp_path: Path) -> None:
    port, free, number = free_port(), threading.Event(), 900
    sink = MemorySink("logs")
    sink.on_submit = lambda _: _wait(free)
    source = collector(port, spool=str(tmp_path / "spool"), spool_mib="1")
    with Following(source, sink):
        wait_for(lambda: _accepts(port))
        logger(port, "--tcp", "first")
        with subprocess.Popen([sys.executable, "-c", FLOOD.format(port=port, number=number, padding=10_000)]) as flood:
            time.sleep(1.5)
            assert flood.poll() is None, "the sender waits"
            kept = sum(path.stat().st_size for path in (tmp_path / "spool").iterdir())
            assert kept < 3 * 1024 * 1024
            free.set()
            assert flood.wait(60) == 0
        wait_for(lambda: len(sink.submissions) >= number + 1, 60)
    assert [str(text).strip() for text in messages(sink)[1:]] == [f"setpoint changed {at}" for at in range(number)]


def _wait(free: threading.Event) -> None:
    free.wait(60)


def test_what_was_received_survives_the_end_of_the_process_before_the_ledger_had_it(tmp_path: Path) -> None:
    port, sink = free_port(), MemorySink("logs")
    options = {"spool": str(tmp_path / "spool")}

    def die(batch: RunBatch) -> None:
        if batch.submissions:
            raise AccessDenied("the process is killed")

    def receive() -> None:
        with Following(collector(port, **options), sink):
            wait_for(lambda: _accepts(port))
            logger(port, "--tcp", text="one\ntwo\n")
            time.sleep(1)

    sink.on_submit = die
    with pytest.raises(AccessDenied):
        receive()
    sink.on_submit = lambda _: None
    Runner(collector(port, **options), sink, SystemClock()).pull(listen_seconds=0.3)
    assert messages(sink) == ["one", "two"]
    assert sink.changed == []


def test_messages_that_are_too_long_or_none_are_kept_as_rejected_and_the_rest_goes_on() -> None:
    port = free_port()
    with following(collector(port, max_message="500"), port) as sink:
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(b"<13>1 - h a - - - " + b"x" * 1000 + b"\n<13>1 - h a - - - good\nnot syslog\n")
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(b"99999999999 <13>x")
            assert sender.recv(10) == b"", "the connection is closed"
        wait_for(lambda: len(sink.rejected) == 3)
    assert messages(sink) == ["good"]
    reasons = sorted(one.reason for one in sink.rejected)
    assert "first 500 bytes" in reasons[2]
    assert "neither a message nor its length" in reasons[0]
    assert "PRI" in reasons[1]


def test_a_connection_that_ends_within_a_message_is_a_gap_and_makes_nothing_up() -> None:
    port = free_port()
    with following(collector(port), port) as sink:
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(b"100 <13>1 - h a - - - half")
        wait_for(lambda: bool(sink.gaps))
    assert not sink.records
    assert not sink.rejected
    assert sink.gaps[0].subject == "sender 127.0.0.1"


def test_only_allowed_senders_and_so_many_connections_are_taken() -> None:
    port = free_port()
    with following(collector(port, allow="192.0.2.0/24"), port) as sink:
        with socket.create_connection(("127.0.0.1", port)) as sender:
            assert _is_refused(sender)
        time.sleep(0.2)
        assert not sink.records
    with following(collector(port, max_connections="2"), port) as sink:
        time.sleep(0.3)
        first, second, third = (socket.create_connection(("127.0.0.1", port)) for _ in range(3))
        assert _is_refused(third)
        for sender in (first, second):
            sender.sendall(b"<13>1 - h a - - - taken\n")
            sender.close()
        wait_for(lambda: len(sink.records) == 2)
        third.close()


def _is_refused(sender: socket.socket) -> bool:
    sender.settimeout(5)
    try:
        sender.sendall(b"<13>1 - h a - - - refused\n")
        return sender.recv(1) == b""
    except ConnectionError:
        return True


def test_the_time_in_which_nobody_listened_is_a_gap_from_the_second_time_on(tmp_path: Path) -> None:
    port, sink = free_port(), MemorySink("logs")
    for expected in (0, 1, 2):
        quick = Patience(attempts=1, first=0, longest=0)
        source = collector(port, spool=str(tmp_path / "spool"))
        Runner(source, sink, SystemClock(), patience=quick).pull(listen_seconds=0.05)
        assert [gap.subject for gap in sink.gaps] == ["senders"] * expected


def test_the_check_says_what_a_source_lacks(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("soon.example")
    checks = {check.name: check for check in collector(free_port()).check().checks}
    assert not checks["spool"].ok
    assert "forged" in checks["listen"].says
    given = {"certificate": str(certificate), "key": str(key), "spool": str(tmp_path / "spool")}
    checks = {check.name: check for check in collector(free_port(), "tls", **given).check().checks}
    assert checks["spool"].ok
    assert not checks["certificate"].ok, "it ends within a month"
    assert "soon.example" in checks["certificate"].says
    wrong = given | {"key": str(authority.issue("other.example")[1])}
    checks = {check.name: check for check in collector(free_port(), "tls", **wrong).check().checks}
    assert not checks["certificate"].ok
    with pytest.raises(FatalSource, match="certificates cannot be used"):
        Runner(collector(free_port(), "tls", **wrong), MemorySink("logs"), SystemClock()).pull(listen_seconds=0.1)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"listen": "127.0.0.1:514"}, "listen"),
        ({"listen": "tcp://127.0.0.1"}, "listen"),
        ({"listen": "http://127.0.0.1:514"}, "listen"),
        ({"listen": "tls://:6514"}, "certificate"),
        ({"client_certificates": "perhaps"}, "client_certificates"),
        ({"client_certificates": "required"}, "client_ca"),
        ({"clients": "a"}, "clients"),
        ({"allow": "300.1.1.1"}, "allow"),
        ({"max_message": "10"}, "max_message"),
        ({"format": "csv"}, "columns"),
        ({"encoding": "nonsense"}, "encoding"),
    ],
)
def test_options_that_cannot_be_are_named(options: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        collector(514, **options)
