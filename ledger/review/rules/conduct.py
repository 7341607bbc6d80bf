"""How audit trail reviews were done, as their own entries tell: by whom, when, in what words, and over what."""

from collections.abc import Collection, Iterator
from functools import cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, select

from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError
from ledger.core.members import Members
from ledger.core.record import LinkKind
from ledger.core.review import REVIEW, Review, Reviewed, ReviewEvent
from ledger.review.reviews import tables as t
from ledger.review.reviews.dispositions import judged
from ledger.review.reviews.population import flagged
from ledger.review.rules.known import Known
from ledger.store import schema
from ledger.store.reading import LogReader, body_of
from ledger.trace.bodies import of_log


class Conclusion(NamedTuple):
    """How a review was concluded last: when, by whoever looked, judged and concluded; of the findings that were judged
    for themselves, in what words. A cause that several share is named for none of these.
    """

    at_us: int
    by: frozenset[str]
    findings: int
    words: frozenset[str]


class Conduct(NamedTuple):
    """A review of records: when it was opened and first signed (None: it is not), how many of its records somebody said
    to have looked at with one entry at most, and its conclusion (None: there is none).
    """

    reviewed: Reviewed
    members: Members
    opened_us: int
    signed_us: int | None
    at_once: int
    concluded: Conclusion | None


class Conducts:
    """The reviews of a log, each read once."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._reader = LogReader(known.connection, known.log)
        self._read = cache(self._conduct)

    def of_batch(self, batch: str) -> list[Conduct]:
        """The reviews of a batch."""
        return [*self._chosen(t.review.c.batch == batch)]

    def over(self, index: int) -> list[Conduct]:
        """The reviews of periods that a record is reviewed in."""
        return [one for one in self.of_periods() if index in one.members]

    def of_periods(self) -> list[Conduct]:
        """The reviews of periods."""
        row = t.review.c
        return [*self._chosen(row.batch.is_(None) & (row.event == ReviewEvent.OPENED.value))]

    def since(self, low: int) -> list[Conduct]:
        """The reviews in which something happened from an entry on."""
        return [*self._chosen(t.review.c.from_index >= low)]

    def _chosen(self, which: ColumnElement[bool]) -> Iterator[Conduct]:
        row, known = t.review.c, self._known
        keys = select(row.key).distinct().where(row.log == known.log, row.from_index < known.size, which)
        yield from map(self._read, sorted(known.connection.scalars(keys)))

    def _conduct(self, key: str) -> Conduct:
        row, known = t.review.c, self._known
        mine = select(row.from_index).where(row.log == known.log, row.key == key, row.from_index < known.size)
        entries = known.connection.scalars(mine.order_by(row.from_index)).all()
        stored = [*self._reader.chosen(entries)]
        told = [(one.index, parse_utc(decode_leaf(one.leaf).logged_at), body_of(one, REVIEW, Review)) for one in stored]
        _, opened_us, opened = told[0]
        if opened.reviewed is None or opened.population is None:
            raise IntegrityError(f"entry {told[0][0]} opens no review: verify the ledger")
        members = Members.read(opened.population.members)
        concluded = [one for one in told if one[2].event is ReviewEvent.CONCLUDED]
        signed = [us for index, *_ in concluded if (us := known.decided.completed_us(index)) is not None]
        looked = [len(Members.read(one.looked)) for *_, one in told if one.looked is not None]
        by = {one.authority.actor for *_, one in told if one.event is not ReviewEvent.OPENED}
        return Conduct(
            reviewed=opened.reviewed,
            members=members,
            opened_us=opened_us,
            signed_us=min((us for us in signed if us <= known.decided.at_us), default=None),
            at_once=max(looked, default=0),
            concluded=self._conclusion(*concluded[-1][:2], members, by) if concluded else None,
        )

    def _conclusion(self, entry: int, at_us: int, members: Members, by: Collection[str]) -> Conclusion:
        connection, log = self._known.connection, self._known.log
        found = judged(connection, log, flagged(connection, log, entry, members), entry)
        alone = [one.disposition for one in found.values() if one.disposition.case is None]
        return Conclusion(
            at_us=at_us,
            by=frozenset({*by, *(one.by for one in found.values())}),
            findings=len(alone),
            words=frozenset(one.reason.strip().casefold() for one in alone),
        )


def accounts_of(batch: str, known: Known) -> list[tuple[str, str]]:
    """The accounts that did something by records that name a batch, each with its source."""
    record, link = schema.record.c, schema.record_link.c
    chosen = (
        select(record.source, record.actor)
        .distinct()
        .join_from(schema.record_link, schema.record, record.pos == link.pos)
        .where(
            link.kind == LinkKind.BATCH,
            link.id == batch,
            of_log(link.pos, known.log, known.size),
            record.actor.is_not(None),
        )
    )
    return sorted((source, str(account)) for source, account in known.connection.execute(chosen))
