"""What of a source that is there changes by change request: what it is held to, and what follows from it.

A source is registered at once, with its mapping. From then on what decides which records it gives, how they are read,
and how they are sealed and kept is configuration of its own sort; its title, its owner and where its secrets are found
are not.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.errors import ConfigError, Conflict, SchemaViolation
from ledger.core.source import ARCHIVE
from ledger.sources import tables
from ledger.sources.configuring import read_config
from ledger.sources.kinds import MappingAdopted, SourceRegistered
from ledger.sources.life import reconfigured, standing
from ledger.sources.life_kinds import SourceLife

CONTROLLED: Final = ("type", "options", "seal", "zone", "retention")
"""Members of a registration that change by change request alone; so does the mapping, an entry of its own."""


def differing(before: SourceRegistered, now: SourceRegistered) -> list[str]:
    """The members under change control that a registration sets otherwise than the one before."""
    return [name for name in CONTROLLED if getattr(before, name) != getattr(now, name)]


def checked_mapping(entry: MappingAdopted) -> MappingAdopted:
    """The mapping, if it can be an entry; raises SchemaViolation. Whether its text can be read, it does not say."""
    try:
        return msgspec.convert(msgspec.to_builtins(entry), MappingAdopted)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"the mapping cannot be so: {error}", advice="Correct what is named.") from None


def checked_source(entry: SourceRegistered) -> SourceRegistered:
    """The registration with its members in order, if it can be one; raises SchemaViolation."""
    try:
        return SourceRegistered.of(read_config(**msgspec.to_builtins(entry.config())), entry.authority)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"source {entry.id!r}: {error}", advice="Correct what is named.") from None
    except ConfigError as error:
        raise SchemaViolation(error.message, advice=error.advice) from None


def require_registered(connection: Connection, log: int, bodies: Iterable[msgspec.Struct]) -> None:
    """Raises Conflict where the source is not there that is to be read otherwise, and as `require_same_sort`."""
    for body in bodies:
        if not isinstance(body, MappingAdopted | SourceRegistered):
            continue
        source = body.source if isinstance(body, MappingAdopted) else body.id
        before = type_of(connection, log, source)
        if before is None:
            raise Conflict(f"no source {source!r} is registered", advice="Register it, with its mapping, first.")
        if isinstance(body, SourceRegistered):
            require_same_sort(source, before, body.type)


def require_same_sort(source: str, before: str, now: str) -> None:
    """Raises Conflict where an archive would become a live source, or the other way round."""
    if before != now and ARCHIVE in (before, now):
        raise Conflict(
            f"source {source!r} is of type {before}: it can't become one of type {now}",
            advice="What was imported and what is collected live are sources of their own.",
        )


def type_of(connection: Connection, log: int, source: str) -> str | None:
    """The type of a source as it is registered in this snapshot; None where it is not."""
    row = tables.source.c
    return connection.scalar(select(row.type).where(row.log == log, row.key == source, row.to_index.is_(None)))


def following(
    connection: Connection, log: int, bodies: Iterable[msgspec.Struct], authority: Authority
) -> list[SourceLife]:
    """The entries that these call for besides: a validated source that is read otherwise is to be validated anew."""
    sources = {body.source for body in bodies if isinstance(body, MappingAdopted)}
    sources |= {body.id for body in bodies if isinstance(body, SourceRegistered)}
    found = (reconfigured(standing(connection, log, source), source, authority) for source in sorted(sources))
    return [life for life in found if life is not None]
