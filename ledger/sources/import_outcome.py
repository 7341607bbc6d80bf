"""Reads back what the ledger holds of an import, and holds it against the old system's figures."""

from array import array
from collections.abc import Iterator

from sqlalchemy import Connection, select

from ledger.core.kinds import RECORD, KindRegistry
from ledger.core.record import RecordBody
from ledger.sources import tables
from ledger.sources.import_kinds import Counts, Outcome, SourceImport
from ledger.sources.import_tally import RECONFIGURED, UNENDED, UNREAD, Tally, differences
from ledger.sources.kinds import CollectionRun
from ledger.store.position import MAX_INDEX, index_of, pos_of
from ledger.store.reading import LogReader


class ReadBack:
    """Reads one log, in one snapshot."""

    def __init__(self, connection: Connection, kinds: KindRegistry, log: int) -> None:
        self._connection = connection
        self._kinds = kinds
        self._log = log
        self._reader = LogReader(connection, log)

    def outcome(
        self, body: SourceImport, begun: int, *, ended: bool, changed: bool, last: int | None = MAX_INDEX
    ) -> Outcome:
        """What the ledger holds by the source's runs after entry `begun`, up to the run `last` (None: there is none).

        `ended` false: the file was not read to its end; `changed`: the source was configured anew meanwhile.
        """
        tally, runs, gaps = Tally(), 0, 0
        rows = appended = duplicates = quarantined = records = 0
        newest: tuple[int, CollectionRun] | None = None
        spans: list[tuple[int, int]] = []
        earlier = array("q")
        for index, run in self._runs(body.source, begun):
            if last is None or index > last:
                break
            runs, newest, gaps = runs + 1, (index, run), gaps + len(run.gaps)
            rows += run.records + len(run.duplicates) + len(run.quarantined)
            appended += run.records
            duplicates += len(run.duplicates)
            quarantined += len(run.quarantined)
            if run.first is not None:
                spans.append((run.first, run.first + run.records))
            earlier.extend(one.earlier for one in run.duplicates)
        for low, high in _joined(spans, earlier):
            for stored in self._reader.entries(low, high):
                held = None if stored.body is None else RECORD.decode(stored.body)
                if isinstance(held, RecordBody):
                    tally.add(held.record)
                records += 1
        counts = Counts(rows=rows, appended=appended, duplicates=duplicates, quarantined=quarantined, records=records)
        troubles = {UNREAD: gaps, UNENDED: int(not ended), RECONFIGURED: int(changed)}
        return Outcome(
            counts=counts,
            first_occurred=tally.first,
            last_occurred=tally.last,
            totals=tally.totals(body.expected),
            differences=differences(body.expected, counts, tally, troubles),
            runs=runs,
            last_run=None if newest is None else newest[0],
            chain=None if newest is None else newest[1].chain,
        )

    def _runs(self, source: str, after: int) -> Iterator[tuple[int, CollectionRun]]:
        row = tables.collection_run.c
        places = self._connection.scalars(
            select(row.pos)
            .where(row.source == source, row.pos > pos_of(self._log, after), row.pos < pos_of(self._log + 1, 0))
            .order_by(row.pos)
        ).all()
        for pos in places:
            run = self._kinds["collection-run"].decode(self._reader.entry(index_of(pos)).body or b"")
            assert isinstance(run, CollectionRun)
            yield index_of(pos), run


def _joined(spans: list[tuple[int, int]], earlier: "array[int]") -> Iterator[tuple[int, int]]:
    """Every entry once: those that were appended, and those that rows were found in before; as ranges, in order."""
    single = sorted(set(earlier)) if len(earlier) else []
    reach = -1
    for low, high in sorted([*spans, *((one, one + 1) for one in single)]):
        if high > reach:
            yield max(low, reach), high
            reach = high
