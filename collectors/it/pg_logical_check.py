"""Tries logical decoding: does the server log enough, is the slot there, are old rows logged, how much is retained."""

from collections.abc import Sequence

from collectors.base import Check, CheckReport, judge_clock
from collectors.it.pg_feed import PLUGINS
from collectors.it.pg_wal import Slot, WalSession, connected
from collectors.it.sql_check import fingerprint, judge_encryption
from collectors.options import read_list
from ledger.core.clock import WallClock
from ledger.core.errors import CollectorError
from ledger.core.run import SourceFacts

MEBIBYTE = 1024 * 1024
_NAMED = 5
_PUBLISHED = """
SELECT t.schemaname, t.tablename, c.relreplident::text FROM pg_publication_tables t
JOIN pg_namespace n ON n.nspname = t.schemaname JOIN pg_class c ON c.relname = t.tablename AND c.relnamespace = n.oid
WHERE t.pubname = %s ORDER BY 1, 2
"""
_OPERATIONS = "SELECT pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication WHERE pubname = %s"
_COLUMNS = """
SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1, 2, a.attnum
"""
_ALL = """
SELECT n.nspname, c.relname, c.relreplident::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname NOT LIKE 'pg\\_%%'
    AND n.nspname <> 'information_schema' ORDER BY 1, 2
"""


def check_wal(
    place: tuple[str, str, str], names: tuple[str, str, str], warn_bytes: float, clock: WallClock
) -> CheckReport:
    """Never raises for what the server does; the report says it. `place`: url, account, password; `names`: slot,
    publication, tables.
    """
    checks: list[Check] = []
    measured = None
    try:
        with connected(*place, clock) as wal:
            server = wal.server
            says = f"{wal.product} answers {server.account}"
            checks += [Check(name="connection", ok=True, says=says), _level(wal), _right(wal)]
            checks.append(judge_encryption(wal.safe))
            name, publication, tables = names
            slot = wal.slot(name)
            checks.append(judge_slot(slot, name, publication, wal))
            if slot is not None:
                checks += _of_tables(wal, slot, publication, read_list(tables))
                checks.append(_retained(slot, name, warn_bytes))
            measured = wal.source_clock
    except CollectorError as error:
        name = "reading" if checks else "connection"
        checks.append(Check(name=name, ok=False, says=error.message, advice=error.advice))
    else:
        checks.append(judge_clock(measured))
    return CheckReport(checks=tuple(checks), clock=measured)


def source_facts(wal: WalSession, slot: Slot, publication: str, wanted: Sequence[str]) -> SourceFacts:
    """The server's version, the columns of all tables whose changes are given, and how whole those changes are."""
    tables = _tables(wal, slot, publication, wanted)
    columns = wal.rows(_COLUMNS, [name for name, _ in tables])
    partial = [name for name, identity in tables if identity != "f"]
    whole = f"old rows not logged for {_some(partial)}" if partial else "old rows logged whole"
    operations = ""
    if slot.plugin == "pgoutput" and (found := wal.rows(_OPERATIONS, publication)):
        operations = f", {_operations(publication, found[0]).says}"
    return SourceFacts(
        version=wal.product,
        schema=fingerprint("\n".join(" ".join(row) for row in columns)),
        audit_trail=f"{len(tables)} tables by {slot.plugin}, {whole}{operations}"[:512],
    )


def judge_slot(slot: Slot | None, name: str, publication: str, wal: WalSession) -> Check:
    """Whether changes can be read from the slot at all."""
    make = (
        f'First CREATE PUBLICATION "{publication}" FOR TABLE …, then, in the same database, '
        f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')."
    )
    if slot is None:
        return Check(name="slot", ok=False, says=f"there is no replication slot {name!r}", advice=make)
    if slot.slot_type != "logical" or slot.plugin not in PLUGINS:
        says = f"slot {name!r} is {slot.slot_type} with plugin {slot.plugin}, not logical with one of {PLUGINS}"
        return Check(name="slot", ok=False, says=says, advice=make)
    if slot.database != wal.server.database:
        says = f"slot {name!r} is of database {slot.database!r}, not {wal.server.database!r}"
        return Check(name="slot", ok=False, says=says, advice="Name the slot's database in `url`, or another slot.")
    if slot.wal_status == "lost" or slot.confirmed is None:
        says = f"slot {name!r} is lost: the server removed the log that it needed (max_slot_wal_keep_size)"
        advice = "Drop the slot and make it anew; what happened in between will be stated as a gap."
        return Check(name="slot", ok=False, says=says, advice=advice)
    says = f"slot {name!r} gives changes by {slot.plugin}, confirmed up to {slot.confirmed}"
    if slot.plugin == "wal2json":
        says += "; wal2json writes NaN and infinities as null, pgoutput does not"
    return Check(name="slot", ok=True, says=says)


def _level(wal: WalSession) -> Check:
    if wal.server.wal_level == "logical":
        return Check(name="wal_level", ok=True, says="the server logs what logical decoding needs")
    return Check(
        name="wal_level",
        ok=False,
        says=f"wal_level is {wal.server.wal_level}, not logical: changes cannot be decoded",
        advice="ALTER SYSTEM SET wal_level = 'logical', then restart the server.",
    )


def _right(wal: WalSession) -> Check:
    if wal.server.may_replicate:
        return Check(name="right", ok=True, says=f"{wal.server.account} may read replication slots")
    return Check(
        name="right",
        ok=False,
        says=f"{wal.server.account} has not the attribute REPLICATION: it may not read a slot",
        advice=f'ALTER ROLE "{wal.server.account}" REPLICATION. It then sees all changes of the slot\'s tables.',
    )


def _of_tables(wal: WalSession, slot: Slot, publication: str, wanted: Sequence[str]) -> list[Check]:
    if slot.plugin == "pgoutput":
        found = wal.rows(_OPERATIONS, publication)
        if not found:
            says = f"there is no publication {publication!r}"
            advice = f'CREATE PUBLICATION "{publication}" FOR TABLE …; the slot has to be made after it.'
            return [Check(name="publication", ok=False, says=says, advice=advice)]
        return [_operations(publication, found[0]), _identities(_tables(wal, slot, publication, wanted))]
    return [_identities(_tables(wal, slot, publication, wanted))]


def _tables(wal: WalSession, slot: Slot, publication: str, wanted: Sequence[str]) -> list[tuple[str, str]]:
    """Name and replica identity of each table whose changes the slot gives."""
    if slot.plugin == "pgoutput":
        return [(f"{schema}.{name}", identity) for schema, name, identity in wal.rows(_PUBLISHED, publication)]
    tables = [(f"{schema}.{name}", identity) for schema, name, identity in wal.rows(_ALL)]
    return [(name, identity) for name, identity in tables if not wanted or name in wanted]


def _operations(publication: str, published: Sequence[bool]) -> Check:
    names = ("insert", "update", "delete", "truncate")
    if missing := [name for name, there in zip(names, published, strict=True) if not there]:
        return Check(
            name="publication",
            ok=False,
            says=f"publication {publication!r} leaves out {', '.join(missing)}",
            advice=f"ALTER PUBLICATION \"{publication}\" SET (publish = 'insert, update, delete, truncate').",
        )
    return Check(
        name="publication", ok=True, says=f"publication {publication!r} has inserts, updates, deletes, truncates"
    )


def _identities(tables: Sequence[tuple[str, str]]) -> Check:
    if not tables:
        return Check(
            name="replica identity",
            ok=False,
            says="no table is published: nothing will ever be collected",
            advice="Add the tables to the publication, or correct the option `tables`.",
        )
    partial = [name for name, identity in tables if identity != "f"]
    if not partial:
        says = f"old rows are logged whole for all {len(tables)} tables: {_some([name for name, _ in tables])}"
        return Check(name="replica identity", ok=True, says=says)
    return Check(
        name="replica identity",
        ok=False,
        says=f"old values are not logged for {len(partial)} of {len(tables)} tables: {_some(partial)}",
        advice="ALTER TABLE … REPLICA IDENTITY FULL for each of them.",
    )


def _retained(slot: Slot, name: str, warn_bytes: float) -> Check:
    kept, behind = (number or 0 for number in (slot.retained, slot.behind))
    says = (
        f"{kept / MEBIBYTE:.1f} MiB of the log are kept for slot {name!r}, {behind / MEBIBYTE:.1f} MiB to be collected"
    )
    if slot.active_pid is not None:
        says += f"; process {slot.active_pid} reads it just now"
    if kept > warn_bytes or slot.wal_status == "unreserved":
        return Check(
            name="retained log",
            ok=False,
            says=f"{says}; the limit is {warn_bytes / MEBIBYTE:.0f} MiB",
            advice="Let the collector run, or end long transactions; a full disk stops the database. "
            "Set max_slot_wal_keep_size as the last resort.",
        )
    return Check(name="retained log", ok=True, says=says)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
