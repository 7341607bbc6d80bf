"""EtherNet/IP: what names and bytes mean, and that nothing but reads goes out, at its rate."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from time import monotonic

import pytest
from pycomm3 import CIPDriver
from pycomm3.exceptions import PycommError

from collectors.ot import enip_values
from collectors.ot.enip import Enip
from collectors.ot.enip_session import READ_TAG, EnipSession, Refusal, _Message, is_read, tag_path
from collectors.ot.plc import Pace, Point, read_points
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Action, Record
from ledger.core.source import SourceConfig
from tests.support.enip_simulator import EnipSimulator
from tests.support.memory_sink import MemorySink
from tests.support.wiretap import Wiretap, assert_paced, enip_frame

POINTS = """
TIC101.SP = TIC101_SP [°C] @REACTOR-1
Mode
Bypass
Recipe.First = Recipe[0]{3}
Recipe.Second = Recipe[1]
Step0
"""


def config(port: int, /, **options: str) -> SourceConfig:
    given = {"host": "127.0.0.1", "port": str(port), "points": POINTS, "requests_per_second": "100", **options}
    return SourceConfig(id="mixer", type="enip", title="Mixer", options=given)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnipSimulator]:
    with EnipSimulator(tmp_path_factory.mktemp("logix")) as running:
        yield running


def look(source: SourceConfig, sink: MemorySink) -> list[Record]:
    before = len(sink.records)
    Runner(
        Enip(source, {}, SystemClock()), sink, SystemClock(), patience=Patience(attempts=1, first=0, longest=0)
    ).pull()
    assert not sink.rejected
    assert sink.changed == []
    return sink.records[before:]


def news(records: list[Record]) -> dict[str, object]:
    return {record.object.id: record.changes[0].new for record in records if record.object.type == "tag"}


def said(records: list[Record], kind: str) -> dict[str, tuple[object, object]]:
    (record,) = [record for record in records if record.object.type == kind]
    return {change.attribute: (change.old, change.new) for change in record.changes}


def test_a_point_is_its_own_address_unless_it_has_another() -> None:
    assert read_points("Mode, Recipe[3]\nSP = Program:Main.TIC101_SP [°C] @R1", addressed=False) == (
        Point(tag="Mode", address="Mode"),
        Point(tag="Recipe[3]", address="Recipe[3]"),
        Point(tag="SP", address="Program:Main.TIC101_SP", unit="°C", asset="R1"),
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"points": "1Mode"}, "1Mode"),
        ({"points": "A = Mode{0}"}, "A: "),
        ({"points": "A = Mode[x]"}, "A: "),
        ({"points": f"A = {'x' * 300}"}, "A: "),
        ({"points": "A = Mode{99999}"}, "A: "),
        ({"route": "bp"}, "route"),
        ({"route": "bp/0/"}, "route"),
        ({"details": "identity, colour"}, "colour"),
        ({"per_request": "50"}, "per_request"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Enip(config(44818, **options), {}, SystemClock())


@pytest.mark.parametrize(
    ("data", "means"),
    [
        (b"\xca\x00" + struct.pack("<f", 0.1), "0.1"),
        (b"\xc4\x00\xfe\xff\xff\xff", -2),
        (b"\xc1\x00\xff", True),
        (b"\xc3\x00\x01\x00\x02\x00", [1, 2]),
        (b"\xd3\x00\x01\x00\x00\x80", 0x80000001),
        (b"\xd0\x00\x03\x00abc\x00", "abc"),
        (b"\xda\x00\x02abcd", "ab"),
        (b"\xa0\x02\xce\x0f" + struct.pack("<i", 5) + "grün".encode() + bytes(77), "grün"),
        (b"\xa0\x02\x34\x12\x01\x02", "structure 1234: 0102"),
    ],
)
def test_bytes_of_a_tag_mean_what_their_type_says(data: bytes, means: object) -> None:
    assert enip_values.value(data, "utf-8") == means


@pytest.mark.parametrize(
    ("status", "switch", "into"),
    [
        (0x3160, "REMOTE RUN", Action.START),
        (0x1060, "RUN", Action.START),
        (0x2070, "PROG", Action.STOP),
        (0x3070, "REMOTE PROG", Action.STOP),
        (0x0000, None, None),
    ],
)
def test_the_key_switch_is_read_from_the_status_word(status: int, switch: str | None, into: Action | None) -> None:
    shown = enip_values.mode(status.to_bytes(2, "little"))
    assert (shown.attributes["key-switch"], shown.into) == (switch, into)
    assert enip_values.mode((status | 0x0400).to_bytes(2, "little")).attributes["major-recoverable-fault"] is True


def test_an_answer_for_the_clock_is_read_with_and_without_its_count() -> None:
    body = struct.pack("<HHQ", 6, 0, 1_782_900_000_000_000)
    assert enip_values.clock_us(body) == enip_values.clock_us(b"\x01\x00" + body) == 1_782_900_000_000_000
    assert enip_values.clock_us(struct.pack("<HHQ", 6, 0, 0)) is None, "a clock that was never set"
    assert enip_values.clock_us(struct.pack("<HHQ", 6, 8, 5)) is None


def test_a_look_gives_tags_identity_mode_and_program(simulator: EnipSimulator) -> None:
    simulator.write("TIC101_SP", "REAL", 65.5)
    simulator.write("Recipe[1]", "INT", 7)
    simulator.write_text("Project", b"MIXER_V2")
    sink = MemorySink("mixer")
    records = look(config(simulator.port), sink)
    assert news(records) == {
        "TIC101.SP": "65.5",
        "Mode": 0,
        "Bypass": False,
        "Recipe.First": "[0,7,0]",
        "Recipe.Second": 7,
        "Step0": "",
    }
    (point,) = [record for record in records if record.object.id == "TIC101.SP"]
    assert (point.changes[0].unit, point.links[0].id) == ("°C", "REACTOR-1")
    controller = {name: new for name, (_, new) in said(records, "controller").items()}
    assert controller["product-name"] == "1756-L61/B LOGIX5561"
    assert controller["vendor"] == "Rockwell Automation/Allen-Bradley"
    assert controller["revision"] == "20.11"
    assert said(records, "mode")["key-switch"][1] == "REMOTE RUN"
    assert said(records, "program")["name"][1] == "MIXER_V2"
    assert look(config(simulator.port), sink) == []


def test_a_download_shows_in_name_edit_state_and_audit_value(simulator: EnipSimulator) -> None:
    simulator.write_text("Project", b"MIXER_V2")
    sink = MemorySink("mixer")
    look(config(simulator.port), sink)
    simulator.write_text("Project", b"MIXER_V3")
    simulator.stop()
    simulator.edits = 0x01020304
    simulator.start()
    simulator.write("Audit", "ULINT", 0xABCDEF)
    simulator.write("Recipe[1]", "INT", 9)
    records = look(config(simulator.port), sink)
    assert said(records, "program")["name"] == ("MIXER_V2", "MIXER_V3")
    assert said(records, "audit-value")["value"][1] == "efcdab0000000000"
    assert "04030201" in str(said(records, "edit-state")["value"][1])
    assert news(records) == {"Recipe.First": "[0,9,0]", "Recipe.Second": 9}
    assert all(change.inferred for record in records for change in record.changes)


def test_a_mode_change_is_a_stop(simulator: EnipSimulator) -> None:
    sink = MemorySink("mixer")
    look(config(simulator.port), sink)
    simulator.stop()
    simulator.status = 0x3070
    try:
        simulator.start()
        (record,) = [record for record in look(config(simulator.port), sink) if record.object.type == "mode"]
    finally:
        simulator.stop()
        simulator.status = 0x3160
        simulator.start()
    assert record.action is Action.STOP
    assert (record.changes[0].old, record.changes[0].new) == ("REMOTE RUN", "REMOTE PROG")


def test_the_controller_s_clock_is_measured_where_it_has_one(simulator: EnipSimulator) -> None:
    simulator.write("WallClock", "ULINT", SystemClock().now_us() - 3_600_000_000)
    try:
        report = Enip(config(simulator.port), {}, SystemClock()).check()
    finally:
        simulator.write("WallClock", "ULINT", 0)
    assert report.clock is not None
    assert abs(report.clock.offset_us + 3_600_000_000) < 5_000_000
    assert [check.name for check in report.checks if not check.ok] == ["clock"]


def test_a_tag_that_there_is_not_hides_no_other(simulator: EnipSimulator) -> None:
    sink = MemorySink("mixer")
    source = config(simulator.port, points="Mode\nNowhere\nRecipe[50]\nBypass", details="none")
    assert sorted(news(look(source, sink))) == ["Bypass", "Mode"]
    assert [gap.subject for gap in sink.gaps] == ["tag Nowhere", "tag Recipe[50]"]


def test_only_reads_go_out_at_the_set_rate_also_when_connections_break(simulator: EnipSimulator) -> None:
    with Wiretap(simulator.port, enip_frame) as tap:
        collector = Enip(config(tap.port, requests_per_second="20", per_request="2"), {}, SystemClock())
        patience = Patience(attempts=3, first=0.001, longest=0.002)
        sink = MemorySink("mixer")
        assert collector.check().clock is None
        tap.break_after = 4
        with pytest.raises(RetriableSource):
            Runner(collector, sink, SystemClock(), patience=patience).pull()
        tap.break_after = None
        Runner(collector, sink, SystemClock(), patience=patience).pull()
    frames = [request.frame for request in tap.requests]
    assert all(is_read(frame) for frame in frames)
    assert {frame[0] for frame in frames} == {0x65, 0x6F}
    inside = {_inner(frame)[0] for frame in frames if frame[0] == 0x6F}
    assert inside == {0x01, 0x03, 0x0E, 0x0A}
    assert len({request.connection for request in tap.requests}) == 5
    assert_paced([*(request.at for request in tap.requests), *tap.connections], per_second=20)


def _inner(frame: bytes) -> bytes:
    """The message inside of an unconnected send."""
    return frame[40 + 10 :]


WRITES: tuple[Callable[[CIPDriver], object], ...] = (
    lambda driver: driver.send(_Message(b"\x4d" + tag_path("Mode") + b"\xc4\x00\x01\x00\x07\x00\x00\x00", b"")),
    lambda driver: driver.send(
        _Message(b"\x4d" + tag_path("Mode") + b"\xc4\x00\x01\x00\x07\x00\x00\x00", b"\x01\x00\x01\x00")
    ),
    lambda driver: driver.send(_Message(b"\x53" + tag_path("Mode") + bytes(12), b"")),
    lambda driver: driver.send(_Message(b"\x4e" + tag_path("Mode") + bytes(12), b"")),
    lambda driver: driver.generic_message(0x10, 0x01, 1, 5, b"\x00\x00", connected=False),
    lambda driver: driver.generic_message(0x02, 0x01, 1, connected=False),
    lambda driver: driver.generic_message(0x05, 0x01, 1, connected=False, unconnected_send=True),
    lambda driver: driver.generic_message(0x07, 0x8E, 1, connected=False),
    lambda driver: driver.generic_message(0x4B, 0x67, 1, connected=False),
    lambda driver: driver.generic_message(0x01, 0x01, 1),
    lambda driver: driver.send(
        _Message(
            b"\x0a\x02\x20\x02\x24\x01" + struct.pack("<3H", 2, 6, 14) + b"\x4c\x02\x20\x01\x24\x01\x01\x00"
            b"\x4d\x02\x20\x01\x24\x01\x01\x00",
            b"",
        )
    ),
)


def test_a_request_that_is_no_read_never_leaves(simulator: EnipSimulator) -> None:
    simulator.write("Mode", "DINT", 3)
    with Wiretap(simulator.port, enip_frame) as tap:
        session = EnipSession(
            "127.0.0.1", tap.port, "bp/0", timeout=2, pace=Pace(100), stop=threading.Event(), away=RuntimeError
        )
        with session:
            assert session.read_tags([("Mode", 1)]) == [b"\xc4\x00\x03\x00\x00\x00"]
            for write in WRITES:
                with pytest.raises((FatalSource, PycommError)) as caught:
                    write(session._driver)
                assert "nothing was sent" in str(caught.value) or "nothing was sent" in str(caught.value.__cause__)
            assert session.read_tags([("Mode", 1)]) == [b"\xc4\x00\x03\x00\x00\x00"]
    assert [request.frame[0] for request in tap.requests] == [0x65, 0x6F, 0x6F]


def test_an_embedded_error_spoils_no_other_tag(simulator: EnipSimulator) -> None:
    session = EnipSession(
        "127.0.0.1", simulator.port, "", timeout=2, pace=Pace(100), stop=threading.Event(), away=RuntimeError
    )
    with session:
        found = session.read_tags([("Mode", 1), ("Nowhere", 1), ("Bypass", 1)])
    assert isinstance(found, list)
    assert [isinstance(one, Refusal) for one in found] == [False, True, False]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4,
        b"\x65\x00\x04\x00" + bytes(24),
        b"\x65\x00\xff\xff" + bytes(40),
        b"\x6f\x00\x18\x00" + bytes(60),
        bytes(3),
    ],
)
def test_a_peer_that_speaks_something_else_is_away_and_takes_no_longer_than_its_time(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_drip, args=(server, answer), daemon=True).start()
        began = monotonic()
        report = Enip(config(port, timeout_seconds="0.5"), {}, SystemClock()).check()
        assert monotonic() - began < 5
    assert not report.ok
    assert f"127.0.0.1:{port}" in report.checks[-1].says


def test_a_peer_that_hangs_up_is_away_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_hang_up, args=(server,), daemon=True).start()
        began = monotonic()
        report = Enip(config(port, timeout_seconds="5"), {}, SystemClock()).check()
        assert monotonic() - began < 3
    assert not report.ok


def _drip(server: socket.socket, answer: bytes) -> None:
    """Answers, and then sends a byte now and then for ever."""
    try:
        peer, _ = server.accept()
        with peer:
            peer.sendall(answer)
            while True:
                peer.sendall(b"\x00")
                threading.Event().wait(0.05)
    except OSError:
        return


def _hang_up(server: socket.socket) -> None:
    peer, _ = server.accept()
    with peer:
        peer.sendall(b"\x65\x00\x04\x00\x01\x00")


def test_what_is_a_read_is_decided_inside_and_out() -> None:
    def frame(message: bytes, command: int = 0x6F) -> bytes:
        return command.to_bytes(2, "little") + bytes(38) + message

    read = bytes([READ_TAG]) + tag_path("Mode") + b"\x01\x00"
    write = b"\x4d" + tag_path("Mode") + b"\xc4\x00\x01\x00"
    assert is_read(frame(read))
    assert not is_read(frame(write))
    assert not is_read(frame(read, command=0x70)), "connected messages are not sent at all"
    assert not is_read(frame(b""))
    assert not is_read(frame(b"\x52\x02\x20\x06\x24\x01\x0a\x05" + len(write).to_bytes(2, "little") + write))
    assert is_read(frame(b"\x52\x02\x20\x06\x24\x01\x0a\x05" + len(read).to_bytes(2, "little") + read))
    assert not is_read(frame(b"\x0a\x02\x20\x02\x24\x01\x00\x00")), "nothing inside"
    assert not is_read(b"\x65\x00")
