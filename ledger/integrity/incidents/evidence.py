"""Bytes of a damaged ledger, kept outside of its database before anybody does anything about the damage.

Kept are the rows of every affected entry and of its neighbours in all tables that are evidence, the heads, the
checkpoints and intents around, the tiles above, and what the signer signed last; and a copy of the whole database where
it is a SQLite file that is small enough. Everything is on stable storage before the case is entered.
"""

import base64
import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Table, and_, or_, select
from sqlalchemy.engine import URL

from ledger.core import canonical
from ledger.core.errors import IntegrityError
from ledger.core.hashing import b64
from ledger.core.members import Members, Spans
from ledger.core.tables import TableClass
from ledger.findings.incident_kinds import IncidentCase, KeptFile
from ledger.store import schema
from ledger.store.position import pos_of
from ledger.store.right_edge import TILE
from ledger.trust.files import sync_folder, write_durably

ROWS_OF: Final = 200
"""Affected entries whose rows are kept one by one, from the first on."""
TOGETHER: Final = 32
"""Unaffected entries between two affected ones that are kept with them."""
AROUND: Final = 3
"""Checkpoints and intents kept before and after the affected entries."""
COPIED: Final = 256 * 1024 * 1024
"""Bytes of the largest SQLite file that is copied whole."""
ROWS, DATABASE, CASE = "rows.jsonl", "ledger.sqlite", "case.json"
CASE_DIGEST: Final = f"{CASE}.sha256"
"""As `sha256sum -c` reads it: a case that only its folder knows is entered again from there."""


def preserve(
    folder: Path, connection: Connection, affected: Mapping[int, Members], url: URL, signed: Iterable[Path]
) -> tuple[KeptFile, ...]:
    """Keeps what stands there now in a new folder; returns its files, durable once it returns."""
    folder.mkdir(parents=True, mode=0o700)
    sync_folder(folder.parent)
    write_durably(folder / ROWS, b"".join(_line(table, row) for table, row in _rows(connection, affected)))
    for file in signed:
        if file.is_file():
            write_durably(folder / file.name, file.read_bytes())
    _copy(folder, url)
    return kept_files(folder)


def write_case(folder: Path, body: IncidentCase) -> None:
    """Keeps a case as it is about to be entered, with its digest beside it."""
    data = canonical.encode_struct(body)
    write_durably(folder / CASE_DIGEST, f"{sha256(data).hexdigest()}  {CASE}\n".encode())
    write_durably(folder / CASE, data)


def read_case(folder: Path) -> IncidentCase:
    """A case as its folder has it; raises FileNotFoundError where it has none, IntegrityError for a damaged one."""
    data = (folder / CASE).read_bytes()
    digest = folder / CASE_DIGEST
    try:
        whole = not digest.is_file() or digest.read_bytes() == f"{sha256(data).hexdigest()}  {CASE}\n".encode()
        if whole:
            return msgspec.json.decode(data, type=IncidentCase)
    except msgspec.DecodeError:
        pass
    raise IntegrityError(
        f"{CASE} of incident case {folder.name}, or its digest {CASE_DIGEST}, is damaged",
        advice=f"Restore kept/incidents/{folder.name} from the copy that was made of it.",
    )


def kept_files(folder: Path) -> tuple[KeptFile, ...]:
    """The files of a case's folder with their digests, by name."""
    found = []
    for file in sorted(folder.iterdir()):
        with file.open("rb") as data:
            digest = file_digest(data, "sha256").digest()
        found.append(KeptFile(name=file.name, size=file.stat().st_size, sha256=b64(digest)))
    return tuple(found)


def _copy(folder: Path, url: URL) -> None:
    """Copies a SQLite database page by page as of one moment, free pages included."""
    if url.get_backend_name() != "sqlite":
        return
    source = Path(str(url.database))
    size = source.stat().st_size
    if size > COPIED or shutil.disk_usage(folder).free < 2 * size:
        return
    target = folder / DATABASE
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    read, written = sqlite3.connect(f"file:{source}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        read.backup(written)
        written.execute("PRAGMA journal_mode = DELETE").close()
    finally:
        read.close()
        written.close()
    with target.open("rb") as file:
        os.fsync(file.fileno())
    sync_folder(folder)


def _rows(connection: Connection, affected: Mapping[int, Members]) -> Iterator[tuple[Table, Mapping[str, Any]]]:
    for table in schema.metadata.sorted_tables:
        if table.info["class"] is TableClass.OPERATIONAL:
            continue
        if table.name in (schema.head.name, schema.ledger_log.name):
            yield from _all(connection, table, None)
            continue
        for log, members in affected.items():
            for low, high in _stretches(members):
                yield from _all(connection, table, _around(table, log, low, high))
    for log, members in affected.items():
        if members:
            for table in (schema.checkpoint, schema.checkpoint_intent):
                yield from _marks(connection, table, log, members)


def _stretches(members: Members) -> Iterator[tuple[int, int]]:
    """The first affected entries with a neighbour on either side; those that are near each other at once."""
    left, found = ROWS_OF, Spans()
    for low, high in members.runs():
        if left <= 0:
            break
        high = min(high, low + left - 1)
        left -= high - low + 1
        found.add(max(0, low - 1), high + 1)
    first, last = -1, -1
    for low, high in found.members().runs():
        if first >= 0 and low - last > TOGETHER:
            yield first, last
            first = low
        first, last = low if first < 0 else first, high
    if first >= 0:
        yield first, last


def _around(table: Table, log: int, low: int, high: int) -> Any:
    """The rows of a table that belong to these entries; None leaves the table out."""
    row = table.c
    if "pos" in row:
        return row.pos.between(pos_of(log, low), pos_of(log, high))
    if table.name == schema.tile.name:
        levels = [
            and_(row.level == level, row.n.between(low // TILE ** (level + 1), high // TILE ** (level + 1)))
            for level in range(5)
        ]
        return and_(row.log == log, or_(*levels))
    if "from_index" in row:
        return and_(row.log == log, or_(row.from_index.between(low, high), row.to_index.between(low, high)))
    return False


def _marks(
    connection: Connection, table: Table, log: int, members: Members
) -> Iterator[tuple[Table, Mapping[str, Any]]]:
    row = table.c
    before = select(row.size).where(row.log == log, row.size <= members.first).order_by(row.size.desc()).limit(AROUND)
    after = select(row.size).where(row.log == log, row.size > members.last).order_by(row.size).limit(AROUND)
    low = min(connection.scalars(before), default=0)
    high = max(connection.scalars(after), default=2**53)
    yield from _all(connection, table, and_(row.log == log, row.size.between(low, high)), ROWS_OF)


def _all(
    connection: Connection, table: Table, where: Any, most: int | None = None
) -> Iterator[tuple[Table, Mapping[str, Any]]]:
    if where is False:
        return
    query = select(table).order_by(*table.primary_key.columns).limit(most)
    for row in connection.execute(query if where is None else query.where(where)).mappings():
        yield table, dict(row)


def _line(table: Table, row: Mapping[str, Any]) -> bytes:
    values = {name: _plain(value) for name, value in row.items()}
    if table.name == schema.secret.name:
        # What opens a door is in no file that people read: its digest tells whether it was altered.
        values["value"] = {"sha256": b64(sha256(row["value"]).digest())}
    return json.dumps({"table": table.name, "row": values}, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _plain(value: Any) -> Any:
    """A stored value as JSON tells it; bytes as `{"base64": …}`."""
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value
