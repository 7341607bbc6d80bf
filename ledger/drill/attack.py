"""The contract of an attack: what the attacker has and does, and which level has to catch it.

An attack is a function over a `Target`; it says afterwards which entries it touched. Another one is a function in a
file of this folder and a line of its `ATTACKS`.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ledger.core.members import Members
from ledger.core.record import Record
from ledger.drill.clock import DrillClock
from ledger.drill.plant import Outside
from ledger.store.position import pos_of

RECORDS_LOG = 1


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger before any attack: its folder, an earlier copy of that folder, and what it was made from."""

    folder: Path
    earlier: Path
    origin: str
    records: tuple[Record, ...]
    entries: tuple[int, ...]
    """Indices of its record entries, in order."""
    secrets: Mapping[str, Mapping[str, str]]
    """What the drill's people know and have, for an attacker who captures it."""
    clock: DrillClock
    outside: Outside


class Target:
    """A copy of the prepared ledger that one attack may do anything to."""

    def __init__(self, prepared: Prepared, folder: Path) -> None:
        self.prepared = prepared
        self.folder = folder
        self.outside = prepared.outside.copied(folder.with_name(f"{folder.name}-witnesses"))
        shutil.copytree(prepared.folder, folder)

    def remove(self) -> None:
        """Removes all of it."""
        for folder in self.folder.parent.glob(f"{self.folder.name}*"):
            shutil.rmtree(folder)

    @property
    def victim(self) -> int:
        """The index of the record that is attacked: one in the middle."""
        return self.prepared.entries[len(self.prepared.entries) // 2]

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """The database as whoever has its file has it: nothing refuses anything."""
        with contextlib.closing(sqlite3.connect(self.folder / "ledger.sqlite")) as connection:
            triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            yield connection
            for _, sql in triggers:
                connection.execute(sql)
            connection.commit()

    def forget(self, *, kept: bool = True) -> None:
        """Removes what the signer remembers, and (`kept`) what is kept outside the database: all in one hand here."""
        for name in ("signed", "kept") if kept else ("signed",):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        (self.folder / "signed").mkdir(mode=0o700)

    def replace(self, folder: Path) -> None:
        """Puts another folder in the ledger's place."""
        shutil.rmtree(self.folder)
        shutil.copytree(folder, self.folder)

    def pos(self, index: int) -> int:
        """Where an entry of the record log is in the tables."""
        return pos_of(RECORDS_LOG, index)

    def all_after(self, index: int) -> Members:
        """The entries of the record log from one on."""
        with contextlib.closing(sqlite3.connect(self.folder / "ledger.sqlite")) as connection:
            (size,) = connection.execute("SELECT size FROM head WHERE log = ?", (RECORDS_LOG,)).fetchone()
        return Members.of(range(index, size))


Run = Callable[[Target], Sequence[int] | None]
"""Mounts the attack; returns the entries of the record log that it touched, where it touched single ones."""


class Attack(msgspec.Struct, frozen=True, kw_only=True):
    """An attack of the catalogue. `level`: the one that has to catch it first; None: none does, and `why` says so."""

    name: str
    attacker: str
    does: str
    level: int | None
    run: Run
    why: str = ""


def leaf_of(connection: sqlite3.Connection, pos: int) -> Any:
    """The leaf data of an entry."""
    return connection.execute("SELECT data FROM leaf WHERE pos = ?", (pos,)).fetchone()[0]
