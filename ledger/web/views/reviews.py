"""Reviews as pages show them: what they are of, where they stand, what is left to do."""

from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ledger.core.disposition import Judgement
from ledger.core.members import Members
from ledger.core.review import Outcome, Reviewed, Stratum, SystemSaid, SystemState
from ledger.core.workflow import RequestState
from ledger.present.messages import message
from ledger.present.states import State
from ledger.review.reviews.reading import KnownReview
from ledger.review.reviews.shown import FindingShown, ReviewShown
from ledger.web.views.when import instant_text

_SYSTEMS: Final = {
    SystemState.CONTRIBUTED: State.HOLDS,
    SystemState.SILENT: State.UNKNOWN,
    SystemState.NOT_CONNECTED: State.UNKNOWN,
}
STRETCHES: Final = 200
"""Stretches of entries to be looked at that are named at once."""


class ReviewLine(msgspec.Struct, frozen=True, kw_only=True):
    """A review in a line."""

    review: str
    what: str
    records: int
    opened_at: str
    opened_by: str
    opening: int
    state: State
    words: str


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A finding and what was decided of it; `held`: whether that is enough for the review to be concluded."""

    key: str
    entry: int
    entries: tuple[int, ...]
    rule: str
    severity: str
    detail: str
    state: State
    decided: str
    beside: tuple[str, ...]


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule said of the population."""

    words: str
    counts: tuple[int, ...]


class SystemRow(msgspec.Struct, frozen=True, kw_only=True):
    """A listed system."""

    system: str
    state: State
    words: str
    instead: str


class ReviewView(msgspec.Struct, frozen=True, kw_only=True):
    """A review with all that its page shows. `carried_by`: validated rules, each with the entry that says so. `left`:
    the first stretches of entries to be looked at, first and last of each; `more_left`: how many more there are.
    """

    line: ReviewLine
    known: KnownReview
    carried_by: tuple[tuple[str, int], ...]
    findings: tuple[FindingRow, ...]
    strata: tuple[str, ...]
    left: tuple[tuple[int, int], ...]
    more_left: int
    misses: tuple[str, ...]
    questions: tuple[str, ...]
    rules: tuple[RuleRow, ...]
    systems: tuple[SystemRow, ...]
    unknown: tuple[str, ...]
    requests: tuple[str, ...]


def line_of(known: KnownReview, zone: ZoneInfo, states: tuple[RequestState, ...] = ()) -> ReviewLine:
    """A review in a line, its times in `zone`; `states`: of the requests for signatures over its conclusion."""
    if known.concluded is None:
        state, words = State.UNKNOWN, "open"
    elif known.questions:
        state, words = State.FAILS, "question"
    elif RequestState.COMPLETED in states:
        state, words = State.HOLDS, "signed"
    elif not states or RequestState.OPEN in states:
        state, words = State.UNKNOWN, "asked"
    else:
        state, words = State.FAILS, "ended"
    return ReviewLine(
        review=known.review,
        what=_what(known.reviewed, zone),
        records=known.population.records,
        opened_at=instant_text(known.opened_at, zone),
        opened_by=known.opened_by,
        opening=known.opening,
        state=state,
        words=message(f"review.state.{words}"),
    )


def review_view(shown: ReviewShown, zone: ZoneInfo) -> ReviewView:
    """The view of a review's page, all its times in the site's `zone`."""
    known, outcome = shown.review, shown.review.outcome
    left = list(Members.of(known.left).runs())
    return ReviewView(
        line=line_of(known, zone, tuple(one.state for one in shown.requests)),
        known=known,
        carried_by=tuple(
            (message("review.carried-by", rule=one.rule, version=one.version), one.entry)
            for one in known.population.carried_by
        ),
        findings=tuple(_finding(one, zone) for one in shown.findings),
        strata=tuple(_stratum(one) for one in known.population.strata),
        left=tuple(left[:STRETCHES]),
        more_left=max(0, len(left) - STRETCHES),
        misses=tuple(
            message(
                "review.missed.of",
                rule=one.miss.rule or message("review.missed.any"),
                record=one.miss.record,
                what=one.miss.what,
            )
            for one in known.misses
        ),
        questions=tuple(one.miss.what for one in known.questions),
        rules=() if outcome is None else _rules(outcome),
        systems=() if outcome is None else tuple(_system(one) for one in outcome.systems),
        unknown=()
        if outcome is None
        else tuple(
            message(
                "review.unknown.of",
                source=one.source,
                low=instant_text(one.from_at, zone),
                high=instant_text(one.to_at, zone),
                state=one.state,
            )
            for one in outcome.unknown
        ),
        requests=tuple(one.request for one in shown.requests),
    )


def _what(of: Reviewed, zone: ZoneInfo) -> str:
    if of.batch is not None:
        return message("review.batch", batch=of.batch)
    sources = ", ".join(of.sources) or message("review.every-source")
    low, high = (instant_text(at or "", zone) for at in (of.from_at, of.to_at))
    return message("review.period", sources=sources, low=low, high=high)


def _stratum(one: Stratum) -> str:
    risk = message("review.risk.none") if one.risk is None else message("review.risk", risk=one.risk)
    said = message(
        "review.sample.of", drawn=one.drawn, unflagged=one.unflagged, type=one.type, source=one.source, risk=risk
    )
    return f"{said}; {message('review.uncarried.of', count=one.uncarried)}" if one.uncarried else said


def _finding(one: FindingShown, zone: ZoneInfo) -> FindingRow:
    finding, given = one.finding, one.disposition
    state, decided, beside = State.UNKNOWN, message("review.undecided"), list[str]()
    if given is not None:
        body = given.disposition
        confirmed = body.judgement is Judgement.CONFIRMED
        closed = bool(one.deviations or body.capa) and all(deviation.closed for deviation in one.deviations)
        state = State.HOLDS if not confirmed or closed else State.FAILS
        decided = message(f"review.judgement.{body.judgement.value}")
        beside.append(message("review.by", account=given.by, reason=body.reason))
        if body.case is not None:
            beside.append(message("review.case", case=body.case))
        if body.capa is not None:
            beside.append(f"CAPA {body.capa}")
    for deviation in one.deviations:
        key = "review.deviation.closed" if deviation.closed else "review.deviation"
        beside.append(message(key, number=deviation.number))
    if one.deferral is not None:
        beside.append(message("review.deferred", until=instant_text(one.deferral.deferral.expires_at, zone)))
    if one.suppressed is not None:
        until = instant_text(one.suppressed.until, zone)
        beside.append(message("review.suppressed", until=until, reason=one.suppressed.reason))
    return FindingRow(
        key=finding.key,
        entry=one.entry,
        entries=finding.entries,
        rule=finding.rule,
        severity=finding.severity.value,
        detail=finding.detail or finding.why,
        state=state,
        decided=decided,
        beside=tuple(beside),
    )


def _rules(outcome: Outcome) -> tuple[RuleRow, ...]:
    found = []
    for one in outcome.rules:
        key = "review.rule.validated" if one.rule in outcome.validated else "review.rule.informs"
        lacking = sum(of.records for of in one.lacking)
        counts = (one.examined, one.clear, one.explained, one.findings, one.pending, one.unordered, lacking)
        found.append(RuleRow(words=message(key, rule=one.rule, version=one.version), counts=counts))
    return tuple(found)


def _system(one: SystemSaid) -> SystemRow:
    words = message(f"review.system.{one.state.value}", count=one.records)
    return SystemRow(system=one.system, state=_SYSTEMS[one.state], words=words, instead=one.instead or "")
