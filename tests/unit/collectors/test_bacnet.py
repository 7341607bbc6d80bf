"""A BACnet/IP device of another stack: commands, configuration, restarts, routers, lossy networks; reads only."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from bacpypes3.basetypes import DeviceStatus  # type: ignore[import-untyped]
from bacpypes3.primitivedata import Boolean, CharacterString, Null, Real  # type: ignore[import-untyped]

from collectors.ot import bacnet_values
from collectors.ot.bacnet import Bacnet
from collectors.ot.bacnet_wire import is_read
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Action, ActorKind, LinkKind, Record
from ledger.core.source import SourceConfig
from tests.support.bacnet_device import BEHIND, DAMPERS, DEVICE, LOG_SIZE, NETWORK, BacnetDevice
from tests.support.memory_sink import MemorySink
from tests.support.udp_cable import UdpCable

QUICK = Patience(attempts=2, first=0.01, longest=0.02)
POINTS = """
PIC201.SP = analog-value:1 [Pa] @AHU-1
PIC201.HH = analog-value:1.high-limit [Pa]
TIC101.PV = analog-input:1
FAN = binary-value:1
"""


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BacnetDevice]:
    with BacnetDevice(tmp_path_factory.mktemp("bacnet")) as made:
        yield made


def source(port: int, number: int = DEVICE, **options: str) -> Bacnet:
    given = {
        "host": "127.0.0.1", "port": str(port), "device": str(number), "points": POINTS, "requests_per_second": "100",
        "timeout_seconds": "0.5",
    } | options  # fmt: skip
    return Bacnet(SourceConfig(id="ahu", type="bacnet", title="AHU", options=given), {}, SystemClock())


def pull(sink: MemorySink, made: Bacnet) -> list[Record]:
    before = len(sink.records)
    Runner(made, sink, SystemClock(), patience=QUICK).pull()
    assert sink.rejected == []
    return sink.records[before:]


def changed(records: list[Record]) -> dict[str, tuple[Any, Any]]:
    return {
        f"{record.object.id} {change.attribute}": (change.old, change.new)
        for record in records
        for change in record.changes
    }


def test_a_command_is_told_with_its_priority_and_the_value_that_it_displaced(device: BacnetDevice) -> None:
    sink = MemorySink("ahu")
    first = {record.object.id: record for record in pull(sink, source(device.port))}
    assert {record.action for record in first.values()} == {Action.READ}
    unit = {change.attribute: change.unit for change in first["TIC101.PV"].changes}
    assert unit["value"] == "degrees-celsius", "the device's own, where none is configured"
    device.write("analog-value,1", "present-value", Real(17.5), 8)
    (record,) = pull(sink, source(device.port))
    assert changed([record]) == {
        "PIC201.SP value": ("15.0", "17.5"),
        "PIC201.SP command-priority": ("none (relinquish default)", "8 (manual operator)"),
        "PIC201.SP command-at-priority-8": (msgspec.UNSET, "17.5"),
    }
    assert {change.unit for change in record.changes if change.attribute != "command-priority"} == {"Pa"}
    assert (record.action, record.actor.kind, record.actor.account) == (Action.UPDATE, ActorKind.UNKNOWN, None)
    assert [(link.kind, link.id) for link in record.links] == [(LinkKind.EQUIPMENT, "AHU-1")]
    assert all(change.inferred is not None for change in record.changes)
    device.write("analog-value,1", "present-value", Real(12.0), 5)
    told = changed(pull(sink, source(device.port)))
    assert told["PIC201.SP command-priority"] == ("8 (manual operator)", "5 (critical equipment control)")
    assert "PIC201.SP command-at-priority-8" not in told
    for priority in (5, 8):
        device.write("analog-value,1", "present-value", Null(()), priority)
    assert changed(pull(sink, source(device.port)))["PIC201.SP value"] == ("12.0", "15.0")


def test_limits_and_what_is_taken_out_of_service_are_told(device: BacnetDevice) -> None:
    sink = MemorySink("ahu")
    pull(sink, source(device.port))
    device.write("analog-value,1", "high-limit", Real(35.0))
    device.write("analog-input,1", "out-of-service", Boolean(True))
    told = changed(pull(sink, source(device.port)))
    assert told["PIC201.HH high-limit"] == told["PIC201.SP high-limit"] == ("30.0", "35.0")
    assert told["TIC101.PV out-of-service"] == (False, True)
    device.write("analog-value,1", "high-limit", Real(30.0))
    device.write("analog-input,1", "out-of-service", Boolean(False))


def test_objects_that_are_made_renamed_and_deleted_raise_the_database_revision(device: BacnetDevice) -> None:
    sink = MemorySink("ahu")
    pull(sink, source(device.port))
    device.create("analog-value,90")
    created, revision = pull(sink, source(device.port))[::-1]
    assert (created.action, created.object.type, created.object.id) == (Action.CREATE, "object", "analog-value,90")
    (change,) = revision.changes
    assert (change.attribute, change.new) == ("database-revision", int(str(change.old)) + 1)
    assert not change.gap
    device.write("analog-value,90", "object-name", CharacterString("Spare"))
    device.delete("analog-value,90")
    records = pull(sink, source(device.port))
    assert [(record.action, record.object.type) for record in records] == [
        (Action.DELETE, "object"),
        (Action.UPDATE, "configuration"),
    ]
    assert records[1].changes[0].gap, "it was configured twice between two looks"


def test_a_restart_and_another_state_are_told(device: BacnetDevice) -> None:
    sink = MemorySink("ahu")
    pull(sink, source(device.port))
    device.reinitialize()
    (restart,) = pull(sink, source(device.port))
    assert (restart.action, restart.object.type) == (Action.START, "restart")
    device.write(f"device,{DEVICE}", "system-status", DeviceStatus("download-in-progress"))
    (stopped,) = pull(sink, source(device.port))
    assert (stopped.action, stopped.changes[0].new) == (Action.STOP, "download-in-progress")
    device.write(f"device,{DEVICE}", "system-status", DeviceStatus("operational"))
    assert [record.action for record in pull(sink, source(device.port))] == [Action.START]


def test_a_small_device_behind_a_router_is_read_in_small_parts(device: BacnetDevice) -> None:
    options = {"route": f"{NETWORK}:05", "points": "DAMPER = analog-value:3", "properties": "present-value, units"}
    made, sink = source(device.port, BEHIND, **options), MemorySink("ahu")
    assert made.check().ok
    records = pull(sink, made)
    assert sum(record.object.type == "object" for record in records) == DAMPERS + 2, "it lists itself and its network"
    (damper,) = [record for record in records if record.object.id == "DAMPER"]
    assert {change.attribute: change.new for change in damper.changes} == {"value": "40.0", "units": "percent"}
    assert sink.gaps == []
    assert pull(sink, made) == []
    with pytest.raises(RetriableSource, match=r"does not reach|no answer"):
        pull(MemorySink("ahu"), source(device.port, BEHIND, route="777:05", repeats="0"))


def test_frames_that_are_lost_or_come_twice_change_nothing_and_only_reads_go_out(device: BacnetDevice) -> None:
    with UdpCable(device.port) as cable:
        made = source(cable.port, details="controller, mode")
        plain, lossy = MemorySink("ahu"), MemorySink("ahu")
        records = pull(plain, made)
        cable.lost, cable.twice = 2, True
        again = pull(lossy, made)
        assert [record.changes for record in again] == [record.changes for record in records]
        assert len(cable.carried) > 4
        assert all(is_read(frame) for frame in cable.carried)
        cable.lost = 1000
        with pytest.raises(RetriableSource, match="no answer in time"):
            pull(lossy, source(cable.port, repeats="1", timeout_seconds="0.1"))


def test_a_trend_log_is_told_entry_by_entry_and_what_it_forgot_is_a_gap(device: BacnetDevice) -> None:
    def look() -> list[Record]:
        config = SourceConfig(
            id="ahu", type="bacnet", title="AHU", zone="UTC",
            options=source(device.port, points="", details="none", logs="trend-log:1", log_entries="8").config.options,
        )  # fmt: skip
        return pull(sink, Bacnet(config, {}, SystemClock()))

    sink = MemorySink("ahu")
    for value in range(3):
        device.write("analog-value,1", "present-value", Real(20.0 + value), 8)
    first = look()
    assert [change.new for record in first[-3:] for change in record.changes if change.attribute == "value"] == [
        "20.0", "21.0", "22.0",
    ]  # fmt: skip
    assert first[-1].occurred_at.instant_us is not None, "each has the device's own time"
    assert abs(first[-1].occurred_at.instant_us - SystemClock().now_us()) < 60_000_000
    assert (first[-1].action, first[-1].object.type) == (Action.UPDATE, "entry-of-trend-log,1")
    device.write("analog-value,1", "present-value", Real(23.0), 8)
    (entry,) = look()
    assert int(entry.object.id) == int(first[-1].object.id) + 1
    assert (look(), sink.gaps) == ([], [])
    for value in range(LOG_SIZE + 5):
        device.write("analog-value,1", "present-value", Real(30.0 + value), 8)
    numbers = [int(record.object.id) for _ in range(3) for record in look()]
    assert numbers == list(range(numbers[0], numbers[0] + LOG_SIZE)), "in the parts that an answer and a look hold"
    assert numbers[0] > int(entry.object.id) + 1
    assert [gap.subject for gap in sink.gaps] == ["all of type entry-of-trend-log,1"]
    assert look() == []
    device.write("analog-value,1", "present-value", Null(()), 8)


def test_another_device_and_unknown_objects_are_said(device: BacnetDevice) -> None:
    with pytest.raises(FatalSource, match=r"is not device,99: error unknown-object"):
        pull(MemorySink("ahu"), source(device.port, 99))
    report = source(device.port, points="X = analog-value:77, Y = analog-value:1").check()
    (points,) = [check for check in report.checks if check.name == "points"]
    assert not points.ok
    assert "1 of 2 points cannot be read: X: refused: error unknown-object" in points.says


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"points": "X = analog-value"}, "cannot be read"),
        ({"points": "X = analog-value:1.no-such-property"}, "cannot be read"),
        ({"properties": "present-value, no-such-property"}, "cannot be read"),
        ({"points": "X = analog-value:5000000"}, "cannot be read"),
        ({"route": "70000:05"}, "route"),
        ({"route": "somewhere"}, "route"),
        ({"details": "controller, weather"}, "weather"),
        ({"device": "x"}, "device"),
    ],
)
def test_options_that_cannot_be_read_are_refused(options: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        source(47808, DEVICE, **options)


@pytest.mark.parametrize(
    ("offset", "summer", "hours"),
    [(0, None, 12), (-60, "10", 11), (-60, "11", 10), (300, "10", 17)],
)
def test_a_device_s_clock_is_its_local_time_with_its_own_offset(offset: int, summer: str | None, hours: int) -> None:
    raw = {"local-date": "a47e0b1c06", "local-time": "b40c000000", "utc-offset": f"32{offset & 0xFFFF:04x}"}
    if summer is not None:
        raw["daylight-savings-status"] = summer
    found = bacnet_values.clock_us({name: bytes.fromhex(text) for name, text in raw.items()})
    assert found is not None
    assert found // 3_600_000_000 % 24 == hours, "the offset is positive in the west; summer time goes on top"
    assert bacnet_values.clock_us({"local-date": bytes.fromhex("a4ffffffff")}) is None
    unset = raw | {"local-date": "a4ffffffff"}
    assert bacnet_values.clock_us({name: bytes.fromhex(text) for name, text in unset.items()}) is None
