"""When the records of each source happened, kept in so few cells that memory does not grow with their number."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from ledger.core.instants import occurred
from ledger.core.record import RecordBody

CELLS: Final = 400
"""Most cells that are kept of a source; where there would be more, each becomes twice as long."""
_SECOND: Final = 1_000_000


class Cell(msgspec.Struct):
    """Records that happened in it: how many, and from when to when (µs), with what their times leave open."""

    records: int
    low_us: int
    high_us: int


class Spread:
    """Fed with records; `undated`: how many of each source name no instant."""

    def __init__(self) -> None:
        self.undated: Counter[str] = Counter()
        self._length = _SECOND
        self._cells: dict[tuple[str, str], dict[int, Cell]] = {}

    def record(self, body: RecordBody, basis: str) -> None:
        """Takes a record, and why it is in the selection."""
        span = occurred(body)
        if span is None:
            self.undated[body.record.source] += 1
            return
        cells = self._cells.setdefault((body.record.source, basis), {})
        _join(cells, span.low_us // self._length, Cell(1, span.low_us, span.high_us))
        while len(cells) > CELLS:
            self._coarsen()
            cells = self._cells[body.record.source, basis]

    def of(self, source: str) -> Iterator[tuple[str, Cell]]:
        """The cells of a source with the basis of their records, each basis in the order of time."""
        for (name, basis), cells in sorted(self._cells.items()):
            if name == source:
                for at in sorted(cells):
                    yield basis, cells[at]

    def _coarsen(self) -> None:
        self._length *= 2
        for key, cells in self._cells.items():
            joined: dict[int, Cell] = {}
            for at, cell in cells.items():
                _join(joined, at // 2, cell)
            self._cells[key] = joined


def _join(cells: dict[int, Cell], at: int, cell: Cell) -> None:
    found = cells.setdefault(at, cell)
    if found is not cell:
        found.records += cell.records
        found.low_us = min(found.low_us, cell.low_us)
        found.high_us = max(found.high_us, cell.high_us)
