"""Files of what a search found: read back by other programs' rules, each value is the one that was logged."""

import csv
import io
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import pytest

from ledger.core.record import Sealed
from ledger.trace.columns import COLUMNS, Cell, chosen
from reports import exports, workbook
from reports.exports import Format, Source, pieces
from reports.tables import GUARDED, safe
from reports.workbook import MAX_CELL
from tests.support.workbooks import sheets

pytestmark = pytest.mark.requirement("R03")

NAMES = chosen("index,action,account,reason")
SOURCE = Source(
    origin="plant.example/a", size=7, root="cm9vdA==", checkpoint=None, asked="{}", order="index desc", zone="UTC"
)
SEALED = Sealed(sealed="A" * 44)
ROWS: list[tuple[Cell, ...]] = [
    (6, "update", "=HYPERLINK(1)", 'say "no", then\r\nstop'),
    (5, "alarm", None, SEALED),
    (4, "update", "@x", "(withheld)"),
    (3, "update", "-12.5", "a\u202eb\x07"),
    (2, "update", "Zoë", ""),
]


def written(format_: Format, rows: Iterable[tuple[Cell, ...]] = ROWS, at_once: int = 2) -> bytes:
    chunks = [list(zip(*list(rows)[at : at + at_once], strict=True)) for at in range(0, len(list(rows)), at_once)]
    return b"".join(pieces(format_, NAMES, [tuple(chunk) for chunk in chunks], SOURCE))


def test_csv_holds_each_value_and_no_cell_is_a_formula() -> None:
    data = written(Format.CSV)
    assert data.startswith(b'\xef\xbb\xbf"index"')
    head, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    assert head == ["index", "action", "account", "reason"]
    assert rows == [
        ["6", "update", "'=HYPERLINK(1)", 'say "no", then\r\nstop'],
        ["5", "alarm", "", "(withheld)"],
        ["4", "update", "'@x", "'(withheld)"],
        ["3", "update", "-12.5", "a\u202eb\x07"],
        ["2", "update", "Zoë", "(empty)"],
    ]


def test_a_cell_is_the_same_however_many_others_of_its_column_there_were(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(csv.reader(io.StringIO(written(Format.CSV).decode("utf-8-sig"), newline=""), strict=True))
    plain: list[tuple[Cell, ...]] = [(at, "update", f"op{at}", f"because of {at}") for at in range(20)]
    monkeypatch.setattr(exports, "_KNOWN", 3)
    data = written(Format.CSV, [*plain, *ROWS, *plain, *reversed(ROWS)])
    head, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    told = [[str(value) for value in row] for row in plain]
    assert [head, *rows] == [*whole[:1], *told, *whole[1:], *told, *reversed(whole[1:])]


@pytest.mark.parametrize("first", sorted(GUARDED | {"", "x", '"', 'x"'}))
def test_a_text_that_needs_a_guard_or_has_a_quote_is_written_so_among_many_that_need_nothing(
    monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setattr(exports, "_KNOWN", 0)
    texts = ["plain", f"{first}(none)", "words", f"{first}1+1", first or "-", "words"]
    data = written(Format.CSV, [(1, "update", "op", one) for one in texts], at_once=2)
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    assert [row["reason"] for row in rows] == [safe(one) or "(empty)" for one in texts]


def test_json_lines_hold_each_value_as_it_was_logged_and_what_is_sealed_looks_like_no_text() -> None:
    lines = [msgspec.json.decode(line) for line in written(Format.JSONL).splitlines()]
    expected = [dict(zip((column.name for column in NAMES), row, strict=True)) for row in ROWS]
    expected[1]["reason"] = {"sealed": SEALED.sealed}  # type: ignore[assignment]
    assert lines == expected


def test_a_workbook_holds_text_as_text_and_says_what_it_is_of() -> None:
    found = sheets(written(Format.XLSX))
    assert list(found) == ["About", "Records"]
    head, *rows = found["Records"]
    assert head == ["index", "action", "account", "reason"]
    assert rows[0] == [6, "update", "=HYPERLINK(1)", 'say "no", then_x000D_\nstop']
    assert rows[1] == [5, "alarm", None, "(withheld)"]
    assert rows[3] == [3, "update", "-12.5", "a\u202eb_x0007_"]
    about = {str(row[0]): row[1] for row in found["About"]}
    assert about["Origin of the log"] == "plant.example/a"
    assert (about["As of size"], about["Records"]) == ("7", "5")
    assert "Cells that were cut" not in about


def test_a_workbook_goes_on_in_a_further_sheet_and_tells_what_a_cell_could_not_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 3)
    long = "\U0001f9ea" * 20_000 + "\ufffe"
    found = sheets(written(Format.XLSX, [*ROWS, (1, "update", "op", long), (0, "update", "op", "x" * MAX_CELL)]))
    assert list(found) == ["About", "Records", "Records 2", "Records 3"]
    indices = [row[0] for name in list(found)[1:] for row in found[name][1:]]
    assert indices == [6, 5, 4, 3, 2, 1, 0]
    cut = str(found["Records 2"][3][3])
    assert cut.startswith("\U0001f9ea")
    assert cut.endswith("… (20\u202f008 characters in all)")
    assert len(cut.encode("utf-16-le")) // 2 <= MAX_CELL
    assert found["Records 3"][1][3] == "x" * MAX_CELL
    assert {str(row[0]): row[1] for row in found["About"]}["Cells that were cut"].startswith("1: ")  # type: ignore[union-attr]


@pytest.mark.parametrize("format_", Format)
def test_nothing_found_is_a_whole_file(format_: Format) -> None:
    data = written(format_, [])
    match format_:
        case Format.CSV:
            assert data.decode("utf-8-sig") == '"index","action","account","reason"\r\n'
        case Format.JSONL:
            assert data == b""
        case Format.XLSX:
            assert len(sheets(data)["Records"]) == 1


def test_a_workbook_that_nobody_waits_for_any_more_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    chunk: tuple[Sequence[Cell], ...] = tuple(zip(*ROWS, strict=True))
    begun = pieces(Format.XLSX, NAMES, [chunk, chunk], SOURCE)
    assert next(begun) == b""
    assert list(tmp_path.iterdir())
    del begun
    assert not list(tmp_path.iterdir())


def test_what_is_no_source_s_text_needs_no_guard() -> None:
    for name in ("index", "logged_at", "received_at", "leaf_hash"):
        assert COLUMNS[name].coined
    for name in ("account", "source", "object_id", "reason", "occurred_at", "sentence", "occurred_local", "changes"):
        assert not COLUMNS[name].coined
