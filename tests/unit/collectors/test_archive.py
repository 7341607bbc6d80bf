"""Files of old audit trails are read row by row, byte for byte, whatever stands in them."""

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.archive import csv_form, xml_form
from collectors.archive.archive import Archive, Cursor
from collectors.archive.pieces import Unreadable, read_row
from collectors.archive.sql_scan import Dialect
from collectors.archive.sql_values import copy_values, tuple_values
from collectors.runner import Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, SkippableRecord
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import ARCHIVE, SourceConfig
from tests.support.memory_sink import MemorySink

MAPPING = """
name = "old"
version = 1
title = "Old trail"
[record]
id = "entry.id || entry.\\"@id\\""
action = { text = "update" }
occurred_at = { at = { text = "2011-03-01T10:00:00Z" } }
actor.account = "entry.who"
object = { type = { text = "sample" }, id = { path = "entry.id || entry.\\"@id\\"" } }
[[record.changes]]
attribute = { text = "note" }
new = "entry.note"
"""


def archive(path: Path | None, **options: str) -> Archive:
    config = SourceConfig(id="old", type=ARCHIVE, title="Old", options=options, mapping=MAPPING, zone="UTC")
    return Archive(config, {}, SystemClock(), path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def write_file(data: bytes) -> Path:
        path = tmp_path / "trail"
        path.write_bytes(data)
        return path

    return write_file


def read(one: Archive) -> tuple[list[Any], list[str]]:
    """The named values of all rows, and why others are none."""
    found, problems = [], []
    for piece in one.pieces():
        try:
            if piece.problem:
                problems.append(piece.problem)
            else:
                found.append(one.form.fields(piece))
        except SkippableRecord as error:
            problems.append(error.message)
    return found, problems


def test_one_bad_quote_costs_one_row(write: Callable[[bytes], Path]) -> None:
    data = b'id;who;note\r\n1;ann;"a ""q""\r\nb"\r\n2;bob;"open\r\n3;cat;x"y"\r\n\r\n4;dan;"z"\r\n5;eve;"last"'
    found, problems = read(archive(write(data), delimiter=";"))
    assert [(row["id"], row["note"]) for row in found] == [
        ("1", 'a "q"\r\nb'),
        ("3", 'x"y"'),
        ("4", "z"),
        ("5", "last"),
    ]
    assert problems == ["a quote that does not end"]


def test_every_byte_of_a_row_is_kept_though_no_text_could_hold_it(write: Callable[[bytes], Path]) -> None:
    row = b"1,a\x00nn,\xff\xfe \x1b[31m\xe2\x80\xae"
    one = archive(write(b"id,who,note\n" + row + b"\n"))
    (piece,) = one.pieces()
    kept = read_row(one.submission(piece, 1).data)
    assert kept.piece().data == row
    assert (kept.row, kept.offset, kept.header) == (1, 12, "id,who,note")
    record = one.derive(one.submission(piece, 1))
    assert record.actor.account == "a\ufffdnn"


@pytest.mark.parametrize(
    ("options", "data"),
    [
        ({"encoding": "cp1252"}, "id,who,note\n1,ann,„ü“\n".encode("cp1252")),
        ({"encoding": "utf-16"}, "id,who,note\n1,ann,„ü“\n".encode("utf-16")),
        ({"encoding": "utf-16"}, "\ufeffid,who,note\r\n1,ann,„ü“\r\n".encode("utf-16-be")),
        ({}, "\ufeffid,who,note\n1,ann,„ü“".encode()),
        ({"columns": "id,who,note", "head_lines": "2"}, 'a title with a "\n\n1,ann,„ü“\n'.encode()),
        ({"delimiter": "\\t", "quote": "none"}, "id\twho\tnote\n1\tann\t„ü“\n".encode()),
        ({"quote": "'", "escape": "\\"}, "id,who,note\n1,ann,'„ü“'\n".encode()),
    ],
    ids=["cp1252", "utf-16", "utf-16 big-endian", "byte order mark", "head and columns", "tabs", "other quotes"],
)
def test_dialects_and_encodings_that_exports_have(
    options: dict[str, str], data: bytes, write: Callable[[bytes], Path]
) -> None:
    assert read(archive(write(data), **options)) == ([{"id": "1", "who": "ann", "note": "„ü“"}], [])


def test_a_utf_16_character_that_holds_a_line_break_s_byte_divides_no_row(write: Callable[[bytes], Path]) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        data = "\ufeffid,who,note\n1,ann,\u0a0a\u010a\u0a01\n2,bob,x\n".encode(encoding)
        found, problems = read(archive(write(data), encoding="utf-16"))
        assert ([row["note"] for row in found], problems) == (["\u0a0a\u010a\u0a01", "x"], [])


def test_a_row_that_is_too_long_is_kept_in_parts_and_the_rest_goes_on(write: Callable[[bytes], Path]) -> None:
    with patch.object(csv_form, "MAX_ROW", 100):
        found, problems = read(archive(write(b"id,who,note\n" + b"x" * 250 + b"\n2,bob,y\n")))
    assert [row["id"] for row in found] == ["2"]
    assert len(problems) == 3


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=2, max_size=2)))
def test_whatever_a_csv_writer_writes_is_read_back(rows: list[list[str]]) -> None:
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    form = csv_form.CsvForm(lambda name: {"delimiter": ",", "quote": '"', "encoding": "utf-8", "head_lines": "0",
                                          "columns": "a,b"}.get(name, ""))  # fmt: skip
    found = [list(form.fields(piece).values()) for piece in form.pieces(io.BytesIO(text.getvalue().encode()))]
    if rows and rows[0][0].startswith("\ufeff"):
        return  # a byte order mark is none of the text
    assert found == rows


XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<t:log xmlns:t="urn:x"><!-- <Event/> --><t:Event id="1"><t:who>ann</t:who><t:note>x &amp; y</t:note></t:Event>
<Event id="2"/><![CDATA[<Event id="no"/>]]><Event id="3"><who>bob</who><Event id="inner"/></Event></t:log>"""


@pytest.mark.parametrize("chunk", [1, 7, 64, 100_000])
def test_xml_elements_are_cut_out_byte_for_byte_however_the_file_comes(
    chunk: int, write: Callable[[bytes], Path]
) -> None:
    one = archive(write(XML), format="xml", items="Event")
    with patch.object(xml_form, "CHUNK", chunk):
        found = list(one.pieces())
    assert [piece.data[-18:] for piece in found] == [
        b"/t:note></t:Event>",
        b'<Event id="2"/>',
        b'id="inner"/></Event>'[-18:],
    ]
    assert all(XML[piece.offset : piece.offset + len(piece.data)] == piece.data for piece in found)
    assert [one.form.fields(piece)["@id"] for piece in found] == ["1", "2", "3"]
    assert one.derive(one.submission(found[0], 1)).changes[0].new == "x & y"


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<log><Event id="1">&b;</Event></log>"""
OUTSIDE = b"""<!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]><log><Event id="1">&x;</Event></log>"""


@pytest.mark.parametrize("data", [BOMB, OUTSIDE])
def test_an_entity_is_never_expanded(data: bytes, write: Callable[[bytes], Path]) -> None:
    with pytest.raises(Unreadable, match="document type"):
        list(archive(write(data), format="xml", items="Event").pieces())


def test_torn_xml_gives_the_rows_before_and_says_that_the_rest_is_missing(write: Callable[[bytes], Path]) -> None:
    path = write(XML[:-60])
    sink = MemorySink("old")
    Runner(archive(path, format="xml", items="Event"), sink, SystemClock()).pull()
    assert [record.source_record_id for record in sink.records] == ["1", "2"]
    assert "not well-formed" in sink.gaps[0].reason
    huge = write(b"<log><Event id='1'>" + b"<a>x</a>" * 40_000 + b"</Event><Event id='2'/></log>")
    with patch.object(xml_form, "MAX_ROW", 1000), patch.object(xml_form, "CHUNK", 500):
        found = list(archive(huge, format="xml", items="Event").pieces())
    assert [bool(piece.problem) for piece in found] == [True, False]
    assert len(found[0].data) == 1000


@pytest.mark.parametrize(
    ("dialect", "text", "values"),
    [
        ("mysql", rb"(1,'it\'s \\ \n','a''b',NULL,-1.50,0xDEAD,_binary 'x',TRUE)",
         [1, "it's \\ \n", "a'b", None, "-1.50", b"\xde\xad", "x", True]),
        ("postgresql", rb"(1, 'back\slash', E'x\ny', '{a}'::text, 12345678901234567890.5, false)",
         [1, "back\\slash", "x\ny", "{a}", "12345678901234567890.5", False]),
        ("sqlite", rb"(1,replace('a\nb','\n',char(10)),X'DEAD',NULL,unistr('\u0001x'))",
         [1, "a\nb", b"\xde\xad", None, "\x01x"]),
    ],
)  # fmt: skip
def test_literals_are_read_as_their_dialect_writes_them(dialect: Dialect, text: bytes, values: list[object]) -> None:
    found = tuple_values(text, Dialect(dialect), "utf-8")
    assert [str(value) if "Decimal" in type(value).__name__ else value for value in found] == values


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("sqlite", b"((SELECT 1 FROM sqlite_schema))"),
        ("sqlite", b"(load_extension('x'))"),
        ("sqlite", b"(randomblob(1000000000))"),
        ("sqlite", b"(1); DROP TABLE x"),
        ("sqlite", b"(replace('" + b"a" * 5000 + b"','a','" + b"b" * 5000 + b"'))"),
        ("sqlite", b"((WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x FROM r) SELECT x FROM r))"),
        ("mysql", b"(1, sleep(10))"),
        ("mysql", b"(1, (2))"),
        ("postgresql", b"(pg_sleep(10))"),
        ("postgresql", b"(1, 'open)"),
        ("postgresql", b"1, 2"),
    ],
)  # fmt: skip
def test_what_is_no_literal_is_never_run(dialect: Dialect, text: bytes) -> None:
    with pytest.raises(SkippableRecord):
        tuple_values(text, Dialect(dialect), "utf-8")


def test_lines_of_copy_are_unescaped() -> None:
    assert copy_values(rb"1	\N	a\tb\n\\x\101	", "utf-8") == ["1", None, "a\tb\n\\xA", ""]


def test_a_stopped_reading_goes_on_with_the_next_row_and_the_same_file_again_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "trail.csv"
    path.write_bytes(b"id,who,note\n" + b"".join(b"%d,ann,x\n" % number for number in range(1200)))
    stop = threading.Event()
    batches: list[RunBatch] = []
    for batch in archive(path).collect(SourceState(source="old"), stop):
        batches.append(batch)
        stop.set()
    assert len(batches) == 1
    rest = list(archive(path).collect(SourceState(source="old", cursor=batches[0].cursor_to), threading.Event()))
    ids = [one.record.source_record_id for batch in (*batches, *rest) for one in batch.submissions]
    assert ids == [str(number) for number in range(1200)]
    last = rest[-1].cursor_to
    assert last is not None
    assert msgspec.json.decode(last, type=Cursor).done
    again = list(archive(path).collect(SourceState(source="old", cursor=last), threading.Event()))
    assert sum(len(batch.submissions) for batch in again) == 1200


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trail.csv"
    path.write_bytes(b"id,who,note\n1,ann,x\n")
    one = archive(path)
    assert one.file.size == 20
    path.write_bytes(b"id,who,note\n1,ann,y\n")
    with pytest.raises(FatalSource, match="changed while"):
        list(one.pieces())
    assert not archive(tmp_path / "missing").check().ok
    with pytest.raises(FatalSource, match="imported"):
        list(archive(None).collect(SourceState(source="old"), threading.Event()))


@pytest.mark.parametrize(
    "options",
    [
        {"format": "pdf"},
        {"delimiter": ";;"},
        {"encoding": "klingon"},
        {"head_lines": "many"},
        {"format": "xml"},
        {"format": "sql", "dialect": "oracle"},
    ],
)
def test_options_that_do_not_fit_are_named(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        archive(None, **options)


def _mangled(data: bytes) -> Iterator[bytes]:
    chance = random.Random(7)
    yield from (b"", b"\x00" * 9, b"[" * 100_000, b"{}", data[: len(data) // 2], data + b"x")
    for _ in range(40):
        place = chance.randrange(len(data))
        yield data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        yield data[:place] + data[place + chance.randrange(1, 9) :]


@pytest.mark.parametrize(
    ("options", "data"),
    [
        ({}, b'id,who,note\n1,ann,"a\nb"\n'),
        ({"format": "xml", "items": "Event"}, XML),
        (
            {"format": "sql", "table": "t", "dialect": "mysql"},
            b"INSERT INTO t (id,who,note) VALUES (1,'a','b'),(2,'c','d');",
        ),
        (
            {"format": "sql", "table": "t", "dialect": "postgresql"},
            b"COPY t (id, who, note) FROM stdin;\n1\ta\tb\n\\.\n",
        ),
    ],
    ids=["csv", "xml", "mysql", "postgresql"],
)  # fmt: skip
def test_mangled_files_and_originals_are_refused_and_break_nothing(
    options: dict[str, str], data: bytes, write: Callable[[bytes], Path]
) -> None:
    one = archive(write(data), **options)
    original = one.submission(next(one.pieces()), 1)
    for mangled in _mangled(original.data):
        try:
            one.derive(msgspec.structs.replace(original, data=mangled))
        except SkippableRecord:
            continue
    for mangled in _mangled(data):
        sink = MemorySink("old")
        Runner(archive(write(mangled), **options), sink, SystemClock()).pull()
        for submission in sink.submissions:
            assert submission.original is not None
            assert one.derive(submission.original) == submission.record
