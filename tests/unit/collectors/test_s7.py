"""S7: what an address says, what status lists and blocks mean, and that nothing but reads goes out, at its rate."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import monotonic

import pytest
from snap7.client import Client
from snap7.server import Server
from snap7.type import Block, SrvArea

from collectors.base import CheckReport
from collectors.demo.process import free_port
from collectors.demo.s7 import DB, RUN, ProgramBlock, S7Cpu
from collectors.ot import s7_lists
from collectors.ot.plc import Pace, Point
from collectors.ot.s7 import S7
from collectors.ot.s7_points import plan, read_place, value
from collectors.ot.s7_session import S7Session, is_read
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Action, Record
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink
from tests.support.wiretap import Wiretap, assert_paced, tpkt_frame

POINTS = """
TIC101.SP = DB10.DBD0:REAL [°C] @REACTOR-1
Mode = DB10:4:INT
Bypass = DB10.DBX6.0:BOOL
Step1 = DB10:8:STRING[254]
Flags = MW4:WORD
"""


def config(port: int, /, **options: str) -> SourceConfig:
    given = {
        "host": "127.0.0.1",
        "port": str(port),
        "slot": "2",
        "points": POINTS,
        "requests_per_second": "100",
        **options,
    }
    return SourceConfig(id="mixer", type="s7", title="Mixer", options=given, zone="UTC")


@pytest.fixture
def cpu() -> Iterator[S7Cpu]:
    with S7Cpu() as running:
        yield running


def look(source: SourceConfig, sink: MemorySink) -> list[Record]:
    before = len(sink.records)
    Runner(S7(source, {}, SystemClock()), sink, SystemClock(), patience=Patience(attempts=1, first=0, longest=0)).pull()
    assert not sink.rejected
    assert sink.changed == []
    return sink.records[before:]


def said(records: list[Record], kind: str, identity: str | None = None) -> dict[str, tuple[object, object]]:
    (record,) = [one for one in records if one.object.type == kind and (identity is None or one.object.id == identity)]
    return {change.attribute: (change.old, change.new) for change in record.changes}


@pytest.mark.parametrize(
    ("address", "means"),
    [
        ("DB10.DBD4:REAL", ("DB", 10, 4, 4, "REAL")),
        ("DB10.DBX0.7:BOOL", ("DB", 10, 0, 1, "BOOL")),
        ("db1:20:STRING[40]", ("DB", 1, 20, 42, "STRING[40]")),
        ("DB1:0:INT[5]", ("DB", 1, 0, 10, "INT*5")),
        ("MW20:WORD", ("M", 0, 20, 2, "WORD")),
        ("I0.3:BOOL", ("I", 0, 0, 1, "BOOL")),
        ("%QB2:BYTE", ("Q", 0, 2, 1, "BYTE")),
    ],
)
def test_an_address_says_area_place_and_type(address: str, means: tuple[object, ...]) -> None:
    place = read_place(Point(tag="T", address=address))
    assert (place.area, place.number, place.start, place.size, place.how) == means


@pytest.mark.parametrize(
    "address",
    [
        "DB10.DBD4",
        "DB10.DBX0.8:BOOL",
        "DB1:0:BOOL[9]",
        "DB1:0:STRUCT",
        "DB1:70000:INT",
        "DB1:-2:INT",
        "T5:TIME",
        "DB1:0:FSTRING[5]",
        "DBX:0:INT",
        "DB1:0:INT[0]",
        ":",
    ],
)
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match="T: "):
        read_place(Point(tag="T", address=address))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"rack": "9"}, "rack"),
        ({"slot": "x"}, "slot"),
        ({"blocks": "OB, XX"}, "XX"),
        ({"diagnostics": "perhaps"}, "diagnostics"),
        ({"encoding": "morse"}, "encoding"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        S7(config(102, **options), {}, SystemClock())


@pytest.mark.parametrize(
    ("raw", "how", "means"),
    [
        (struct.pack(">f", 0.1), "REAL", "0.1"),
        (struct.pack(">d", 0.1), "LREAL", 0.1),
        (b"\xff\xfe", "INT", -2),
        (b"\xff\xfe", "WORD", 65534),
        (b"\x00\x01\x00\x02", "INT*2", [1, 2]),
        (b"\x05\x03abcde", "STRING[5]", "abc"),
        (b"\x02\xffab???", "STRING[5]", "ab"),
        (b"\x00\x02\x00\x01\x20\xac\x00x", "WSTRING[2]", "€"),
        (b"\x01", "BOOL", True),
    ],
)
def test_bytes_mean_what_the_type_says(raw: bytes, how: str, means: object) -> None:
    assert value(raw.hex(), how, "latin-1") == means


def test_neighbours_are_read_together_within_one_telegram() -> None:
    texts = ["DB1:0:INT", "DB1:10:INT", "DB1:40:STRING[254]", "DB1:300:INT", "DB2:12:INT", "M3.0:BOOL", "M3.5:BOOL"]
    places = [read_place(Point(tag=text, address=text)) for text in texts]
    found = [(one.area, one.number, one.start, one.size) for one in plan(places, 222, 16)]
    assert found == [("DB", 1, 0, 12), ("DB", 1, 40, 256), ("DB", 1, 300, 2), ("DB", 2, 12, 2), ("M", 0, 3, 1)]


def test_a_look_gives_values_identity_protection_mode_and_blocks(cpu: S7Cpu) -> None:
    sink = MemorySink("mixer")
    records = look(config(cpu.tcp_port), sink)
    assert said(records, "tag", "TIC101.SP")["value"][1] == "65.0"
    assert said(records, "controller")["module-type"][1] == "CPU 315-2 PN/DP"
    assert {name: new for name, (_, new) in said(records, "order-code").items()} == {
        "order-code": "6ES7 315-2EH14-0AB0",
        "firmware": "3.3.0",
    }
    assert said(records, "protection")["mode-switch"][1] == "RUN"
    assert said(records, "mode")["mode"][1] == "RUN"
    assert said(records, "block-ob", "OB1")["checksum"][1] == "1A2B"
    clock = sink.runs[0].clock
    assert clock is not None
    assert abs(clock.offset_us) <= clock.uncertainty_us


def test_a_downloaded_program_shows_block_by_block_and_in_the_checksum(cpu: S7Cpu) -> None:
    sink = MemorySink("mixer")
    look(config(cpu.tcp_port), sink)
    compiled = datetime(2026, 3, 1, 8, 15, 30, 250_000, UTC)
    cpu.load("FC", 10, ProgramBlock(checksum=0xBEEF, compiled=compiled, author="NOBODY", name="RECIPE", version=0x21))
    cpu.load("FB", 7, ProgramBlock(checksum=0x0001, compiled=compiled))
    del cpu.program["OB", 1]
    records = look(config(cpu.tcp_port), sink)
    assert said(records, "block-fc")["checksum"] == ("77C0", "BEEF")
    assert said(records, "block-fc")["version"] == ("1.0", "2.1")
    assert said(records, "block-fc")["author"] == ("PLANT", "NOBODY")
    assert said(records, "block-fc")["code-time"][1] == "2026-03-01T08:15:30.250"
    actions = {record.object.id: record.action for record in records if record.object.type.startswith("block-")}
    assert actions == {"FC10": Action.UPDATE, "FB7": Action.CREATE, "OB1": Action.DELETE}
    assert list(said(records, "protection")) == ["program-checksum"]
    for record in records:
        assert record.occurred_at.instant_us is None, "when it was compiled is not when it was loaded"


def test_a_stop_shows_with_the_cpu_s_own_time_and_its_entry_in_the_diagnostic_buffer(cpu: S7Cpu) -> None:
    sink = MemorySink("mixer")
    look(config(cpu.tcp_port), sink)
    before = SystemClock().now_us()
    station = Client()
    station.connect("127.0.0.1", 0, 2, cpu.tcp_port)
    station.plc_stop()
    station.disconnect()
    records = look(config(cpu.tcp_port), sink)
    (mode,) = [record for record in records if record.object.type == "mode"]
    assert (mode.action, said(records, "mode")["mode"]) == (Action.STOP, ("RUN", "STOP"))
    assert mode.occurred_at.instant_us is not None
    assert abs(mode.occurred_at.instant_us - before) < 20_000_000
    (entry,) = [record for record in records if record.object.type == "diagnostic-entry"]
    assert (entry.action, entry.object.name) == (Action.STOP, "STOP by a programming device or a system function")
    assert entry.occurred_at == mode.occurred_at
    cpu.set_mode(RUN, 0x4302)
    records = look(config(cpu.tcp_port), sink)
    assert [record.action for record in records if record.object.type in ("mode", "diagnostic-entry")] == [
        Action.START,
        Action.START,
    ]


def test_a_long_diagnostic_buffer_comes_in_several_telegrams_and_rolls(cpu: S7Cpu) -> None:
    sink = MemorySink("mixer")
    look(config(cpu.tcp_port, points=""), sink)
    for number in range(60):
        cpu.report(0x3921, number)
    records = look(config(cpu.tcp_port, points=""), sink)
    assert [change.new for record in records for change in record.changes if change.attribute == "info"] == [
        f"0000 {number:08X}" for number in range(60)
    ]
    assert {record.action for record in records} == {Action.ALARM}
    for number in range(130):
        cpu.report(0x3821, number)
    records = look(config(cpu.tcp_port, points=""), sink)
    assert len(records) == 100
    assert {record.action for record in records} == {Action.ALARM_CLEAR}
    assert ["rolled off" in gap.reason for gap in sink.gaps] == [True]


def test_points_that_the_cpu_refuses_hide_no_other(cpu: S7Cpu) -> None:
    points = "A = DB10:0:INT\nB = DB10:2054:INT\nNone = DB10:2056:INT\nOther = DB77:0:INT"
    sink = MemorySink("mixer")
    records = look(config(cpu.tcp_port, points=points, max_gap="200"), sink)
    assert [record.object.id for record in records if record.object.type == "tag"] == ["A", "B"]
    assert [gap.subject for gap in sink.gaps] == ["tag None", "tag Other"]


def test_the_library_s_own_server_which_lacks_most_of_it_is_read_as_far_as_it_goes() -> None:
    server, memory, port = Server(log=False), bytearray(300), free_port()
    server.register_area(SrvArea.DB, DB, memory)
    server.start_to("127.0.0.1", port)
    try:
        points = "SP = DB10.DBD0:REAL\nStep = DB10:8:STRING[254]"
        report = S7(config(port, points=points), {}, SystemClock()).check()
        lists = next(check for check in report.checks if check.name == "lists")
        assert "mode" in lists.says.partition("not given")[2]
        sink = MemorySink("mixer")
        records = look(config(port, points=points), sink)
        assert said(records, "controller")["serial-number"][1] == "S C-C2UR28922012"
        assert said(records, "order-code")["order-code"][1] == "6ES7 315-2EH14-0AB0"
        assert said(records, "block-db", "DB10")["author"][1] == "SNAP7EMU"
        assert "raw" in said(records, "protection"), "a form that is not a CPU's is shown as it came"
        assert not sink.gaps, "what was never there is no gap"
        memory[0:4] = struct.pack(">f", 12.5)
        (record,) = look(config(port, points=points), sink)
        assert [(change.old, change.new) for change in record.changes] == [("0.0", "12.5")]
    finally:
        server.stop()


def test_only_reads_go_out_at_the_set_rate_also_when_connections_break(cpu: S7Cpu) -> None:
    with Wiretap(cpu.tcp_port, tpkt_frame) as tap:
        source, sink = config(tap.port, requests_per_second="50"), MemorySink("mixer")
        collector = S7(source, {}, SystemClock())
        patience = Patience(attempts=3, first=0.001, longest=0.002)
        report: CheckReport = collector.check()
        assert report.ok
        tap.break_after = 6
        with pytest.raises(RetriableSource):
            Runner(collector, sink, SystemClock(), patience=patience).pull()
        tap.break_after = None
        for number in range(40):
            cpu.report(0x3921, number)
        Runner(collector, sink, SystemClock(), patience=patience).pull()
    telegrams = [request.frame for request in tap.requests]
    data = [frame[7:] for frame in telegrams if frame[5] == 0xF0]
    assert {frame[5] for frame in telegrams} == {0xE0, 0xF0, 0x80}, "connect, data, disconnect"
    assert all(is_read(pdu) for pdu in data)
    assert {pdu[10] for pdu in data if pdu[1] == 1} == {0x04, 0xF0}
    assert {pdu[1] for pdu in data} == {1, 7}
    assert len({request.connection for request in tap.requests}) == 5
    assert_paced([*(one.at for one in tap.requests if one.frame[5] == 0xF0), *tap.connections], per_second=50)


WRITES: tuple[Callable[[Client], object], ...] = (
    lambda client: client.db_write(DB, 0, bytearray(4)),
    lambda client: client.mb_write(0, 1, bytearray(1)),
    lambda client: client.plc_stop(),
    lambda client: client.plc_hot_start(),
    lambda client: client.plc_cold_start(),
    lambda client: client.compress(1),
    lambda client: client.copy_ram_to_rom(1),
    lambda client: client.set_plc_system_datetime(),
    lambda client: client.set_session_password("secret"),
    lambda client: client.delete(Block.DB, DB),
    lambda client: client.upload(DB),
    lambda client: client.download(bytearray(100), DB),
    lambda client: client.get_cpu_state(),
)


def test_a_request_that_is_no_read_never_leaves(cpu: S7Cpu) -> None:
    with Wiretap(cpu.tcp_port, tpkt_frame) as tap:
        session = S7Session(
            "127.0.0.1", tap.port, 0, 2, timeout=2, pace=Pace(100), stop=threading.Event(), away=RuntimeError
        )
        with session:
            assert session.read("DB", DB, 0, 4) == struct.pack(">f", 65.0)
            for write in WRITES:
                with pytest.raises(FatalSource, match="nothing was sent"):
                    write(session._client)
        assert cpu.mode == RUN
    data = [request.frame[7:] for request in tap.requests if request.frame[5] == 0xF0]
    assert [pdu[10] for pdu in data] == [0xF0, 0x04]


@pytest.mark.parametrize(
    "answer", [b"", b"\x03\x00\xff\xff", b"\x03\x00\x00\x04", b"HTTP/1.1 400 Bad\r\n", b"\x00" * 100]
)
def test_a_peer_that_speaks_something_else_is_away_and_takes_no_longer_than_its_time(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_drip, args=(server, answer), daemon=True).start()
        began = monotonic()
        report = S7(config(port, timeout_seconds="0.5"), {}, SystemClock()).check()
        assert monotonic() - began < 3
    assert not report.ok
    assert f"127.0.0.1:{port}" in report.checks[0].says


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


@pytest.mark.parametrize(
    ("record", "mode", "before", "action"),
    [
        ("4302ff6800000000000000002611281651324897", "RUN", "STARTUP (warm restart)", Action.START),
        ("4304ff8400000000000000002611281651324897", "STOP", "RUN", Action.STOP),
        ("4305ff8a00000000000000002611281651324897", "HOLD", "RUN", None),
        ("0000ff0d00000000000000000000000000000000", "DEFECTIVE", None, None),
    ],
)
def test_a_mode_record_is_read_as_siemens_writes_it(
    record: str, mode: str, before: str | None, action: Action | None
) -> None:
    shown = s7_lists.mode(struct.pack(">HH", 20, 1) + bytes.fromhex(record), "UTC")
    assert (shown.attributes["mode"], shown.attributes["mode-before"], shown.into) == (mode, before, action)
    assert (shown.moment is None) == (before is None)


def test_times_of_a_cpu_are_read_in_the_source_s_zone() -> None:
    told = struct.pack(">HH", 20, 1) + bytes.fromhex("4304ff8400000000000000002607011200000123")
    berlin, none = (s7_lists.mode(told, zone).moment for zone in ("Europe/Berlin", None))
    assert berlin is not None
    assert none is not None
    assert (berlin.text, berlin.instant_us, berlin.zone) == (none.text, 1782900000012000, "Europe/Berlin")
    assert (none.text, none.instant_us) == ("2026-07-01T12:00:00.012", None)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("9007011200000123", "1990-07-01T12:00:00.012"),
        ("2613011200000123", None),
        ("26070112a0000123", None),
        ("26070112000001f3", None),
        ("2607", None),
        ("", None),
    ],
)
def test_a_time_in_bcd_is_one_or_none(data: str, text: str | None) -> None:
    assert s7_lists.instant(bytes.fromhex(data)) == text


def test_a_protection_list_without_checksums_gives_none() -> None:
    record = struct.pack(">8H", 4, 3, 2, 3, 0, 1, 0, 0).ljust(40, b"\xff")
    shown = s7_lists.protection(struct.pack(">HH", 40, 1) + record)
    assert shown == {
        "protection-level": 3,
        "protection-by-switch": 3,
        "protection-by-parameter": 2,
        "mode-switch": "unknown",
    }
