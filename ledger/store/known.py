"""What the log knows already of records that come in: by the keys that their source, id and content give them."""

from collections.abc import Iterable, Sequence
from itertools import starmap
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from ledger.core.entry import Draft, SourceKey
from ledger.core.errors import IntegrityError
from ledger.core.record import RecordBody
from ledger.store import schema
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite
from ledger.store.position import index_of


class Stored(NamedTuple):
    """What the log has of a record's id; `leaf_hash` of an entry that was opened for it already."""

    source: str
    record_id: str
    digest: bytes
    pos: int
    leaf_hash: bytes | None = None


def names_of(draft: Draft) -> tuple[SourceKey, ...]:
    """The keys by which the log may know a draft's record, that of the digest secret in use first."""
    key = draft.key
    if key is None:
        return ()
    if not draft.earlier:
        return (key,)
    return (key, *[SourceKey(key.source, key.record_id, digest) for digest in draft.earlier])


def read_record(connection: Connection, pos: int) -> RecordBody | None:
    """The body of a stored record; None where there is none, or no record's."""
    body = connection.scalar(select(schema.body.c.body).where(schema.body.c.pos == pos))
    return None if body is None else decode_record(body)


def decode_record(body: bytes) -> RecordBody | None:
    """A record's body; None where the bytes are none's."""
    try:
        return msgspec.json.decode(body, type=RecordBody)
    except msgspec.DecodeError:
        return None


IDS_AT_ONCE = 250
"""Record ids that one look-up names on SQLite."""
_KNOWN_SQLITE = (
    "SELECT source, record_id, digest, pos FROM source_key WHERE log = ? AND source = ? AND record_id IN ({})"
)


def find_known(connection: Connection, log: int, keys: Sequence[SourceKey]) -> Iterable[Stored]:
    """What the table `source_key` has of these records' ids: PostgreSQL's, and SQLite's before `record/4`."""
    bulk = Bulk(connection)
    if is_sqlite(connection):
        by_source: dict[str, list[str]] = {}
        for key in keys:
            by_source.setdefault(key.source, []).append(key.record_id)
        for source, ids in by_source.items():
            for at in range(0, len(ids), IDS_AT_ONCE):
                some = ids[at : at + IDS_AT_ONCE]
                found = bulk.all(_KNOWN_SQLITE.format(",".join("?" * len(some))), (log, source, *some))
                yield from starmap(Stored, found)
    else:
        sql = (
            # OFFSET 0 keeps the planner to one index probe a key, however large the table has become since it planned.
            "SELECT k.* FROM unnest(?::text[], ?::text[]) AS w(source, record_id) CROSS JOIN LATERAL"
            " (SELECT source, record_id, digest, pos FROM source_key"
            " WHERE log = ? AND source = w.source AND record_id = w.record_id OFFSET 0) AS k"
        )
        found = bulk.all(sql, ([key.source for key in keys], [key.record_id for key in keys], log))
        yield from starmap(Stored, found)


def leads_nowhere(key: tuple[str, str], pos: int) -> IntegrityError:
    """The error for a record (source, id) that is said to be known by an entry that is not there."""
    _, record_id = key
    return IntegrityError(f"record {record_id!r} is known by entry {index_of(pos)}, which is not there")


def leads_to_another(key: tuple[str, str], pos: int) -> IntegrityError:
    """The error for a record (source, id) that is said to be known by the entry of another one."""
    source, record_id = key
    return IntegrityError(
        f"record {record_id!r} of source {source!r} is known by entry {index_of(pos)}, which is another record: "
        "the ledger's tables were altered",
        advice="Ingest of this source is stopped. Run `trailseal verify --full` and open an incident.",
    )
