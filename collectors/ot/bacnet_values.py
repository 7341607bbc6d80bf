"""What values of BACnet objects mean, from their bytes as they stood in the frame.

Pure; bytes that are no value raise ValueError.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bacpypes3.basetypes import DateTime  # type: ignore[import-untyped]
from bacpypes3.constructeddata import Any as AnyValue  # type: ignore[import-untyped]
from bacpypes3.constructeddata import Choice, Sequence
from bacpypes3.object import DeviceObject  # type: ignore[import-untyped]
from bacpypes3.primitivedata import (  # type: ignore[import-untyped]
    Atomic,
    BitString,
    Boolean,
    CharacterString,
    Date,
    Double,
    Enumerated,
    Integer,
    Null,
    ObjectIdentifier,
    OctetString,
    PDUData,
    Real,
    TagClass,
    TagList,
    Time,
    Unsigned,
)
from bacpypes3.vendor import get_vendor_info  # type: ignore[import-untyped]

from collectors.compare.record import Shown
from collectors.ot.bacnet_wire import property_number
from collectors.text import render_float, render_float32
from ledger.core.record import Action

assert DeviceObject, "its import registers the standard's object types"

_PRIMITIVES: Final = (
    Null, Boolean, Unsigned, Integer, Real, Double, OctetString, CharacterString, BitString, Enumerated, Date, Time,
    ObjectIdentifier,
)  # fmt: skip
"""By the number of the application tag."""
_FLAGS: Final = ("in-alarm", "fault", "overridden", "out-of-service")
_LEVELS: Final = {
    1: "manual life safety",
    2: "automatic life safety",
    5: "critical equipment control",
    6: "minimum on/off",
    8: "manual operator",
}
"""What the standard reserves a priority for; of the others a site says it."""
_VALUE: Final = {"present-value": "value"}
_COMMAND = "command-at-priority-"
_HUNDREDTH_US = 10_000
_CLOCK = ("local-date", "local-time", "utc-offset")
_RUNS = "operational"


def value(name: str, prop: str, raw: bytes) -> Any:
    """The value of a property of an object (`analog-value,3`), as the library's type for it, else by its own tags."""
    try:
        tags = TagList.decode(PDUData(raw))
        known = get_vendor_info(0).get_object_class(ObjectIdentifier(name)[0])
        kind = known.get_property_type(property_number(prop)) if known else None
        if kind is not None:
            return AnyValue(tags).cast_out(kind, null=issubclass(kind, Atomic))
    except Exception as error:  # the codec raises errors of many kinds
        raise ValueError(f"{prop} of {name} cannot be read: {error.__class__.__name__}: {error}") from None
    return element(raw)


def element(raw: bytes) -> Any:
    """A value by its own tags: one, or a list of several; its bytes where they are not all of the standard's types."""
    try:
        tags = list(TagList.decode(PDUData(raw)))
        if not tags or any(tag.tag_class != TagClass.application for tag in tags):
            return raw
        found = [AnyValue(TagList([tag])).cast_out(_PRIMITIVES[tag.tag_number]) for tag in tags]
    except Exception as error:  # the codec raises errors of many kinds
        raise ValueError(f"{raw.hex()} cannot be read: {error.__class__.__name__}: {error}") from None
    return found[0] if len(found) == 1 else found


def plain(found: Any) -> object:
    """A value as a record takes it: numbers as they are, the standard's names for what it enumerates."""
    if isinstance(found, Null):
        return None
    if isinstance(found, Boolean):
        return bool(found)
    if isinstance(found, Real):
        return render_float(found) if isinstance(found, Double) else render_float32(found)
    if isinstance(found, Enumerated | BitString | Date | Time | ObjectIdentifier):
        return str(found)
    if isinstance(found, bytes):
        return bytes(found)
    if isinstance(found, CharacterString):
        return str(found)
    if isinstance(found, int):
        return int(found)
    if isinstance(found, DateTime):
        return f"{found.date} {found.time}"
    if isinstance(found, Sequence | Choice):
        members = {dashed(name): getattr(found, name, None) for name in found._elements}
        given = {name: plain(member) for name, member in members.items() if member is not None}
        return next(iter(given.values())) if isinstance(found, Choice) and len(given) == 1 else given
    if isinstance(found, list | tuple):
        return [plain(one) for one in found]
    raise ValueError(f"a value of type {type(found).__name__}")


def point(name: str, properties: Mapping[str, str], unit: str | None) -> Shown:
    """What a watched object says: value, flags, who holds the command at which priority, and further properties."""
    read = {prop: value(name, prop, bytes.fromhex(raw)) for prop, raw in properties.items()}
    attributes: dict[str, object] = {}
    measured: list[str] = []
    for prop, found in read.items():
        if prop == "present-value":
            attributes["value"] = plain(found)
        elif prop == "status-flags":
            attributes |= flags(found)
        elif prop == "priority-array":
            attributes |= _commands(found)
        else:
            attributes[prop] = plain(found)
        measured += [_VALUE.get(prop, prop)] if isinstance(found, Real) else []
    measured += [attribute for attribute in attributes if attribute.startswith(_COMMAND)]
    unit = unit or (str(read["units"]) if "units" in read else None)
    return Shown(attributes=attributes, units=dict.fromkeys({"value", *measured}, unit) if unit else {})


def flags(found: Any) -> dict[str, object]:
    """The four status flags."""
    return {flag: bool(bit) for flag, bit in zip(_FLAGS, found, strict=True)}


def moment(found: Any) -> str | None:
    """A date and time of the device as ISO text, without offset; None where a part of it is not set."""
    try:
        year, month, day, _ = found.date
        hour, minute, second, hundredth = found.time
        local = datetime(1900 + year, month, day, hour, minute, second, hundredth * _HUNDREDTH_US, tzinfo=UTC)
    except (AttributeError, TypeError, ValueError):
        return None
    return local.replace(tzinfo=None).isoformat(timespec="milliseconds")


def _commands(levels: Any) -> dict[str, object]:
    """The commands that an object holds, each at its priority, and which of them is in force."""
    held = {number: plain(level) for number, level in enumerate(levels, 1) if level.null is None}
    highest = min(held, default=0)
    use = f" ({_LEVELS[highest]})" if highest in _LEVELS else ""
    said: dict[str, object] = {"command-priority": f"{highest}{use}" if highest else "none (relinquish default)"}
    return said | {f"{_COMMAND}{number}": command for number, command in held.items()}


def device(properties: Mapping[str, str]) -> Mapping[str, object]:
    """Properties of the device object, by their names."""
    return {prop: plain(value("device,1", prop, bytes.fromhex(raw))) for prop, raw in properties.items()}


def mode(properties: Mapping[str, str]) -> Shown:
    """The device's state; a change into operation starts it, any other stops it."""
    said = device(properties)
    runs = str(said.get("system-status", "")).startswith(_RUNS)
    return Shown(attributes=said, into=Action.START if runs else Action.STOP)


def configuration(properties: Mapping[str, str]) -> Shown:
    """The database revision, which the device raises with each object made, deleted or renamed, and each restore."""
    said = device(properties)
    count = said.get("database-revision")
    return Shown(attributes=said, count=count if isinstance(count, int) else None)


def clock_us(properties: Mapping[str, bytes]) -> int | None:
    """Microseconds since 1970, UTC, of a device's local date and time and its offset; None where one is missing.

    The offset is minutes from local standard time to UTC, positive west of Greenwich; summer time goes on top.
    """
    if any(name not in properties for name in _CLOCK):
        return None
    date, time, offset = (value("device,1", name, properties[name]) for name in _CLOCK)
    summer = properties.get("daylight-savings-status")
    is_summer = summer is not None and bool(value("device,1", "daylight-savings-status", summer))
    try:
        year, month, day, _ = date
        hour, minute, second, hundredth = time
        local = datetime(1900 + year, month, day, hour, minute, second, hundredth * _HUNDREDTH_US, tzinfo=UTC)
    except (TypeError, ValueError):
        return None  # it has parts that are not set
    instant = local + timedelta(minutes=int(offset), hours=-1 if is_summer else 0)
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def dashed(name: str) -> str:
    """A name of the library (`realValue`) as the standard writes it."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", name).lower()
