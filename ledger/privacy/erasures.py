"""Erasing a personal value: asked for with its legal ground, refused where it is covered, else approved by two people.

The entry that names the rows comes first, durable, with the second approval; then the rows go. A crash in between
leaves rows that verification names, until the next look takes them.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

import msgspec
from sqlalchemy import Connection, delete, exists, func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ProgrammingError

from ledger.core.address import Address, LogId, parse_address
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import ORIGINAL, SEALED, Draft, decode_leaf, draft
from ledger.core.errors import AccessDenied, ConfigError, Conflict, NotFound
from ledger.core.hashing import b64, sealed_commitment
from ledger.core.sealing import sealed_in
from ledger.people.credentials import read_entry
from ledger.people.kinds import AccountEntry, AccountEntry1
from ledger.people.profile import read_profile
from ledger.privacy import tables
from ledger.privacy.cover import Cover, cover_of
from ledger.privacy.erasure_kinds import CoverSort, ErasedRow, ErasureEntry, ErasureEvent, Ground
from ledger.retention.judging import Incidents
from ledger.retention.scrubbing import empty_log, scrub
from ledger.store import schema
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.engine import is_sqlite
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import index_of, log_of, pos_of
from ledger.store.reading import LogReader, VaultReader
from ledger.store.store import Store

LEAST_SEARCHED: Final = 4
"""A value of fewer characters is not looked for in other originals than its entry's own: it would be in every one."""


_DECIDED: Final = (ErasureEvent.REFUSED, ErasureEvent.ERASED)


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """A request, and where it stands; `answer` is what the person can be given where it was refused.

    `site`: the record log that it is of; None where it is of the system log. `decided_at`: when it was refused or
    erased (`utc_text`), as `asked_at`.
    """

    erasure: str
    state: ErasureEvent
    target: str
    member: str
    ground: Ground
    reason: str
    asked_by: str
    approved_by: tuple[str, ...]
    cover: CoverSort | None
    answer: str | None
    rows: tuple[ErasedRow, ...]
    index: int
    asked_at: str
    decided_at: str | None
    site: str | None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed value that is asked for, and every row that has to go with it."""

    target: ErasedRow
    rows: tuple[ErasedRow, ...]
    subject: str | None


_BEARING: Final = frozenset({"legal-hold", "incident-case"})
"""Kinds that decide what stays: one of them in the same commit is not seen yet."""


class Erasures:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, incidents: Incidents) -> None:
        """`incidents`: what those keep."""
        self._store = store
        self._incidents = incidents

    def request(self, target: str, member: str, ground: Ground, reason: str, authority: Authority) -> Erasure:
        """Asks for a sealed value to be erased; refused at once, with the answer for the person, where it is covered.

        Raises NotFound for an entry without such a sealed value, or whose value is gone already.
        """
        with self._store.reading() as connection:
            plan = self._plan(connection, target, member)
            cover = self._cover(connection, plan, member)
        entry = ErasureEntry(
            erasure=secrets.token_hex(8),
            event=ErasureEvent.REQUESTED if cover is None else ErasureEvent.REFUSED,
            target=target,
            member=member,
            ground=ground,
            reason=reason,
            authority=authority,
            cover=None if cover is None else cover.sort,
            answer=None if cover is None else cover.answer,
            rows=plan.rows,
        )
        self._store.append_one(SYSTEM_LOG, draft(entry))
        return self.get(entry.erasure)

    def approve(self, erasure: str, reason: str, authority: Authority, *, person: bool) -> Erasure:
        """Approves a request; the second approval erases. Whoever asked, approved before, or is the subject, cannot.

        `person`: whether somebody signed in. Raises NotFound, AccessDenied, and Conflict for a request that is decided
        or has come to be covered.
        """
        if not person or not authority.authenticated:
            raise AccessDenied("an erasure is approved by people who signed in", advice="Sign in, and approve it then.")
        with self._store.reading() as connection:
            asked = self._history(connection, erasure)[0]
            plan = self._plan(connection, asked.target, asked.member)
        entry = msgspec.structs.replace(
            asked, event=ErasureEvent.APPROVED, reason=reason, authority=authority, rows=plan.rows
        )
        second = False

        def check(transaction: Transaction) -> None:
            nonlocal second
            key = ("erasure", erasure)
            if transaction.scratch.get(key):
                raise Conflict(f"erasure {erasure!r} was decided just now", advice="Look at it again.")
            if transaction.kinds_placed & _BEARING:
                raise Conflict("a hold or an incident is being entered at this moment", advice="Do it once more.")
            past = self._history(transaction.connection, erasure)
            if past[-1].event not in (ErasureEvent.REQUESTED, ErasureEvent.APPROVED):
                raise Conflict(f"erasure {erasure!r} was {past[-1].event.value} already")
            barred = {one.authority.actor for one in past} | {plan.subject}
            if authority.actor in barred:
                raise AccessDenied(
                    f"{authority.actor} asked for it, approved it before, or is the subject",
                    advice="Two people who did neither approve it.",
                )
            cover = self._cover(transaction.connection, plan, asked.member)
            if cover is not None:
                raise Conflict(f"the value is covered now: {cover.answer}")
            second = past[-1].event is ErasureEvent.APPROVED
            transaction.scratch[key] = True

        def erase(_transaction: Transaction, _placed: Sequence[Placed]) -> Sequence[Draft]:
            return [draft(msgspec.structs.replace(entry, event=ErasureEvent.ERASED))] if second else []

        self._store.append(SYSTEM_LOG, Batch([draft(entry)], closing=erase, before=check))
        if second:
            self.finish()
        return self.get(erasure)

    def get(self, erasure: str) -> Erasure:
        """One request; raises NotFound."""
        with self._store.reading() as connection:
            return self._shown(connection, erasure)

    def members(self, target: str) -> tuple[str, ...]:
        """The sealed values of an entry that are in the vault still, by their members' names; raises NotFound for an
        entry that is not there.
        """
        place = parse_address(target)
        with self._store.reading() as connection:
            log = next((one for one in read_logs(connection) if one.origin == place.origin), None)
            if log is None:
                raise NotFound(f"there is no log {place.origin!r}")
            stored = LogReader(connection, log.number).entry(place.index)
            kept = {one.meta for one in VaultReader(connection).sealed(log.number, place.index)}
            body = None if stored.body is None else self._store.kinds[decode_leaf(stored.leaf).kind].decode(stored.body)
        return () if body is None else tuple(dict.fromkeys(name for name, _ in sealed_in(body) if name in kept))

    def site_of(self, erasure: str) -> str | None:
        """The record log whose value a request is about; None for the system log's. Raises NotFound."""
        return self.get(erasure).site

    def all(self) -> list[Erasure]:
        """Every request, the newest first."""
        row = tables.erasure.c
        with self._store.reading() as connection:
            names = connection.scalars(
                select(row.key).where(row.log == SYSTEM_LOG).group_by(row.key).order_by(func.min(row.from_index).desc())
            ).all()
            return [self._shown(connection, name) for name in names]

    def finish(self) -> int:
        """Takes from the vault what erasures name and is there still; returns how many rows went.

        Raises ConfigError where the database has no role that may.
        """
        with self._store.reading() as connection:
            left = _left(connection)
        if not left:
            return 0
        with self._store.writing() as connection:
            for row_pos, sort, ordinal in left:
                _delete(connection, row_pos, sort, ordinal)
        empty_log(self._store)
        return len(left)

    def scrub(self, owner: URL) -> None:
        """Rewrites the vault's files so that nothing of erased rows stays in their free space. Takes a while.

        `owner`: the URL of the database's owner. PostgreSQL's own write-ahead log, its archive, replicas and backups
        keep what they have until they expire.
        """
        self.finish()
        scrub(self._store, owner, ("sealed_value", "original"))

    def _plan(self, connection: Connection, address: str, member: str) -> Plan:
        place = parse_address(address)
        log = next((one for one in read_logs(connection) if one.origin == place.origin), None)
        gone = NotFound(f"entry {address} has no sealed value {member!r} in the vault")
        if log is None or place.index >= LogReader(connection, log.number).head().size:
            raise gone
        stored = LogReader(connection, log.number).entry(place.index)
        if stored.body is None:
            raise gone
        body = self._store.kinds[decode_leaf(stored.leaf).kind].decode(stored.body)
        wanted = {commitment for name, commitment in sealed_in(body) if name == member}
        for kept in VaultReader(connection).sealed(log.number, place.index):
            if kept.meta == member and b64(sealed_commitment(kept.salt, kept.value)) in wanted:
                target = ErasedRow(log=log.number, index=place.index, sort=SEALED, ordinal=kept.ordinal)
                value = msgspec.json.decode(kept.value)
                originals = _holding(connection, str(value), pos_of(log.number, place.index))
                subject = body.account if isinstance(body, AccountEntry | AccountEntry1) else None
                return Plan(target=target, rows=(target, *originals), subject=subject)
        raise gone

    def _cover(self, connection: Connection, plan: Plan, member: str) -> Cover | None:
        logs = {log.number: log for log in read_logs(connection)}
        profile = read_profile(connection)
        preserves = self._incidents.preserving(connection)
        return cover_of(self._store, connection, logs, profile, plan.target, member, plan.rows, preserves)

    def _history(self, connection: Connection, erasure: str) -> list[ErasureEntry]:
        return [entry for entry, _ in self._dated(connection, erasure)]

    def _dated(self, connection: Connection, erasure: str) -> list[tuple[ErasureEntry, int]]:
        row = tables.erasure.c
        indices = connection.scalars(
            select(row.from_index).where(row.log == SYSTEM_LOG, row.key == erasure).order_by(row.from_index)
        ).all()
        if not indices:
            raise NotFound(f"there is no erasure {erasure!r}")
        return [read_entry(self._store, connection, index, ErasureEntry) for index in indices]

    def _shown(self, connection: Connection, erasure: str) -> Erasure:
        dated = self._dated(connection, erasure)
        past = [entry for entry, _ in dated]
        row = tables.erasure.c
        last = connection.scalar(select(func.max(row.from_index)).where(row.log == SYSTEM_LOG, row.key == erasure))
        asked, now = past[0], past[-1]
        return Erasure(
            erasure=erasure,
            state=now.event,
            target=asked.target,
            member=asked.member,
            ground=asked.ground,
            reason=asked.reason,
            asked_by=asked.authority.actor,
            approved_by=tuple(one.authority.actor for one in past if one.event is ErasureEvent.APPROVED),
            cover=now.cover,
            answer=now.answer,
            rows=now.rows,
            index=last or 0,
            asked_at=utc_text(dated[0][1]),
            decided_at=utc_text(dated[-1][1]) if now.event in _DECIDED else None,
            site=next(
                (log.name for log in _record_logs(connection) if asked.target.startswith(f"{log.origin}#")), None
            ),
        )


def target_of(origin: str, index: int) -> str:
    """The address of an entry, as a request names it."""
    return str(Address(origin, index))


def _record_logs(connection: Connection) -> list[LogId]:
    return [log for log in read_logs(connection) if log.number != SYSTEM_LOG]


def _holding(connection: Connection, value: str, own: int) -> list[ErasedRow]:
    """The originals that hold a value: the entry's own, and any other in which its text stands."""
    original = schema.original
    found = {own} if connection.scalar(select(original.c.pos).where(original.c.pos == own)) is not None else set()
    if len(value) >= LEAST_SEARCHED:
        holds = "instr(data, :part) > 0" if is_sqlite(connection) else "position(CAST(:part AS bytea) IN data) > 0"
        for part in sorted(_spellings(value)):
            found |= set(connection.scalars(text(f"SELECT pos FROM original WHERE {holds}"), {"part": part}))
    return [ErasedRow(log=log_of(pos), index=index_of(pos), sort=ORIGINAL, ordinal=0) for pos in sorted(found)]


def _spellings(value: str) -> set[bytes]:
    """How a text stands in files: as such in the encodings that sources use, and escaped for JSON and XML."""
    texts = {value, escape(value), json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    spelt = {one.encode(code, "ignore") for one in texts for code in ("utf-8", "utf-16-le", "utf-16-be", "latin-1")}
    return {one for one in spelt if len(one) >= LEAST_SEARCHED}


def _left(connection: Connection) -> list[tuple[int, str, int]]:
    """Rows that erasures name and that are there still."""
    row, sealed, original = tables.erased_row.c, schema.sealed_value.c, schema.original.c
    there = exists().where(sealed.pos == row.row_pos, sealed.ordinal == row.ordinal)
    kept = exists().where(original.pos == row.row_pos)
    chosen = select(row.row_pos, row.sort, row.ordinal).distinct()
    found: list[tuple[int, str, int]] = []
    for query in (chosen.where(row.sort == SEALED, there), chosen.where(row.sort == ORIGINAL, kept)):
        found += [(one.row_pos, one.sort, one.ordinal) for one in connection.execute(query)]
    return found


def _delete(connection: Connection, row_pos: int, sort: str, ordinal: int) -> None:
    if is_sqlite(connection):
        sealed, original = schema.sealed_value, schema.original
        if sort == SEALED:
            connection.execute(delete(sealed).where(sealed.c.pos == row_pos, sealed.c.ordinal == ordinal))
        else:
            connection.execute(delete(original).where(original.c.pos == row_pos))
        return
    try:
        erase = text("SELECT trailseal_erase(CAST(:at AS bigint), CAST(:what AS text), CAST(:which AS smallint))")
        connection.execute(erase, {"at": row_pos, "what": sort, "which": ordinal})
    except ProgrammingError:
        raise ConfigError(
            "this database has no role that may erase",
            advice="Run deploy/postgres/roles.sql before the ledger is made or upgraded.",
        ) from None
