"""Whether the audit trail review of a batch is complete: told by the entries, as of a size and a moment."""

from collections.abc import Iterator, Mapping

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.disposition import Judgement
from ledger.core.members import Members
from ledger.core.record import LinkKind
from ledger.core.review import Reviewed
from ledger.core.review_answer import AnswerState, Reason
from ledger.core.workflow import RequestState
from ledger.findings.kinds import RuleFinding
from ledger.integrity.incidents.standing import Standing, doubted
from ledger.review.reviews.deferrals import Deferred, in_force
from ledger.review.reviews.deviations import Raised, numbers_of, raised, stands
from ledger.review.reviews.dispositions import Disposed, judged
from ledger.review.reviews.population import Flagged, flagged, members_of, passed
from ledger.review.reviews.reading import KnownReview, names, read_review
from ledger.signing.requests import Requests
from ledger.store.reading import LogReader
from ledger.store.store import Store

MOST_REASONS = 1000


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, why, of which review, and which entries of the log it goes by, apart from the batch's records."""

    state: AnswerState
    reasons: tuple[Reason, ...]
    size: int
    review: str | None
    concluded: int | None
    rests_on: tuple[int, ...]


def answered(
    store: Store, requests: Requests, connection: Connection, standing: Standing, log: LogId, batch: str, now_us: int
) -> Answered:
    """How the newest review of a batch stands now.

    Unknown comes before open, that before deferred: what is open for any reason is neither deferred nor complete.
    """
    number = log.number
    size = LogReader(connection, number).head().size
    members = members_of(connection, number, size, Reviewed(batch=batch))
    case = standing.of_link(number, LinkKind.BATCH.value, batch) or doubted(standing, number, members)
    found = names(connection, number, batch=batch, limit=1)
    known = read_review(connection, number, found[0]) if found else None

    decided = _Decided(store, connection, log, batch, members, size, now_us)
    rests_on = {*decided.entries, *(() if known is None else known.entries)}

    def told(state: AnswerState, *reasons: Reason) -> Answered:
        return Answered(
            state=state,
            reasons=reasons[:MOST_REASONS],
            size=size,
            review=None if known is None else known.review,
            concluded=None if known is None else known.concluded,
            rests_on=tuple(sorted(rests_on)),
        )

    if case is not None:
        return told(AnswerState.UNKNOWN, _because("incident", f"integrity incident {case} doubts what this rests on"))
    if not members:
        return told(AnswerState.UNKNOWN, _because("no-records", f"there is no record of batch {batch}"))
    if known is None:
        return told(AnswerState.OPEN, _because("no-review", "no review of this batch was opened"))
    open_ = [*_of_review(requests, connection, log, known, members), *decided.open()]
    if open_:
        return told(AnswerState.OPEN, *open_)
    deferred = list(decided.waiting())
    return told(AnswerState.DEFERRED if deferred else AnswerState.COMPLETE, *deferred)


def _of_review(
    requests: Requests, connection: Connection, log: LogId, known: KnownReview, members: Members
) -> Iterator[Reason]:
    then = Members.read(known.population.members)
    came = sum(1 for entry in members if entry not in then)
    if came:
        yield _because("records-since", f"{came} records of the batch came after review {known.review} was opened")
    for miss in known.questions:
        yield _because("rule-miss", f"entry {miss.entry} tells what a rule missed, and nobody has considered it yet")
    if known.concluded is None:
        yield _because("not-concluded", f"review {known.review} is not concluded")
        return
    states = [one.progress.state for one in requests.over(connection, log.origin, known.concluded)]
    if RequestState.COMPLETED not in states:
        last = states[-1].value if states else "not asked for"
        yield _because("not-signed", f"the signatures over entry {known.concluded} are {last}")


class _Decided:
    """What was decided of the findings of a batch."""

    def __init__(
        self, store: Store, connection: Connection, log: LogId, batch: str, members: Members, size: int, now_us: int
    ) -> None:
        self._connection, self._log, self._size = connection, log.number, size
        self._findings: Mapping[str, Flagged] = flagged(connection, log.number, size, members)
        self._judged: Mapping[str, Disposed] = judged(connection, log.number, self._findings, size)
        self._deferred: Mapping[str, Deferred] = in_force(store, connection, log, self._findings, now_us, batch)
        self._passed = passed(connection, log.number, size, self._findings, now_us)
        self._raised: list[Raised] = raised(connection, log.number, self._findings, size)

    @property
    def entries(self) -> Iterator[int]:
        """The entries that say so."""
        for decided in (self._findings, self._judged, self._deferred, self._passed):
            yield from (one.entry for one in decided.values())
        yield from (one.entry for one in self._raised)

    def open(self) -> Iterator[Reason]:
        """What is neither decided nor deferred."""
        for key, one in self._findings.items():
            if key not in self._deferred and key not in self._passed:
                yield from self._lacks(key, one.finding)

    def waiting(self) -> Iterator[Reason]:
        """What would be open, were it not deferred."""
        for key, one in self._findings.items():
            held = self._deferred.get(key)
            if held is not None and any(self._lacks(key, one.finding)):
                until = held.deferral.expires_at
                yield _because("deferred", f"{_named(one.finding)} is deferred by entry {held.entry} until {until}")

    def _lacks(self, key: str, finding: RuleFinding) -> Iterator[Reason]:
        disposition = self._judged.get(key)
        if disposition is None:
            yield _because("finding-open", f"nobody has judged {_named(finding)}")
            return
        if disposition.disposition.judgement is not Judgement.CONFIRMED:
            return
        numbers = numbers_of(key, disposition, self._raised)
        if not numbers and disposition.disposition.capa is None:
            yield _because("no-deviation", f"{_named(finding)} is confirmed, and no deviation or CAPA is named")
        for source, number in numbers:
            how = stands(self._connection, self._log, self._size, number, source)
            if not how.closed:
                said = "its status is not known here" if how.status is None else f"its status is {how.status}"
                yield _because("deviation-open", f"deviation {number} of {_named(finding)} is not closed: {said}")


def _named(finding: RuleFinding) -> str:
    return f"a finding of rule {finding.rule} on entry {finding.anchor}"


def _because(code: str, what: str) -> Reason:
    return Reason(code=code, what=what)
