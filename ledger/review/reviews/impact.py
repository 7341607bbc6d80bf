"""Reviews that rest on affected entries: by a record of their population, or by an entry of their own; and what was
answered of them.
"""

from collections.abc import Iterator

from sqlalchemy import select

from ledger.core.members import Members
from ledger.core.review import Review
from ledger.core.review_answer import ReviewAnswer
from ledger.findings.impact import Affected, Artefact, Reading
from ledger.review.reviews import tables as t
from ledger.store.position import index_of, pos_of


def impact(reading: Reading, affected: Affected) -> Iterator[Artefact]:
    """Each review of a log in the order in which they were opened, then each answer about one of these."""
    for log, members in sorted(affected.items()):
        found: dict[str, int] = {}
        for review, opening in _opened(reading, log):
            because = _first(reading, log, review, opening, members)
            if because is not None:
                found[review] = because
                at = reading.address(log, opening)
                yield Artefact(sort="review", id=review, at=at, because=reading.address(log, because))
        yield from _answers(reading, log, members, found)


def _opened(reading: Reading, log: int) -> list[tuple[str, int]]:
    row = t.review.c
    chosen = select(row.opening, row.key).distinct().where(row.log == log).order_by(row.opening)
    return [(review, opening) for opening, review in reading.connection.execute(chosen)]


def _first(reading: Reading, log: int, review: str, opening: int, members: Members) -> int | None:
    """The first affected entry that a review rests on."""
    row = t.review.c
    own = reading.connection.scalars(select(row.from_index).where(row.log == log, row.key == review)).all()
    entry = reading.entry(log, opening)
    population = entry.body.population if entry is not None and isinstance(entry.body, Review) else None
    records = Members() if population is None else Members.read(population.members)
    return next((index for index in (*records, *sorted(own)) if index in members), None)


def _answers(reading: Reading, log: int, members: Members, found: dict[str, int]) -> Iterator[Artefact]:
    pos = t.review_answer.c.pos
    chosen = select(pos).where(pos >= pos_of(log, 0), pos < pos_of(log + 1, 0)).order_by(pos)
    for index in map(index_of, reading.connection.scalars(chosen).all()):
        entry = reading.entry(log, index)
        body = entry.body if entry is not None and isinstance(entry.body, ReviewAnswer) else None
        because = index if index in members else None
        if because is None and body is not None and body.review is not None:
            because = found.get(body.review)
        if because is not None:
            at = reading.address(log, index)
            yield Artefact(sort="review-answer", id=at, at=at, because=reading.address(log, because))
