"""Modbus: what an address says, which requests read it, and that nothing but reads goes out, at its rate."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.pdu.file_message import FileRecord

from collectors.demo.modbus import MODE, ModbusPlc
from collectors.ot.modbus import Modbus
from collectors.ot.modbus_points import plan, read_place, value
from collectors.ot.modbus_session import ModbusSession
from collectors.ot.plc import Pace, Point, read_points
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Action, Record
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink
from tests.support.wiretap import Wiretap, assert_paced, modbus_frame

READS = {1, 2, 3, 4}
POINTS = """
TIC101.SP = holding:10:float32 [°C] @REACTOR-1
Mixing = holding:12:uint32:little [s]
Mode = holding:0
Mode.Auto = holding:0:bit0
Bypass = coil:0
Writes = input:0:uint32
Step1 = holding:100:string[240]
"""
Number = ModbusTcpClient.DATATYPE


def config(port: int, /, **options: str) -> SourceConfig:
    return SourceConfig(
        id="mixer",
        type="modbus",
        title="Mixer",
        options={"host": "127.0.0.1", "port": str(port), "points": POINTS, "requests_per_second": "100", **options},
    )


@pytest.fixture(scope="module")
def plc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModbusPlc]:
    with ModbusPlc(tmp_path_factory.mktemp("plc")) as running:
        yield running


def look(source: SourceConfig, sink: MemorySink, attempts: int = 1) -> list[Record]:
    before = len(sink.records)
    patience = Patience(attempts=attempts, first=0.01, longest=0.02)
    Runner(Modbus(source, {}, SystemClock()), sink, SystemClock(), patience=patience).pull()
    return sink.records[before:]


def values(records: list[Record]) -> dict[str, object]:
    return {record.object.id: record.changes[0].new for record in records if record.object.type == "tag"}


def place(address: str) -> tuple[str, int, int, str]:
    found = read_place(Point(tag="T", address=address))
    return found.table, found.start, found.count, found.how


@pytest.mark.parametrize(
    ("address", "means"),
    [
        ("holding:40", ("holding", 40, 1, "uint16:big")),
        ("input:0:float64:little", ("input", 0, 4, "float64:little")),
        ("holding:7:string[21]", ("holding", 7, 11, "string[21]:big")),
        ("holding:7:bit15", ("holding", 7, 1, "bit15:big")),
        ("coil:65535", ("coil", 65535, 1, "bool")),
        ("discrete:3:bool", ("discrete", 3, 1, "bool")),
    ],
)
def test_an_address_says_table_number_type_and_order(address: str, means: tuple[str, int, int, str]) -> None:
    assert place(address) == means


@pytest.mark.parametrize(
    "address",
    [
        "40001",
        "holding:65536",
        "holding:65535:int32",
        "holding:1:string[251]",
        "holding:1:string[0]",
        "holding:1:bit16",
        "holding:1:bool",
        "coil:1:int16",
        "holding:1:int8",
        "holding:1:int32:middle",
        "register:1",
    ],
)
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match="T: "):
        read_place(Point(tag="T", address=address))


def test_a_point_may_carry_unit_and_equipment() -> None:
    assert read_points("A.SP = holding:1 [kg/m³] @SITE/AREA/TANK 1, B = coil:2 @X\nC = coil:3") == (
        Point(tag="A.SP", address="holding:1", unit="kg/m³", asset="SITE/AREA/TANK 1"),
        Point(tag="B", address="coil:2", asset="X"),
        Point(tag="C", address="coil:3"),
    )


@pytest.mark.parametrize("text", ["A", "A =", "= holding:1", "A = coil:1\nA = coil:2", "A = holding:1 kg"])
def test_a_point_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="points"):
        read_points(text)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"port": "70000"}, "port"),
        ({"unit": "300"}, "unit"),
        ({"requests_per_second": "0"}, "requests_per_second"),
        ({"requests_per_second": "1000"}, "requests_per_second"),
        ({"encoding": "morse"}, "encoding"),
        ({"change_counter": "Nobody"}, "Nobody"),
        ({"host": ""}, "host"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Modbus(config(502, **options), {}, SystemClock())


@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize(
    ("how", "number"),
    [("int16", -2), ("uint32", 4_000_000_000), ("int64", -(2**40)), ("float32", 0.1), ("float64", 0.1)],
)
def test_numbers_are_read_as_pymodbus_writes_them(how: str, number: float, order: str) -> None:
    kind = Number[how.upper()]
    registers = ModbusTcpClient.convert_to_registers(number, kind, word_order=order)  # type: ignore[arg-type]
    raw = struct.pack(f">{len(registers)}H", *registers).hex()
    found = value(raw, f"{how}:{order}", "utf-8")
    assert found == ("0.1" if how == "float32" else number)


def test_texts_end_before_their_filling_and_keep_what_is_inside() -> None:
    raw = "a\x00ü€".encode().ljust(20, b"\x00")
    assert value(raw.hex(), "string[20]:big", "utf-8") == "a\x00ü€"
    swapped = b"".join(raw[at : at + 2][::-1] for at in range(0, 20, 2))
    assert value(swapped.hex(), "string[20]:little", "utf-8") == "a\x00ü€"
    assert value(b"\xfcx\xff".hex(), "string[2]:big", "latin-1") == "üx"
    assert value(b"\xfcx".hex(), "string[2]:big", "utf-8") == "\ufffdx"


def test_neighbours_are_read_together_within_the_protocol_s_bounds() -> None:
    places = [read_place(Point(tag=str(at), address=f"holding:{at}")) for at in (*range(200), 205, 60000)]
    assert [(block.start, block.count) for block in plan(places, 0)] == [(0, 125), (125, 75), (205, 1), (60000, 1)]
    assert [(block.start, block.count) for block in plan(places, 5)] == [(0, 125), (125, 81), (60000, 1)]


def test_a_look_gives_values_units_equipment_and_identity(plc: ModbusPlc) -> None:
    plc.write_set_point(0.1)
    sink = MemorySink("mixer")
    records = {record.object.id: record for record in look(config(plc.port), sink)}
    point = records["TIC101.SP"]
    assert (point.changes[0].new, point.changes[0].unit) == ("0.1", "°C")
    assert [link.id for link in point.links] == ["REACTOR-1"]
    assert records["Mixing"].changes[0].new == 900
    controller = records[f"127.0.0.1:{plc.port}"]
    assert {change.attribute: change.new for change in controller.changes}["revision"] == "1.4.0"
    before = int(str(values(sink.records)["Writes"]))
    plc.write_set_point(66.5)
    plc.write_mode(1)
    plc.write_coil(0, True)
    changed = look(config(plc.port), sink)
    assert values(changed) == {
        "TIC101.SP": "66.5",
        "Mode": 1,
        "Mode.Auto": True,
        "Bypass": True,
        "Writes": before + 3,
    }
    assert all(record.action is Action.UPDATE for record in changed)
    assert all(change.inferred for record in changed for change in record.changes)


def test_a_change_that_was_undone_shows_where_the_controller_counts_changes(plc: ModbusPlc) -> None:
    points = "Mode = holding:0\nTIC101.SP = holding:10:float32\nWrites = input:0:uint32"
    source, sink = config(plc.port, points=points, change_counter="Writes"), MemorySink("mixer")
    plc.write_registers(MODE, [0])
    look(source, sink)
    plc.write_mode(1)
    look(source, sink)
    assert not sink.gaps, "one write, one change"
    plc.write_mode(0)
    plc.write_mode(1)
    plc.write_set_point(50.5)
    records = look(source, sink)
    assert sorted(values(records)) == ["TIC101.SP", "Writes"]
    assert all(change.gap for record in records for change in record.changes)
    (gap,) = sink.gaps
    assert "3 changes, and 1 of them" in gap.reason


def test_an_address_that_the_controller_refuses_hides_no_other(plc: ModbusPlc) -> None:
    points = "A = holding:1058\nB = holding:1059\nNone = holding:1060\nAlso = holding:1061"
    source, sink = config(plc.port, points=points), MemorySink("mixer")
    assert sorted(values(look(source, sink))) == ["A", "B"]
    assert [gap.subject for gap in sink.gaps] == ["tag None", "tag Also"]
    assert "illegal data address" in sink.gaps[0].reason
    check = {check.name: check for check in Modbus(source, {}, SystemClock()).check().checks}["points"]
    assert not check.ok
    assert "None" in check.says


def test_another_type_of_the_same_registers_is_no_change(plc: ModbusPlc) -> None:
    sink = MemorySink("mixer")
    look(config(plc.port, points="A = holding:10:float32"), sink)
    (record,) = look(config(plc.port, points="A = holding:10:uint32"), sink)
    assert record.action is Action.READ
    assert record.changes[0].inferred is None


def test_only_reads_go_out_at_the_set_rate_also_when_connections_break(plc: ModbusPlc) -> None:
    with Wiretap(plc.port, modbus_frame) as tap:
        source, sink = config(tap.port, requests_per_second="40"), MemorySink("mixer")
        collector = Modbus(source, {}, SystemClock())
        patience = Patience(attempts=3, first=0.001, longest=0.002)
        assert collector.check().ok is False, "it says no time"
        Runner(collector, sink, SystemClock(), patience=patience).pull()
        tap.break_after = 3
        with pytest.raises(RetriableSource):
            Runner(collector, sink, SystemClock(), patience=patience).pull()
        tap.break_after = None
        bad = Modbus(config(tap.port, points="A = holding:1059\nB = holding:1060"), {}, SystemClock())
        Runner(bad, MemorySink("mixer"), SystemClock(), patience=patience).pull()
    codes = {request.frame[7] for request in tap.requests}
    assert codes <= READS | {0x2B}
    assert codes > READS - {2}
    assert all(request.frame[8] == 0x0E for request in tap.requests if request.frame[7] == 0x2B)
    assert len({request.connection for request in tap.requests}) >= 5
    first = [request for request in tap.requests if request.connection < len(tap.connections)]
    assert_paced([*(request.at for request in first), *tap.connections[:-1]], per_second=40)


WRITES: tuple[Callable[[ModbusTcpClient], object], ...] = (
    lambda client: client.write_register(0, 7),
    lambda client: client.write_registers(0, [7, 8]),
    lambda client: client.write_coil(0, True),
    lambda client: client.write_coils(0, [True]),
    lambda client: client.mask_write_register(address=0),
    lambda client: client.readwrite_registers(read_address=0, read_count=1, write_address=0, values=[1]),
    lambda client: client.diag_restart_communication(toggle=True),
    lambda client: client.write_file_record([FileRecord(file_number=1, record_number=1, record_data=b"ab")]),
)


def test_a_request_that_is_no_read_never_leaves(plc: ModbusPlc) -> None:
    with Wiretap(plc.port, modbus_frame) as tap:
        session = ModbusSession(
            "127.0.0.1", tap.port, 1, timeout=2, pace=Pace(100), stop=threading.Event(), away=RuntimeError
        )
        with session:
            assert session.read("holding", 0, 1)
            for write in WRITES:
                with pytest.raises(FatalSource, match="nothing was sent"):
                    write(session._client)
    assert [request.frame[7] for request in tap.requests] == [3]


def test_a_peer_that_speaks_something_else_is_away_and_takes_no_longer_than_its_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_babble, args=(server,), daemon=True).start()
        collector = Modbus(config(port, timeout_seconds="0.5"), {}, SystemClock())
        began = monotonic()
        report = collector.check()
        assert monotonic() - began < 5
    assert not report.ok
    assert f"127.0.0.1:{port}" in report.checks[0].says


def _babble(server: socket.socket) -> None:
    try:
        while True:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"\x00\x01\x00\x00\x00\x05\x01\x03\xff" * 3)
                while peer.recv(100):
                    peer.sendall(b"\xff" * 3000)
    except OSError:
        return


def test_a_controller_that_is_not_there_is_named(tmp_path: Path) -> None:
    plc = ModbusPlc(tmp_path)
    sink = MemorySink("mixer")
    with pytest.raises(RetriableSource, match=f"127.0.0.1:{plc.port}"):
        look(config(plc.port), sink)
    assert sink.runs[-1].unreachable
