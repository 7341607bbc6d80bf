"""D25: an audit trail review was not signed by its due date, was done by who did the work, or is hollow.

What has to be reviewed by when, and what is hollow, the parameter `d25` says. A site judges it by a clock on the
reviewer only where it says so; else by the review: its reasons, and how its records were looked at. Whose the accounts
of the work are, the identity map says. Of several reviews of the same the one counts that was concluded last.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from ledger.core.clock import MICROSECONDS, parse_utc, utc_text
from ledger.core.parameters import ParameterName
from ledger.core.record import Action, LinkKind
from ledger.core.rule_parameters import D25
from ledger.core.system_class import SystemClass
from ledger.findings.kinds import Severity
from ledger.present.inert import one_line
from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.known.patterns import fits, types
from ledger.review.rules.conduct import Conclusion, Conduct, Conducts, accounts_of
from ledger.review.rules.known import Known
from ledger.review.rules.rule import About, Judged, Said, by_value, undated

_RELEASING: Final = (SystemClass.ERP, SystemClass.MES)


class ReviewHollow:
    """Examines what has to be reviewed."""

    about = About(
        id="D25",
        version=1,
        title="Review overdue or hollow",
        severity=Severity.MEDIUM,
        parameters=(ParameterName.SYSTEM,),
    )

    def examines(self, told: Told, known: Known) -> bool:
        value = known.value(told, D25)
        if value is None:
            return told.record.action is Action.APPROVE and known.is_of(told, _RELEASING)
        return fits(told.record, value.due)

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        # What has no signed review yet waits, or is found, and is looked at in each run.
        conducts = Conducts(known).since(known.low) if known.low else []
        batches = {one.reviewed.batch for one in conducts if one.reviewed.batch is not None}
        for source, value in known.of_sources(D25):
            of = Elsewhere((source,), types(value.due))
            yield from (entry for its in known.linking(LinkKind.BATCH, batches, of).values() for entry in its)
            for one in conducts:
                if one.reviewed.batch is None and source in (one.reviewed.sources or (source,)):
                    low, high = parse_utc(one.reviewed.from_at or ""), parse_utc(one.reviewed.to_at or "")
                    yield from (told.index for told in known.cases.told(of, low, high) if told.index in one.members)

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        return by_value(anchors, known, D25, _judged, undated)


class _Item(NamedTuple):
    """What is wrong with a review, in words."""

    why: str
    detail: str


def _judged(anchors: Sequence[Told], value: D25, known: Known) -> Iterator[Judged]:
    """Records of one parameter's value."""
    conducts = Conducts(known)
    for told in anchors:
        batches = told.ids(LinkKind.BATCH)
        said = [_said(told, batch, conducts.of_batch(batch), value, known) for batch in batches]
        said = said or [_said(told, None, conducts.over(told.index), value, known)]
        first = (Said.FINDING, Said.PENDING, Said.UNORDERED, Said.CLEAR)
        yield min(said, key=lambda one: first.index(one.said))


def _said(told: Told, batch: str | None, reviews: Sequence[Conduct], value: D25, known: Known) -> Judged:
    """What is said of the reviews of a batch, or else of those of the record's time."""
    at, due_us = told.index, value.due_s * MICROSECONDS
    low, high = told.about.low_us + due_us, told.about.high_us + due_us
    signed_us = min((one.signed_us for one in reviews if one.signed_us is not None), default=None)
    done_us = known.decided.at_us if signed_us is None else signed_us
    of = f"the audit trail review of {f'entry {at}' if batch is None else one_line(batch)}"
    items = [_Item("overdue", f"{of} was not signed by {utc_text(high)}")] if done_us > high else []
    concluded = [one for one in reviews if one.concluded is not None]
    if concluded:
        last = max(concluded, key=_concluded_us)
        items += _hollow(told, batch, last, value, known)
    if items:
        return Judged(at, Said.FINDING, items[0].why, (at,), "; ".join(one.detail for one in items))
    if signed_us is None:
        return Judged(at, Said.PENDING, "review")
    return Judged(at, Said.UNORDERED, "review-and-due-date") if signed_us > low else Judged(at, Said.CLEAR)


def _concluded_us(one: Conduct) -> int:
    return 0 if one.concluded is None else one.concluded.at_us


def _hollow(told: Told, batch: str | None, one: Conduct, value: D25, known: Known) -> Iterator[_Item]:
    """What makes a review that was concluded one that is none."""
    ended = one.concluded
    assert ended is not None
    own = _own(told, batch, ended, known)
    if own:
        yield _Item("own-work", f"{', '.join(map(one_line, own))} reviewed what they did themselves")
    if value.least_s is not None and ended.at_us - one.opened_us < value.least_s * MICROSECONDS:
        seconds = (ended.at_us - one.opened_us) // MICROSECONDS
        yield _Item("too-fast", f"it was concluded {seconds} s after it was opened")
    if value.same_words is not None and ended.findings >= value.same_words and len(ended.words) == 1:
        yield _Item("same-words", f"{ended.findings} findings were judged in the same words")
    if value.at_once is not None and one.at_once >= value.at_once:
        yield _Item("at-once", f"{one.at_once} records were said to be looked at with one entry")


def _own(told: Told, batch: str | None, ended: Conclusion, known: Known) -> list[str]:
    """Who reviewed what they did."""
    record = told.record
    accounts = [] if record.actor.account is None else [(record.source, record.actor.account)]
    performers = known.performers(accounts if batch is None else accounts_of(batch, known), told.about)
    return sorted(account for account in ended.by if performers.includes(account))


RULE: Final = ReviewHollow()
