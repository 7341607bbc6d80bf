"""What a backup, a replica or published tiles say of the entries that a case doubts: the same leaf, another, or none.

It is a comparison of bytes: that the other place is older or kept by somebody else is for people to know. Nothing is
written there.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from typing import Final, Protocol

import msgspec
from sqlalchemy import make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.checkpoint import Checkpoint
from ledger.core.entry import draft
from ledger.core.errors import ConfigError, Conflict, NotFound, SchemaViolation
from ledger.core.hashing import leaf_hash
from ledger.core.members import Members
from ledger.core.note import parse_note
from ledger.core.tiles import ENTRIES, Tile, decode_bundle
from ledger.findings.incident_kinds import CaseEvent, Comparison, IncidentCase
from ledger.integrity.incidents.cases import UNRESOLVED, Case, Cases
from ledger.store import schema
from ledger.store.append import Batch
from ledger.store.engine import reader_engine
from ledger.store.gone import Gone
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.reading import LogReader, StoredEntry
from ledger.store.right_edge import TILE
from ledger.trust.published import published

MOST: Final = 1_000_000
"""Entries that are compared at most."""
COPIES: Final = "copies"
"""The folder in the ledger's whose copies, or links to them, may be compared with from afar."""
_COPY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class Other(Protocol):
    """A copy of a log: its size, and its entries (leaf data, and the body where the place has bodies)."""

    size: int

    def entries(self, indices: Members) -> Iterator[StoredEntry]: ...


def compare(cases: Cases, case: str, against: str, reason: str, authority: Authority) -> Case:
    """Compares what a case doubts with the ledger or the tiles at a place, and enters what that said; the case.

    `against`: a ledger's folder, a SQLite file, a database URL, or folder or http(s) address of published tiles. Raises
    ConfigError for a place that is none of these, NotFound where it has none of the logs.
    """
    found = cases.get(case)
    if found.state in (CaseEvent.REPORTED, CaseEvent.CLOSING):
        raise Conflict(f"case {case} is {found.state.value}: there is nothing to compare, or no more")
    with cases.store.reading() as connection:
        logs = {log.origin: log for log in cases.store.logs()}
        compared = []
        for one in found.opened.affected:
            log = logs[one.origin]
            doubted = _also(found, one.origin, Members.read(one.runs), LogReader(connection, log.number))
            with opened(against, log) as other:
                if other is not None:
                    compared.append(_compared(LogReader(connection, log.number), log, doubted, other, against))
    if not compared:
        raise NotFound(f"{shown(against)} has none of the logs that case {case} doubts")
    for comparison in compared:
        body = IncidentCase(
            case=case,
            event=CaseEvent.COMPARED if found.state in UNRESOLVED else found.state,
            reason=reason,
            authority=authority,
            comparison=comparison,
            opening=found.opening,
        )
        if found.state not in UNRESOLVED:
            body = msgspec.structs.replace(
                body, deviation=found.last.deviation, backup=found.last.backup, epoch=found.last.epoch
            )
        cases.store.append(SYSTEM_LOG, Batch([draft(body)]))
    return cases.get(case)


def compare_with(cases: Cases, folder: Path, case: str, name: str, reason: str, authority: Authority) -> Case:
    """As `compare`, for who asks from afar: with what bears this name among the copies in the ledger's folder alone.

    So nobody learns what else there is on the server, nor has it ask another one. Raises SchemaViolation for a name
    that is none, and for what is no copy of a ledger.
    """
    copy = folder / COPIES / name
    if _COPY.fullmatch(name) is None or not copy.exists():
        raise SchemaViolation(
            f"no copy is called {shown(name)[:64]!r}",
            advice=f"Put it, or a link to it, into {COPIES!r} in the ledger's folder; or compare it at the terminal.",
        )
    try:
        return compare(cases, case, str(copy), reason, authority)
    except ConfigError as error:
        raise SchemaViolation(error.message, advice=error.advice) from None


@contextmanager
def opened(place: str, log: LogId) -> Iterator[Other | None]:
    """The copy of a log at a place; None where the place is a ledger that has no log of that origin."""
    url = _database(place)
    if url is None:
        with published(place) as tiles:
            yield _Tiles(tiles.read, log)
        return
    with ExitStack() as opening:
        try:
            engine = reader_engine(url, 1)
            opening.callback(engine.dispose)
            connection = opening.enter_context(engine.connect())
            opening.enter_context(connection.begin())
            row = schema.ledger_log.c
            number = connection.scalar(select(row.number).where(row.origin == log.origin))
        except (SQLAlchemyError, ImportError, ValueError) as error:
            raise _unreadable(place, error) from None
        yield None if number is None else _Ledger(LogReader(connection, number), place)


def shown(place: str) -> str:
    """A place as it may be told and entered: without a password."""
    try:
        # What is asked for behind it may hold a password too.
        return make_url(place).set(query={}).render_as_string(hide_password=True) if "://" in place else place
    except (ArgumentError, ValueError):
        return place.partition("://")[0] + "://…"


def _unreadable(place: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"{shown(place)} cannot be read as a ledger ({type(getattr(error, 'orig', None) or error).__name__})",
        advice="Name a ledger's folder, its SQLite file, a database URL, or published tiles.",
    )


def _database(place: str) -> str | None:
    """The URL of a database at a place; None where the place is one of tiles."""
    if "://" in place:
        return None if place.startswith(("http://", "https://")) else place
    path = Path(place)
    if path.is_file():
        return f"sqlite:///{path.resolve()}"
    if not path.is_dir():
        raise ConfigError(
            f"there is nothing at {shown(place)}", advice="Name a ledger's folder, its database, or its tiles."
        )
    files = sorted(path.glob("*.sqlite"))
    return f"sqlite:///{files[0].resolve()}" if files else None


class _Ledger:
    def __init__(self, reader: LogReader, place: str) -> None:
        self._reader = reader
        self._place = place
        self.size = reader.head().size

    def entries(self, indices: Members) -> Iterator[StoredEntry]:
        for low, high in indices.runs():
            try:
                found = list(self._reader.entries(low, high + 1))
            except SQLAlchemyError as error:
                raise _unreadable(self._place, error) from None
            yield from found


class _Tiles:
    """Published tiles have leaf data and no bodies."""

    def __init__(self, read: Callable[[str], bytes], log: LogId) -> None:
        self._read = read
        checkpoint = Checkpoint.parse(parse_note(read("checkpoint")).text)
        if checkpoint.origin != log.origin:
            raise NotFound(f"these are tiles of {checkpoint.origin}, not of {log.origin}")
        self.size = checkpoint.size

    def entries(self, indices: Members) -> Iterator[StoredEntry]:
        for n, chosen in groupby(indices, key=lambda index: index // TILE):
            width = min(TILE, self.size - n * TILE)
            if width <= 0:
                return
            leaves = decode_bundle(self._read(Tile(level=ENTRIES, n=n, width=width).path), width)
            for index in chosen:
                if index % TILE < width:
                    yield StoredEntry(index=index, leaf=leaves[index % TILE], salt=None, body=None)


def _also(case: Case, origin: str, affected: Members, reader: LogReader) -> Members:
    """What a case doubts of a log, and all that no checkpoint proves."""
    proven = next((one.size for one in case.opened.proven if one.origin == origin), 0)
    size = reader.head().size
    indices = {*affected, *range(proven, min(size, proven + MOST))}
    return Members.of(sorted(indices)[:MOST])


def _disposed(reader: LogReader, gone: Gone, ours: StoredEntry) -> bool:
    """Whether the content is gone here because a disposal took it: an older copy has it still."""
    pos = pos_of(reader.log, ours.index)
    return ours.body is None and gone.names(reader.connection, pos, leaf_hash(ours.leaf))


def _compared(reader: LogReader, log: LogId, doubted: Members, other: Other, place: str) -> Comparison:
    gone = Gone()
    there: list[int] = []
    confirmed: list[int] = []
    differ: list[int] = []
    for theirs in other.entries(doubted):
        there.append(theirs.index)
        ours = next(reader.entries(theirs.index, theirs.index + 1), None)
        same = ours is not None and ours.leaf == theirs.leaf
        if same and ours is not None and theirs.body is not None and not _disposed(reader, gone, ours):
            same = (ours.salt, ours.body) == (theirs.salt, theirs.body)
        (confirmed if same else differ).append(theirs.index)
    known = set(there)
    missing = [index for index in doubted if index not in known]
    texts = (Members.of(indices).text or None for indices in (confirmed, differ, missing))
    same_there, other_there, none_there = texts
    return Comparison(
        origin=log.origin,
        place=shown(place)[:512],
        size=other.size,
        compared=len(doubted),
        confirmed=same_there,
        differ=other_there,
        missing=none_there,
    )
