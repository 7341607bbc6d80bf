"""Syslog messages: the examples of the RFCs, what devices send, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from collectors.infra.syslog_framing import Frame, Framer
from collectors.infra.syslog_identity import Identities
from collectors.infra.syslog_message import read_message
from ledger.core.errors import SkippableRecord

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def read(text: str | bytes, **more: Any) -> dict[str, object]:
    return read_message(text.encode() if isinstance(text, str) else text, NOW, **more)


def test_the_examples_of_rfc_5424_are_read() -> None:
    """Section 6.5."""
    first = read(
        "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \ufeff'su root' failed on /dev/pts/8"
    )
    assert first == {
        "facility": "auth",
        "severity": "crit",
        "format": "rfc5424",
        "time": "2003-10-11T22:14:15.003Z",
        "timestamp": "2003-10-11T22:14:15.003Z",
        "hostname": "mymachine.example.com",
        "app_name": "su",
        "procid": None,
        "msgid": "ID47",
        "structured_data": {},
        "message": "'su root' failed on /dev/pts/8",
    }
    second = read("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.")
    assert (second["facility"], second["severity"], second["procid"]) == ("local4", "notice", "8710")
    assert second["message"] == "%% It's time to make the do-nuts."
    third = read(
        '<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" '
        'eventID="1011"][examplePriority@32473 class="high"]'
    )
    assert third["structured_data"] == {
        "exampleSDID@32473": {"iut": "3", "eventSource": "Application", "eventID": "1011"},
        "examplePriority@32473": {"class": "high"},
    }
    assert third["message"] is None


def test_structured_data_keeps_escapes_repeated_parameters_and_elements_without_any() -> None:
    """Section 6.3.3: a backslash before anything but a quote, a backslash and a bracket is itself."""
    text = r'<13>1 - h a - - [a@1 q="say \"no\"" s="C:\\x\]" b="\d" p="1" p="2"][b@1] x'
    assert read(text)["structured_data"] == {
        "a@1": {"q": 'say "no"', "s": "C:\\x]", "b": "\\d", "p": ["1", "2"]},
        "b@1": {},
    }


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("no priority", "PRI"),
        ("<192>1 - h a - - - x", "PRI"),
        ("<013>1 - h a - - - x", "PRI"),
        ("<13>2 - h a - - - x", "version 2"),
        ("<13>1 - h a - -", "header"),
        ("<13>1 2003-10-11 h a - - - x", "TIMESTAMP"),
        ("<13>1 2003-10-11T22:14:15.0000003Z h a - - - x", "TIMESTAMP"),
        ("<13>1 2003-10-11t22:14:15Z h a - - - x", "TIMESTAMP"),
        ("<13>1 - h\u00e9 a - - - x", "header"),
        ('<13>1 - h a - - [a@1 x="1"', "SD-ELEMENT"),
        ('<13>1 - h a - - [a@1 x="]"] x', "SD-ELEMENT"),
        ("<13>1 - h a - - [a@1 x=1] x", "SD-ELEMENT"),
        ('<13>1 - h a - - [a@1 x="1"][a@1 y="2"] x', "twice"),
        ("<13>1 - h a - - x", "structured data"),
        ("<13>1 - h a - - -x", "space"),
    ],
)
def test_what_rfc_5424_forbids_is_refused_by_its_section(text: str, named: str) -> None:
    with pytest.raises(SkippableRecord, match=named):
        read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
            ("2025-10-11T22:14:15", "Oct 11 22:14:15", "mymachine", "su", None, "'su root' failed"),
        ),
        (
            "<13>Jan  3 00:00:01 10.1.2.3 sshd[4711]: Accepted",
            ("2026-01-03T00:00:01", "Jan  3 00:00:01", "10.1.2.3", "sshd", "4711", "Accepted"),
        ),
        (
            "<13>2026-01-02T11:59:59.5+01:00 host app: text",
            ("2026-01-02T11:59:59.5+01:00", "2026-01-02T11:59:59.5+01:00", "host", "app", None, "text"),
        ),
        (
            "<13>Feb 29 10:00:00 2024 host app: text",
            ("2024-02-29T10:00:00", "Feb 29 10:00:00 2024", "host", "app", None, "text"),
        ),
        ("<13>Feb 31 10:00:00 host app: x", ("-", "Feb 31 10:00:00", "host", "app", None, "x")),
        (
            "<189>123: *Mar  1 18:46:11: %SYS-5-CONFIG_I: Configured",
            ("-", None, None, "123", None, "*Mar  1 18:46:11: %SYS-5-CONFIG_I: Configured"),
        ),
        ("<13>just words", ("-", None, None, None, None, "just words")),
        ("<13>", ("-", None, None, None, None, "")),
    ],
)
def test_rfc_3164_is_read_as_far_as_it_goes(text: str, expected: tuple[object, ...]) -> None:
    found = read(text)
    members = ("time", "timestamp", "hostname", "app_name", "procid", "message")
    assert tuple(found[name] for name in members) == expected
    assert found["format"] == "rfc3164"


def test_texts_are_decoded_as_they_say_or_as_the_source_is_set() -> None:
    assert read(b"<13>1 - h a - - - \xef\xbb\xbfcaf\xc3\xa9")["message"] == "caf\u00e9"
    assert read(b"<13>1 - h a - - - caf\xe9")["message"] == "caf\ufffd"
    assert read(b"<13>1 - h a - - - caf\xe9", encoding="latin-1")["message"] == "caf\u00e9"
    assert read("<13>1 - h a - - - two\nlines\n\x00")["message"] == "two\nlines"


def frames(stream: bytes, limit: int = 100) -> list[Frame]:
    whole = list(Framer(limit).feed(stream))
    framer = Framer(limit)
    assert [frame for at in range(len(stream)) for frame in framer.feed(stream[at : at + 1])] == whole
    return whole


def test_both_framings_of_rfc_6587_may_stand_in_one_stream() -> None:
    found = frames(b"5 <13>a<13>b\n<13>c\r\n7 <13>d\nx\n\x00<13>e\x00\n6 <13>fg3 <13")
    assert [frame.data for frame in found] == [b"<13>a", b"<13>b", b"<13>c", b"<13>d\nx", b"<13>e", b"<13>fg", b"<13"]


@pytest.mark.parametrize(
    "stream",
    [b"300 " + b"x" * 300 + b"4 <13>", b"<" + b"x" * 299 + b"\n4 <13>", b"<" + b"x" * 299 + b"\n<13>\n"],
    ids=["counted", "then counted", "with trailers"],
)
def test_of_a_message_that_is_too_long_the_beginning_is_kept_and_the_next_is_whole(stream: bytes) -> None:
    bad, good = frames(stream)
    assert len(bad.data) == 100
    assert "first 100 bytes" in bad.problem
    assert good == Frame(b"<13>")


@pytest.mark.parametrize("stream", [b"0 x", b"12345678901 x", b"12x <13>", b"99999999999999999999"])
def test_a_length_that_is_none_ends_the_connection(stream: bytes) -> None:
    framer = Framer(100)
    (bad,) = framer.feed(stream)
    assert framer.broken
    assert bad.problem
    assert list(framer.feed(b"4 <13>")) == []


def test_what_has_no_end_yet_is_known_to_wait() -> None:
    framer = Framer(100)
    assert list(framer.feed(b"10 <13>")) == []
    assert framer.waiting
    assert [frame.data for frame in framer.feed(b"abcdef")] == [b"<13>abcdef"]
    assert not framer.waiting


FINE = b"<13>1 2026-01-02T12:00:00.123456Z h a - - - x"
COARSE = b"<13>1 2026-01-02T12:00:00Z h a - - - x"
BSD = b"<13>Jan  2 12:00:00 h a: x"


def identities(peer: str = "192.0.2.1", key: bytes = b"k" * 32) -> Identities:
    return Identities(key, peer)


def test_a_message_of_a_fine_time_that_is_sent_again_is_the_same_and_an_equal_one_beside_it_is_not() -> None:
    first, again = identities(), identities()
    given = [first.of(FINE, "t1"), first.of(FINE, "t1"), first.of(FINE + b"y", "t1")]
    assert len({*given}) == 3
    assert [again.of(FINE, "t2"), again.of(FINE, "t3"), again.of(FINE + b"y", "t4")] == given


@pytest.mark.parametrize("message", [COARSE, BSD, b"<13>1 - h a - - - x", b"no message"])
def test_messages_whose_time_is_coarse_are_each_one_of_its_own(message: bytes) -> None:
    first, again = identities(), identities()
    assert len({first.of(message, "t"), first.of(message, "t"), again.of(message, "t")}) == 3


def test_identities_depend_on_the_sender_and_tell_nothing_without_the_key() -> None:
    assert identities().of(FINE, "t") != identities(peer="192.0.2.2").of(FINE, "t")
    assert identities().of(FINE, "t") != identities(key=b"other").of(FINE, "t")
