"""A BACnet/IP device as a process of its own on loopback: bacpypes3's stack, with one more device behind it as router.

An operator's station writes to it by BACnet itself: values at a priority, names, new and deleted objects, a restart.
Run as a program it is the device: `python -m tests.support.bacnet_device PORT`.
"""

import asyncio
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bacpypes3.apdu import (  # type: ignore[import-untyped]
    APDU,
    CreateObjectACK,
    CreateObjectRequest,
    DeleteObjectRequest,
    ReadPropertyMultipleRequest,
    ReadRangeACK,
    ReadRangeRequest,
    ReinitializeDeviceRequest,
    SimpleAckPDU,
    WritePropertyRequest,
)
from bacpypes3.app import Application  # type: ignore[import-untyped]
from bacpypes3.basetypes import (  # type: ignore[import-untyped]
    CreateObjectRequestObjectSpecifier,
    DateTime,
    LogRecord,
    LogRecordLogDatum,
    LogStatus,
    NetworkNumberQuality,
    NetworkType,
    ProtocolLevel,
    ReinitializeDeviceRequestReinitializedStateOfDevice,
    RestartReason,
    ResultFlags,
    TimeStamp,
)
from bacpypes3.errors import UnrecognizedService  # type: ignore[import-untyped]
from bacpypes3.ipv4.bvll import LPDU  # type: ignore[import-untyped]
from bacpypes3.local.analog import AnalogInputObject, AnalogValueObjectCmd  # type: ignore[import-untyped]
from bacpypes3.local.binary import BinaryValueObjectCmd  # type: ignore[import-untyped]
from bacpypes3.local.cmd import Commandable  # type: ignore[import-untyped]
from bacpypes3.local.device import DeviceObject  # type: ignore[import-untyped]
from bacpypes3.local.networkport import NetworkPortObject  # type: ignore[import-untyped]
from bacpypes3.local.object import Object  # type: ignore[import-untyped]
from bacpypes3.npdu import NPDU  # type: ignore[import-untyped]
from bacpypes3.object import CharacterStringValueObject, TrendLogObject  # type: ignore[import-untyped]
from bacpypes3.pdu import PDU, IPv4Address  # type: ignore[import-untyped]
from bacpypes3.primitivedata import (  # type: ignore[import-untyped]
    CharacterString,
    ClosingTag,
    Date,
    ObjectIdentifier,
    OpeningTag,
    TagList,
    Time,
)
from bacpypes3.vendor import get_vendor_info  # type: ignore[import-untyped]
from bacpypes3.vlan import VirtualNetwork  # type: ignore[import-untyped]

from collectors.demo.process import ServerProcess
from collectors.ot.bacnet_wire import Reference, frame, property_number, request

DEVICE, BEHIND, NETWORK, STEPS, DAMPERS = 4711, 4712, 2001, 10, 30
LOG_SIZE, LOG_FRAME = 20, 4
"""Entries that the log keeps, and that an answer holds."""
LOGGED = ObjectIdentifier("analog-value,1")
_FIELD = "field"
_READY_SECONDS = 20.0
_ANSWER_SECONDS = 5.0


class TrendLog(Object, TrendLogObject):  # type: ignore[misc]
    """Its entries are kept and read by the application."""


class TextValue(Commandable, Object, CharacterStringValueObject):  # type: ignore[misc]
    """A commandable text: the name of a recipe step."""


class Building(Application):  # type: ignore[misc]
    """A device that can be configured while it runs; it counts and logs what the standard says it must."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.entries: list[LogRecord] = []

    async def do_CreateObjectRequest(self, apdu: CreateObjectRequest) -> None:  # noqa: N802
        identity = apdu.objectSpecifier.objectIdentifier
        kind = get_vendor_info(999).get_object_class(identity[0])
        self.add_object(kind(objectIdentifier=identity, objectName=f"{identity}", **_NEW))
        self._configured()
        await self.response(CreateObjectACK(objectIdentifier=identity, context=apdu))

    async def do_DeleteObjectRequest(self, apdu: DeleteObjectRequest) -> None:  # noqa: N802
        self.delete_object(self.objectIdentifier[apdu.objectIdentifier])
        self._configured()
        await self.response(SimpleAckPDU(context=apdu))

    async def do_ReinitializeDeviceRequest(self, apdu: ReinitializeDeviceRequest) -> None:  # noqa: N802
        self.device_object.lastRestartReason = RestartReason("warmstart")
        self.device_object.timeOfDeviceRestart = _now()
        await self.response(SimpleAckPDU(context=apdu))

    async def do_WritePropertyRequest(self, apdu: WritePropertyRequest) -> None:  # noqa: N802
        await super().do_WritePropertyRequest(apdu)
        if apdu.objectIdentifier == LOGGED and apdu.propertyIdentifier == property_number("present-value"):
            value = self.objectIdentifier[LOGGED].presentValue
            self.log(LogRecordLogDatum(realValue=value))
        if apdu.propertyIdentifier == property_number("object-name"):
            self._configured()

    async def do_ReadRangeRequest(self, apdu: ReadRangeRequest) -> None:  # noqa: N802
        """By sequence number: the stack has no such service of its own, so this one is after the standard."""
        log, wanted = self.objectIdentifier[apdu.objectIdentifier], apdu.range.bySequenceNumber
        oldest = log.totalRecordCount - len(self.entries) + 1
        first = max(wanted.referenceSequenceNumber, oldest)
        entries = self.entries[first - oldest :][: min(wanted.count, LOG_FRAME)]
        last = first - oldest + len(entries) >= len(self.entries)
        data = TagList([OpeningTag(5), *(tag for one in entries for tag in one.encode()), ClosingTag(5)])
        answer = ReadRangeACK(
            objectIdentifier=apdu.objectIdentifier, propertyIdentifier=apdu.propertyIdentifier, itemData=data,
            resultFlags=ResultFlags([first == oldest, last, not last]), itemCount=len(entries), context=apdu,
        )  # fmt: skip
        if entries:
            answer.firstSequenceNumber = first
        await self.response(answer)

    def log(self, datum: LogRecordLogDatum) -> None:
        """An entry of the log, which forgets its oldest."""
        stamp = DateTime(date=Date.now(), time=Time.now())
        self.entries = [*self.entries, LogRecord(timestamp=stamp, logDatum=datum, statusFlags=[0, 0, 0, 0])][-LOG_SIZE:]
        self.objectIdentifier[ObjectIdentifier("trend-log,1")].totalRecordCount += 1

    def _configured(self) -> None:
        self.device_object.databaseRevision += 1


class FieldDevice(Building):
    """A small one: it knows no request for several properties, and its frames hold little."""

    async def do_ReadPropertyMultipleRequest(self, apdu: ReadPropertyMultipleRequest) -> None:  # noqa: N802
        raise UnrecognizedService("ReadPropertyMultiple")


_STATE: dict[str, Any] = {"eventState": "normal", "statusFlags": [0, 0, 0, 0], "outOfService": False}
_NEW: dict[str, Any] = {**_STATE, "presentValue": 0, "units": "no-units"}


def _now() -> TimeStamp:
    return TimeStamp(dateTime=DateTime(date=Date.now(), time=Time.now()))


def _device(number: int, name: str, longest: int = 1476) -> DeviceObject:
    return DeviceObject(
        objectIdentifier=("device", number), objectName=name, vendorName="Trailseal tests", modelName="Air handling",
        firmwareRevision="2.4.1", applicationSoftwareVersion="7", utcOffset=0, daylightSavingsStatus=False,
        location="Plant room", description="Clean room supply", lastRestartReason=RestartReason("coldstart"),
        timeOfDeviceRestart=_now(), maxApduLengthAccepted=longest,
    )  # fmt: skip


def _virtual(address: int) -> NetworkPortObject:
    return NetworkPortObject(
        objectIdentifier=("network-port", 2), objectName="MS/TP", networkType=NetworkType.virtual,
        protocolLevel=ProtocolLevel.bacnetApplication, networkNumber=NETWORK, networkInterfaceName=_FIELD,
        networkNumberQuality=NetworkNumberQuality.configured, macAddress=bytes([address]), **_STATE,
        reliability="no-fault-detected", changesPending=False, linkSpeed=0.0,
    )  # fmt: skip


def _points() -> list[Object]:
    texts = [
        TextValue(objectIdentifier=("characterstring-value", n), objectName=f"Step {n}", presentValue="", **_STATE)
        for n in range(STEPS)
    ]
    setpoint = AnalogValueObjectCmd(
        objectIdentifier=("analog-value", 1), objectName="Room pressure setpoint", presentValue=15.0, units="pascals",
        highLimit=30.0, lowLimit=5.0, deadband=0.5, reliability="no-fault-detected", **_STATE,
    )  # fmt: skip
    temperature = AnalogInputObject(
        objectIdentifier=("analog-input", 1), objectName="Supply air", presentValue=21.1, units="degrees-celsius",
        **_STATE,
    )  # fmt: skip
    fan = BinaryValueObjectCmd(
        objectIdentifier=("binary-value", 1), objectName="Fan enable", presentValue="active", **_STATE
    )
    log = TrendLog(
        objectIdentifier=("trend-log", 1), objectName="Setpoint log", enable=True, stopWhenFull=False, logBuffer=[],
        bufferSize=LOG_SIZE, recordCount=0, totalRecordCount=0, loggingType="cov", reliability="no-fault-detected",
        eventState="normal", statusFlags=[0, 0, 0, 0],
    )  # fmt: skip
    return [setpoint, temperature, fan, log, *texts]


async def _serve(port: int) -> None:
    VirtualNetwork(_FIELD)
    address = IPv4Address(f"127.0.0.1/32:{port}")
    ethernet = NetworkPortObject(
        address, objectIdentifier=("network-port", 1), objectName="Ethernet", networkNumber=1,
        networkNumberQuality=NetworkNumberQuality.configured,
    )  # fmt: skip
    building = Building.from_object_list([_device(DEVICE, "AHU-1"), ethernet, _virtual(1), *_points()])
    building.log(LogRecordLogDatum(logStatus=LogStatus([0, 0, 1])))
    dampers = [
        AnalogValueObjectCmd(
            objectIdentifier=("analog-value", n), objectName=f"Damper {n}", presentValue=40.0, units="percent", **_STATE
        )
        for n in range(DAMPERS)
    ]
    FieldDevice.from_object_list([_device(BEHIND, "VAV-5", 128), _virtual(5), *dampers])
    await asyncio.Event().wait()


class BacnetDevice:
    """The process; what was written to it is written again after a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = _free_udp_port()
        self._kept: dict[tuple[str, str, int | None], WritePropertyRequest] = {}
        self._process: ServerProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.support.bacnet_device", str(self.port)]
        process = ServerProcess("BACnet device", command, self._folder / "device.log", {})
        process.wait_ready(self._answers, _READY_SECONDS)
        self._process = process
        for written in self._kept.values():
            self._send(written)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def write(self, name: str, prop: str, value: Any, priority: int | None = None) -> None:
        """What an operator's station does."""
        written = WritePropertyRequest(
            objectIdentifier=ObjectIdentifier(name), propertyIdentifier=property_number(prop), propertyValue=value
        )
        if priority is not None:
            written.priority = priority
        self._kept[name, prop, priority] = written
        self._send(written)

    def write_text(self, step: int, text: str) -> None:
        self.write(f"characterstring-value,{step}", "present-value", CharacterString(text), 8)

    def create(self, name: str) -> None:
        specifier = CreateObjectRequestObjectSpecifier(objectIdentifier=ObjectIdentifier(name))
        self._send(CreateObjectRequest(objectSpecifier=specifier))

    def delete(self, name: str) -> None:
        self._send(DeleteObjectRequest(objectIdentifier=ObjectIdentifier(name)))

    def reinitialize(self) -> None:
        state = ReinitializeDeviceRequestReinitializedStateOfDevice("warmstart")
        self._send(ReinitializeDeviceRequest(reinitializedStateOfDevice=state))

    def _send(self, service: Any) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as station:
            station.settimeout(_ANSWER_SECONDS)
            station.connect(("127.0.0.1", self.port))
            station.send(frame(service, 1, None))
            answer = APDU.decode(PDU(NPDU.decode(PDU(LPDU.decode(PDU(station.recv(2048))).pduData)).pduData))
            assert answer.apduType in (SimpleAckPDU.pduType, 3), f"refused: {answer.apduType}"

    def _answers(self) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as station:
            station.settimeout(0.2)
            station.connect(("127.0.0.1", self.port))
            try:
                wanted = [Reference(object=f"device,{DEVICE}", property="object-identifier")]
                station.send(frame(request(wanted), 1, None))
                return bool(station.recv(2048))
            except OSError:
                return False


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
