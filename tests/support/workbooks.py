"""Reads a workbook (XLSX) by the rules of its format alone."""

import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree

Cells = list[list[str | float | None]]
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheets(data: bytes) -> dict[str, Cells]:
    """The cells of each sheet, as the file's own parts say: no formula, no link may be among them."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        named = ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{_SHEET}sheet")
        found: dict[str, Cells] = {}
        for number, sheet in enumerate(named, 1):
            root = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
            assert not list(root.iter(f"{_SHEET}f")), "a formula"
            assert not list(root.iter(f"{_SHEET}hyperlink"))
            found[str(sheet.get("name"))] = [_row(row) for row in root.iter(f"{_SHEET}row")]
        return found


def _row(row: Any) -> list[str | float | None]:
    cells: list[str | float | None] = []
    for one in row:
        cells += [None] * (_column(one.get("r")) - len(cells))
        cells.append(_cell(one))
    return cells


def _column(place: str) -> int:
    """The number of a column from 0, by a cell's place (`AB12`)."""
    number = 0
    for letter in re.sub("[0-9]", "", place):
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _cell(one: Any) -> str | float | None:
    if one.get("t") == "inlineStr":
        return "".join(one.itertext())
    value = one.find(f"{_SHEET}v")
    return None if value is None else float(value.text)
