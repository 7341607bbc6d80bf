"""A review as it is shown: with the findings about its records, what was decided of them, and who is asked to sign."""

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.members import Members
from ledger.core.workflow import RequestState
from ledger.findings.kinds import RuleFinding
from ledger.review.life.suppressions import Suppressing
from ledger.review.reviews.deferrals import Deferred, in_force
from ledger.review.reviews.deviations import DeviationStands, numbers_of, raised, stands
from ledger.review.reviews.dispositions import Disposed, judged
from ledger.review.reviews.population import flagged, passed
from ledger.review.reviews.reading import KnownReview, read_review
from ledger.signing.requests import Requests
from ledger.store.store import Store


class FindingShown(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that stands by `entry`, its disposition, the deferral that is in force, if any, and its deviations."""

    entry: int
    finding: RuleFinding
    disposition: Disposed | None
    deferral: Deferred | None
    suppressed: Suppressing | None
    deviations: tuple[DeviationStands, ...]


class RequestShown(msgspec.Struct, frozen=True, kw_only=True):
    """A request for the signatures over the entry that concluded the review."""

    request: str
    state: RequestState


class ReviewShown(msgspec.Struct, frozen=True, kw_only=True):
    """A review and its findings as of a size. `sample`: entries that were drawn; null: none."""

    review: KnownReview
    sample: tuple[int, ...]
    findings: tuple[FindingShown, ...]
    requests: tuple[RequestShown, ...]


def show(store: Store, requests: Requests, connection: Connection, log: LogId, review: str, size: int) -> ReviewShown:
    """A review as of a size of its log; deferrals and requests as of now. Raises NotFound."""
    known = read_review(connection, log.number, review, size)
    found = flagged(connection, log.number, size, Members.read(known.population.members))
    dispositions = judged(connection, log.number, found, size)
    deferred = in_force(store, connection, log, found, store.clock.now_us())
    past = passed(connection, log.number, size, found, store.clock.now_us())
    known_raised = raised(connection, log.number, found, size)
    return ReviewShown(
        review=known,
        sample=tuple(Members.read(known.population.sample or "")),
        findings=tuple(
            FindingShown(
                entry=one.entry,
                finding=one.finding,
                disposition=dispositions.get(key),
                deferral=deferred.get(key),
                suppressed=past.get(key),
                deviations=tuple(
                    stands(connection, log.number, size, number, source)
                    for source, number in numbers_of(key, dispositions.get(key), known_raised)
                ),
            )
            for key, one in found.items()
        ),
        requests=_asked(requests, connection, log, known),
    )


def requests_over(
    requests: Requests, connection: Connection, log: LogId, known: KnownReview
) -> tuple[RequestState, ...]:
    """The states of the requests for the signatures over a review's conclusion."""
    return tuple(one.state for one in _asked(requests, connection, log, known))


def _asked(requests: Requests, connection: Connection, log: LogId, known: KnownReview) -> tuple[RequestShown, ...]:
    if known.concluded is None:
        return ()
    found = requests.over(connection, log.origin, known.concluded)
    return tuple(RequestShown(request=one.request.request, state=one.progress.state) for one in found)
