"""How values of OPC UA are written in a record: node ids that outlive a restart, and the rules of `collectors.text`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from asyncua import ua

from collectors.ot.opcua_binary import FileTime
from collectors.text import clean, render, render_float32
from ledger.core.record import Value
from ledger.core.times import Precision, SourceTime, from_datetime

_CODE = 0xFFFF_0000
"""Bits of a StatusCode that name it; the others say more of the value that it stands with (Part 4, 7.39)."""
_SORTS = {"String": "s", "Guid": "g", "ByteString": "b"}


def node_text(node: ua.NodeId, namespaces: Sequence[str]) -> str:
    """`nsu=<namespace URI>;s=<name>`: the index of a namespace may differ after a restart, its URI does not."""
    sort = _SORTS.get(node.NodeIdType.name, "i")
    identifier = node.Identifier.hex() if isinstance(node.Identifier, bytes) else clean(str(node.Identifier))
    index = int(node.NamespaceIndex)
    if index == 0:
        return f"{sort}={identifier}"
    space = f"nsu={clean(namespaces[index])}" if index < len(namespaces) else f"ns={index}"
    return f"{space};{sort}={identifier}"


def plain(value: object, namespaces: Sequence[str]) -> object:
    """A value as the text rules take it: OPC UA's own structures become texts or lists."""
    if isinstance(value, ua.LocalizedText):
        return value.Text
    if isinstance(value, ua.QualifiedName):
        return value.Name
    if isinstance(value, ua.NodeId):
        return node_text(value, namespaces)
    if isinstance(value, ua.StatusCode):
        return ua.StatusCode(ua.UInt32(value.value & _CODE)).name
    if isinstance(value, ua.Variant):
        return plain(value.Value, namespaces)
    if isinstance(value, list | tuple):
        return [plain(item, namespaces) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name), namespaces) for name in value.__dataclass_fields__}
    return value


def render_variant(variant: ua.Variant | None, namespaces: Sequence[str]) -> Value:
    """A variant as a record holds it; a 32-bit float is the shortest text of 32 bits."""
    if variant is None or variant.Value is None:
        return None
    if variant.VariantType == ua.VariantType.Float and isinstance(variant.Value, float):
        return render_float32(variant.Value)
    return render(plain(variant.Value, namespaces))


def source_time(moment: datetime | None) -> SourceTime | None:
    """A time of the server, to its last digit; None where it gives none or the null time (Part 6, 5.2.2.5)."""
    if moment is None or (isinstance(moment, FileTime) and moment.ticks <= 0):
        return None
    told = from_datetime(aware(moment))
    if isinstance(moment, FileTime) and moment.ticks % 10:
        return msgspec.structs.replace(told, precision=Precision.NANOSECOND)
    return told


def time_of(value: ua.DataValue) -> FileTime | None:
    """When the source says that it had this value; where only the server says so, its time."""
    for moment in (value.SourceTimestamp, value.ServerTimestamp):
        if isinstance(moment, FileTime) and moment.ticks > 0:
            return moment
    return None


def aware(moment: datetime) -> datetime:
    """OPC UA times are UTC (Part 6, 5.2.2.5); asyncua may leave that out."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
