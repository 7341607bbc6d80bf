"""The register: who held which right from when to when, read from the entries of grants, as of any size."""

import csv
import io
from typing import Final

import msgspec
from sqlalchemy import select

from ledger.core.clock import utc_text
from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError, SchemaViolation
from ledger.people import tables
from ledger.people.access import Scope
from ledger.people.credentials import read_entry
from ledger.people.kinds import GrantEntry, GrantState
from ledger.people.roles import Role
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.store.store import Store


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the register: an account held this from one entry to another (None: to this day).

    Without `sites` it was for all record logs. It counts from `begins_at`, where that is later than the entry, and at
    most until `expires_at`. `by` granted it, and `ended_by` revoked it.
    """

    account: str
    grant: str
    role: Role | None
    scopes: tuple[Scope, ...]
    sites: tuple[str, ...]
    sources: tuple[str, ...]
    begins_at: str | None
    expires_at: str | None
    training: str | None
    from_index: int
    from_at: str
    by: str
    reason: str
    to_index: int | None
    to_at: str | None
    ended_by: str | None


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """The register as of a size of the system log."""

    size: int
    lines: tuple[Held, ...]


COLUMNS: Final = Held.__struct_fields__


def read_register(store: Store, size: int | None = None) -> Register:
    """Every grant there ever was, in the order of granting, as of a size of the system log; now, if none is given.

    Each line is read from its entry: raises IntegrityError where the table of grants contradicts the log.
    """
    row = tables.access_grant.c
    with store.reading() as connection:
        reader = LogReader(connection, SYSTEM_LOG)
        now = reader.head().size
        if size is not None and not 0 <= size <= now:
            raise SchemaViolation(f"the system log has {now} entries, not {size} yet")
        at = now if size is None else size
        found = connection.execute(
            select(row.key, row.from_index, row.to_index)
            .where(row.log == SYSTEM_LOG, row.state == GrantState.GRANTED.value, row.from_index < at)
            .order_by(row.from_index)
        ).all()
        lines = []
        for one in found:
            grant, granted_us = read_entry(store, connection, one.from_index, GrantEntry)
            end = one.to_index if one.to_index is not None and one.to_index < at else None
            ended = None if end is None else read_entry(store, connection, end, GrantEntry)[0]
            if grant.grant != one.key or (ended is not None and ended.grant != one.key):
                raise IntegrityError(f"the register contradicts entry {one.from_index} of the system log")
            lines.append(
                Held(
                    account=grant.account,
                    grant=grant.grant,
                    role=grant.role,
                    scopes=grant.scopes,
                    sites=grant.sites,
                    sources=grant.sources,
                    begins_at=grant.from_at,
                    expires_at=grant.expires_at,
                    training=grant.training,
                    from_index=one.from_index,
                    from_at=utc_text(granted_us),
                    by=grant.authority.actor,
                    reason=grant.reason,
                    to_index=end,
                    to_at=None if end is None else decode_leaf(reader.entry(end).leaf).logged_at,
                    ended_by=None if ended is None else ended.authority.actor,
                )
            )
    return Register(size=at, lines=tuple(lines))


def register_csv(register: Register) -> str:
    """The register as CSV (RFC 4180), its size in each line; no cell is a formula to any spreadsheet."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(("system_size", *COLUMNS))
    for line in register.lines:
        writer.writerow((register.size, *(_cell(getattr(line, name)) for name in COLUMNS)))
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return _cell(" ".join(str(one) for one in value))
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
