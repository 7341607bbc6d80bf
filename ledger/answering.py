"""Answers whether a batch's audit trail review is complete: signed by the log's report key, and entered."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import IntegrityError
from ledger.core.hashing import b64
from ledger.core.review_answer import AnswerState, AnswerStatement, Reason, ReviewAnswer
from ledger.core.statement import sign_report
from ledger.review.reviews.answering import Answered, answered
from ledger.service import Service
from ledger.store.reading import LogReader
from ledger.trace.proven import ProvenLog


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, the signed note that says the same, and the entry by which it is kept."""

    entry: int
    statement: AnswerStatement
    note: str


def answer(service: Service, log: LogId, batch: str, authority: Authority) -> Given:
    """Answers for a batch as of now; durable once this returns.

    What it goes by is proven first under a checkpoint of now: where that fails, the answer is *unknown*.
    """
    now_us = service.clock.now_us()
    with service.store.reading() as connection:
        size = LogReader(connection, log.number).head().size
    try:
        service.publisher.publish(log)
        with service.store.reading() as connection:
            standing = service.standings.now(connection)
            found = answered(service.store, service.workflows.requests, connection, standing, log, batch, now_us)
            _prove(ProvenLog(connection, log.number, log.origin), found.rests_on)
    except IntegrityError as error:
        doubted = Reason(code="not-proven", what=f"{error.message}: verify the ledger")
        found = Answered(
            state=AnswerState.UNKNOWN, reasons=(doubted,), size=size, review=None, concluded=None, rests_on=()
        )
    with service.store.reading() as connection:
        root = LogReader(connection, log.number).root(found.size)
    statement = AnswerStatement(
        origin=log.origin,
        batch=batch,
        state=found.state,
        reasons=found.reasons,
        at=utc_text(now_us),
        size=found.size,
        root=b64(root),
        review=found.review,
        concluded=found.concluded,
    )
    note = sign_report(log.origin, msgspec.to_builtins(statement), service.keys.report_key(log.name))
    body = ReviewAnswer(
        batch=batch,
        state=found.state,
        reasons=found.reasons,
        size=found.size,
        review=found.review,
        sha256=b64(sha256(note).digest()),
        authority=authority,
    )
    entry = service.store.append_one(log.number, draft(body)).index
    return Given(entry=entry, statement=statement, note=note.decode())


def _prove(proven: ProvenLog, entries: Iterable[int]) -> None:
    """Raises IntegrityError, naming it, for one of these entries that does not hold; later ones are not there yet."""
    for index in entries:
        if index < proven.size:
            proven.entry(index)
