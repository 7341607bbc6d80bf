"""Reviews of periods, how their samples are drawn, what a rule missed, and what is refused; on both databases."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import select, update

from ledger.answering import answer
from ledger.core.clock import parse_utc, utc_text
from ledger.core.disposition import Judgement
from ledger.core.entry import draft
from ledger.core.errors import Conflict, IntegrityError, NotFound, SchemaViolation, SelfApproval
from ledger.core.members import Members
from ledger.core.parameters import ParameterName, Profile, Risk, written
from ledger.core.record import Change, Link, LinkBasis, LinkKind, Target
from ledger.core.review import Carrying, Depth, PlanScope, Reviewed, ReviewPlan, drawn
from ledger.core.ruling import RuleState, Suppression, SuppressionEvent
from ledger.core.workflow import Step
from ledger.review.exceptions.reading import findings
from ledger.review.reviews.answering import answered
from ledger.review.reviews.deferrals import NewDeferral
from ledger.review.reviews.dispositions import NewDisposition
from ledger.review.reviews.reading import KnownReview
from ledger.review.reviews.shown import show
from ledger.sources.parameter_kinds import Parameter
from ledger.store import schema
from ledger.store.position import pos_of
from ledger.store.reading import LogReader
from ledger.web.views.reviews import ReviewView, review_view
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US
from tests.support.postgres import chosen_database
from tests.support.signing import HOUR_US, Plant
from tests.support.trying import cases, stated

pytestmark = pytest.mark.sampled
BATCH = "B-2026-00042"
WHY = "compared with the paper of the batch"
TOKYO = ZoneInfo("Asia/Tokyo")
APPROVE = Step(step="approve", role="approver", meaning="approved")


class Site:
    """A plant with plans for batches and for periods, and reviews by its people."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.service = plant, plant.service
        self.log = plant.service.record_log().log
        self.reviews = plant.service.reviews
        self.plant.route("review", (APPROVE,))
        for name, scope in (("batch", PlanScope.BATCH), ("period", PlanScope.PERIOD)):
            self.plan(plan=name, scope=scope)

    def plan(self, **members: Any) -> None:
        usual: dict[str, Any] = {
            "title": "Review", "route": "review", "reason": "SOP 7", "authority": AUTHORITY,
            "samples": (Depth(from_risk=1, records=1), Depth(from_risk=6, records=3)),
        }  # fmt: skip
        self.service.store.append_one(RECORDS, draft(ReviewPlan(**usual | members)))

    def validate(self) -> int:
        """The entry by which rule D11 is validated here, on cases that somebody signed."""
        made = self.service.quality.challenges.run(self.log, "D11", cases(), "on site", AUTHORITY)
        self.plant.approve(self.log, made.entry, "dora", "verified")
        return self.service.store.append_one(RECORDS, draft(stated(RuleState.VALIDATED, made.entry))).index

    def collect(self, count: int, **members: Any) -> list[int]:
        """Records between which no value changed unseen, and what the rules make of them."""
        first = self.plant.size("records")
        entries: list[int] = []
        for at in range(count):
            changes = (Change(attribute="X", old=str(first + at), new=str(first + at + 1)),)
            entries += self.plant.collect(1, changes=changes, **members)
        self.service.quality.rules.run(self.log, AUTHORITY)
        return entries

    def open(self, of: Reviewed, plan: str = "batch") -> KnownReview:
        return self.reviews.open(self.log, plan, of, WHY, self.plant.caller("anna").authority)

    def done(self, review: str) -> KnownReview:
        """A review of which everything is done: concluded and signed."""
        anna = self.plant.caller("anna").authority
        known = self.reviews.get(self.log, review)
        if known.left:
            self.reviews.look(self.log, review, known.left, WHY, anna)
        made = self.reviews.conclude(self.log, review, WHY, anna)
        with self.service.store.reading() as connection:
            (request,) = self.service.workflows.requests.over(connection, self.log.origin, made.concluded or 0)
        self.plant.sign(request.request.request, "approve", "dora")
        return made

    def shown(self, review: str) -> ReviewView:
        """The page of a review at a site in Japan."""
        requests = self.service.workflows.requests
        with self.service.store.reading() as connection:
            size = LogReader(connection, RECORDS).head().size
            return review_view(show(self.service.store, requests, connection, self.log, review, size), TOKYO)

    def answered(self) -> tuple[str, list[str]]:
        service = self.service
        with service.store.reading() as connection:
            found = answered(
                service.store,
                service.workflows.requests,
                connection,
                service.standings.now(connection),
                self.log,
                BATCH,
                service.clock.now_us(),
            )
        return found.state.value, [one.code for one in found.reasons]


def in_tokyo(at_us: int) -> str:
    """What a page in Japan says of an instant."""
    at = datetime.fromtimestamp(at_us // 1_000_000, TOKYO)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at_us // 1000 % 1000:03} JST +09:00"


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    plant = Plant(tmp_path_factory.mktemp("reviews") / "ledger", chosen_database(request))
    yield Site(plant)
    plant.close()


def test_a_miss_asks_of_concluded_reviews_and_holds_their_answer_until_somebody_considered_it(site: Site) -> None:
    site.collect(3)
    first = site.open(Reviewed(batch=BATCH))
    site.done(first.review)
    assert site.answered() == ("complete", [])
    period = Reviewed(from_at=utc_text(START_US - 1), to_at=utc_text(START_US + 60_000_000))
    other = site.open(period, "period")
    anna = site.plant.caller("anna").authority
    known = site.reviews.missed(site.log, other.review, other.left[0], "D10", "it names no recipe", anna)
    (miss,) = known.misses
    assert (miss.miss.version, miss.miss.touches, known.questions) == (1, (first.review,), ())
    assert other.left[0] not in known.left, "it was looked at"
    (asked,) = site.reviews.get(site.log, first.review).questions
    assert asked == miss
    assert site.answered() == ("open", ["rule-miss"])
    with pytest.raises(Conflict, match="nothing puts this review in question"):
        site.reviews.reconsider(site.log, other.review, WHY, anna)
    site.reviews.reconsider(site.log, first.review, "the recipe is named on paper", anna)
    assert site.answered() == ("complete", [])
    assert site.done(other.review).outcome is not None
    assert site.reviews.get(site.log, first.review, miss.entry).questions == (), "as it was before"
    # Of a record of another batch, what no rule looks for asks of no review.
    site.collect(3, links=())
    third = site.open(Reviewed(from_at=utc_text(START_US + 3_000_000), to_at=utc_text(START_US * 2)), "period")
    made = site.reviews.missed(site.log, third.review, third.left[0], None, "no rule looks at recipes", anna)
    assert made.misses[0].miss.touches == ()
    made = site.reviews.missed(site.log, third.review, third.left[1], "D10", "its reason says nothing", anna)
    by_rule = set(made.misses[1].miss.touches)
    assert by_rule == {first.review, other.review}, "both went by that version of the rule"
    site.reviews.reconsider(site.log, first.review, "its records all name their reason", anna)
    site.collect(1)
    assert site.answered() == ("open", ["records-since"])
    assert site.service.verifier.run(site.log, full=True).holds


def test_a_sample_is_as_deep_as_the_risk_asks_and_drawn_again_from_its_seed(site: Site) -> None:
    plain, other = site.collect(8), site.collect(8, object=Target(type="recipe", id="R-1"))
    value = written(Risk(criticality=1, vulnerability=3))
    told = Parameter(
        name=ParameterName.RISK, source=SOURCE, type="recipe", value=value, reason="SOP 7", authority=AUTHORITY
    )
    site.service.record_log().parameters.put(RECORDS, [told])
    site.plan(plan="deep", scope=PlanScope.BATCH)
    validated = site.validate()
    known = site.open(Reviewed(batch=BATCH), "deep")
    found = {one.type: (one.risk, one.unflagged, one.drawn) for one in known.population.strata}
    assert found == {"recipe": (3, 8, 1), "tag": (None, 8, 3)}, "what nobody has said counts as the highest"
    seed, sample = known.population.seed, set(Members.read(known.population.sample or ""))
    assert sample == {*drawn(seed, plain, 3), *drawn(seed, other, 1)}
    assert set(known.left) == sample
    assert known.population.carried_by == (Carrying(rule="D11", version=1, entry=validated),)
    outcome = site.done(known.review).outcome
    assert outcome is not None
    assert (outcome.validated, outcome.uncarried, known.population.uncarried) == (("D11",), 0, None)


@pytest.mark.requirement("R67")
def test_what_no_validated_rule_can_judge_is_looked_at_one_and_all(site: Site) -> None:
    told = site.collect(4)
    without = site.open(Reviewed(batch=BATCH))
    assert (without.left, without.population.carried_by) == (tuple(told), ()), (
        "rules that are not validated only inform"
    )
    site.validate()
    # Rule D11 looks at no record that names no old value, and can say nothing where it does not know the one before.
    new = site.plant.collect(2, changes=(Change(attribute="Y", new="1"),))
    told += site.plant.collect(1, changes=(Change(attribute="Z", old="1"),))
    new += site.plant.collect(1, changes=(Change(attribute="Z", old="1", new="2"),))
    site.service.quality.rules.run(site.log, AUTHORITY)
    known = site.open(Reviewed(batch=BATCH))
    (stratum,) = known.population.strata
    assert (stratum.unflagged, stratum.uncarried, stratum.drawn) == (8, 3, 6)
    assert Members.read(known.population.uncarried or "") == Members.of(new)
    sample = Members.read(known.population.sample or "")
    assert set(sample) == {*new, *drawn(known.population.seed, told, 3)}
    anna = site.plant.caller("anna").authority
    site.reviews.look(site.log, known.review, [one for one in known.left if one != new[1]], WHY, anna)
    with pytest.raises(Conflict, match=f"{new[1]} of its sample nobody has looked at"):
        site.reviews.conclude(site.log, known.review, WHY, anna)
    outcome = site.done(known.review).outcome
    assert outcome is not None
    assert (outcome.validated, outcome.uncarried) == (("D11",), 3)


@pytest.mark.requirement("R67")
def test_a_rule_that_is_validated_no_longer_carries_no_review_that_was_opened_before(site: Site) -> None:
    told = site.collect(4)
    site.validate()
    known = site.open(Reviewed(batch=BATCH))
    unseen = [one for one in told if one not in known.left]
    assert len(unseen) == 1
    site.service.store.append_one(RECORDS, draft(stated(RuleState.SHADOW)))
    with pytest.raises(Conflict, match=f"no validated rule could judge {unseen[0]}, and nobody has looked"):
        site.done(known.review)
    again = site.open(Reviewed(batch=BATCH))
    assert again.left == tuple(told)
    outcome = site.done(again.review).outcome
    assert outcome is not None
    assert (outcome.validated, outcome.uncarried) == ((), 4)


def test_a_review_says_what_it_cannot_be_of_and_who_may_not_look(site: Site) -> None:
    site.collect(2)
    anna, paul = (site.plant.caller(name).authority for name in ("anna", "paul"))
    reviews, log = site.reviews, site.log
    low, high = utc_text(START_US), utc_text(START_US + 1_000_000)
    site.plan(plan="old", scope=PlanScope.BATCH, retired=True)
    for error, said, plan, of in (
        (NotFound, "no review plan 'none'", "none", Reviewed(batch=BATCH)),
        (Conflict, "'old' is retired", "old", Reviewed(batch=BATCH)),
        (SchemaViolation, "there is nothing to review: no record of batch B-none", "batch", Reviewed(batch="B-none")),
        (SchemaViolation, "the plan is for batches", "batch", Reviewed(from_at=low, to_at=high)),
        (SchemaViolation, "the plan is for periods", "period", Reviewed(batch=BATCH)),
        (
            SchemaViolation,
            "ends before it begins",
            "period",
            Reviewed(from_at=high, to_at=low),
        ),
        (SchemaViolation, "the period:", "period", Reviewed(from_at="yesterday", to_at=high)),
    ):
        with pytest.raises(error, match=said):
            site.open(of, plan)
    with pytest.raises(SchemaViolation, match="says too little"):
        reviews.open(log, "batch", Reviewed(batch=BATCH), "ok", anna)
    known = site.open(Reviewed(batch=BATCH))
    with pytest.raises(SelfApproval, match="paul did what is to be looked at"):
        reviews.look(log, known.review, known.left, WHY, paul)
    with pytest.raises(SchemaViolation, match="there is no rule 'D99'"):
        reviews.missed(log, known.review, known.left[0], "D99", WHY, anna)
    with pytest.raises(Conflict, match="of its sample nobody has looked at"):
        reviews.conclude(log, known.review, WHY, anna)
    reviews.look(log, known.review, known.left, WHY, anna)
    site.collect(1)
    with pytest.raises(Conflict, match="1 records of it came since"):
        reviews.conclude(log, known.review, WHY, anna)
    again = site.open(Reviewed(batch=BATCH))
    site.done(again.review)
    with pytest.raises(Conflict, match=f"review {again.review} was concluded by entry"):
        reviews.look(log, again.review, [], WHY, anna)
    assert site.answered() == ("complete", [])


def test_a_review_is_concluded_once(site: Site) -> None:
    site.collect(2)
    review = site.open(Reviewed(batch=BATCH)).review
    first = site.done(review).concluded
    site.collect(1)
    anna, size = site.plant.caller("anna").authority, site.plant.size("records")
    with pytest.raises(Conflict, match=f"review {review} was concluded by entry {first}$") as refused:
        site.reviews.conclude(site.log, review, WHY, anna)
    assert "Open a new review" in refused.value.advice
    assert (site.plant.size("records"), site.reviews.get(site.log, review).concluded) == (size, first)


def test_of_two_who_conclude_a_review_at_once_one_does(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.collect(2)
    known = site.open(Reviewed(batch=BATCH))
    anna = site.plant.caller("anna").authority
    site.reviews.look(site.log, known.review, known.left, WHY, anna)
    require = site.service.workflows.requests.require_doable

    def after_another(*asked: Any) -> None:
        monkeypatch.undo()
        site.reviews.conclude(site.log, known.review, WHY, anna)
        require(*asked)

    monkeypatch.setattr(site.service.workflows.requests, "require_doable", after_another)
    with pytest.raises(Conflict, match="was concluded by entry"):
        site.reviews.conclude(site.log, known.review, WHY, anna)
    first = site.reviews.get(site.log, known.review).concluded or 0
    with site.service.store.reading() as connection:
        assert len(site.service.workflows.requests.over(connection, site.log.origin, first)) == 1


def test_an_answer_goes_by_nothing_that_is_not_proven(site: Site) -> None:
    site.collect(2)
    known = site.open(Reviewed(batch=BATCH))
    concluded = site.done(known.review).concluded
    anna = site.plant.caller("anna").authority
    given = answer(site.service, site.log, BATCH, anna)
    assert (given.statement.state.value, given.statement.review) == ("complete", known.review)
    with site.plant.ledger.administrator() as connection:
        body = schema.body
        held = connection.scalar(select(body.c.body).where(body.c.pos == pos_of(RECORDS, concluded or 0)))
        forged = bytes(held or b"").replace(b"the paper", b"the Paper")
        assert forged != bytes(held or b"")
        connection.execute(update(body).where(body.c.pos == pos_of(RECORDS, concluded or 0)).values(body=forged))
    doubted = answer(site.service, site.log, BATCH, anna).statement
    assert (doubted.state.value, doubted.review) == ("unknown", None)
    assert (doubted.reasons[0].code, f"entry {concluded}" in doubted.reasons[0].what) == ("not-proven", True)


def test_what_was_found_before_a_batch_began_is_not_read_for_it(site: Site) -> None:
    told = Parameter(
        name=ParameterName.PROFILE, source=SOURCE, type=None, reason="SOP 7", authority=AUTHORITY,
        value=written(Profile(old=True, new=True, reason=True)),
    )  # fmt: skip
    site.service.record_log().parameters.put(RECORDS, [told])
    old, new = Reviewed(batch="B-old"), Reviewed(batch=BATCH)
    site.collect(1, reason=None, links=(Link(kind=LinkKind.BATCH, id="B-old", basis=LinkBasis.READ),))
    site.collect(1, reason=None, object=Target(type="tag", id="TIC102.SP"))
    with site.service.store.reading() as connection:
        later, first = findings(connection, RECORDS, site.plant.size("records"), "D10", at_us=0)
    anna = site.plant.caller("anna").authority
    for found in (later, first):
        judge = NewDisposition(findings=(found.key,), judgement=Judgement.EXPLAINED, reason=WHY)
        site.service.quality.dispositions.give(RECORDS, judge, anna)
    with site.plant.ledger.administrator() as connection:
        body = schema.body
        connection.execute(update(body).where(body.c.pos == pos_of(RECORDS, first.entry)).values(body=b"{}"))
    outcome = site.done(site.open(new).review).outcome
    assert outcome is not None
    assert (outcome.findings, site.answered()) == (1, ("complete", []))
    with pytest.raises(IntegrityError, match=f"entry {first.entry} is no finding"):
        site.open(old)


def test_a_deferral_is_signed_by_another_ends_and_is_of_nothing_that_decides_a_release(site: Site) -> None:
    log, service = site.log, site.service
    anna, carla = (site.plant.caller(name).authority for name in ("anna", "carla"))
    for name, value, type_ in (
        (ParameterName.PROFILE, Profile(old=True, new=True, reason=True), None),
        (ParameterName.RISK, Risk(criticality=3, vulnerability=1, decides_release=True), "result"),
    ):
        told = Parameter(
            name=name, source=SOURCE, type=type_, value=written(value), reason="SOP 7", authority=AUTHORITY
        )
        service.record_log().parameters.put(RECORDS, [told])
    (bare,) = site.collect(1, reason=None)
    (result,) = site.collect(1, reason=None, object=Target(type="result", id="pH"))
    with service.store.reading() as connection:
        size, now_us = site.plant.size("records"), service.clock.now_us()
        found = {one.anchor: one.key for one in findings(connection, RECORDS, size, "D10", at_us=now_us)}
    day_us = 24 * HOUR_US
    until = utc_text(service.clock.now_us() + day_us)
    wait = NewDeferral(
        findings=(found[bare],), batch=BATCH, scope="packaging goes on", risk="a second system agrees", expires_at=until
    )
    ask = service.quality.deferrals.ask
    for error, said, wrong in (
        (SchemaViolation, f"entry {result}, which directly decides a release", {"findings": (found[result],)}),
        (SchemaViolation, "over before it begins", {"expires_at": utc_text(service.clock.now_us())}),
        (SchemaViolation, "deferral:", {"expires_at": "tomorrow"}),
        (SchemaViolation, "says too little", {"risk": "ok"}),
        (NotFound, "there is no finding", {"findings": ("none",)}),
    ):
        with pytest.raises(error, match=said):
            ask(log, msgspec.structs.replace(wait, **wrong), anna)
    judge = NewDisposition(findings=(found[result],), judgement=Judgement.EXPLAINED, reason=WHY)
    service.quality.dispositions.give(RECORDS, judge, anna)
    site.plan(plan="none", scope=PlanScope.BATCH, samples=(Depth(from_risk=1, records=0),))
    known = site.open(Reviewed(batch=BATCH), "none")
    own = ask(log, wait, carla)
    site.plant.approve(log, own.entry, "carla")
    with pytest.raises(Conflict, match="nobody has judged or deferred"):
        site.done(known.review)
    site.plant.approve(log, own.entry, "dora")
    outcome = site.done(known.review).outcome
    assert outcome is not None
    assert (outcome.findings, outcome.explained, outcome.deferred) == (2, 1, 1)
    assert site.answered() == ("deferred", ["deferred"])
    review = site.shown(known.review)
    (until,) = [text for row in review.findings for text in row.beside if text.startswith("deferred until")]
    assert until == f"deferred until {in_tokyo(parse_utc(wait.expires_at))}"
    assert review.line.opened_at == in_tokyo(parse_utc(review.known.opened_at))
    assert service.quality.deferrals.counted(log) == {None: 1}
    site.plant.clock.at_us += day_us
    assert site.answered() == ("open", ["finding-open"]), "its time is over"
    assert service.quality.deferrals.counted(log) == {}


def test_a_finding_that_is_looked_past_keeps_a_review_open_once_that_is_over(site: Site) -> None:
    told = Parameter(
        name=ParameterName.PROFILE, source=SOURCE, type=None, reason="SOP 7", authority=AUTHORITY,
        value=written(Profile(old=True, new=True, reason=True)),
    )  # fmt: skip
    site.service.record_log().parameters.put(RECORDS, [told])
    site.collect(1, reason=None)
    known = site.open(Reviewed(batch=BATCH))
    with pytest.raises(Conflict, match="nobody has judged or deferred"):
        site.done(known.review)
    assert known.left == (), "whoever judges what was found looks at it"
    now_us = site.service.clock.now_us()
    looked_past = Suppression(
        rule="D10", source=SOURCE, object_type=None, object_id=None, since=utc_text(now_us - 1),
        until=utc_text(now_us + HOUR_US), event=SuppressionEvent.SET, reason="SOP 8 says why", authority=AUTHORITY,
    )  # fmt: skip
    site.service.store.append_one(RECORDS, draft(looked_past))
    with pytest.raises(Conflict, match="no validated rule could judge"):
        site.done(known.review)
    known = site.open(Reviewed(batch=BATCH))
    assert len(known.left) == 1, "what is looked past is judged by nobody"
    outcome = site.done(known.review).outcome
    assert outcome is not None
    assert (outcome.findings, outcome.suppressed, outcome.deferred) == (1, 1, 0)
    ((said,),) = (row.beside for row in site.shown(known.review).findings)
    assert said.startswith(f"looked past until {in_tokyo(now_us + HOUR_US)}:")
    assert site.answered() == ("complete", [])
    site.plant.clock.at_us += HOUR_US
    assert site.answered() == ("open", ["finding-open"])
