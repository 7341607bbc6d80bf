"""Any points are read in stretches that hold them whole; any bytes of a CPU are a record or refused."""

from hypothesis import given
from hypothesis import strategies as st

from collectors.compare.look import state_text
from collectors.compare.original import Envelope
from collectors.ot import s7_lists
from collectors.ot.plc import Point
from collectors.ot.s7 import S7
from collectors.ot.s7_points import plan, read_place, state
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, SkippableRecord
from ledger.core.record import Original, Record
from ledger.core.source import SourceConfig

KINDS = ["INT", "REAL", "LREAL", "STRING[20]", "STRING[254]", "WSTRING[40]", "DT", "INT[30]", "BYTE"]
data = st.builds("DB{}:{}:{}".format, st.integers(1, 3), st.integers(0, 600), st.sampled_from(KINDS))
bits = st.builds("{}{}.{}:BOOL".format, st.sampled_from("MIQ"), st.integers(0, 90), st.integers(0, 7))
BYTES = bytes(at % 251 for at in range(2000))


@given(st.lists(data | bits, min_size=1, max_size=40), st.sampled_from([46, 222, 462]), st.integers(0, 100))
def test_every_point_is_in_one_stretch_that_holds_it_whole(texts: list[str], largest: int, gap: int) -> None:
    places = [read_place(Point(tag=str(at), address=text)) for at, text in enumerate(texts)]
    stretches = list(plan(places, largest, gap))
    assert sorted(place.point.tag for one in stretches for place in one.places) == sorted(map(str, range(len(texts))))
    for stretch in stretches:
        if stretch.size > largest:
            assert max(place.size for place in stretch.places) > largest, "only a point that is itself larger"
        read = BYTES[stretch.start : stretch.start + stretch.size]
        for place in stretch.places:
            raw = bytes.fromhex(state(place, stretch, read)["raw"])
            expected = BYTES[place.start : place.start + place.size]
            assert raw == (bytes([expected[0] >> place.bit & 1]) if place.bit is not None else expected)


@given(st.text(alphabet="DB10.XW:%MIQREALINTSG[]-", max_size=20))
def test_any_address_is_a_place_or_named(text: str) -> None:
    try:
        place = read_place(Point(tag="T", address=text))
    except ConfigError:
        return
    assert 0 <= place.start < place.start + place.size <= 65536


SOURCE = S7(SourceConfig(id="mixer", type="s7", title="Mixer", options={"host": "h"}), {}, SystemClock())
kinds = st.sampled_from(["tag", "mode", "diagnostic-entry", "controller", "order-code", "protection", "block-ob", "x"])
lists = st.builds(
    lambda length, count, rest: length.to_bytes(2, "big") + count.to_bytes(2, "big") + rest,
    st.sampled_from([0, 2, 20, 28, 34, 40, 65535]),
    st.sampled_from([0, 1, 2, 65535]),
    st.binary(max_size=120),
)
hows = st.sampled_from(["REAL", "INT", "INT*3", "INT*0", "STRING[4]", "WSTRING[4]", "DT", "DTL", "DATE", "BOOL", "X*"])


@given(kinds, lists | st.binary(max_size=90), hows)
def test_any_bytes_are_a_record_or_refused(kind: str, raw: bytes, how: str) -> None:
    instant = "2026-01-01T00:00:00.000000Z"
    state_ = state_text({"raw": raw.hex(), "as": how})
    envelope = Envelope(sort="first", look=1, before=instant, type=kind, id="T", new=state_)
    original = Original(data=envelope.encode(), media_type="application/json", parser="s7", parser_version="1")
    try:
        record = SOURCE.derive(original)
    except SkippableRecord:
        return
    assert isinstance(record, Record)


@given(lists | st.binary(max_size=90))
def test_any_diagnostic_buffer_is_entries_or_refused(raw: bytes) -> None:
    try:
        found = s7_lists.entries(raw)
    except ValueError:
        return
    assert all(len(entry) == 20 for entry in found)
