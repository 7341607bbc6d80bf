"""One bit of one file of a ledger's folder flips: who notices, and whether any answer is another one."""

import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.exc import DBAPIError

from ledger.core.clock import WallClock
from ledger.core.errors import LedgerError
from ledger.service import Service
from ledger.store.trouble import trouble_of
from tests.cli.terminal import trailseal
from tests.support.ledgers import LIGHT

DATABASE = "ledger.sqlite"


class Flip(msgspec.Struct, frozen=True, kw_only=True):
    """A bit of a file, by its path in the folder, and who noticed that it flipped: nobody where `told` is empty."""

    file: str
    byte: int
    bit: int
    told: str
    changed: bool
    """Whether anything that the database holds is another one now."""


def flip(folder: Path, file: str, byte: int, bit: int, copy: Path, clock: WallClock, before: str) -> Flip:
    """Flips a bit in a copy of a ledger that nobody has open, and asks whoever should notice."""
    shutil.copytree(folder, copy)
    try:
        data = bytearray((copy / file).read_bytes())
        data[byte] ^= 1 << bit
        (copy / file).write_bytes(data)
        changed = content(copy) != before
        return Flip(file=file, byte=byte, bit=bit, told=_notices(copy, clock), changed=changed)
    finally:
        shutil.rmtree(copy)


def _notices(folder: Path, clock: WallClock) -> str:
    """What opening, verifying and signing say of a ledger; empty where all is well."""
    try:
        with closing(Service(folder, clock, effort=LIGHT)) as service:
            for log in service.store.logs():
                report = service.verifier.run(log)
                if not report.holds:
                    return f"verify: {report.summary}"
            service.publisher.publish_all()
    except (LedgerError, DBAPIError) as error:
        return f"{type(error).__name__}: {error}"
    except sqlite3.Error as error:  # by the driver itself; commands and answers tell it as this
        known = trouble_of(error)
        if known is None:
            raise
        return f"{type(known).__name__}: {known}"
    doctor = trailseal("doctor", "--json", "--ledger", folder)
    return "; ".join(f"doctor: {one['says']}" for one in doctor.json() if not one["ok"] and one["name"] in DOCTORS)


DOCTORS = ("database files", "digest secret", "ledger")
"""What doctor finds that nothing else would."""


def content(folder: Path) -> str:
    """A digest of every row of every table; empty where they can't be read."""
    digest = sha256()
    try:
        with closing(sqlite3.connect(folder / DATABASE)) as connection:
            connection.text_factory = bytes
            names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
            for (name,) in names:
                for row in sorted(map(repr, connection.execute(f'SELECT * FROM "{name.decode()}" NOT INDEXED'))):
                    digest.update(row.encode())
    except sqlite3.DatabaseError:
        return ""
    return digest.hexdigest()


def pages(folder: Path) -> dict[str, int]:
    """Where in the database file the b-tree of each table and index begins, by its name; and how long a page is."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        found: list[tuple[Any, ...]] = connection.execute(
            "SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 ORDER BY name"
        ).fetchall()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    return {"": size} | {name: (page - 1) * size for name, page in found}
