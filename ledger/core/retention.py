"""How long an entry is kept at least: classes, rules, and when a record's retention ends, from events alone.

Nothing here looks at a clock: whether that day is over, only witnessed or time-stamped time says.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from ledger.core.record import Digest, LinkKind
from ledger.core.times import SafeInt

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
LAST_YEAR: Final = 9999


class RetentionClass(StrEnum):
    """Named at the kind (Trailseal's own entries) and at the source (records); the periods are rules.

    `PERMANENT` is never disposable: kinds that describe Trailseal itself.
    """

    PERMANENT = "permanent"
    BATCH = "batch"
    TRIAL = "trial"
    """Batches of investigational products."""
    EQUIPMENT = "equipment"
    VALIDATION = "validation"
    OPERATIONAL = "operational"


class RetentionEvent(StrEnum):
    """What a period runs from. All but `LOGGED` are facts that somebody enters about a subject, often years later."""

    LOGGED = "logged"
    """The record itself was logged: known of every one."""
    BATCH_EXPIRY = "batch-expiry"
    CERTIFICATION = "certification"
    """The batch was certified, or its certification refused."""
    TRIAL_END = "trial-end"
    """The last clinical trial in which the batch was used was completed or formally discontinued."""
    EQUIPMENT_RETIRED = "equipment-retired"
    VALIDATION_ENDED = "validation-ended"
    """What was validated is in use no more."""


SUBJECTS: Final[Mapping[RetentionEvent, frozenset[LinkKind]]] = {
    RetentionEvent.BATCH_EXPIRY: frozenset({LinkKind.BATCH, LinkKind.LOT}),
    RetentionEvent.CERTIFICATION: frozenset({LinkKind.BATCH, LinkKind.LOT}),
    RetentionEvent.TRIAL_END: frozenset({LinkKind.BATCH, LinkKind.LOT}),
    RetentionEvent.EQUIPMENT_RETIRED: frozenset({LinkKind.EQUIPMENT}),
    RetentionEvent.VALIDATION_ENDED: frozenset({LinkKind.EQUIPMENT, LinkKind.RECIPE, LinkKind.CHANGE_REQUEST}),
}
"""What an event happens to: the kinds of a record's links that it is looked up by."""


class Term(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """At least so long from an event on."""

    event: RetentionEvent
    years: Annotated[int, msgspec.Meta(ge=0, le=200)] = 0
    months: Annotated[int, msgspec.Meta(ge=0, le=2400)] = 0
    days: Annotated[int, msgspec.Meta(ge=0, le=73_000)] = 0


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of a class: each has to be over. `entry`: the entry that confirmed it; None where it is built in."""

    retention: RetentionClass
    terms: tuple[Term, ...]
    entry: int | None = None


class Subject(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """What a fact is about: a batch, a piece of equipment, …; as a record's link names it."""

    kind: LinkKind
    id: str


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """When an event happened to its subject; `entry` of the system log says so."""

    at_us: int
    entry: int


Facts = Mapping[tuple[Subject, RetentionEvent], Fact]


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a rule counts from and of which nothing is known; no subject: the record has none of its kinds."""

    event: RetentionEvent
    subject: Subject | None


class Retained(msgspec.Struct, frozen=True, kw_only=True):
    """Until when a record is kept: `until_us` is None for ever, or for as long as something is missing.

    `facts`: the entries that were counted from.
    """

    rule: Rule
    until_us: int | None
    facts: tuple[int, ...] = ()
    missing: tuple[Missing, ...] = ()

    def over(self, proven_us: int | None) -> bool:
        """Whether it is over at a time that a witness or a time-stamping authority vouches for; without one, never."""
        return proven_us is not None and self.until_us is not None and self.until_us <= proven_us


BUILT_IN: Final[Mapping[RetentionClass, tuple[Term, ...]]] = {
    # EudraLex volume 4, chapter 4 (4.11): one year past expiry, or at least five years past certification.
    RetentionClass.BATCH: (
        Term(event=RetentionEvent.BATCH_EXPIRY, years=1),
        Term(event=RetentionEvent.CERTIFICATION, years=5),
    ),
    # Regulation (EU) 2017/1569, Article 8: five years past the last trial in which the batch was used.
    RetentionClass.TRIAL: (
        Term(event=RetentionEvent.TRIAL_END, years=5),
        Term(event=RetentionEvent.CERTIFICATION, years=5),
    ),
    # As long as the equipment is in use, and as long as a batch that it made last may be kept.
    RetentionClass.EQUIPMENT: (Term(event=RetentionEvent.EQUIPMENT_RETIRED, years=6),),
    RetentionClass.VALIDATION: (Term(event=RetentionEvent.VALIDATION_ENDED, years=6),),
    RetentionClass.OPERATIONAL: (Term(event=RetentionEvent.LOGGED, years=6),),
}
"""The rules until a site confirms its own. `PERMANENT` has none, and gets none."""


def rule_of(retention: RetentionClass, confirmed: Mapping[RetentionClass, Rule]) -> Rule:
    """The rule of a class that is in force: the one confirmed last, else the built-in one."""
    if retention is RetentionClass.PERMANENT:
        return Rule(retention=retention, terms=())
    return confirmed.get(retention) or Rule(retention=retention, terms=BUILT_IN[retention])


def subjects_of(rule: Rule, links: Iterable[tuple[LinkKind, str]]) -> tuple[Subject, ...]:
    """Those of a record's links that its rule looks for facts about, sorted."""
    kinds = frozenset().union(*(SUBJECTS.get(term.event, frozenset()) for term in rule.terms))
    return tuple(sorted({Subject(kind=kind, id=ident) for kind, ident in links if kind in kinds}))


def retained(rule: Rule, logged_us: int, subjects: Iterable[Subject], facts: Facts) -> Retained:
    """Until when a record is kept: the longest of all terms over all its subjects; with a fact missing, for ever."""
    known, ends, used, missing = tuple(subjects), [], set(), []
    for term in rule.terms:
        if term.event is RetentionEvent.LOGGED:
            ends.append(after(logged_us, term))
            continue
        about = [one for one in known if one.kind in SUBJECTS[term.event]]
        if not about:
            missing.append(Missing(event=term.event, subject=None))
        for subject in about:
            fact = facts.get((subject, term.event))
            if fact is None:
                missing.append(Missing(event=term.event, subject=subject))
            else:
                used.add(fact.entry)
                ends.append(after(fact.at_us, term))
    until_us = None if missing or not ends else max(ends)
    return Retained(rule=rule, until_us=until_us, facts=tuple(sorted(used)), missing=tuple(missing))


def after(at_us: int, term: Term) -> int:
    """The instant a term after an event; the 29th of February becomes the last of its month where there is none."""
    at = _EPOCH + timedelta(microseconds=at_us)
    months = at.year * 12 + at.month - 1 + term.years * 12 + term.months
    year, month = months // 12, months % 12 + 1
    if year > LAST_YEAR:
        year, month = LAST_YEAR, 12
    moved = at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1]))
    try:
        moved += timedelta(days=term.days)
    except OverflowError:
        moved = datetime.max.replace(tzinfo=UTC)
    return (moved - _EPOCH) // _MICROSECOND


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry that is disposed of. `digest` finds the record again should its source give it once more."""

    index: SafeInt
    leaf_hash: Digest
    digest: Digest | None = None
