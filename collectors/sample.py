"""A look at what a source gives, without taking it: the first records as they would be stored, nothing handed over."""

import threading

import msgspec

from collectors.base import Collector
from collectors.runner import Deadline
from ledger.core.record import Submission
from ledger.core.run import Gap, Rejected, SourceState

FEW = 5


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The newest records of the first runs, what could not be read, and the gaps that were named."""

    submissions: tuple[Submission, ...]
    rejected: tuple[Rejected, ...]
    gaps: tuple[Gap, ...]


def sample(collector: Collector, seconds: float = 5.0, few: int = FEW) -> Sample:
    """Reads from the beginning until there are `few` records, or `seconds` are over; the source keeps no trace of it.

    Raises RetriableSource and FatalSource.
    """
    stop = Deadline(seconds, threading.Event())
    submissions: list[Submission] = []
    rejected: list[Rejected] = []
    gaps: list[Gap] = []
    batches = collector.collect(SourceState(source=collector.config.id), stop)
    try:
        for batch in batches:
            submissions += batch.submissions
            rejected += batch.rejected
            gaps += batch.gaps
            if len(submissions) >= few or stop.is_set():
                break
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()
    return Sample(submissions=tuple(submissions[-few:]), rejected=tuple(rejected[-few:]), gaps=tuple(gaps))
