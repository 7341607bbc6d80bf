"""A stream of bytes is divided into records: the same pieces however it arrives, every byte in one of them."""

import pytest
import re2

from collectors.infra.splitting import Piece, Rules, Splitter

LINES = Rules(max_bytes=64)
STANZAS = Rules(max_bytes=64, start=re2.compile("^Start"), end=re2.compile("^End"))
BLOCKS = Rules(max_bytes=64, start=re2.compile("^[0-9]"))
ROWS = Rules(max_bytes=64, quoted=True)


def split(rules: Rules, *parts: bytes, finish: bool = False) -> list[Piece]:
    splitter = Splitter(rules)
    found = [piece for part in parts for piece in splitter.feed(part)]
    return [*found, *(splitter.finish() if finish else ())]


def data(pieces: list[Piece]) -> list[bytes]:
    return [piece.data for piece in pieces]


@pytest.mark.parametrize(
    ("rules", "text", "records"),
    [
        (LINES, b"a\r\nb\n\n \nc", [b"a", b"b"]),
        (STANZAS, b"\nStart 1\nx\nEnd\n\nStart 2\nStart 3\nEnd\nSt", [b"Start 1\nx\nEnd", b"Start 2", b"Start 3\nEnd"]),
        (STANZAS, b"stray\nStart 1\nEnd\n", [b"stray", b"Start 1\nEnd"]),
        (BLOCKS, b"1 error\n  at x\n\n  at y\n2 fine\n", [b"1 error\n  at x\n\n  at y"]),
        (ROWS, b'1,"a\nb"\n2,""\n3,"x""\ny"\n4,"', [b'1,"a\nb"', b'2,""', b'3,"x""\ny"']),
    ],
)
def test_records_are_the_same_however_the_bytes_arrive(rules: Rules, text: bytes, records: list[bytes]) -> None:
    whole = split(rules, text)
    assert data(whole) == records
    assert not any(piece.problem for piece in whole)
    assert split(rules, *(text[at : at + 1] for at in range(len(text)))) == whole
    assert [text[piece.offset : piece.end].rstrip(b"\r\n") for piece in whole] == records


def test_a_line_without_its_break_is_no_record_until_the_file_ended_and_then_a_bad_one() -> None:
    assert data(split(LINES, b"a\nb")) == [b"a"]
    *_, last = split(LINES, b"a\nb", finish=True)
    assert (last.data, last.problem) == (b"b", "the file ended before this record did")


def test_several_lines_that_nothing_ends_are_a_record_once_the_file_ended() -> None:
    *_, last = split(BLOCKS, b"1 a\n2 b\n  at x\n", finish=True)
    assert (last.data, last.problem) == (b"2 b\n  at x", "")
    *_, last = split(BLOCKS, b"1 a\n2 b\n  at", finish=True)
    assert last.problem


@pytest.mark.parametrize("rules", [LINES, STANZAS, BLOCKS, ROWS])
def test_what_is_too_long_comes_in_parts_and_the_next_record_is_whole(rules: Rules) -> None:
    text = b"1 " + b'x"' * 100 + b"\n"
    pieces = split(rules, text + b"2 Start\n3 End\n", finish=True)
    bad = [piece for piece in pieces if piece.problem]
    assert b"".join(data(bad)) == text.strip()
    assert all(len(piece.data) <= 64 for piece in bad)
    assert pieces[len(bad)].data.startswith(b"2 Start")


def test_many_lines_that_nothing_ends_come_in_parts() -> None:
    text = b"Start\n" + b"x\n" * 100 + b"Start 2\nEnd\n"
    pieces = split(STANZAS, text)
    assert pieces[0].problem
    assert pieces[-1].data == b"Start 2\nEnd"
    assert b"".join(data(pieces)).replace(b"\n", b"") == text.replace(b"\n", b"")


@pytest.mark.parametrize("length", range(60, 70))
def test_a_line_of_about_the_greatest_length_is_whole_or_in_parts(length: int) -> None:
    pieces = split(LINES, b"x" * length + b"\nnext\n")
    assert pieces[-1].data == b"next"
    assert not pieces[-1].problem
    assert b"".join(data(pieces[:-1])) == b"x" * length
    assert bool(pieces[0].problem) == (length + 1 > 64)


def test_a_splitter_goes_on_where_another_stood() -> None:
    text = b"a\n" + b"x" * 150 + b"\nb\nc\n"
    whole = split(LINES, text)
    first = Splitter(LINES)
    for number, piece in enumerate(first.feed(text)):
        again = Splitter(LINES, first.offset, first.long, first.behind)
        rest = [piece, *again.feed(text[first.offset :])]
        assert rest == whole[number:]
        assert first.behind == text[max(0, first.offset - 64) : first.offset]
