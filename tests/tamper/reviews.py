"""Reviews, their plans and what is decided in them, in the ledger that is attacked."""

from typing import Any

from ledger.core.clock import utc_text
from ledger.core.disposition import Deferral, Deviation, Disposition, Judgement
from ledger.core.entry import draft
from ledger.core.hashing import ZERO_HASH, b64
from ledger.core.review import (
    ContributingList,
    Depth,
    PlanScope,
    Population,
    Review,
    Reviewed,
    ReviewEvent,
    ReviewPlan,
    RuleMiss,
)
from ledger.core.review_answer import AnswerState, Reason, ReviewAnswer
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger


def reviews(ledger: Ledger, number: int) -> None:
    """One of each kind in each round; every other one takes the place of one of the round before."""
    name, odd = f"review{number}", number % 2
    key, other = (b64(bytes([number - at * odd, 7]) + ZERO_HASH[2:]) for at in (0, 1))
    digest = b64(bytes([number]) + ZERO_HASH[1:])
    plan = ReviewPlan(
        plan=f"plan{number // 2}", title=f"Plan {number}", scope=PlanScope.BATCH, route="review",
        samples=(Depth(from_risk=1, records=number),), reason=f"plan {number}", authority=AUTHORITY, retired=odd == 1,
    )  # fmt: skip
    population = Population(
        size=number + 1, root=digest, records=1, members=str(number), seed=digest, strata=(), sample=None
    )
    opened = ledger.store.append_one(
        RECORDS,
        draft(
            Review(
                review=name, event=ReviewEvent.OPENED, reason=f"batch {number}", authority=AUTHORITY, plan=plan.plan,
                plan_entry=number, reviewed=Reviewed(batch=f"B-{number}"), population=population,
            )
        ),
    ).index  # fmt: skip
    bodies: list[Any] = [
        plan,
        ContributingList(
            systems=("mes", "lims")[: odd + 1], reason=f"list {number}", authority=AUTHORITY,
            product=f"product {number // 2}",
        ),
        Review(
            review=name, event=ReviewEvent.LOOKED, reason=f"looked {number}", authority=AUTHORITY, opening=opened,
            looked=str(number),
        ),
        RuleMiss(
            record=number, what=f"missed {number}", review=name, authority=AUTHORITY, rule=("D10", None)[odd],
        ),
        Disposition(
            findings=(key, other) if odd else (key,), judgement=tuple(Judgement)[number % 3],
            reason=f"looked at {number}", authority=AUTHORITY, case=f"case {number}" if odd else None,
        ),
        Deferral(
            findings=(key, other) if odd else (key,), batch=f"B-{number}", scope=f"scope {number}",
            risk=f"risk {number}", expires_at=utc_text(START_US * 2 + number), authority=AUTHORITY,
            product=f"product {number}" if odd else None,
        ),
        Deviation(
            findings=(key, other) if odd else (key,), source=("qms", "old-qms")[odd], number=str(100 + number),
            title=f"deviation {number}", authority=AUTHORITY,
        ),
        ReviewAnswer(
            batch=f"B-{number}", state=tuple(AnswerState)[number % 4],
            reasons=(Reason(code="not-signed", what=f"reason {number}"),), size=number + 1, review=name,
            sha256=digest, authority=AUTHORITY,
        ),
    ]  # fmt: skip
    for body in bodies:
        ledger.store.append_one(RECORDS, draft(body))
