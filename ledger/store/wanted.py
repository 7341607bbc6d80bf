"""Which page of which answer is wanted: the same at every surface."""

from typing import NamedTuple

from ledger.core.address import LogId
from ledger.core.errors import SchemaViolation
from ledger.store.as_of import as_of
from ledger.store.ordering import Sort, SortedPage, before, page, read_after
from ledger.store.reading import LogReader
from ledger.store.search import Query


class Wanted(NamedTuple):
    """As of which size (none: that of `after`, or the log's now), in which order, and where the page begins."""

    size: int | None = None
    at_checkpoint: bool = False
    sort: Sort = Sort()
    before: int | None = None
    after: str | None = None
    limit: int = 50

    def page(self, reader: LogReader, log: LogId, query: Query) -> SortedPage:
        """The page; raises as `as_of`, `read_after` and `ordering.page` do, and for two beginnings at once."""
        behind = None if self.after is None else read_after(self.after, log.number, query, self.sort)
        size = self.size
        if behind is not None and size is None and not self.at_checkpoint:
            size = behind.size
        size = as_of(reader, log, size, at_checkpoint=self.at_checkpoint)
        if self.before is not None:
            if behind is not None or self.sort != Sort():
                raise SchemaViolation("`before` goes on by index, newest first, alone", advice="Go on by `after`.")
            behind = before(log.number, size, query, self.before)
        return page(reader.connection, log.number, size, query, self.sort, behind, self.limit)
