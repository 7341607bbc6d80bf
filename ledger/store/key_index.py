"""SQLite knows a record again by a token of the full-text index (`core.tokens.key_token`), from `record/4` on.

In a tree by the ids that sources give, which are as good as random, each record of a batch would change a page of its
own, the more so the larger the ledger has become. The index only says where to look: source, id and digest are read
off the entry that it leads to.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection

from ledger.core.entry import SourceKey
from ledger.core.hashing import leaf_hash, unb64
from ledger.core.tokens import KEY_MARK, key_token
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite
from ledger.store.known import Stored, decode_record, find_known, leads_nowhere, leads_to_another
from ledger.store.position import log_of, pos_of
from ledger.store.projections import Live

VERSION: Final = 4
"""The version of the projector of records from which on they have the token."""
INDEX: Final = "record_fts"
AT_ONCE: Final = 25
"""Keys that one look-up names."""

_FOUND: Final = (
    f"SELECT {INDEX}.rowid, body.body, leaf.data FROM {INDEX}"
    f" LEFT JOIN leaf ON leaf.pos = {INDEX}.rowid LEFT JOIN body ON body.pos = {INDEX}.rowid"
    f" WHERE {INDEX} MATCH ? AND {INDEX}.rowid >= ? AND {INDEX}.rowid < ?"
)
_AFTER_MARK: Final = chr(ord(KEY_MARK) + 1)
_SHARED: Final = f"SELECT term FROM temp.words_row WHERE term >= '{KEY_MARK}' AND term < '{_AFTER_MARK}' AND doc > 1"

Key = tuple[str, str]
"""Source, and the record's id there."""


def has_tokens_of_keys(connection: Connection, live: Live) -> bool:
    """Whether records are known again by the full-text index; else by the table `source_key`."""
    return is_sqlite(connection) and live.versions.get("record", 0) >= VERSION


def find(connection: Connection, log: int, keys: Collection[Key]) -> Iterator[Stored]:
    """What is stored of these records' ids, read off the entries themselves.

    Raises IntegrityError where the index leads to no entry, or to one of another record.
    """
    tokens = {key_token(*key): key for key in keys}
    source = iter(tokens)
    while some := list(islice(source, AT_ONCE)):
        for pos, body, leaf in _look_up(connection, log, some):
            if body is None or leaf is None:
                raise leads_nowhere(_asked_for(connection, log, some, tokens, pos), pos)
            record = decode_record(body)
            if record is None:
                raise leads_to_another(_asked_for(connection, log, some, tokens, pos), pos)
            key = (record.record.source, record.record.source_record_id)
            if key in keys:
                yield Stored(*key, unb64(record.digest.hmac, 32), pos, leaf_hash(leaf))
            elif key_token(*key) not in tokens:
                raise leads_to_another(_asked_for(connection, log, some, tokens, pos), pos)


def places_of(connection: Connection, live: Live, log: int, keys: Collection[Key]) -> dict[Key, list[int]]:
    """Where a log has these records: in several places what their source gave again with other content, in order."""
    if has_tokens_of_keys(connection, live):
        stored: Iterable[Stored] = find(connection, log, keys)
    else:
        stored = find_known(connection, log, [SourceKey(*key, b"") for key in keys])
    found: dict[Key, list[int]] = {}
    for one in stored:
        found.setdefault((one.source, one.record_id), []).append(one.pos)
    return {key: sorted(places) for key, places in found.items()}


def _look_up(connection: Connection, log: int, tokens: list[str]) -> list[tuple[Any, ...]]:
    match = " OR ".join([f'"{token}"' for token in tokens])
    return Bulk(connection).all(_FOUND, (match, pos_of(log, 0), pos_of(log + 1, 0)))


def _asked_for(connection: Connection, log: int, some: list[str], tokens: dict[str, Key], pos: int) -> Key:
    """Which of these keys the index leads from to this entry."""
    for token in some:
        if any(pos == found for found, _, _ in _look_up(connection, log, [token])):
            return tokens[token]
    return tokens[some[0]]


def doubled(connection: Connection, index: str) -> tuple[int, int] | None:
    """Two entries of one log that are the same record (source, id and content), of which the later should not be there.

    The words of `index` must be at hand (`vocabulary`, form `row`).
    """
    bulk = Bulk(connection)
    for (term,) in bulk.all(_SHARED, ()):
        first: dict[tuple[int, str, str, str], int] = {}
        found = f"SELECT rowid FROM {index} WHERE {index} MATCH ? ORDER BY rowid"
        for (pos,) in bulk.all(found, (f'"{term}"',)):
            for (body,) in bulk.all("SELECT body FROM body WHERE pos = ?", (pos,)):
                record = decode_record(body)
                if record is None:
                    continue
                one = record.record
                earlier = first.setdefault((log_of(pos), one.source, one.source_record_id, record.digest.hmac), pos)
                if earlier != pos:
                    return earlier, pos
    return None
