"""Puts the records of a package on one timeline without holding them in memory: a sort on disk."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ledger.core.entry import decode_leaf
from ledger.core.hashing import leaf_hash
from ledger.trace.timeline import marked, time_key
from reports.lines import RecordLine, decode_line
from reports.tables import Row, row


def rows_of(records: Path) -> Iterator[Row]:
    """The rows of a `records.jsonl`, in its order."""
    with records.open("rb") as file:
        for line in file:
            yield _row(line)


class Timeline:
    """The rows of a `records.jsonl` in time order, read again by their offsets."""

    def __init__(self, records: Path, scratch: Path) -> None:
        self._records = records
        self._places = sqlite3.connect(scratch)
        self._places.execute("PRAGMA synchronous = OFF")
        self._places.execute("CREATE TABLE place (at INTEGER, entry INTEGER, start INTEGER, length INTEGER)")
        self._places.executemany("INSERT INTO place VALUES (?, ?, ?, ?)", self._read())
        self._places.commit()

    def rows(self) -> Iterator[tuple[Row, bool]]:
        """Each row, and whether its order against the one before cannot be told."""
        return marked((one.line.index, one.body, one) for one in self._ordered())

    def close(self) -> None:
        """Lets go of the scratch file."""
        self._places.close()

    def _ordered(self) -> Iterator[Row]:
        with self._records.open("rb") as file:
            for start, length in self._places.execute("SELECT start, length FROM place ORDER BY at, entry"):
                file.seek(start)
                yield _row(file.read(length))

    def _read(self) -> Iterator[tuple[int, int, int, int]]:
        start = 0
        with self._records.open("rb") as file:
            for data in file:
                one = _row(data)
                yield *time_key(one.line.index, one.body), start, len(data)
                start += len(data)


def _row(data: bytes) -> Row:
    line = decode_line(data.removesuffix(b"\n"), RecordLine)
    leaf = bytes(line.leaf)
    return row(line, decode_leaf(leaf), leaf_hash(leaf))
