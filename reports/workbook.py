"""Workbooks (XLSX, ECMA-376): a sheet that says what it is of, and sheets of rows; no cell is ever a formula.

Every text is written as a text, so nothing in it is computed, and nothing needs a guard in front of it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ledger.core.record import Sealed
from ledger.present.messages import message, number
from reports.tables import COLUMNS, WITHHELD, Row, cells, unlike_ours

MAX_ROWS: Final = 1_048_575
"""Rows of one sheet below its head: with it, as many as a sheet can have."""
MAX_CELL: Final = 32_767
"""UTF-16 units of text that a cell can have."""
_ALWAYS: Final = datetime(1980, 1, 1)
# No XML may have them.
_NONCHARACTERS: Final = {0xFFFE: "⟨U+FFFE⟩", 0xFFFF: "⟨U+FFFF⟩"}


class Book:
    """A workbook that grows in files beside it: in memory there is one row.

    `told`: names and values of its first sheet. `created`: what it says of when it was made; None: now.
    """

    def __init__(
        self, file: Path, columns: Sequence[str], told: Iterable[tuple[str, str]], created: datetime | None = None
    ) -> None:
        # Loaded here: nothing else needs it.
        import xlsxwriter

        self._columns = columns
        options = {"constant_memory": True, "tmpdir": str(file.parent), "use_zip64": True}
        self._book = xlsxwriter.Workbook(str(file), options)
        if created is not None:
            self._book.set_properties({"created": created})
        self._bold = self._book.add_format({"bold": True})
        self._about = self._book.add_worksheet(message("export.about"))
        self._about.set_column(0, 0, 24)
        self._about.set_column(1, 1, 100)
        self._told = 0
        for name, value in told:
            self._tell(name, value)
        self._sheets, self._row, self._count, self._cut = 0, 0, 0, 0
        self._sheet = self._next_sheet()

    def add(self, values: Iterable[str | int | Sealed | None]) -> None:
        """Writes a row; a None leaves its cell empty."""
        if self._row == MAX_ROWS:
            self._sheet = self._next_sheet()
        self._row += 1
        self._count += 1
        for at, value in enumerate(values):
            if isinstance(value, int):
                self._sheet.write_number(self._row, at, value)
            elif value is not None:
                text, all_of_it = _fitting(WITHHELD if isinstance(value, Sealed) else value)
                self._sheet.write_string(self._row, at, text)
                self._cut += not all_of_it

    def close(self) -> None:
        """Writes how many rows there are, and what of them no cell could hold; then the file is whole.

        Raises OSError where it cannot be written.
        """
        from xlsxwriter.exceptions import FileCreateError

        self._tell(message("export.records"), number(self._count))
        if self._cut:
            self._tell(message("export.cut"), message("export.cut.why", count=self._cut, most=MAX_CELL))
        try:
            self._book.close()
        except FileCreateError as error:
            raise error.args[0] from None

    def _next_sheet(self) -> Any:
        self._sheets, self._row = self._sheets + 1, 0
        word = message("export.records")
        sheet = self._book.add_worksheet(word if self._sheets == 1 else f"{word} {self._sheets}")
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(self._columns):
            sheet.write_string(0, at, column, self._bold)
        return sheet

    def _tell(self, name: str, value: str) -> None:
        self._about.write_string(self._told, 0, name, self._bold)
        self._about.write_string(self._told, 1, _fitting(value)[0])
        self._told += 1


def write_records(rows: Iterable[Row], file: Path, told: Iterable[tuple[str, str]]) -> None:
    """The file `records.xlsx`: the columns and rows of `records.csv`; the same rows give the same bytes."""
    book = Book(file, COLUMNS, told, _ALWAYS)
    for row in rows:
        for index, *others in cells(row, unlike_ours):
            book.add((int(index), *(text or None for text in others)))
    book.close()


def _fitting(text: str) -> tuple[str, bool]:
    """The text as a cell can hold it, and whether that is all of it."""
    text = text.translate(_NONCHARACTERS)
    if len(text) <= MAX_CELL // 2 or len(text.encode("utf-16-le")) // 2 <= MAX_CELL:
        return text, True
    mark = message("export.cut.mark", count=len(text))
    units = text.encode("utf-16-le")[: 2 * (MAX_CELL - len(mark))]
    return units.decode("utf-16-le", "ignore") + mark, False
