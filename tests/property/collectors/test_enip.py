"""Any bytes of a controller are a record or refused; any frame is judged, and only reads pass."""

from hypothesis import given
from hypothesis import strategies as st

from collectors.compare.look import state_text
from collectors.compare.original import Envelope
from collectors.ot.enip import Enip
from collectors.ot.enip_session import is_read, tag_path
from ledger.core.clock import SystemClock
from ledger.core.errors import SkippableRecord
from ledger.core.record import Original, Record
from ledger.core.source import SourceConfig

SOURCE = Enip(SourceConfig(id="mixer", type="enip", title="Mixer", options={"host": "h"}), {}, SystemClock())
kinds = st.sampled_from(["tag", "mode", "controller", "program", "edit-state", "audit-value", "x"])
codes = st.sampled_from([b"\xc1\x00", b"\xca\x00", b"\xd0\x00", b"\xda\x00", b"\xa0\x02\xce\x0f", b"\xa0\x02", b""])


@given(kinds, st.builds(bytes.__add__, codes, st.binary(max_size=60)))
def test_any_bytes_are_a_record_or_refused(kind: str, raw: bytes) -> None:
    instant = "2026-01-01T00:00:00.000000Z"
    state = state_text({"raw": raw.hex(), "count": 1})
    envelope = Envelope(sort="first", look=1, before=instant, type=kind, id="T", new=state)
    original = Original(data=envelope.encode(), media_type="application/json", parser="enip", parser_version="1")
    try:
        record = SOURCE.derive(original)
    except SkippableRecord:
        return
    assert isinstance(record, Record)


READ = b"\x4c" + tag_path("Mode") + b"\x01\x00"
WRITE = b"\x4d" + tag_path("Mode") + b"\xc4\x00\x01\x00\x01\x00\x00\x00"


def wrapped(message: bytes) -> bytes:
    return b"\x52\x02\x20\x06\x24\x01\x0a\x05" + len(message).to_bytes(2, "little") + message


def together(messages: list[bytes]) -> bytes:
    place, starts = 2 + 2 * len(messages), b""
    for message in messages:
        starts += place.to_bytes(2, "little")
        place += len(message)
    return b"\x0a\x02\x20\x02\x24\x01" + len(messages).to_bytes(2, "little") + starts + b"".join(messages)


nested = st.recursive(
    st.sampled_from([READ, WRITE]),
    lambda inner: inner.map(wrapped) | st.lists(inner, min_size=1, max_size=3).map(together),
    max_leaves=5,
)


@given(nested)
def test_a_write_is_found_however_deep_it_is_wrapped(message: bytes) -> None:
    assert is_read(b"\x6f\x00" + bytes(38) + message) == (WRITE not in message)


@given(st.binary(max_size=120))
def test_any_frame_is_judged(frame: bytes) -> None:
    assert is_read(frame) in (True, False)
