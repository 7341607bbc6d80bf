"""Signing keys as the log's own entries have them; the tables only say where to look."""

from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.core.anchors import TrustAnchorEntry
from ledger.core.binding import CeremonyEntry, KeyBindingEntry
from ledger.core.errors import IntegrityError
from ledger.core.key_history import KeyHistory, Standing
from ledger.core.signature import Mode
from ledger.people.credentials import read_entry, view
from ledger.people.log_view import log_view
from ledger.people.secrets import kept, row_holds
from ledger.signing.external_tables import trust_anchor
from ledger.signing.person_keys import SECRET
from ledger.signing.tables import key_binding
from ledger.store import checkpoints, schema
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.store import Store


def read_history(store: Store, connection: Connection) -> KeyHistory:
    """Every binding there is, verified from its entries; raises IntegrityError where one does not hold."""
    row = key_binding.c
    found = list(connection.execute(select(row.from_index, row.to_index).where(row.log == SYSTEM_LOG)))
    history = KeyHistory(view(connection).origin)
    there = trust_anchor.c
    found += connection.execute(select(there.from_index, there.to_index).where(there.log == SYSTEM_LOG))
    indices = sorted({at for one in found for at in one if at is not None})
    for index in indices:
        body, _ = read_entry(store, connection, index, msgspec.Struct)
        if not isinstance(body, KeyBindingEntry | CeremonyEntry | TrustAnchorEntry):
            raise IntegrityError(f"a table of keys names entry {index} of the system log, which binds no key")
        history.enter(index, body)
    log_view(store).require_keys(connection, indices)
    return history


def covered(connection: Connection, standing: Standing) -> bool:
    """Whether a checkpoint covers the entry from which on the key counts."""
    bound = standing.bound
    return bound is not None and checkpoints.covering(connection, SYSTEM_LOG, bound) is not None


def active(connection: Connection, history: KeyHistory, account: str, mode: Mode | None = None) -> list[Standing]:
    """The keys that a person can sign with now, newest last."""
    return [
        one
        for one in history.of(account)
        if one.revoked is None and covered(connection, one) and (mode is None or one.key.mode is mode)
    ]


def sealed_row(store: Store, connection: Connection, standing: Standing) -> tuple[int, Any]:
    """The entry whose vault row holds a key as it is sealed now, and what is kept; raises IntegrityError."""
    row = key_binding.c
    indices = connection.scalars(
        select(row.from_index)
        .where(row.log == SYSTEM_LOG, row.key == standing.key.key_id)
        .order_by(row.from_index.desc())
    ).all()
    column = schema.secret.c
    for index in indices:
        body, _ = read_entry(store, connection, index, msgspec.Struct)
        for ref in getattr(body, "secrets", ()):
            value = connection.scalar(
                select(column.value).where(column.pos == pos_of(SYSTEM_LOG, index), column.name == ref.name)
            )
            if ref.name == SECRET and value is not None and row_holds(ref, bytes(value)):
                return index, kept(bytes(value))
    raise IntegrityError(f"the sealed key {standing.key.key_id} is not there")
