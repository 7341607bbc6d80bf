"""What the system status lists (SZL) and block descriptions of an S7 CPU say. Pure; raises ValueError for other forms.

A list is, behind its id and index: the length of a record, the number of records, the records (Siemens, "System
Software for S7-300/400, System and Standard Functions", chapter on the SZL).
"""

import struct
from collections.abc import Callable, Mapping
from ctypes import memmove
from datetime import datetime, timedelta
from typing import Final

from snap7.error import S7Error
from snap7.s7protocol import S7Protocol
from snap7.szl import parse_cpu_info_szl, parse_order_code_szl
from snap7.type import S7SZL

from collectors.compare.record import Shown
from ledger.core.record import Action
from ledger.core.times import parse_source_time

IDENTIFICATION, ORDER_CODE, PROTECTION, MODE, DIAGNOSTICS = 0x001C, 0x0011, 0x0232, 0x0424, 0x00A0
PROTECTION_INDEX = 0x0004
_RUN = 8
_MODES: Final = {
    1: "STOP (update)",
    2: "STOP (memory reset)",
    3: "STOP (self-initialisation)",
    4: "STOP",
    5: "STARTUP (cold restart)",
    6: "STARTUP (warm restart)",
    7: "STARTUP (hot restart)",
    _RUN: "RUN",
    10: "HOLD",
    11: "LINK-UP",
    12: "UPDATE",
    13: "DEFECTIVE",
    14: "SELF-TEST",
    15: "NO POWER",
}
_SWITCH: Final = {0: "unknown", 1: "RUN", 2: "RUN-P", 3: "STOP", 4: "MRES"}
_PARTS: Final = {
    1: "system-name",
    2: "module-name",
    3: "plant",
    4: "copyright",
    5: "serial-number",
    7: "module-type",
    8: "memory-card",
    9: "manufacturer",
    10: "oem",
    11: "location",
}
_STARTS: Final = frozenset({0x4301, 0x4302})
_STOPS: Final = frozenset({0x4303, 0x4304, 0x4305, 0x430A, 0x430D})
_EVENTS: Final = {
    0x4300: "power on",
    0x4301: "mode transition from STOP to STARTUP",
    0x4302: "mode transition from STARTUP to RUN",
    0x4303: "STOP by the mode switch",
    0x4304: "STOP by a programming device or a system function",
    0x4305: "HOLD: breakpoint reached",
    0x4307: "memory reset by a programming device",
    0x4308: "memory reset by the mode switch",
    0x430A: "HOLD left, to STOP",
    0x430D: "STOP by another CPU",
}
_STOP_CLASS = 0x45
_ENTRY = 20
_EPOCH = datetime(1984, 1, 1)


def records(data: bytes) -> list[bytes]:
    """The records of a list."""
    length, count = struct.unpack_from(">HH", data) if len(data) >= 4 else (0, 0)
    if not length or len(data) < 4 + length * count:
        raise ValueError("no list of records")
    return [data[4 + at * length : 4 + (at + 1) * length] for at in range(count)]


def identification(data: bytes) -> Mapping[str, object]:
    """Names, serial number and the like; a list without records (simulators give such) by its usual offsets."""
    try:
        found = {_PARTS.get(int.from_bytes(one[:2], "big"), ""): _text(one[2:]) for one in records(data)}
        return {name: text for name, text in found.items() if name and text}
    except ValueError:
        info = parse_cpu_info_szl(_as_list(data))
    names = {
        "system-name": info.ASName,
        "module-name": info.ModuleName,
        "copyright": info.Copyright,
        "serial-number": info.SerialNumber,
        "module-type": info.ModuleTypeName,
    }
    return {name: _text(text) for name, text in names.items() if text}


def order_code(data: bytes) -> Mapping[str, object]:
    """Order code (MLFB) and firmware, as the library finds them for each generation of CPUs."""
    found = parse_order_code_szl(_as_list(data))
    return {"order-code": _text(found.OrderCode), "firmware": f"{found.V1}.{found.V2}.{found.V3}"}


def protection(data: bytes) -> Mapping[str, object]:
    """Protection levels, the mode switch, and, where the CPU has them, checksums of hardware and program."""
    (record, *_) = records(data)
    _, switch, parameter, valid, position = struct.unpack_from(">5H", record)
    found: dict[str, object] = {
        "protection-level": valid,
        "protection-by-switch": switch,
        "protection-by-parameter": parameter,
        "mode-switch": _SWITCH.get(position, position),
    }
    if len(record) >= 24 and record[14:16] != b"\x00\x00":
        found["hardware-checksum"] = record[16:20].hex()
        found["program-checksum"] = record[20:24].hex()
    return found


def mode(data: bytes, zone: str | None) -> Shown:
    """The mode, the one before, and when it changed by the CPU's clock."""
    (record, *_) = records(data)
    now, before = record[3] & 0x0F, record[3] >> 4
    moment = instant(record[12:20])
    return Shown(
        attributes={
            "mode": _MODES.get(now, f"mode {now}"),
            "mode-before": _MODES.get(before, f"mode {before}") if before else None,
            "event": f"16#{record[:2].hex().upper()}",
        },
        moment=None if moment is None else parse_source_time(moment, zone),
        into=Action.START if now == _RUN else Action.STOP if now <= 4 else None,
    )


def entries(data: bytes) -> list[bytes]:
    """The diagnostic buffer, oldest entry first."""
    found = [record for record in records(data) if any(record)]
    if any(len(record) != _ENTRY for record in found):
        raise ValueError("no diagnostic buffer")
    return found[::-1]


def entry(record: bytes, zone: str | None) -> Shown:
    """What one entry of the diagnostic buffer says."""
    event, priority, block, data_id, first, second = struct.unpack_from(">HBBHHI", record)
    moment = instant(record[12:20])
    return Shown(
        name=_EVENTS.get(event),
        attributes={
            "event": f"16#{event:04X}",
            "priority-class": priority,
            "organisation-block": block,
            "data-id": f"{data_id:04X}",
            "info": f"{first:04X} {second:08X}",
        },
        moment=None if moment is None else parse_source_time(moment, zone),
        happened=_action(event),
    )


def block(data: bytes) -> Mapping[str, object]:
    """What a CPU says about one of its blocks; times are those of the engineering system that made it."""
    info = S7Protocol().parse_get_block_info_response({"data": {"data": data}})
    return {
        "checksum": f"{info['checksum']:04X}",
        "version": f"{info['version'] >> 4}.{info['version'] & 0x0F}",
        "code-time": _block_time(info["code_date"]),
        "interface-time": _block_time(info["intf_date"]),
        "author": _text(info["author"]),
        "family": _text(info["family"]),
        "name": _text(info["header"]),
        "language": info["block_lang"],
        "load-size": info["load_size"],
        "code-size": info["mc7_size"],
        "local-data": info["local_data"],
        "flags": f"{info['block_flags']:02X}",
    }


def instant(data: bytes) -> str | None:
    """DATE_AND_TIME, eight bytes in BCD, as ISO 8601 text without an offset; None where it names no time."""
    digits = [(byte >> 4, byte & 0x0F) for byte in data]
    if len(digits) != 8 or any(high > 9 or low > 9 for high, low in digits[:7]) or digits[7][0] > 9:
        return None
    year, month, day, hour, minute, second, hundredth = (high * 10 + low for high, low in digits[:7])
    try:
        found = datetime(year + (2000 if year < 90 else 1900), month, day, hour, minute, second)
    except ValueError:
        return None
    return f"{found.isoformat()}.{hundredth:02d}{digits[7][0]}"


def shown_parts(kind: str, data: bytes) -> Shown:
    """A state of the types that are lists of names and values; a form that is not known is shown as it came."""
    read: Callable[[bytes], Mapping[str, object]] = {
        "controller": identification,
        "order-code": order_code,
        "protection": protection,
    }.get(kind, block)
    try:
        return Shown(attributes=read(data))
    except (ValueError, struct.error, S7Error):
        return Shown(attributes={"raw": data.hex()})


def _action(event: int) -> Action:
    if event in _STARTS:
        return Action.START
    if event in _STOPS or event >> 8 == _STOP_CLASS:
        return Action.STOP
    return Action.ALARM if event >> 8 & 0x01 or event >> 12 == 4 else Action.ALARM_CLEAR


def _block_time(data: bytes) -> str | None:
    milliseconds, days = struct.unpack(">IH", data)
    if not milliseconds and not days:
        return None
    return (_EPOCH + timedelta(days=days, milliseconds=milliseconds)).isoformat(timespec="milliseconds")


def _text(data: bytes) -> str:
    return data.rstrip(b"\x00 ").decode("latin-1")


def _as_list(data: bytes) -> S7SZL:
    """The library's structure of a list, as its parsers want it."""
    found = S7SZL()
    size = min(len(data), len(found.Data))
    memmove(found.Data, data, size)
    found.Header.LengthDR, found.Header.NDR = size, 1
    return found
