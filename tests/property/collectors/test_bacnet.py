"""Any bytes of a device are a record or refused; any frame is judged, and only reads pass."""

import pytest
from bacpypes3.apdu import WritePropertyRequest  # type: ignore[import-untyped]
from bacpypes3.primitivedata import ObjectIdentifier, PropertyIdentifier, Real  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from collectors.compare.look import state_text
from collectors.compare.original import Envelope
from collectors.ot.bacnet import Bacnet
from collectors.ot.bacnet_wire import Reference, Refusal, Route, answer, frame, is_read, object_name, request, values
from ledger.core.clock import SystemClock
from ledger.core.errors import SkippableRecord
from ledger.core.record import Original, Record
from ledger.core.source import SourceConfig

SOURCE = Bacnet(
    SourceConfig(id="ahu", type="bacnet", title="AHU", options={"host": "h", "device": "1"}), {}, SystemClock()
)
WANTED = [Reference(object="analog-value,1", property="present-value")]
kinds = st.sampled_from(
    ["tag", "object", "controller", "mode", "configuration", "restart", "entry-of-trend-log,1", "x"]
)
properties = st.sampled_from(
    ["present-value", "status-flags", "priority-array", "units", "object-name", "system-status", "database-revision",
     "time-of-device-restart", "object-list", "512", "no-such"]
)  # fmt: skip
objects = st.sampled_from(["analog-value,1", "binary-value,7", "device,1", "512,3", "characterstring-value,2", "none"])
tags = st.sampled_from(
    [
        b"",
        b"\x00",
        b"\x21",
        b"\x44",
        b"\x55\x08",
        b"\x74\x00",
        b"\x82\x04",
        b"\x91",
        b"\xc4",
        b"\x2e",
        b"\x0e\xa4\x7e\x0b\x1c\x06\xb4\x13\x2f\x04\x24\x0f\x1e",
    ]
)
contents = st.builds(bytes.__add__, tags, st.binary(max_size=40))


@given(kinds, objects, st.dictionaries(properties, contents, max_size=4))
def test_any_bytes_are_a_record_or_refused(kind: str, name: str, read: dict[str, bytes]) -> None:
    entry = b"".join(read.values()).hex()
    state = state_text({"as": name, "raw": entry, "read": {prop: raw.hex() for prop, raw in read.items()}})
    envelope = Envelope(sort="first", look=1, before="2026-01-01T00:00:00.000000Z", type=kind, id=name, new=state)
    original = Original(data=envelope.encode(), media_type="application/json", parser="bacnet", parser_version="1")
    try:
        record = SOURCE.derive(original)
    except SkippableRecord:
        return
    assert isinstance(record, Record)


references = st.builds(
    Reference,
    object=st.sampled_from(["analog-value,1", "device,4711", "512,3"]),
    property=st.sampled_from(["present-value", "object-list", "database-revision", "512"]),
    index=st.none() | st.integers(0, 70_000),
)
routes = st.none() | st.builds(Route, network=st.integers(1, 65_534), address=st.binary(min_size=1, max_size=6))


@given(st.lists(references, min_size=1, max_size=20), st.integers(0, 255), routes)
def test_whatever_is_asked_for_is_a_read(wanted: list[Reference], invoke: int, route: Route | None) -> None:
    assert is_read(frame(request(wanted), invoke, route))


@given(routes, st.integers(0, 255), st.integers(1, 16))
def test_a_write_is_no_read_by_whatever_route(route: Route | None, invoke: int, priority: int) -> None:
    write = WritePropertyRequest(
        objectIdentifier=ObjectIdentifier("analog-value,1"),
        propertyIdentifier=PropertyIdentifier("present-value"),
        propertyValue=Real(1.5),
        priority=priority,
    )
    assert not is_read(frame(write, invoke, route))


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: b"\x81\x0a" + bytes([0, len(data) + 4]) + data))
def test_any_frame_is_judged_and_is_an_answer_or_not(data: bytes) -> None:
    assert is_read(data) in (True, False)
    try:
        found = answer(data, 1, lambda service: values(WANTED, service))
    except ValueError:
        return
    assert found is None or isinstance(found, dict | Refusal)


@given(st.text(max_size=20) | st.from_regex(r"[a-z-]{1,20}[:,][0-9]{1,8}", fullmatch=True))
def test_a_text_is_an_object_or_refused(text: str) -> None:
    try:
        name = object_name(text)
    except ValueError:
        return
    assert object_name(name) == name


def test_an_object_may_be_named_by_number() -> None:
    assert (object_name("2:17"), object_name("512:3"), object_name("analog-value,1")) == (
        "analog-value,17",
        "512,3",
        "analog-value,1",
    )
    with pytest.raises(ValueError, match="no object"):
        object_name("analog value 1")
