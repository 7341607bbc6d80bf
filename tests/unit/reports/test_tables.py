"""Cells of the CSV are data to any spreadsheet, and what they say can be read back."""

import csv
import io

import msgspec
import pytest

from ledger.core.record import Sealed
from reports.tables import COLUMNS, cell, csv_chunks, safe


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+SUM(A1)", "-2+3", "@cmd", "\t=1", "\r=1", "\n=1", "'=1", "＝1+1", "=cmd|' /C calc'!A0", "-", "+", "--1"],
)
def test_no_text_of_a_source_can_become_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-5.0", "+3", "12", "1e-7", "-1E+5", "50.0", "TIC-101", "a=b", ""])
def test_plain_numbers_and_words_stay_as_they_are(text: str) -> None:
    assert safe(text) == text


def test_an_unsaid_value_none_and_a_withheld_one_are_told_apart() -> None:
    digest = Sealed("A" * 43 + "=")
    cells = [cell(msgspec.UNSET), cell(None), cell(digest), cell(False), cell(""), cell("(none)")]
    assert cells == ["", "(none)", "(withheld)", "false", "(empty)", "'(none)"]


def test_the_table_begins_with_its_columns_whatever_follows() -> None:
    data = b"".join(csv_chunks([]))
    assert data.startswith(b"\xef\xbb\xbf")
    assert next(csv.reader(io.StringIO(data.decode("utf-8-sig")))) == list(COLUMNS)
