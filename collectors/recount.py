"""Counts anew what a source gives of an interval, by the whole of it being read again from its beginning.

Nothing of what is read is handed to a ledger. The same thing in a source has the same `source_record_id` however often
it is read, so a record that is there no longer, or was not there before, shows by its id.
"""

from collectors.base import Collector, Stop
from ledger.core.errors import ConfigError
from ledger.core.record import Record
from ledger.core.run import SourceState


def ids_between(collector: Collector, from_us: int, to_us: int, stop: Stop) -> set[str] | None:
    """The ids of the source's records that happened, by its own word, from `from_us` to before `to_us`.

    None: what such a source gave once it does not give again (`Collector.recounts`), so it cannot be counted. Raises
    RetriableSource and FatalSource, and ConfigError where input cannot be read or `stop` was set: a count of a part
    would accuse the source of what was merely not read.
    """
    if not collector.recounts:
        return None
    found: set[str] = set()
    for batch in collector.collect(SourceState(source=collector.config.id), stop):
        if batch.rejected:
            raise ConfigError(
                f"source {collector.config.id!r} gives input that cannot be read: {batch.rejected[0].reason}",
                advice="Correct its mapping, or count at the source by hand.",
            )
        found.update(one.record.source_record_id for one in batch.submissions if _inside(one.record, from_us, to_us))
    if stop.is_set():
        raise ConfigError(f"the count of source {collector.config.id!r} was stopped", advice="Count again.")
    return found


def _inside(record: Record, from_us: int, to_us: int) -> bool:
    at = record.occurred_at.instant_us
    return at is not None and from_us <= at < to_us
