"""What is decided beside reviews, as pages list it: deferrals, deviations, answers, and what a site said beforehand."""

from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ledger.core.clock import parse_utc
from ledger.core.review_answer import AnswerState
from ledger.present.inert import one_line
from ledger.present.messages import message, number
from ledger.present.states import State
from ledger.present.times import Moment, moment
from ledger.review.reviews.answers import KnownAnswer
from ledger.review.reviews.deferrals import Deferred
from ledger.review.reviews.deviations import DeviationStands, Raised
from ledger.review.reviews.planning import KnownList, KnownPlan

_LONG: Final = 1000
REASONS: Final = 20
"""Reasons of an answer that are shown; its entry has all."""
_STATES: Final = {
    AnswerState.COMPLETE: State.HOLDS,
    AnswerState.DEFERRED: State.HOLDS,
    AnswerState.OPEN: State.FAILS,
    AnswerState.UNKNOWN: State.UNKNOWN,
}


class DeferralRow(msgspec.Struct, frozen=True, kw_only=True):
    """A deferral. `signs`: an approver's signature is open."""

    entry: int
    batch: str
    product: str
    findings: int
    scope: str
    risk: str
    by: str
    at: Moment
    until: Moment
    state: State
    words: str
    signed: tuple[str, ...]
    signs: bool


class DeviationRow(msgspec.Struct, frozen=True, kw_only=True):
    """A deviation that was raised from here; `told_by`: the entry of the record that says how it stands."""

    entry: int
    number: str
    title: str
    case: str
    findings: int
    by: str
    at: Moment
    state: State
    words: str
    told_by: int | None


class AnswerRow(msgspec.Struct, frozen=True, kw_only=True):
    """An answer about a batch, with its first reasons; `more`: how many there are besides."""

    entry: int
    batch: str
    at: Moment
    by: str
    size: int
    state: State
    words: str
    reasons: tuple[str, ...]
    more: int


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """A plan in words."""

    entry: int
    plan: str
    title: str
    what: str
    route: str
    samples: tuple[str, ...]
    state: State
    words: str


class ListRow(msgspec.Struct, frozen=True, kw_only=True):
    """Which systems have to contribute to the batches of a product."""

    entry: int
    product: str
    systems: str


def deferral_row(one: Deferred, now_us: int, zone: ZoneInfo) -> DeferralRow:
    """A deferral as it stands now."""
    body, until_us = one.deferral, parse_utc(one.deferral.expires_at)
    over = until_us <= now_us
    if one.in_force:
        state, words = State.HOLDS, "in-force"
    elif over:
        state, words = State.UNKNOWN, "over"
    else:
        state, words = State.UNKNOWN, "unsigned"
    return DeferralRow(
        entry=one.entry,
        batch=one_line(body.batch),
        product=message("deferrals.no-product") if body.product is None else one_line(body.product),
        findings=len(one.stands),
        scope=one_line(body.scope, _LONG),
        risk=one_line(body.risk, _LONG),
        by=one_line(one.by),
        at=moment(parse_utc(one.at), zone),
        until=moment(until_us, zone),
        state=state,
        words=message(f"deferrals.state.{words}"),
        signed=tuple(one_line(f"{given.name} ({given.account}): {given.text}", _LONG) for given in one.signed.given),
        signs=bool(one.signed.open) and not over,
    )


def deviation_row(one: Raised, stands: DeviationStands, zone: ZoneInfo) -> DeviationRow:
    """A deviation as the quality system's records say that it stands."""
    body = one.deviation
    if stands.status is None:
        state, words = State.UNKNOWN, message("deviations.state.unknown")
    else:
        state = State.HOLDS if stands.closed else State.FAILS
        key = "closed" if stands.closed else "open"
        words = message(f"deviations.state.{key}", status=one_line(stands.status))
    return DeviationRow(
        entry=one.entry,
        number=one_line(body.number),
        title=one_line(body.title, _LONG),
        case="" if body.case is None else one_line(body.case),
        findings=len(one.stands),
        by=one_line(one.by),
        at=moment(parse_utc(one.at), zone),
        state=state,
        words=words,
        told_by=stands.entry,
    )


def answer_row(one: KnownAnswer, zone: ZoneInfo) -> AnswerRow:
    """An answer as it was given."""
    body = one.answer
    return AnswerRow(
        entry=one.entry,
        batch=one_line(body.batch),
        at=moment(parse_utc(one.at), zone),
        by=one_line(body.authority.actor),
        size=body.size,
        state=_STATES[body.state],
        words=message(f"answers.state.{body.state.value}"),
        reasons=tuple(one_line(reason.what, _LONG) for reason in body.reasons[:REASONS]),
        more=max(0, len(body.reasons) - REASONS),
    )


def plan_row(one: KnownPlan) -> PlanRow:
    """A plan as it stands."""
    plan = one.plan
    sources = ", ".join(map(one_line, plan.sources)) or message("review.every-source")
    product = message("plans.every-product") if plan.product is None else one_line(plan.product)
    return PlanRow(
        entry=one.entry,
        plan=plan.plan,
        title=one_line(plan.title),
        what=message(f"plans.of.{plan.scope.value}", product=product, sources=sources),
        route=plan.route,
        samples=tuple(
            message("plans.sample", risk=depth.from_risk, count=number(depth.records)) for depth in plan.samples
        ),
        state=State.UNKNOWN if plan.retired else State.HOLDS,
        words=message("plans.state.retired" if plan.retired else "plans.state.used"),
    )


def list_row(one: KnownList) -> ListRow:
    """A list of systems as it stands."""
    product = message("plans.other-products") if one.list.product is None else one_line(one.list.product)
    return ListRow(entry=one.entry, product=product, systems=", ".join(map(one_line, one.list.systems)))
