"""Reviews as their entries state them, in one snapshot."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError, NotFound
from ledger.core.members import Members
from ledger.core.review import (
    REVIEW,
    RULE_MISS,
    Outcome,
    Population,
    Review,
    Reviewed,
    ReviewEvent,
    ReviewPlan,
    RuleMiss,
)
from ledger.review.reviews import tables as t
from ledger.review.reviews.planning import read_plan
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, body_of

SHOWN: Final = 500


class KnownMiss(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule missed, by its entry."""

    entry: int
    miss: RuleMiss


class KnownReview(msgspec.Struct, frozen=True, kw_only=True):
    """A review by its entries, the first of which opened it.

    `left`: those of its sample that nobody has looked at yet. `reasons`: what was given for systems that are silent or
    not connected. `concluded`: the entry to be signed, null while there is none. `questions`: misses that were found
    after it was concluded, which put it in question and which nobody has considered yet.
    """

    review: str
    opening: int
    opened_at: str
    opened_by: str
    entries: tuple[int, ...]
    plan_entry: int
    plan: ReviewPlan
    reviewed: Reviewed
    population: Population
    left: tuple[int, ...]
    reasons: Mapping[str, str]
    misses: tuple[KnownMiss, ...]
    concluded: int | None
    outcome: Outcome | None
    questions: tuple[KnownMiss, ...]


def read_review(connection: Connection, log: int, review: str, size: int | None = None) -> KnownReview:
    """A review as of a size; raises NotFound."""
    row = t.review.c
    chosen = select(row.from_index).where(row.log == log, row.key == review)
    if size is not None:
        chosen = chosen.where(row.from_index < size)
    entries = connection.scalars(chosen.order_by(row.from_index)).all()
    if not entries:
        raise NotFound(f"there is no review {review!r}", advice="`trailseal review list` names all of them.")
    stored = list(LogReader(connection, log).chosen(entries))
    bodies = [(one.index, body_of(one, REVIEW, Review)) for one in stored]
    (opening, opened), *after = bodies
    if opened.plan_entry is None or opened.reviewed is None or opened.population is None:
        raise IntegrityError(f"entry {opening} of log {log} opens no review: verify the ledger")
    sample = Members.read(opened.population.sample or "")
    misses = _misses(connection, log, review, size)
    looked = {entry for _, one in after if one.looked is not None for entry in Members.read(one.looked)}
    looked |= {one.miss.record for one in misses}
    last = next(((index, one) for index, one in reversed(after) if one.event is ReviewEvent.CONCLUDED), None)
    considered = max((index for index, one in after if one.event is ReviewEvent.RECONSIDERED), default=-1)
    concluded = None if last is None else last[0]
    return KnownReview(
        review=review,
        opening=opening,
        opened_at=decode_leaf(stored[0].leaf).logged_at,
        opened_by=opened.authority.actor,
        entries=tuple(entries),
        plan_entry=opened.plan_entry,
        plan=read_plan(connection, log, opened.plan_entry).plan,
        reviewed=opened.reviewed,
        population=opened.population,
        left=tuple(entry for entry in sample if entry not in looked),
        reasons={one.system: one.reason for _, one in after if one.system is not None},
        misses=misses,
        concluded=concluded,
        outcome=None if last is None else last[1].outcome,
        questions=()
        if concluded is None
        else tuple(_touching(connection, log, review, max(concluded, considered), size)),
    )


def names(
    connection: Connection,
    log: int,
    size: int | None = None,
    batch: str | None = None,
    before: int | None = None,
    limit: int = SHOWN,
) -> list[str]:
    """The reviews that were opened by a size, newest first: of a batch, before an entry."""
    row = t.review.c
    chosen = select(row.key).where(row.log == log, row.from_index == row.opening)
    chosen = chosen if batch is None else chosen.where(row.batch == batch)
    bounds = [bound for bound in (size, before) if bound is not None]
    chosen = chosen.where(row.from_index < min(bounds)) if bounds else chosen
    return list(connection.scalars(chosen.order_by(row.from_index.desc()).limit(limit)))


def concluded_reviews(connection: Connection, log: int) -> Iterator[KnownReview]:
    """The reviews that were concluded, newest first."""
    row = t.review.c
    chosen = select(row.key).distinct().where(row.log == log, row.event == ReviewEvent.CONCLUDED.value)
    for name in sorted(connection.scalars(chosen)):
        yield read_review(connection, log, name)


def _misses(connection: Connection, log: int, review: str, size: int | None) -> tuple[KnownMiss, ...]:
    return tuple(one for one in _all_misses(connection, log, -1, size) if one.miss.review == review)


def _touching(connection: Connection, log: int, review: str, after: int, size: int | None) -> Iterator[KnownMiss]:
    return (one for one in _all_misses(connection, log, after, size) if review in one.miss.touches)


def _all_misses(connection: Connection, log: int, after: int, size: int | None) -> Iterator[KnownMiss]:
    pos = t.rule_miss.c.pos
    high = pos_of(log + 1, 0) if size is None else pos_of(log, size)
    places = connection.scalars(select(pos).where(pos > pos_of(log, 0) + after, pos < high).order_by(pos)).all()
    for one in LogReader(connection, log).chosen(map(index_of, places)):
        yield KnownMiss(entry=one.index, miss=body_of(one, RULE_MISS, RuleMiss))
