"""Reviews of audit trails over HTTP: opened by a plan, looked at, concluded; and the answer about a batch."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.answering import Given, answer
from ledger.api.context import Context
from ledger.api.fields import LogName, Word, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason, Why
from ledger.api.placed import AsOf, Limit
from ledger.api.problems import declared
from ledger.api.searching import Before
from ledger.core.review import Reviewed
from ledger.core.workflow import PlainName
from ledger.people.access import Scope, allow
from ledger.review.reviews.reading import KnownReview, names, read_review
from ledger.review.reviews.shown import ReviewShown, show
from ledger.sources.map_files import instant
from ledger.store.as_of import as_of
from ledger.store.position import MAX_INDEX

ReviewPath = Annotated[str, PathParameter(description="A review, by its id.", max_length=100)]
Batch = Annotated[str, QueryParameter(description="The batch, as records name it.", min_length=1, max_length=512)]
Member = Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Moment = Annotated[str, msgspec.Meta(max_length=40)]


class ToReview(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which plan, and what: a batch, or a period (instants with their offset)."""

    plan: PlainName
    reason: Reason
    batch: Name | None = None
    from_at: Moment | None = None
    to_at: Moment | None = None


class Looked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records of the sample, by their entries, in which a rule should have found nothing, and how that was seen."""

    entries: Annotated[tuple[Member, ...], msgspec.Meta(min_length=1, max_length=10_000)]
    reason: Reason


class Missed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record of the sample in which a rule should have found something, and what; null: what no rule looks for."""

    record: Member
    what: Reason
    rule: Name | None = None


class SystemReason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is in order that a listed system contributed nothing."""

    system: Name
    reason: Reason


class ReviewsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of reviews as of `size`, newest first. `next_before` as `before` goes on; null: this was the last."""

    log: str
    size: int
    reviews: list[KnownReview]
    next_before: int | None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_reviews(
    context: NamedDependency[Context],
    log: LogName,
    batch: Word = None,
    size: AsOf = None,
    before: Before = None,
    limit: Limit = 50,
) -> ReviewsAnswer:
    """The reviews, those of a batch alone if one is named."""
    without_nul(batch=batch)

    def read() -> ReviewsAnswer:
        chosen = context.record_log(log).log
        with context.service.store.reader(chosen.number) as reader:
            at = as_of(reader, chosen, size)
            found = names(reader.connection, chosen.number, at, batch, before, limit + 1)
            reviews = [read_review(reader.connection, chosen.number, name, at) for name in found[:limit]]
        more = reviews[-1].opening if len(found) > limit else None
        return ReviewsAnswer(log=chosen.name, size=at, reviews=reviews, next_before=more)

    return await context.lanes.read(read)


@post("/", opt=allow(Scope.REVIEW), responses=declared(409))
async def open_review(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, data: JSONBody[ToReview]
) -> KnownReview:
    """Opens a review of all records of a batch, or of a period, as they are now, and draws its sample.

    400 where there is no record. A later review of the same batch counts in place of an earlier one.
    """
    no_nul_in(data)
    from_at, to_at = (None if text is None else instant(text, None) for text in (data.from_at, data.to_at))
    of = Reviewed(batch=data.batch, from_at=from_at, to_at=to_at)
    by, reviews = request.user.authority, context.service.reviews
    return await context.lanes.append(lambda: reviews.open(context.record_log(log).log, data.plan, of, data.reason, by))


@get("/answer", opt=allow(Scope.READ), responses=declared())
async def answer_batch(context: NamedDependency[Context], request: CallerRequest, log: LogName, batch: Batch) -> Given:
    """Whether the audit trail review of a batch is complete, open, deferred or unknown, and why.

    `note` says the same, signed by the log's report key. Each answer is kept as an entry. It certifies and releases
    nothing.
    """
    without_nul(batch=batch)
    service, by = context.service, request.user.authority
    return await context.lanes.append(lambda: answer(service, context.record_log(log).log, batch, by))


@get("/{review:str}", opt=allow(Scope.READ), responses=declared())
async def one_review(
    context: NamedDependency[Context], log: LogName, review: ReviewPath, size: AsOf = None
) -> ReviewShown:
    """A review with the findings about its records, what was decided of them, and its signing requests."""
    without_nul(review=review)
    service = context.service

    def read() -> ReviewShown:
        chosen = context.record_log(log).log
        with service.store.reader(chosen.number) as reader:
            at = as_of(reader, chosen, size)
            return show(service.store, service.workflows.requests, reader.connection, chosen, review, at)

    return await context.lanes.read(read)


@post("/{review:str}/looks", opt=allow(Scope.REVIEW), responses=declared(409))
async def look(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, review: ReviewPath, data: JSONBody[Looked]
) -> KnownReview:
    """Somebody looked at records of the sample. 409 once the review was concluded."""
    without_nul(review=review)
    no_nul_in(data)
    by, reviews = request.user.authority, context.service.reviews
    return await context.lanes.append(
        lambda: reviews.look(context.record_log(log).log, review, data.entries, data.reason, by)
    )


@post("/{review:str}/misses", opt=allow(Scope.REVIEW), responses=declared(409))
async def missed(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, review: ReviewPath, data: JSONBody[Missed]
) -> KnownReview:
    """A record of the sample shows what a rule should have found. Reviews that were concluded before, and that this
    puts in question, are named in its entry.
    """
    without_nul(review=review)
    no_nul_in(data)
    by, reviews = request.user.authority, context.service.reviews
    return await context.lanes.append(
        lambda: reviews.missed(context.record_log(log).log, review, data.record, data.rule, data.what, by)
    )


@post("/{review:str}/reasons", opt=allow(Scope.REVIEW), responses=declared(409))
async def give_reason(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    review: ReviewPath,
    data: JSONBody[SystemReason],
) -> KnownReview:
    """Says why it is in order that a listed system contributed nothing."""
    without_nul(review=review)
    no_nul_in(data)
    by, reviews = request.user.authority, context.service.reviews
    return await context.lanes.append(
        lambda: reviews.give_reason(context.record_log(log).log, review, data.system, data.reason, by)
    )


@post("/{review:str}/conclusion", opt=allow(Scope.REVIEW), responses=declared(409))
async def conclude(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, review: ReviewPath, data: JSONBody[Why]
) -> KnownReview:
    """Concludes the review, and asks for the signatures of its plan's route. 409 names what is open, or the entry
    that concluded it before.
    """
    without_nul(review=review)
    no_nul_in(data)
    by, reviews = request.user.authority, context.service.reviews
    return await context.lanes.append(lambda: reviews.conclude(context.record_log(log).log, review, data.reason, by))


@post("/{review:str}/reconsideration", opt=allow(Scope.REVIEW), responses=declared(409))
async def reconsider(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, review: ReviewPath, data: JSONBody[Why]
) -> KnownReview:
    """Says why what rules missed, as was found since, changes nothing of what a concluded review came to."""
    without_nul(review=review)
    no_nul_in(data)
    by, reviews = request.user.authority, context.service.reviews
    return await context.lanes.append(lambda: reviews.reconsider(context.record_log(log).log, review, data.reason, by))


router = Router(
    "/logs/{log:str}/reviews",
    route_handlers=[
        list_reviews,
        open_review,
        answer_batch,
        one_review,
        look,
        missed,
        give_reason,
        conclude,
        reconsider,
    ],
    tags=["reviews"],
)
