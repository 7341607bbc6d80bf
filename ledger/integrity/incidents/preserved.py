"""What incidents keep from being disposed of, and which of their folders hold bytes of entries.

The folders lie outside of the database: a record that is disposed of stays in those that preserved it until somebody
removes them, when the deviation's own retention is over. Its disposal says so.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from ledger.integrity.incidents.cases import Cases
from ledger.integrity.incidents.evidence import DATABASE, ROWS
from ledger.integrity.incidents.standing import Standings
from ledger.retention.judging import Preserves
from ledger.store.position import pos_of
from ledger.store.schema import leaf

_CONTENT: Final = ("body", "original", "sealed_value")
_AT_ONCE: Final = 500


class Preserved:
    """Answers for one ledger. Safe to use from any number of threads."""

    def __init__(self, cases: Cases, standings: Standings) -> None:
        self._cases = cases
        self._standings = standings
        self._known: dict[tuple[str, int, tuple[int, ...]], bool] = {}

    def preserving(self, connection: Connection) -> Preserves:
        """The case for which an entry is evidence, in this snapshot."""
        return self._standings.now(connection).preserved

    def holding(self, log: int, indices: Sequence[int]) -> tuple[str, ...]:
        """The cases, open or closed, whose folder holds content of any of these entries, by name."""
        if not self._cases.folder.is_dir():
            return ()
        folders = sorted(one for one in self._cases.folder.iterdir() if one.is_dir())
        return tuple(one.name for one in folders if self._holds(one, log, tuple(indices)))

    def _holds(self, folder: Path, log: int, indices: tuple[int, ...]) -> bool:
        key = (folder.name, log, indices)
        if key not in self._known:
            # What a case keeps never changes while its folder is there.
            self._known[key] = _holds(folder, [pos_of(log, index) for index in indices])
        return self._known[key]


def _holds(folder: Path, places: Sequence[int]) -> bool:
    wanted = set(places)
    try:
        rows = folder / ROWS
        if rows.is_file() and any(pos in wanted for pos in _places(rows)):
            return True
        copy = folder / DATABASE
        return copy.is_file() and _in_copy(copy, places)
    except (OSError, ValueError, KeyError, sqlite3.Error):
        return True  # what can't be read any more may hold all of it


def _places(rows: Path) -> Iterator[int]:
    with rows.open(encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line)
            if said["table"] != leaf.name and "pos" in said["row"]:
                yield said["row"]["pos"]


def _in_copy(copy: Path, places: Sequence[int]) -> bool:
    with contextlib.closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        for low in range(0, len(places), _AT_ONCE):
            some = places[low : low + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            for table in _CONTENT:
                if connection.execute(f"SELECT 1 FROM {table} WHERE pos IN ({marks}) LIMIT 1", some).fetchone():
                    return True
    return False
