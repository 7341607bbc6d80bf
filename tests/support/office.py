"""People at a site who review batches and periods, judge findings and sign, with a ledger whose clock stands."""

from pathlib import Path

from ledger.core.disposition import Judgement
from ledger.core.entry import draft
from ledger.core.review import Depth, PlanScope, Reviewed, ReviewPlan
from ledger.core.workflow import Step
from ledger.review.reviews.dispositions import NewDisposition
from tests.support.ledgers import AUTHORITY, RECORDS, START_US
from tests.support.postgres import PgDatabase
from tests.support.signing import Plant


class Office:
    """Anna reviews, Dora signs; there is a plan for batches and one for periods."""

    def __init__(self, folder: Path, postgres: PgDatabase | None = None) -> None:
        self.people = Plant(folder, postgres)
        self.clock, self.service, self.ledger = self.people.clock, self.people.service, self.people.ledger
        self.log = self.service.record_log().log
        self.at(0)
        self.people.route("review", (Step(step="approve", role="approver", meaning="approved"),))
        for scope in PlanScope:
            plan = ReviewPlan(
                plan=scope.value, title=scope.value, scope=scope, route="review", reason="SOP 7", authority=AUTHORITY,
                samples=(Depth(from_risk=1, records=1),),
            )  # fmt: skip
            self.ledger.store.append_one(RECORDS, draft(plan))

    def at(self, number: int) -> None:
        """From here on it is that second."""
        self.clock.at_us = START_US + number * 1_000_000

    def open(self, of: Reviewed) -> str:
        """A review is opened."""
        plan = PlanScope.PERIOD if of.batch is None else PlanScope.BATCH
        anna = self.people.caller("anna").authority
        return self.service.reviews.open(self.log, plan.value, of, "the batch is done", anna).review

    def look(self, review: str, *entries: int) -> None:
        """Somebody looked at these records of the sample, or at all that nobody has yet."""
        reviews, anna = self.service.reviews, self.people.caller("anna").authority
        chosen = entries or reviews.get(self.log, review).left
        if chosen:
            reviews.look(self.log, review, chosen, "compared with the paper", anna)

    def end(self, review: str) -> str:
        """It is concluded; the request for its signature."""
        anna = self.people.caller("anna").authority
        entry = self.service.reviews.conclude(self.log, review, "all of it was looked at", anna).concluded
        with self.service.store.reading() as connection:
            (asked,) = self.service.workflows.requests.over(connection, self.log.origin, entry or 0)
        return asked.request.request

    def conclude(self, batch: str = "B-1") -> str:
        """A review of a batch is opened and concluded; the request for its signature."""
        review = self.open(Reviewed(batch=batch))
        self.look(review)
        return self.end(review)

    def sign(self, request: str) -> None:
        self.people.sign(request, "approve", "dora")

    def judge(self, *keys: str, reason: str = "compared with the paper", case: str | None = None) -> None:
        """Findings are judged to be explained."""
        new = NewDisposition(findings=keys, judgement=Judgement.EXPLAINED, reason=reason, case=case)
        self.service.quality.dispositions.give(RECORDS, new, self.people.caller("anna").authority)
