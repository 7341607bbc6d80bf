"""What people entered by hand, and exclusions, as lists; and what a form says, as the ledger takes it."""

from collections.abc import Callable, Iterable
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ledger.core.clock import parse_utc
from ledger.core.errors import SchemaViolation
from ledger.core.members import Members
from ledger.core.record import Action, Change, Link, LinkBasis, LinkKind, Outcome, Target
from ledger.core.times import parse_source_time
from ledger.people.access import Caller, Scope
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.sentences import disposed_sentence, record_sentence
from ledger.present.states import State
from ledger.present.times import Moment, moment
from ledger.present.values import Pieces
from ledger.sources.exclusions import Excluded
from ledger.sources.hand_kinds import HandPaper, HandSort, HandState
from ledger.sources.hand_marks import excluded_told
from ledger.sources.hands import KnownHand, NewHand

FIELDS: Final = (
    "source", "object_type", "object_id", "action", "occurred_at", "outcome", "done_by", "attribute", "old", "new",
    "unit", "link_kind", "link_id", "stated_reason", "paper_id", "paper_title", "paper_place", "paper_page",
    "corrects", "out_of_range", "reason",
)  # fmt: skip
_STATES: Final = {
    HandState.ENTERED: State.UNKNOWN,
    HandState.TO_CHECK: State.UNKNOWN,
    HandState.CHECKED: State.HOLDS,
    HandState.REFUSED: State.FAILS,
}
_RUNS_SHOWN: Final = 10


class HandRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was entered by hand, and how it stands; `checks`: I may say whether it agrees. `beyond`: that a value lies
    outside its range, and why it is right.
    """

    hand: str
    index: int
    sentence: Pieces
    sort: str
    state: State
    words: str
    why: str
    beyond: str
    check: str
    paper: str
    corrects: str
    entered: Moment
    checks: bool


class ExclusionRow(msgspec.Struct, frozen=True, kw_only=True):
    """An exclusion: the entries that it is of (`runs`: first and last, `more` of them not shown), who, and why.

    `lifts`: I may have them count again.
    """

    exclusion: str
    words: str
    by: str
    at: Moment
    count: int
    runs: tuple[tuple[int, int], ...]
    more: int
    entry: int
    lifted: int | None
    lifts: bool


def hand_rows(found: Iterable[KnownHand], log: str, caller: Caller, zone: ZoneInfo) -> tuple[HandRow, ...]:
    """The rows of a log's list, for this caller."""
    enters = caller.allows(Scope.ENTER, log)
    return tuple(
        HandRow(
            hand=one.hand,
            index=one.index,
            sentence=disposed_sentence() if one.record is None else record_sentence(one.record),
            sort=message(f"hand.sort.{one.sort.value}"),
            state=_STATES[one.state],
            words=message(f"hand.state.{one.state.value}", by=one.entered_by, other=one.checked_by or ""),
            why=one_line(one.reason),
            beyond="" if one.out_of_range is None else message("hands.beyond", why=one_line(one.out_of_range)),
            check=one_line(one.check_reason or ""),
            paper="" if one.paper is None else _paper_words(one.paper),
            corrects=one.corrects or "",
            entered=moment(parse_utc(one.entered_at), zone),
            checks=enters and one.checked_by is None and one.entered_by != caller.account,
        )
        for one in found
    )


def exclusion_rows(found: Iterable[Excluded], log: str, caller: Caller, zone: ZoneInfo) -> tuple[ExclusionRow, ...]:
    """The rows of a log's list, for this caller."""
    reviews = caller.allows(Scope.REVIEW, log)
    return tuple(_exclusion(one, reviews, zone) for one in found)


def _exclusion(one: Excluded, reviews: bool, zone: ZoneInfo) -> ExclusionRow:
    runs = tuple(Members.read(one.members).runs())
    return ExclusionRow(
        exclusion=one.exclusion,
        words=excluded_told(one),
        by=one.excluded.by,
        at=moment(parse_utc(one.excluded.at), zone),
        count=one.count,
        runs=runs[:_RUNS_SHOWN],
        more=max(0, len(runs) - _RUNS_SHOWN),
        entry=one.excluded.entry,
        lifted=None if one.lifted is None else one.lifted.entry,
        lifts=reviews and one.lifted is None,
    )


def _paper_words(paper: HandPaper) -> str:
    page = () if paper.page is None else (message("hand.page", page=paper.page),)
    return one_line(", ".join((paper.title, paper.id, *page, paper.place)))


def typed_hand(sort: HandSort, field: Callable[[str], str], zone: ZoneInfo) -> NewHand:
    """What a form says, its time in the site's zone; raises SchemaViolation for what is no choice of the form."""
    typed = {name: field(name).strip() for name in FIELDS}
    try:
        action, outcome = Action(typed["action"]), Outcome(typed["outcome"])
        kind = LinkKind(typed["link_kind"]) if typed["link_id"] else None
    except ValueError:
        raise SchemaViolation(message("hand.no-choice"), advice=message("hand.no-choice.advice")) from None
    changes: tuple[Change, ...] = ()
    if typed["attribute"]:
        change = Change(
            attribute=typed["attribute"],
            old=typed["old"] or msgspec.UNSET,
            new=typed["new"] or msgspec.UNSET,
            unit=typed["unit"] or None,
        )
        changes = (change,)
    paper = HandPaper(
        id=typed["paper_id"],
        title=typed["paper_title"],
        place=typed["paper_place"],
        page=typed["paper_page"] or None,
    )
    return NewHand(
        sort=sort,
        object=Target(type=typed["object_type"], id=typed["object_id"]),
        action=action,
        occurred_at=parse_source_time(typed["occurred_at"], zone.key),
        reason=typed["reason"],
        source=typed["source"] or None,
        done_by=typed["done_by"] or None,
        stated_reason=typed["stated_reason"] or None,
        outcome=outcome,
        changes=changes,
        links=() if kind is None else (Link(kind=kind, id=typed["link_id"], basis=LinkBasis.READ),),
        paper=paper if sort is HandSort.PAPER else None,
        corrects=typed["corrects"] or None if sort is HandSort.CORRECTION else None,
        out_of_range=typed["out_of_range"] or None,
    )
