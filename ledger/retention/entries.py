"""Reads entries of retention off the system log, checked against their leaves: never off a projection alone."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Table, select

from ledger.core.authority import Authority
from ledger.core.errors import AccessDenied
from ledger.people.credentials import read_entry
from ledger.retention.hold_kinds import hold_of
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

Body = TypeVar("Body", bound=msgspec.Struct)


def history(
    store: Store, connection: Connection, table: Table, key: str, sort: type[Body]
) -> list[tuple[int, Body, int]]:
    """`(index, body, logged_us)` of every entry that gave this key a row, oldest first."""
    row = table.c
    indices = connection.scalars(
        select(row.from_index).where(row.log == SYSTEM_LOG, row.key == key).order_by(row.from_index)
    ).all()
    return [(index, *body_at(store, connection, index, sort)) for index in indices]


def in_force(store: Store, connection: Connection, table: Table, sort: type[Body]) -> list[tuple[int, Body, int]]:
    """`(index, body, logged_us)` of the entry of every key's open row, in the order of the log."""
    row = table.c
    indices = connection.scalars(
        select(row.from_index).where(row.log == SYSTEM_LOG, row.to_index.is_(None)).order_by(row.from_index)
    ).all()
    return [(index, *body_at(store, connection, index, sort)) for index in indices]


def body_at(store: Store, connection: Connection, index: int, sort: type[Body]) -> tuple[Body, int]:
    """The body of a system log entry in its present form, and when it was logged; raises IntegrityError."""
    body, logged_us = read_entry(store, connection, index, msgspec.Struct)
    found = hold_of(body)
    if isinstance(found, sort):
        return found, logged_us
    return read_entry(store, connection, index, sort)  # raises: it is of another kind


def require_person(authority: Authority, person: bool, what: str, barred: Sequence[str] = ()) -> None:
    """Raises AccessDenied unless somebody signed in who is none of those that are barred."""
    if not person or not authority.authenticated:
        raise AccessDenied(f"{what} by people who signed in", advice="Sign in, and do it then.")
    if authority.actor in barred:
        raise AccessDenied(f"{what} by a second person", advice="Somebody else who may approve is to do it.")
