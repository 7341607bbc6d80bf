"""Projectors of reviews and of what is decided of findings."""

from collections.abc import Iterable

from ledger.core.clock import parse_utc
from ledger.core.disposition import Deferral, Deviation, Disposition
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Row, Valid
from ledger.core.review import ContributingList, Review, ReviewPlan, RuleMiss
from ledger.core.review_answer import ReviewAnswer
from ledger.review.reviews import tables as t
from ledger.review.reviews.planning import ANY_PRODUCT
from ledger.store.position import pos_of


class DispositionProjector:
    """How each finding was judged last."""

    name = "disposition"
    version = 1
    kinds = frozenset({"disposition"})
    table = t.disposition.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: Disposition = entry.body
        for key in one.findings:
            yield Valid(key, (one.judgement.value, one.case))


class ContributingProjector:
    """The list of each product."""

    name = "contributing-list"
    version = 1
    kinds = frozenset({"contributing-list"})
    table = t.contributing_list.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: ContributingList = entry.body
        yield Valid(ANY_PRODUCT if one.product is None else one.product, (len(one.systems),))


class PlanProjector:
    """Each plan."""

    name = "review-plan"
    version = 1
    kinds = frozenset({"review-plan"})
    table = t.review_plan.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: ReviewPlan = entry.body
        yield Valid(one.plan, (int(one.retired),))


class ReviewProjector:
    """What happened in each review last; the rows before tell the entries of all that happened."""

    name = "review"
    version = 1
    kinds = frozenset({"review"})
    table = t.review.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: Review = entry.body
        opening = entry.index if one.opening is None else one.opening
        batch = None if one.reviewed is None else one.reviewed.batch
        yield Valid(one.review, (one.event.value, opening, batch))


class MissProjector:
    """One row a miss."""

    name = "rule-miss"
    version = 1
    kinds = frozenset({"rule-miss"})
    tables = (t.rule_miss.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        one: RuleMiss = entry.body
        yield t.rule_miss.name, (pos_of(entry.log, entry.index), one.review, one.rule, one.record)


class DeferralProjector:
    """For which batch each finding was deferred last."""

    name = "deferral"
    version = 1
    kinds = frozenset({"deferral"})
    table = t.deferral.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: Deferral = entry.body
        for key in one.findings:
            yield Valid(key, (one.batch, one.product, parse_utc(one.expires_at)))


class DeviationProjector:
    """The deviation that was raised for each finding last."""

    name = "deviation"
    version = 1
    kinds = frozenset({"deviation"})
    table = t.deviation.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: Deviation = entry.body
        for key in one.findings:
            yield Valid(key, (one.source, one.number))


class AnswerProjector:
    """One row an answer."""

    name = "review-answer"
    version = 1
    kinds = frozenset({"review-answer"})
    tables = (t.review_answer.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        one: ReviewAnswer = entry.body
        yield t.review_answer.name, (pos_of(entry.log, entry.index), one.batch, one.state.value)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return (
        DispositionProjector(),
        ContributingProjector(),
        PlanProjector(),
        ReviewProjector(),
        MissProjector(),
        DeferralProjector(),
        DeviationProjector(),
        AnswerProjector(),
    )
