"""The latest moment that somebody outside proves: by it retention is judged, never by a clock of whoever runs this.

A time-stamp that verifies counts as far back as its authority's clock may be off. Of cosignatures the moment counts
that a whole quorum of the policy in force reached or passed: a witness alone moves nothing.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, func, select

from ledger.core.clock import MICROSECONDS
from ledger.core.cosignature import cosigned_at
from ledger.core.errors import LedgerError
from ledger.core.kinds import KindRegistry
from ledger.core.note import parse_note
from ledger.core.policy import NO_QUORUM
from ledger.core.timestamp_entries import TimestampEntry
from ledger.store import checkpoints, schema
from ledger.store.logs import read_logs
from ledger.store.store import Store
from ledger.trust.timestamp_reading import checkpoint_text, newest, read_body, read_tsas
from ledger.trust.witness_reading import read_policies

_CANDIDATES: Final = 16
"""Time-stamps, and cosigned checkpoints, that are looked at: the newest."""


class Proven:
    """Asks a ledger for the latest moment that is proven; None while there is none."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> int | None:
        with self._store.reading() as connection:
            found = [*_stamped(connection, self._store.kinds), *_cosigned(connection, self._store.kinds)]
        # What lies ahead of our own clock is its clock's affair (a finding says so): nothing is over before it is here.
        return min(max(found), self._store.clock.now_us()) if found else None


def _stamped(connection: Connection, kinds: KindRegistry) -> Iterator[int]:
    stamps = newest(connection, _CANDIDATES)
    if not stamps:
        return
    tsas, logs = read_tsas(kinds, connection), {log.origin: log for log in read_logs(connection)}
    for one in stamps:
        log = logs.get(one.origin)
        if log is None:
            continue
        try:
            body, _ = read_body(kinds, connection, one.index, TimestampEntry)
            text = checkpoint_text(connection, log.number, body)
            stamp = tsas.verify(one.index, body, text.encode())
        except LedgerError:
            continue  # level 3 says what is wrong with it; it proves nothing
        if stamp.compromised_us is None:
            yield stamp.gen_us - stamp.accuracy_us


def _cosigned(connection: Connection, kinds: KindRegistry) -> Iterator[int]:
    policy = read_policies(connection, kinds).in_force.policy
    if policy.quorum == NO_QUORUM:
        return
    row = schema.cosignature.c
    last = func.max(row.pos)
    query = select(row.origin, row.size).group_by(row.origin, row.size).order_by(last.desc()).limit(_CANDIDATES)
    logs = {log.origin: log for log in read_logs(connection)}
    for origin, size in connection.execute(query).all():
        log = logs.get(origin)
        if log is None:
            continue
        try:
            stored = checkpoints.latest(connection, log.number, size)
            if stored.size != size:
                continue
            note = parse_note(stored.note)
        except LedgerError:
            continue
        seen: list[tuple[int, str]] = []
        for name, held in policy.witnesses.items():
            for line in note.signatures:
                same = (line.name, line.key_id) == (held.key.name, held.key.key_id)
                if same and held.key.verify(note.text.encode(), line.signature):
                    seen.append((cosigned_at(line), name))
        names: set[str] = set()
        for at, name in sorted(seen, reverse=True):
            names.add(name)
            if policy.met_by(names):
                yield at * MICROSECONDS
                break
