"""Nothing that arrives breaks the syslog parser or its framing, and what is framed comes out as it was."""

import contextlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from collectors.infra.syslog_framing import Frame, Framer
from collectors.infra.syslog_message import read_message
from collectors.infra.syslog_original import Sender, read_envelope, write_envelope
from ledger.core.errors import SkippableRecord

NOW = datetime(2026, 3, 1, tzinfo=UTC)
bits = st.sampled_from(
    ["<13>", "1 ", "- ", "[a@1", ' x="', "\\", '"', "]", "Feb 29 10:00:00 ", "h ", ":", "\n", "\x00", "é"]
)
texts = st.lists(bits | st.text(max_size=5), max_size=20).map("".join).map(lambda text: text.encode("utf-8", "replace"))
values = st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode())


@given(
    st.binary(max_size=100)
    | texts.map(lambda text: b"<13>" + text)
    | texts.map(lambda text: b"<34>1 - h a p m " + text)
)
def test_any_bytes_are_a_message_or_refused(data: bytes) -> None:
    with contextlib.suppress(SkippableRecord):
        found = read_message(data, NOW)
        assert {"time", "hostname", "message", "structured_data", "facility", "severity"} <= set(found)
    envelope = write_envelope(Sender(peer="192.0.2.1", transport="tcp"), "2026-03-01T00:00:00.000000Z", "id", data)
    assert read_envelope(envelope).data() == data
    with contextlib.suppress(SkippableRecord):
        read_envelope(data)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}@[0-9]{1,5}", fullmatch=True),
        st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), values, max_size=3),
        max_size=3,
    ),
    values,
)
def test_structured_data_and_text_come_out_as_they_were_put_in(data: dict[str, dict[str, str]], text: str) -> None:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")

    elements = "".join(
        f"[{name}" + "".join(f' {key}="{escaped(value)}"' for key, value in found.items()) + "]"
        for name, found in data.items()
    )
    message = f"<13>1 2026-03-01T00:00:00.5Z h a p m {elements or '-'} \ufeff{text}"
    found = read_message(message.encode(), NOW)
    assert found["structured_data"] == data
    assert found["message"] == text.rstrip("\r\n\x00")


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=40), st.booleans()), max_size=8),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_framed_messages_come_out_whole_however_they_arrive(given_: list[tuple[bytes, bool]], cuts: list[int]) -> None:
    stream, expected = b"", []
    for body, counted in given_:
        message = b"<13>" + (body if counted else body.replace(b"\n", b" "))
        stream += b"%d %s" % (len(message), message) if counted else message + b"\n"
        expected.append(message if counted else message.rstrip(b"\r\x00"))
    found: list[Frame] = []
    framer, at = Framer(100), 0
    for cut in [*sorted(cuts), len(stream)]:
        found += framer.feed(stream[at : max(at, cut)])
        at = max(at, cut)
    assert [frame.data for frame in found] == expected
    assert not framer.waiting
    assert not framer.broken


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(10, 50))
def test_any_stream_is_divided_with_little_memory(parts: list[bytes], limit: int) -> None:
    framer = Framer(limit)
    for part in parts:
        for frame in framer.feed(part):
            assert len(frame.data) <= limit
    assert framer.broken or len(framer._buffer) <= limit + 12
