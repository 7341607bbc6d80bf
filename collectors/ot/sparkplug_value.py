"""The value of a Sparkplug metric, as a record holds it: by its data type (specification 3.0, section 6.4.16).

Integers with a sign travel as the unsigned number of the same bits. Bytes that are too long for a record are told by
their length and SHA-256; the original has them.
"""

import json
import struct
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from collectors.ot.sparkplug_payload import text_of
from collectors.text import render, render_float, render_float32
from ledger.core.record import Value

_SIGNED: Final = {1: 8, 2: 16, 3: 32, 4: 64}
_DATE_TIME: Final = 13
_ARRAYS: Final = {22: "b", 23: "h", 24: "i", 25: "q", 26: "B", 27: "H", 28: "I", 29: "Q", 30: "f", 31: "d", 34: "Q"}
_BOOLEANS, _STRINGS, _DATE_TIMES, _FLOATS = 32, 33, 34, 30
_LONGEST: Final = 65_536
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def metric_value(metric: Any, datatype: int) -> Value:
    """None where the metric says that it has none; `datatype` 0 where nobody said: then as it travelled."""
    if metric.is_null:
        return None
    which = metric.WhichOneof("value")
    if which is None:
        return None
    if which == "dataset_value":
        return _text(_data_set(metric.dataset_value))
    if which == "template_value":
        return _text(_template(metric.template_value))
    if which == "bytes_value":
        return _bytes(metric.bytes_value, datatype)
    return _scalar(metric, which, datatype)


def property_value(properties: Any, key: str) -> Value:
    """The property of that name in any case, or None; only of a simple type."""
    for name, value in zip(properties.keys, properties.values, strict=False):
        which = value.WhichOneof("value")
        if (
            text_of(name).lower() == key
            and which is not None
            and not value.is_null
            and not which.startswith("propertyset")
        ):
            return _scalar(value, which, value.type)
    return None


def _scalar(holder: Any, which: str, datatype: int) -> Value:
    value = getattr(holder, which)
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return render_float32(value) if which == "float_value" else render_float(value)
    if isinstance(value, int):
        bits = _SIGNED.get(datatype)
        if bits is not None:
            value &= (1 << bits) - 1
            value -= (value >> (bits - 1)) << bits
        return _moment(value) if datatype == _DATE_TIME else render(value)
    return text_of(value)


def _moment(milliseconds: int) -> Value:
    """UTC in ISO 8601; as it is where no calendar has it."""
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return render(milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _bytes(data: bytes, datatype: int) -> Value:
    try:
        if datatype in _ARRAYS:
            return _text(_numbers(data, datatype))
        if datatype == _BOOLEANS:
            return _text(_booleans(data))
        if datatype == _STRINGS:
            return _text([part.decode() for part in data.split(b"\x00")[:-1]] if data else [])
    except (ValueError, struct.error):
        pass  # not of the form that its type says: as bytes
    return data.hex() if len(data) <= _LONGEST else _told(data, "bytes")


def _numbers(data: bytes, datatype: int) -> list[object]:
    kind = _ARRAYS[datatype]
    found = [number for (number,) in struct.iter_unpack(f"<{kind}", data)]
    if datatype == _DATE_TIMES:
        return [_moment(number) for number in found]
    if datatype == _FLOATS:
        return [render_float32(number) for number in found]
    return [render(number) for number in found]


def _booleans(data: bytes) -> list[object]:
    """A count of four bytes, then bits from the highest on."""
    (count,) = struct.unpack_from("<I", data)
    if count > 8 * (len(data) - 4):
        raise ValueError("more booleans than bits")
    return [bool(data[4 + at // 8] >> (7 - at % 8) & 1) for at in range(count)]


def _data_set(data_set: Any) -> dict[str, object]:
    types = list(data_set.types)
    rows = [
        [
            None if (which := one.WhichOneof("value")) is None else _scalar(one, which, kind)
            for one, kind in zip(row.elements, types + [0] * len(row.elements), strict=False)
        ]
        for row in data_set.rows
    ]
    return {"columns": [text_of(column) for column in data_set.columns], "rows": rows}


def _template(template: Any) -> dict[str, object]:
    found: dict[str, object] = {}
    if template.HasField("template_ref"):
        found["template"] = text_of(template.template_ref)
    for parameter in template.parameters:
        which = parameter.WhichOneof("value")
        found[f"parameter {text_of(parameter.name)}"] = (
            None if which is None else _scalar(parameter, which, parameter.type)
        )
    for metric in template.metrics:
        found[text_of(metric.name)] = metric_value(metric, metric.datatype)
    return found


def _text(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _LONGEST else _told(text.encode(), "JSON")


def _told(data: bytes, what: str) -> str:
    return f"{len(data)} bytes ({what}), SHA-256 {sha256(data).hexdigest()}"
