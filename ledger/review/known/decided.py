"""What the ledger itself has on batches: reviews that were concluded, and findings that nobody had judged by a time."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.review import ReviewEvent
from ledger.findings.kinds import Severity
from ledger.findings.tables import rule_finding
from ledger.review.reviews import tables as t
from ledger.store.reading import LogReader
from ledger.store.schema import as_of

_MATTER: Final = (Severity.CRITICAL.value, Severity.HIGH.value)


class Standing(NamedTuple):
    """A critical or high finding that stands: its rule, the record that was examined, and when somebody first judged it
    (microseconds UTC by the ledger's clock; None: nobody did).
    """

    rule: str
    anchor: int
    judged_us: int | None


class Decided:
    """Of a log as of a size."""

    def __init__(self, connection: Connection, log: int, size: int) -> None:
        self._connection = connection
        self._log = log
        self._size = size
        self._reader = LogReader(connection, log)

    def concluded_us(self, batches: Collection[str]) -> Mapping[str, int]:
        """When a review of each of these batches was first concluded; without those of which none was."""
        row = t.review.c
        mine = row.log == self._log, row.from_index < self._size
        opened = select(row.key, row.batch).where(*mine, row.batch.in_(sorted(batches)))
        of: dict[str, str] = {one.key: one.batch for one in self._connection.execute(opened)}
        ended = select(row.key, row.from_index).where(
            *mine, row.event == ReviewEvent.CONCLUDED.value, row.key.in_(sorted(of))
        )
        found: dict[str, int] = {}
        for key, entry in self._connection.execute(ended.order_by(row.from_index)):
            found.setdefault(of[key], self._logged_us(entry))
        return found

    def findings(self, besides: str, since: int = 0) -> list[Standing]:
        """The findings that stand, but those of a rule; `since`: an entry from which on they were opened."""
        row, judged = rule_finding.c, t.disposition.c
        first = select(judged.key, func.min(judged.from_index).label("entry")).where(
            judged.log == self._log, judged.from_index < self._size
        )
        at = {one.key: one.entry for one in self._connection.execute(first.group_by(judged.key))}
        chosen = select(row.key, row.rule, row.anchor).where(
            row.log == self._log, row.stands == 1, as_of(rule_finding, self._size), row.from_index >= since,
            row.severity.in_(_MATTER), row.rule != besides,
        )  # fmt: skip
        return [
            Standing(rule, anchor, self._logged_us(at[key]) if key in at else None)
            for key, rule, anchor in self._connection.execute(chosen)
        ]

    def _logged_us(self, entry: int) -> int:
        return parse_utc(decode_leaf(self._reader.entry(entry).leaf).logged_at)
