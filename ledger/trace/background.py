"""What stands behind the records of sources: their lives, and the imports that brought those of archives.

Read as of a size of the log; each entry is proven as it is read.
"""

from collections.abc import Collection, Iterator

from sqlalchemy import ColumnElement, Table, select

from ledger.core.errors import IntegrityError
from ledger.core.kinds import KindRegistry
from ledger.sources import tables
from ledger.sources.import_kinds import SourceImport, TrueCopy
from ledger.sources.life_kinds import SourceLife
from ledger.store.position import index_of, pos_of
from ledger.trace.proven import ProvenEntry, ProvenLog


def background(log: ProvenLog, kinds: KindRegistry, sources: Collection[str]) -> Iterator[ProvenEntry]:
    """The entries about the sources' lives and imports, in the log's order; then the first run of each live source
    that goes on where one of them ends. Raises IntegrityError where a table names an entry that says otherwise.
    """
    life, imports = tables.source_life, tables.source_import
    found = {index: key for key, index in _named(log, life, life.c.key.in_(sources))}
    found |= {index: key for key, index in _named(log, imports, imports.c.source.in_(sources))}
    live: set[str] = set()
    for index in sorted(found):
        entry = log.entry(index)
        body = kinds[entry.kind].decode(entry.body)
        if isinstance(body, SourceImport):
            live |= {body.continues_in} if body.continues_in is not None else set()
        key = body.source if isinstance(body, SourceLife) else getattr(body, "id", None)
        if not isinstance(body, SourceLife | SourceImport | TrueCopy) or key != found[index]:
            raise IntegrityError(f"the tables of sources name entry {index}, but its body says otherwise")
        yield entry
    for source in sorted(live):
        first = _first_run(log, source)
        if first is not None:
            yield log.entry(first)


def _named(log: ProvenLog, table: Table, wanted: ColumnElement[bool]) -> Iterator[tuple[str, int]]:
    row = table.c
    rows = log.connection.execute(
        select(row.key, row.from_index).where(row.log == log.log, row.from_index < log.size, wanted)
    )
    return ((one.key, one.from_index) for one in rows.all())


def _first_run(log: ProvenLog, source: str) -> int | None:
    row = tables.collection_run.c
    pos = log.connection.scalar(
        select(row.pos)
        .where(row.source == source, row.pos >= pos_of(log.log, 0), row.pos < pos_of(log.log, log.size))
        .order_by(row.pos)
        .limit(1)
    )
    return None if pos is None else index_of(pos)
