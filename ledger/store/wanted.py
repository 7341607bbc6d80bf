"""Which page of which answer is wanted: the same at every surface."""

from typing import NamedTuple

from ledger.core.address import LogId
from ledger.core.errors import SchemaViolation
from ledger.store.as_of import as_of
from ledger.store.ordering import Sort, SortedPage, before, page, read_after
from ledger.store.question import Question
from ledger.store.reading import LogReader


class Wanted(NamedTuple):
    """As of which size (none: that of `after`, or the log's now), in which order, and where the page begins."""

    size: int | None = None
    at_checkpoint: bool = False
    sort: Sort = Sort()
    before: int | None = None
    after: str | None = None
    limit: int = 50

    def read_at(self, reader: LogReader, log: LogId) -> int:
        """The size that it is as of; raises as `as_of` and `read_after` do."""
        size = self.size
        if self.after is not None and size is None and not self.at_checkpoint:
            size = read_after(self.after).size
        return as_of(reader, log, size, at_checkpoint=self.at_checkpoint)

    def page(self, reader: LogReader, log: LogId, size: int, query: Question) -> SortedPage:
        """The page as of that size; raises as `read_after` and `ordering.page` do, and for two beginnings at once."""
        behind = None if self.after is None else read_after(self.after)
        if self.before is not None:
            if behind is not None or self.sort != Sort():
                raise SchemaViolation("`before` goes on by index, newest first, alone", advice="Go on by `after`.")
            behind = before(log.number, size, query, self.before)
        return page(reader.connection, log.number, size, query, self.sort, behind, self.limit)
