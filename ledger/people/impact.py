"""Entries that rest on an affected account, grant, session or component: those that name it as what allowed them."""

import re
from collections.abc import Iterator

from sqlalchemy import select

from ledger.findings.impact import Affected, Artefact, Reading
from ledger.store import schema
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.reading import RANGE, LogReader

_RECORD = b'"kind":"record"'


def impact(reading: Reading, affected: Affected) -> Iterator[Artefact]:
    """Each such entry, log by log; records stand under their run's authority."""
    members = affected.get(SYSTEM_LOG)
    if not members:
        return
    origin = re.escape(reading.origins[SYSTEM_LOG]).encode()
    named = re.compile(rb'"%b#(0|[1-9][0-9]*)"' % origin)
    for log in sorted(reading.origins):
        for low, high in _ranges(reading, log):
            for pos, data, _, body in LogReader(reading.connection, log).rows(low, high):
                if body is None or _RECORD in data or b'"authority":' not in body:
                    continue
                said = body[body.index(b'"authority":') :]
                because = next((int(one) for one in named.findall(said) if int(one) in members), None)
                if because is not None and not (log == SYSTEM_LOG and because == index_of(pos)):
                    at = reading.address(log, index_of(pos))
                    yield Artefact(sort="entry", id=at, at=at, because=reading.address(SYSTEM_LOG, because))


def _ranges(reading: Reading, log: int) -> Iterator[tuple[int, int]]:
    leaf = schema.leaf.c.pos
    query = select(leaf).where(leaf >= pos_of(log, 0), leaf < pos_of(log + 1, 0)).order_by(leaf.desc()).limit(1)
    last = reading.connection.scalar(query)
    for low in range(0, 0 if last is None else index_of(last) + 1, RANGE):
        yield low, low + RANGE
