"""Entries of logs and files: what each format gives, and that what is not of it is refused."""

from typing import Any

import pytest

from collectors.infra.entries import ENTRY_OPTIONS, EntryReader, header_names, read_logfmt
from ledger.core.errors import ConfigError, SkippableRecord


def reader(**options: str) -> EntryReader:
    defaults = {option.name: option.default or "" for option in ENTRY_OPTIONS}
    return EntryReader(lambda name: options.get(name) or defaults[name])


@pytest.mark.parametrize(
    ("options", "text", "fields"),
    [
        ({"format": "json"}, '{"a": 1, "b": null}', {"a": 1, "b": None}),
        ({"format": "logfmt"}, 'a=1 b="x \\"y\\"" c', {"a": "1", "b": 'x "y"', "c": True}),
        ({"format": "csv", "columns": "a,b"}, '"x, y","say ""no"""', {"a": "x, y", "b": 'say "no"'}),
        ({"format": "csv", "columns": "a,,c", "delimiter": ";"}, "1;2;3", {"a": "1", "c": "3"}),
        ({"format": "csv", "columns": "a,b"}, '"two\nlines",2', {"a": "two\nlines", "b": "2"}),
        ({"format": "delimited", "columns": "at,text", "delimiter": "|"}, "1|a|b", {"at": "1", "text": "a|b"}),
        ({"format": "delimited", "columns": "a,b", "delimiter": "\\t"}, "1\t2", {"a": "1", "b": "2"}),
        ({"format": "pattern", "pattern": r"^(?P<who>\w+)( (?P<what>\w+))?$"}, "op1", {"who": "op1"}),
        ({"format": "stanza"}, "Start: 1\nText: a\n b\n\n", {"Start": "1", "Text": "a\nb"}),
        ({"format": "text"}, "anything", {}),
    ],
)
def test_each_format_gives_its_fields(options: dict[str, str], text: str, fields: dict[str, Any]) -> None:
    assert reader(**options).read(text) == fields


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"format": "json"}, "[1]"),
        ({"format": "json"}, '{"a": 1'),
        ({"format": "logfmt"}, 'a="1'),
        ({"format": "logfmt"}, '"a"=1'),
        ({"format": "logfmt"}, 'a="1"b'),
        ({"format": "logfmt"}, 'a="\\q"'),
        ({"format": "csv", "columns": "a,b"}, "1,2,3"),
        ({"format": "csv", "columns": "a,b"}, "1"),
        ({"format": "csv", "columns": "a,b"}, '1,"2'),
        ({"format": "csv", "columns": "a,b"}, "1,2\n3,4"),
        ({"format": "csv"}, "1,2"),
        ({"format": "delimited", "columns": "a,b", "delimiter": "|"}, "1"),
        ({"format": "pattern", "pattern": "^(?P<a>x)$"}, "y"),
        ({"format": "stanza"}, "no colon"),
        ({"format": "stanza"}, " \n"),
    ],
)
def test_what_is_not_of_the_format_is_refused(options: dict[str, str], text: str) -> None:
    with pytest.raises(SkippableRecord):
        reader(**options).read(text)


def test_a_csv_row_is_read_by_the_header_of_its_file() -> None:
    assert reader(format="csv").read("1,2,3", "\ufeffTime, Value ,Value") == {"Time": "1", "Value": "2", "Value_2": "3"}
    assert header_names("a,,a,a", ",") == ("a", "column_2", "a_2", "a_3")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('k="\\u00e9\\U0001f9ea\\x41"', "\u00e9\U0001f9eaA"),
        ('k="\\ud83e\\uddea"', "\U0001f9ea"),
        ('k="\\ud800"', "\ufffd"),
        ('k="\\xff"', "\ufffd"),
        ('k="a\\nb\\tc\\\\"', "a\nb\tc\\"),
        ("k=", ""),
        ("k=a=b", "a=b"),
    ],
)
def test_logfmt_reads_the_escapes_that_loggers_write(text: str, value: str) -> None:
    assert read_logfmt(text) == {"k": value}


def test_a_logfmt_key_that_stands_twice_keeps_both() -> None:
    assert read_logfmt("a=1 b=2 a=3") == {"a": ["1", "3"], "b": "2"}


def test_a_field_is_read_by_a_second_format_where_it_begins_as_said() -> None:
    audit = reader(inner="message", inner_format="csv", inner_prefix="AUDIT: ", inner_columns="type,text")
    assert audit.read('{"message": "AUDIT: SESSION,\\"a, b\\""}') == {"message": {"type": "SESSION", "text": "a, b"}}
    assert audit.read('{"message": "started"}') == {"message": "started"}
    with pytest.raises(SkippableRecord):
        audit.read('{"message": "AUDIT: SESSION"}')
    each = reader(inner="p", inner_format="each", inner_pattern=r"(?P<name>\w+) \((?P<version>[^)]+)\)")
    assert each.read('{"p": "a (1), b (2)"}') == {"p": [{"name": "a", "version": "1"}, {"name": "b", "version": "2"}]}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"format": "xls"}, "'xls'"),
        ({"format": "pattern"}, "'pattern' is empty"),
        ({"format": "pattern", "pattern": "(a"}, "RE2"),
        ({"format": "pattern", "pattern": "(a)"}, "named group"),
        ({"format": "delimited"}, "'columns' is empty"),
        ({"format": "csv", "columns": "a,a"}, "'columns'"),
        ({"format": "csv", "delimiter": "ab"}, "'ab'"),
        ({"inner": "a", "inner_format": "csv"}, "inner_format"),
        ({"inner": "a", "inner_format": "pattern"}, "inner_pattern"),
        ({"inner": "a"}, "inner_format"),
    ],
)
def test_options_that_do_not_fit_are_named(options: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        reader(**options)
