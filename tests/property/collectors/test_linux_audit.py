"""Audit lines in any order and any bytes: each line is in one event, and every event is read or refused."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from collectors.infra.linux_audit_event import EventSplitter, event_item
from collectors.infra.splitting import Rules
from ledger.core.errors import SkippableRecord

kinds = st.sampled_from(["SYSCALL", "PATH", "CWD", "PROCTITLE", "USER_LOGIN", "CONFIG_CHANGE", "EOE", "DAEMON_START"])
rests = st.sampled_from(
    ["", 'name="a"', "name=41420", "proctitle=4100", "msg='op=x acct=\"y\" res=failed'", '\x1dUID="a"']
) | st.text(max_size=10)
lines = st.builds(
    lambda kind, at, serial, rest: f"type={kind} msg=audit({at}.000:{serial}): {rest}".replace("\n", " ").encode(
        "utf-8", "replace"
    ),
    kinds,
    st.integers(1, 8),
    st.integers(1, 3),
    rests,
) | st.binary(min_size=1, max_size=20).map(lambda data: data.replace(b"\n", b" "))


@given(st.lists(lines, max_size=20), st.lists(st.integers(0, 900), max_size=5))
def test_each_line_is_in_one_event_however_it_arrives(given_: list[bytes], cuts: list[int]) -> None:
    text = b"".join(line + b"\n" for line in given_)
    splitter, at, found = EventSplitter(Rules(max_bytes=4096)), 0, []
    for cut in sorted(min(cut, len(text)) for cut in (*cuts, len(text))):
        for piece in splitter.feed(text[at : max(at, cut)]):
            found.append(piece.data)
            assert splitter.offset <= len(text)
            assert splitter.behind == text[max(0, splitter.offset - 64) : splitter.offset]
        at = max(at, cut)
        assert splitter.offset + splitter.waiting == at
    found += [piece.data for piece in splitter.finish()]
    assert sorted(line for data in found for line in data.split(b"\n")) == sorted(
        line.removesuffix(b"\r") for line in given_ if line.strip()
    )
    for data in found:
        with contextlib.suppress(SkippableRecord):
            assert event_item(data.decode("utf-8", "replace"), {})["event"]
