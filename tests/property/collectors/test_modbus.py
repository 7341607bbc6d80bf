"""Any points are read by requests within the protocol's bounds, each whole; any answer of a peer is bounded trouble."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from collectors.compare.look import state_text
from collectors.compare.original import Envelope
from collectors.ot.modbus import Modbus
from collectors.ot.modbus_points import MAX_BITS, MAX_REGISTERS, REGISTER_TABLES, plan, read_place, state
from collectors.ot.plc import Point
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, SkippableRecord
from ledger.core.record import Original, Record
from ledger.core.source import SourceConfig

KINDS = ["", "int16", "uint32:little", "float32", "float64", "string[9]", "string[250]", "bit3"]
registers = st.builds(
    "{}:{}:{}".format, st.sampled_from(["holding", "input"]), st.integers(0, 400), st.sampled_from(KINDS)
)
bits = st.builds("{}:{}".format, st.sampled_from(["coil", "discrete"]), st.integers(0, 5000))
addresses = st.lists((registers | bits).map(lambda text: text.rstrip(":")), min_size=1, max_size=40)


@given(addresses, st.integers(0, 100))
def test_every_point_is_in_one_block_and_no_block_is_too_large(texts: list[str], gap: int) -> None:
    places = [read_place(Point(tag=str(at), address=text)) for at, text in enumerate(texts)]
    blocks = list(plan(places, gap))
    assert sorted(place.point.tag for block in blocks for place in block.places) == sorted(map(str, range(len(texts))))
    for block in blocks:
        wide = block.table in REGISTER_TABLES
        assert 1 <= block.count <= (MAX_REGISTERS if wide else MAX_BITS)
        numbers = range(block.start, block.start + block.count)
        data = b"".join(struct.pack(">H", number) if wide else bytes([number % 2]) for number in numbers)
        for place in block.places:
            assert block.start <= place.start
            assert place.start + place.count <= block.start + block.count
            raw = bytes.fromhex(state(place, block, data)["raw"])
            first = struct.unpack(">H", raw[:2])[0] if wide else raw[0]
            assert first == (place.start if wide else place.start % 2)
            assert len(raw) == place.count * (2 if wide else 1)


@given(st.text(alphabet="holdingcoput:0123456789[]bitstrnlef", max_size=25))
def test_any_address_is_a_place_or_named(text: str) -> None:
    try:
        place = read_place(Point(tag="T", address=text))
    except ConfigError:
        return
    assert 0 <= place.start < place.start + place.count <= 65536


SOURCE = Modbus(
    SourceConfig(id="mixer", type="modbus", title="Mixer", options={"host": "h", "points": "T = coil:1"}),
    {},
    SystemClock(),
)
hows = st.sampled_from(["uint16:big", "float32:little", "string[4]:big", "bit9:big", "bool", "string[", "float32", ""])
raws = st.binary(max_size=8).map(bytes.hex) | st.text(max_size=6)


@given(st.sampled_from(["tag", "controller"]), st.dictionaries(st.sampled_from(["raw", "as", "0", "x"]), hows | raws))
def test_any_state_is_a_record_or_refused(kind: str, members: dict[str, str]) -> None:
    instant = "2026-01-01T00:00:00.000000Z"
    envelope = Envelope(sort="first", look=1, before=instant, type=kind, id="T", new=state_text(members))
    original = Original(data=envelope.encode(), media_type="application/json", parser="modbus", parser_version="1")
    try:
        record = SOURCE.derive(original)
    except SkippableRecord:
        return
    assert isinstance(record, Record)
