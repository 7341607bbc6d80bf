"""Reviews of audit trails by exception, as entries of the log whose records are reviewed."""

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.hashing import unb64
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.rule_run import Examined, Watermark
from ledger.core.signature import Runs
from ledger.core.times import SafeInt
from ledger.core.workflow import PlainName

HIGHEST_RISK: Final = 9
"""Criticality (1 to 3) times vulnerability (1 to 3)."""
Risk = Annotated[int, msgspec.Meta(ge=1, le=HIGHEST_RISK)]
Drawn = Annotated[int, msgspec.Meta(ge=0, le=100_000)]


class ContributingList(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="contributing-list/1"
):
    """Which systems of the inventory have to contribute to each batch of a product, or of a route.

    Without `product`: to those of every product that has no list of its own. A later list takes this one's place.
    """

    systems: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=500)]
    reason: Text
    authority: Authority
    product: Name | None = None


class Depth(msgspec.Struct, frozen=True, kw_only=True):
    """From this risk on, how many unflagged records of a source and type are drawn for somebody to look at."""

    from_risk: Risk
    records: Drawn


class PlanScope(StrEnum):
    """What a review by the plan is of."""

    BATCH = "batch"
    PERIOD = "period"


class ReviewPlan(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="review-plan/1"
):
    """From here on reviews by this plan are so; one that was opened by an earlier version goes on by that.

    `product`: whose batches, for the list of systems that contribute. `sources`: of a period; none: all of the log.
    `route`: the signing route that ends a review. A `retired` plan opens no review.
    """

    plan: PlainName
    title: Name
    scope: PlanScope
    route: PlainName
    samples: Annotated[tuple[Depth, ...], msgspec.Meta(min_length=1, max_length=HIGHEST_RISK)]
    reason: Text
    authority: Authority
    product: Name | None = None
    sources: Annotated[tuple[Name, ...], msgspec.Meta(max_length=500)] = ()
    retired: bool = False

    def depth(self, risk: int | None) -> int:
        """How many records are drawn at a risk; where nobody has said what it is, as at the highest."""
        known = HIGHEST_RISK if risk is None else risk
        fitting = [one for one in self.samples if one.from_risk <= known]
        return max(fitting, key=lambda one: one.from_risk).records if fitting else 0


class ReviewEvent(StrEnum):
    """What can happen in a review."""

    OPENED = "opened"
    LOOKED = "looked"
    """Somebody looked at these records of the sample, and found nothing that a rule should have."""
    GIVEN_REASON = "given-reason"
    """Why a listed system is silent, or not connected."""
    CONCLUDED = "concluded"
    """All of it was decided. The review is over once the signatures of its route are given over this very entry."""
    RECONSIDERED = "reconsidered"
    """What a rule missed, as was found after the review was concluded, changes nothing of its outcome."""


class Reviewed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is reviewed: all records of a batch, or those of sources from one instant to before another (UTC)."""

    batch: Name | None = None
    sources: tuple[Name, ...] = ()
    from_at: Name | None = None
    to_at: Name | None = None


class Stratum(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Records of one source and type: how many of them nothing was found about, and how many of these were drawn.

    `risk` null: nobody has set one, so it counts as the highest. `uncarried`: how many of those drawn are so because no
    validated rule could judge them.
    """

    source: Name
    type: Name
    risk: Risk | None
    unflagged: SafeInt
    drawn: SafeInt
    uncarried: SafeInt = 0


class Carrying(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a rule that was validated by an entry, so that a review by exception may rest on it."""

    rule: Name
    version: SafeInt
    entry: SafeInt


class Population(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The records as of a size of the log, whose tree then had that root; `members` as `core.members` writes a set.

    `sample` of them was drawn by `seed` (`drawn`), as many of each stratum as the plan says; null: none. All of
    `uncarried` are of it: what no rule of `carried_by` could judge is looked at, not sampled (MHRA 2018, 6.15).
    """

    size: SafeInt
    root: Digest
    records: SafeInt
    members: Runs
    seed: Digest
    strata: tuple[Stratum, ...]
    sample: Runs | None
    carried_by: tuple[Carrying, ...] = ()
    uncarried: Runs | None = None


class SystemState(StrEnum):
    """Whether a listed system contributed to the batch."""

    CONTRIBUTED = "contributed"
    SILENT = "silent"
    """It is connected, and no record of the batch is of it."""
    NOT_CONNECTED = "not-connected"


class SystemSaid(msgspec.Struct, frozen=True, kw_only=True):
    """A listed system: its state, how many records of the batch are of it, and what stands for those that are lacking.

    `instead`: how its trail is reviewed elsewhere, as the inventory says, or why it is in order, as the reviewer does.
    """

    system: Name
    source: Name | None
    state: SystemState
    records: SafeInt
    instead: Text | None


class UnknownTime(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a source's time of which it is not known what happened (`sources.coverage`)."""

    source: Name
    state: Name
    from_at: Name
    to_at: Name


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a review came to, as of a size of the log.

    `rule_run`: the entry of the last run of the rules, which reached up to `watermarks`. `rules`: of each rule and
    version, of how many records of the population it examined it said what; those in `validated` were so then, the
    others only inform. `uncarried`: so many records none of these could judge, and somebody looked at each. `findings`:
    those that stand on records of the population, of which so many were confirmed, dismissed, explained and deferred,
    or looked past (`suppressed`). `misses`: entries that tell what no rule found in the sample. `list_entry`: the list
    of systems; null where there is none, or the review is of a period.
    """

    size: SafeInt
    rule_run: SafeInt
    watermarks: tuple[Watermark, ...]
    rules: tuple[Examined, ...]
    validated: tuple[Name, ...]
    findings: SafeInt
    confirmed: SafeInt
    dismissed: SafeInt
    explained: SafeInt
    deferred: SafeInt
    misses: tuple[SafeInt, ...]
    systems: tuple[SystemSaid, ...]
    list_entry: SafeInt | None
    unknown: tuple[UnknownTime, ...]
    suppressed: SafeInt = 0
    uncarried: SafeInt = 0


class Review(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="review/1"):
    """Something happened in a review. Which members are given depends on the event.

    Opened: the plan's name and entry, what is reviewed, the population. Looked: the records, as `core.members` writes
    a set. Given-reason: the system. Concluded: the outcome. `opening`: the entry that opened it; none in that itself.
    """

    review: Name
    event: ReviewEvent
    reason: Text
    authority: Authority
    opening: SafeInt | None = None
    plan: PlainName | None = None
    plan_entry: SafeInt | None = None
    reviewed: Reviewed | None = None
    population: Population | None = None
    looked: Runs | None = None
    system: Name | None = None
    outcome: Outcome | None = None


class RuleMiss(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="rule-miss/1"):
    """A record of a review's sample shows what a rule should have found; without `rule`: what no rule looks for.

    `touches`: reviews that were concluded by then and that it puts in question: of this record, or by that version of
    the rule.
    """

    record: SafeInt
    what: Text
    review: Name
    authority: Authority
    rule: Name | None = None
    version: SafeInt | None = None
    touches: tuple[Name, ...] = ()


def drawn(seed: str, members: Iterable[int], count: int) -> list[int]:
    """So many of these entries, in order, by chance: those with the smallest SHA-256 of seed ‖ index (8 bytes).

    Anybody who has the seed draws the same. Raises InvalidEntry for a seed that is not 32 bytes in base64.
    """
    start = unb64(seed, 32)
    return sorted(sorted(members, key=lambda one: sha256(start + one.to_bytes(8, "big")).digest())[:count])


CONTRIBUTING_LIST: Final = Kind("contributing-list", [ContributingList])
REVIEW_PLAN: Final = Kind("review-plan", [ReviewPlan])
REVIEW: Final = Kind("review", [Review])
RULE_MISS: Final = Kind("rule-miss", [RuleMiss])
KINDS: Final = (CONTRIBUTING_LIST, REVIEW_PLAN, REVIEW, RULE_MISS)
