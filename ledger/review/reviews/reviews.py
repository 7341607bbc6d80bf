"""Reviews of audit trails by exception: opened over a population, looked at, concluded, and signed by a route."""

import secrets
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.entry import draft
from ledger.core.errors import Conflict, NotCanonical, SchemaViolation, SelfApproval
from ledger.core.members import Members
from ledger.core.review import PlanScope, Review, Reviewed, ReviewEvent, RuleMiss
from ledger.review.reviews.concluding import outcome_of
from ledger.review.reviews.planning import plan_of
from ledger.review.reviews.population import fixed, members_of
from ledger.review.reviews.reading import KnownReview, concluded_reviews, read_review
from ledger.review.rules import rules
from ledger.signing.performers import performers_of
from ledger.signing.requests import Opening
from ledger.signing.workflows import Workflows
from ledger.sources.parameters import Parameters
from ledger.sources.reasons import require_known, require_reason
from ledger.store.append import Batch, Transaction
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trace.bodies import bodies

LONGEST_TITLE: Final = 200


class Reviews:
    """The reviews of any log. Safe to use from any number of threads."""

    def __init__(self, store: Store, parameters: Parameters, workflows: Workflows) -> None:
        self._store = store
        self._parameters = parameters
        self._workflows = workflows

    def open(self, log: LogId, plan: str, of: Reviewed, reason: str, authority: Authority) -> KnownReview:
        """Opens a review of what is there now, durable once this returns; a later one of the same batch counts.

        Raises AccessDenied unless somebody signed in, NotFound and Conflict as `planning.plan_of`, SchemaViolation for
        what is no batch or period, for a population that is empty or too large, and for a reason that says too little.
        """
        require_known(authority)
        with self._store.reading() as connection:
            said = self._reason(connection, log, reason)
            known = plan_of(connection, log.number, plan)
            of = _asked(known.plan.scope, of, known.plan.sources)
            size = LogReader(connection, log.number).head().size
            members = members_of(connection, log.number, size, of)
            if not members:
                raise SchemaViolation(
                    f"there is nothing to review: no record of {told(of)} is there, as of {size} entries of log "
                    f"{log.name}",
                    advice="Look whether the batch, the sources and the times are written as the records have them.",
                )
            body = Review(
                review=secrets.token_hex(8),
                event=ReviewEvent.OPENED,
                reason=said,
                authority=authority,
                plan=plan,
                plan_entry=known.entry,
                reviewed=of,
                population=fixed(self._store, connection, log, size, members, known.plan, self._parameters),
            )
        self._store.append(log.number, Batch([draft(body)]))
        return self.get(log, body.review)

    def get(self, log: LogId, review: str, size: int | None = None) -> KnownReview:
        """A review as of a size (now, if none is given); raises NotFound."""
        with self._store.reading() as connection:
            return read_review(connection, log.number, review, size)

    def look(self, log: LogId, review: str, entries: Iterable[int], reason: str, authority: Authority) -> KnownReview:
        """Somebody looked at these records of the sample, and a rule should have found nothing in them.

        Raises SchemaViolation for a record that is not of the sample, SelfApproval for who did what they look at,
        Conflict once the review was concluded.
        """
        chosen = sorted(set(entries))

        def made(connection: Connection, known: KnownReview, said: str) -> Review:
            self._require_sample(connection, log, known, chosen, authority)
            return _event(known, ReviewEvent.LOOKED, said, authority, looked=Members.of(chosen).text)

        return self._enter(log, review, reason, authority, made)

    def give_reason(self, log: LogId, review: str, system: str, reason: str, authority: Authority) -> KnownReview:
        """Why it is in order that a listed system contributed nothing; raises Conflict once it was concluded."""

        def made(_: Connection, known: KnownReview, said: str) -> Review:
            return _event(known, ReviewEvent.GIVEN_REASON, said, authority, system=system)

        return self._enter(log, review, reason, authority, made)

    def missed(
        self, log: LogId, review: str, record: int, rule: str | None, what: str, authority: Authority
    ) -> KnownReview:
        """A record of the sample shows what a rule should have found; without `rule`: what none looks for.

        The entry asks of which concluded reviews that puts in question. Raises as `look`, SchemaViolation for a rule
        that there is not.
        """
        require_known(authority)
        known_rule = None if rule is None else rules().get(rule)
        if rule is not None and known_rule is None:
            raise SchemaViolation(f"there is no rule {rule!r}", advice="`trailseal rules list` names all of them.")
        with self._store.reading() as connection:
            said = self._reason(connection, log, what)
            known = _require_open(read_review(connection, log.number, review))
            self._require_sample(connection, log, known, [record], authority)
            version = None if known_rule is None else known_rule.about.version
            body = RuleMiss(
                record=record,
                what=said,
                review=review,
                authority=authority,
                rule=rule,
                version=version,
                touches=tuple(
                    one.review
                    for one in concluded_reviews(connection, log.number)
                    if touched(one, record, rule, version)
                ),
            )
        self._store.append(log.number, Batch([draft(body)], before=self._open(log, review)))
        return self.get(log, review)

    def conclude(self, log: LogId, review: str, reason: str, authority: Authority) -> KnownReview:
        """Concludes a review, and asks for the signatures of its route over the entry that says so.

        Raises Conflict, naming what is open: records that came since, rules that have not looked at all of them,
        findings that nobody has judged or deferred, records of the sample, systems without a reason, records that no
        rule carries any more; for a review that was concluded, naming the entry; and as `Requests.require_doable` for
        the route. Nothing is entered then.
        """
        require_known(authority)
        with self._store.reading() as connection:
            said = self._reason(connection, log, reason)
            known = _require_open(read_review(connection, log.number, review))
            members = Members.read(known.population.members)
            outcome = outcome_of(self._store, connection, self._parameters, log, known, members)
            body = _event(known, ReviewEvent.CONCLUDED, said, authority, outcome=outcome)
            performed = performers_of(
                connection, log.number, (one for _, one in bodies(connection, log.number, members))
            ).names
            now_us = self._store.clock.now_us()
            self._workflows.requests.require_doable(connection, known.plan.route, log.name, performed, now_us)

        def same(transaction: Transaction) -> None:
            if _require_open(read_review(transaction.connection, log.number, review)).entries != known.entries:
                raise Conflict("something happened in the review meanwhile", advice="Look at it again.")

        index = self._store.append(log.number, Batch([draft(body)], before=same))[0].index
        self._workflows.requests.open(
            Opening(
                title=f"Audit trail review of {told(known.reviewed)}"[:LONGEST_TITLE],
                route=known.plan.route,
                reason=said,
                log=log.name,
                entries=(index,),
                performers=tuple(sorted(performed)),
            ),
            authority,
        )
        return self.get(log, review)

    def reconsider(self, log: LogId, review: str, reason: str, authority: Authority) -> KnownReview:
        """What rules missed, as was found since, changes nothing of a concluded review's outcome, and why.

        Raises Conflict where no miss puts it in question.
        """
        require_known(authority)
        with self._store.reading() as connection:
            said = self._reason(connection, log, reason)
            known = read_review(connection, log.number, review)
            if not known.questions:
                raise Conflict("nothing puts this review in question", advice="There is nothing to reconsider.")
            body = _event(known, ReviewEvent.RECONSIDERED, said, authority)
        self._store.append(log.number, Batch([draft(body)]))
        return self.get(log, review)

    def _enter(
        self,
        log: LogId,
        review: str,
        reason: str,
        authority: Authority,
        made: Callable[[Connection, KnownReview, str], Review],
    ) -> KnownReview:
        require_known(authority)
        with self._store.reading() as connection:
            said = self._reason(connection, log, reason)
            body = made(connection, _require_open(read_review(connection, log.number, review)), said)
        self._store.append(log.number, Batch([draft(body)], before=self._open(log, review)))
        return self.get(log, review)

    def _open(self, log: LogId, review: str) -> Callable[[Transaction], None]:
        def check(transaction: Transaction) -> None:
            _require_open(read_review(transaction.connection, log.number, review))

        return check

    def _reason(self, connection: Connection, log: LogId, text: str) -> str:
        return require_reason(connection, self._parameters, log.number, self._store.clock.now_us(), text)

    def _require_sample(
        self, connection: Connection, log: LogId, known: KnownReview, entries: list[int], authority: Authority
    ) -> None:
        sample = Members.read(known.population.sample or "")
        others = [entry for entry in entries if entry not in sample]
        if others or not entries:
            which = f"entry {others[0]} is" if others else "no entry is named that is"
            raise SchemaViolation(f"{which} not of the sample", advice="`trailseal review show` lists the sample.")
        performed = performers_of(connection, log.number, (one for _, one in bodies(connection, log.number, entries)))
        if performed.includes(authority.actor):
            raise SelfApproval(f"{authority.actor} did what is to be looked at")


def touched(known: KnownReview, record: int, rule: str | None, version: int | None) -> bool:
    """Whether what a rule missed puts a review in question: it is of that record, or by that rule's version."""
    by = known.outcome is not None and any((one.rule, one.version) == (rule, version) for one in known.outcome.rules)
    return by or record in Members.read(known.population.members)


def told(of: Reviewed) -> str:
    """What is reviewed, in words."""
    if of.batch is not None:
        return f"batch {of.batch}"
    return f"{', '.join(of.sources) or 'all sources'} from {of.from_at} to {of.to_at}"


def _asked(scope: PlanScope, of: Reviewed, sources: tuple[str, ...]) -> Reviewed:
    """What the plan reviews of what was asked for; raises SchemaViolation for what is none."""
    if scope is PlanScope.BATCH:
        if of.batch is None or of.from_at is not None or of.to_at is not None:
            raise SchemaViolation("the plan is for batches", advice="Name a batch, and no times.")
        return Reviewed(batch=of.batch)
    if of.batch is not None or of.from_at is None or of.to_at is None:
        raise SchemaViolation("the plan is for periods", advice="Name from when to when, and no batch.")
    try:
        backwards = parse_utc(of.from_at) >= parse_utc(of.to_at)
    except NotCanonical as error:
        raise SchemaViolation(f"the period: {error.message}", advice="Write 2026-01-31T08:00:00.000000Z.") from None
    if backwards:
        raise SchemaViolation("the period ends before it begins", advice="Give a later end.")
    return Reviewed(sources=sources, from_at=of.from_at, to_at=of.to_at)


def _require_open(known: KnownReview) -> KnownReview:
    if known.concluded is not None:
        raise Conflict(
            f"review {known.review} was concluded by entry {known.concluded}",
            advice="Open a new review of the same, where there is more to look at or that entry was not signed.",
        )
    return known


def _event(known: KnownReview, event: ReviewEvent, reason: str, authority: Authority, **more: object) -> Review:
    made = {
        "review": known.review,
        "event": event,
        "reason": reason,
        "authority": authority,
        "opening": known.opening,
    }
    try:
        return msgspec.convert(msgspec.to_builtins(made | more), Review)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"review: {error}", advice="Correct what is named.") from None
