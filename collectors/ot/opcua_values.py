"""How values of OPC UA are written in a record: node ids that outlive a restart, and the rules of `collectors.text`."""

from collections.abc import Sequence
from datetime import UTC, datetime

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary, variant_from_binary

from collectors.text import clean, render, render_float32
from ledger.core.record import Value

_HAS_VALUE = 0x01
"""Bit of a DataValue's first byte (OPC UA Part 6, 5.2.2.17)."""
_SORT, _IS_ARRAY = 0x3F, 0x80
"""Bits of a Variant's first byte (OPC UA Part 6, 5.2.2.16)."""
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
        return value.name
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


def pack_event(fields: Sequence[ua.Variant]) -> bytes:
    """The fields in OPC UA binary, as HistoryEventFieldList (Part 11, 6.6.4): the same for a live and a kept event."""
    data: bytes = struct_to_binary(ua.HistoryEventFieldList(list(fields)))
    return data


def unpack_event(data: bytes) -> list[ua.Variant]:
    """Reads what `pack_event` wrote; raises ValueError for anything else."""
    buffer = Buffer(data)
    count = int.from_bytes(buffer.read(4), "little", signed=True)
    fields = [_read_variant(buffer) for _ in range(count)]
    if len(buffer):
        raise ValueError("bytes are left over after the event's fields")
    return fields


def pack_value(value: ua.DataValue) -> bytes:
    """The value with status and time stamps in OPC UA binary (Part 6, 5.2.2.17)."""
    data: bytes = struct_to_binary(value)
    return data


def unpack_value(data: bytes) -> ua.DataValue:
    """Reads what `pack_value` wrote; raises ValueError for anything else."""
    buffer = Buffer(data)
    if data[0] & _HAS_VALUE:
        _read_variant(Buffer(data[1:]))
    value = struct_from_binary(ua.DataValue, buffer)
    if len(buffer):
        raise ValueError("bytes are left over after the value")
    return value


def _read_variant(buffer: Buffer) -> ua.Variant:
    """As the library, but refuses an array of nulls: it takes no bytes, so its length is limited by nothing."""
    _refuse_endless(buffer.copy())
    return variant_from_binary(buffer)


def _refuse_endless(look: Buffer) -> None:
    encoding = look.read(1)[0]
    sort, is_array = encoding & _SORT, bool(encoding & _IS_ARRAY)
    count = int.from_bytes(look.read(4), "little", signed=True) if is_array else 1
    if sort == ua.VariantType.Null.value and is_array and count > 0:
        raise ValueError(f"an array of {count} nulls")
    if sort == ua.VariantType.Variant.value:
        for _ in range(count):
            _read_variant(look)


def aware(moment: datetime) -> datetime:
    """OPC UA times are UTC (Part 6, 5.2.2.5); asyncua may leave that out."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
