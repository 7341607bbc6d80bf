"""Challenges: planted once for each instant, judged by what the ledger holds; on SQLite and PostgreSQL."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from ledger.core.clock import MICROSECONDS, WallClock, utc_text
from ledger.core.entry import decode_leaf
from ledger.core.errors import ConfigError, Conflict, FatalSource, NotFound, RetriableSource, SchemaViolation
from ledger.core.record import Action, Actor, ActorKind, Change, ContentDigest, Outcome, RecordBody, Target
from ledger.core.source import SourceConfig
from ledger.core.times import Basis, Clock, Precision, SourceTime
from ledger.findings.kinds import Finding, FindingSort
from ledger.planting import Planting as Work
from ledger.planting import require_own_account
from ledger.record_log import RecordLog
from ledger.service import Service
from ledger.sources.challenge_compare import compare
from ledger.sources.challenge_kinds import (
    BY_HAND,
    Challenge,
    ChallengeRun,
    Expected,
    Planting,
    ResultState,
    RunState,
)
from ledger.sources.challenge_schedule import check_schedule, latest_due_us, next_value, number_range
from ledger.store.reading import LogReader
from tests.support.ledgers import (
    AUTHORITY,
    RECORDS,
    SOURCE,
    START_US,
    Ledger,
    MovableClock,
    record,
    source_time,
    submission,
)

pytestmark = pytest.mark.sampled

SECOND = MICROSECONDS
DAY = 86_400 * SECOND
WRONG_ACTOR = Actor(account="operator1", kind=ActorKind.PERSON)


class Plant:
    """A test tag of a source whose trail this test writes: what is set there, and what then happens to be told."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.value: str | None = "first"
        self.planted: list[str] = []
        self.trouble: Exception | None = None
        self.unreachable = False
        self._last = "first"

    def __call__(
        self, name: str, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock, /
    ) -> "Plant":
        return self

    def read(self) -> str | None:
        if self.unreachable:
            raise RetriableSource("the plant is away")
        return self.value

    def plant(self, old: str | None, new: str) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.planted.append(new)
        self._last, self.value = self.value or "", new

    def tell(self, **members: Any) -> int:
        """The source's record of the last change, as it should be but for `members`; returns its entry."""
        usual: dict[str, Any] = {
            "occurred_at": source_time(self.ledger.clock.now_us()),
            "actor": Actor(account="challenger", kind=ActorKind.SERVICE),
            "object": Target(type="tag", id="TEST"),
            "changes": (Change(attribute="Value", old=self._last, new=self.value),),
            "reason": None,
        }
        number = f"{len(self.planted)}-{sorted(members)}"
        made = msgspec.structs.replace(
            submission(number, **{**usual, **members}), received_at=utc_text(self.ledger.clock.now_us())
        )
        return self.ledger.submit([made]).outcomes[0].index


@pytest.fixture
def plant(request: pytest.FixtureRequest, clock: MovableClock) -> Plant:
    """In the ledger of the test, on SQLite alone or on either database."""
    return Plant(request.getfixturevalue("sqlite_ledger" if "sqlite_ledger" in request.fixturenames else "ledger"))


def challenge(**members: Any) -> Challenge:
    expected = Expected(
        object_type="tag",
        object_id="TEST",
        attribute="Value",
        account="challenger",
        action=Action.UPDATE,
        old=True,
        tolerance_us=2 * SECOND,
    )
    usual: dict[str, Any] = {
        "challenge": "weekly",
        "source": SOURCE,
        "planting": Planting(by="sql", options=(), secrets=(), value="test {nonce}"),
        "expected": msgspec.structs.replace(expected, **members.pop("expected", {})),
        "limit_s": 600,
        "cron": None,
        "zone": "UTC",
        "every_s": 7 * 86_400,
        "retired": False,
        "reason": "proof of the trail",
        "authority": AUTHORITY,
    }
    return Challenge(**(usual | members))


def log_of(service: Service) -> RecordLog:
    return service.record_log()


def worker(plant: Plant) -> Work:
    return Work(log_of(plant.ledger.service), plant.ledger.clock, plant)


def findings(ledger: Ledger) -> list[Finding]:
    with ledger.store.reader(RECORDS) as reader:
        return [body for body in bodies(ledger, reader) if isinstance(body, Finding)]


def bodies(ledger: Ledger, reader: LogReader) -> list[msgspec.Struct]:
    stored = list(reader.entries(0, reader.head().size))
    return [ledger.store.kinds[decode_leaf(one.leaf).kind].decode(one.body) for one in stored if one.body is not None]


def test_a_planted_change_that_arrives_as_it_was_made_is_the_proof(
    ledger: Ledger, clock: MovableClock, plant: Plant
) -> None:
    challenges, work = log_of(ledger.service).challenges, worker(plant)
    challenges.put(challenge())
    assert work.work().planted == (), "nothing is due before the first interval is over"
    clock.at_us += 7 * DAY
    (begun,) = work.work().planted
    assert (begun.run.state, begun.run.old, begun.run.new) == (RunState.PLANTED, "first", plant.value)
    assert list(work.judge()) == [], "it may still arrive"
    clock.at_us += SECOND
    index = plant.tell()
    (result,) = work.work().results
    assert (result.state, result.record, result.run, result.delay_us) == (
        ResultState.ARRIVED, index, begun.entry, SECOND,
    )  # fmt: skip
    assert {one.member for one in result.compared} == {
        "account", "action", "object type", "object id", "outcome", "attribute", "new", "old", "time",
    }  # fmt: skip
    assert findings(ledger) == []
    assert challenges.last_result(SOURCE) == result
    assert (work.work().planted, work.work().results) == ((), ()), "one planting an instant, one result a planting"
    assert ledger.service.verifier.run(log_of(ledger.service).log, full=True).holds


def test_a_record_that_is_wrong_in_a_member_is_a_finding_that_names_it(
    ledger: Ledger, clock: MovableClock, plant: Plant
) -> None:
    work = worker(plant)
    log_of(ledger.service).challenges.put(challenge())
    clock.at_us += 7 * DAY
    (begun,) = work.work().planted
    index = plant.tell(actor=WRONG_ACTOR, object=Target(type="tag", id="OTHER"))
    assert list(work.judge()) == [], "a right record may still come within the limit"
    clock.at_us += 601 * SECOND
    (result,) = work.judge()
    assert (result.state, result.record) == (ResultState.WRONG, index)
    assert [one.member for one in result.compared if not one.holds] == ["account", "object id"]
    (finding,) = findings(ledger)
    assert (finding.sort, finding.source, finding.entries) == (
        FindingSort.CHALLENGE_WRONG, SOURCE, (begun.entry, index),
    )  # fmt: skip
    assert "weekly" in finding.detail
    assert "account: planted challenger, recorded operator1" in finding.detail


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (None, {}),
        ("account", {"actor": WRONG_ACTOR}),
        ("account", {"actor": Actor(account=None, kind=ActorKind.UNKNOWN)}),
        ("action", {"action": Action.CREATE}),
        ("object id", {"object": Target(type="tag", id="OTHER")}),
        ("object type", {"object": Target(type="recipe", id="TEST")}),
        ("outcome", {"outcome": Outcome.DENIED}),
        ("time", {"occurred_at": source_time(START_US - 3 * SECOND)}),
        ("time", {"occurred_at": source_time(START_US + 4 * SECOND)}),
        (None, {"occurred_at": source_time(START_US + 3 * SECOND)}),
        ("time", {"occurred_at": SourceTime(text="noon", precision=Precision.SECOND, basis=Basis.NONE)}),
        ("old", {"changes": (Change(attribute="Value", old="other", new="test 1"),)}),
        ("old", {"changes": (Change(attribute="Value", new="test 1"),)}),
        ("new", {"changes": (Change(attribute="Value", old="first", new="test"),)}),
        (None, {"changes": (Change(attribute="X", new="x"), Change(attribute="Value", old="first", new="test 1"))}),
    ],
)
def test_each_member_is_compared_with_what_was_planted(member: str | None, told: dict[str, Any]) -> None:
    run = ChallengeRun(
        challenge="weekly",
        source=SOURCE,
        definition=1,
        due=utc_text(START_US),
        state=RunState.PLANTED,
        old="first",
        new="test 1",
        begun_at=utc_text(START_US),
        planted_at=utc_text(START_US + SECOND),
        deadline=utc_text(START_US + 60 * SECOND),
        detail="",
        authority=AUTHORITY,
    )
    usual: dict[str, Any] = {
        "actor": Actor(account="challenger", kind=ActorKind.SERVICE),
        "object": Target(type="tag", id="TEST"),
        "changes": (Change(attribute="Value", old="first", new="test 1"),),
    }
    body = RecordBody(
        record=record(1, **{**usual, "occurred_at": source_time(START_US), **told}),
        received_at=utc_text(START_US + 2 * SECOND),
        digest=ContentDigest(key="k", hmac="A" * 43 + "="),
    )
    wrong = [one.member for one in compare(challenge(), run, body, ()) if not one.holds]
    assert wrong == ([] if member is None else [member])


def test_a_missed_challenge_is_a_finding_and_a_late_one_too(ledger: Ledger, clock: MovableClock, plant: Plant) -> None:
    work = worker(plant)
    log_of(ledger.service).challenges.put(challenge())
    clock.at_us += 7 * DAY
    work.work()
    clock.at_us += 601 * SECOND
    (missed,) = work.work().results
    assert (missed.state, missed.record, missed.compared) == (ResultState.MISSED, None, ())
    clock.at_us += 7 * DAY
    planted_us = clock.at_us
    (again,) = work.work().planted
    assert again.run.old == plant.planted[0], "the value of the planting before"
    clock.at_us += 700 * SECOND
    plant.tell(occurred_at=source_time(planted_us))
    (late,) = work.work().results
    assert (late.state, late.delay_us) == (ResultState.LATE, 700 * SECOND)
    assert [one.sort for one in findings(ledger)] == [FindingSort.CHALLENGE_MISSED] * 2


def test_the_sources_measured_clock_is_taken_off_its_time(
    sqlite_ledger: Ledger, clock: MovableClock, plant: Plant
) -> None:
    work = worker(plant)
    log_of(sqlite_ledger.service).challenges.put(challenge())
    clock.at_us += 7 * DAY
    work.work()
    ahead = Clock(offset_us=90 * SECOND, uncertainty_us=10_000, measured_at=utc_text(clock.at_us), method="test")
    told = submission(
        "ahead",
        occurred_at=source_time(clock.at_us + 90 * SECOND),
        actor=Actor(account="challenger", kind=ActorKind.SERVICE),
        object=Target(type="tag", id="TEST"),
        changes=(Change(attribute="Value", old="first", new=plant.value),),
    )
    sqlite_ledger.submit([msgspec.structs.replace(told, clock=ahead)])
    (result,) = work.judge()
    assert result.state is ResultState.ARRIVED
    assert "+90.000 s off" in next(one.found for one in result.compared if one.member == "time")


def test_sealed_values_are_compared_too(ledger: Ledger, clock: MovableClock, plant: Plant) -> None:
    ledger.register(SOURCE, seal=("changes.Value",))
    work = worker(plant)
    log_of(ledger.service).challenges.put(challenge())
    clock.at_us += 7 * DAY
    work.work()
    plant.tell()
    (result,) = work.judge()
    assert result.state is ResultState.ARRIVED
    assert "sealed" in msgspec.json.encode(bodies_of_records(ledger)[-1]).decode()


def bodies_of_records(ledger: Ledger) -> list[msgspec.Struct]:
    with ledger.store.reader(RECORDS) as reader:
        return [one for one in bodies(ledger, reader) if type(one).__name__ == "RecordBody"]


def test_what_was_begun_by_a_process_that_died_is_judged_and_never_planted_again(
    ledger: Ledger, clock: MovableClock, plant: Plant
) -> None:
    log_of(ledger.service).challenges.put(challenge())
    clock.at_us += 7 * DAY
    plant.trouble = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        worker(plant).work()
    plant.trouble = None
    other = Work(log_of(ledger.open()), clock, plant)
    assert (other.work().planted, plant.planted) == ((), [])
    clock.at_us += 601 * SECOND
    (result,) = other.work().results
    assert result.state is ResultState.NOT_PLANTED
    assert "did not come to an end" in result.detail
    assert findings(ledger)[0].sort is FindingSort.CHALLENGE_NOT_PLANTED


def test_a_change_whose_answer_was_lost_counts_when_it_arrives(
    sqlite_ledger: Ledger, clock: MovableClock, plant: Plant
) -> None:
    work = worker(plant)
    log_of(sqlite_ledger.service).challenges.put(challenge())
    clock.at_us += 7 * DAY
    plant.trouble = RetriableSource("the connection broke while it was written")
    (begun,) = work.work().planted
    assert (begun.run.state, begun.run.detail) == (RunState.UNCERTAIN, "the connection broke while it was written")
    plant.value = begun.run.new
    plant.tell()
    (result,) = work.judge()
    assert result.state is ResultState.ARRIVED


def test_a_source_that_is_away_is_tried_again_within_the_limit_and_then_it_is_a_finding(
    sqlite_ledger: Ledger, clock: MovableClock, plant: Plant
) -> None:
    work = worker(plant)
    log_of(sqlite_ledger.service).challenges.put(challenge())
    clock.at_us += 7 * DAY
    plant.unreachable = True
    done = work.work()
    assert (done.planted, done.waiting) == ((), ("weekly: the plant is away",))
    plant.unreachable = False
    (begun,) = work.work().planted
    assert begun.run.state is RunState.PLANTED
    plant.tell()
    assert [one.state for one in work.work().results] == [ResultState.ARRIVED]
    clock.at_us += 7 * DAY + 601 * SECOND
    plant.unreachable = True
    (gone,) = work.work().planted
    assert gone.result is not None
    assert gone.result.state is ResultState.NOT_PLANTED
    assert work.work().planted == ()


def test_a_refusal_is_at_once_a_result(sqlite_ledger: Ledger, clock: MovableClock, plant: Plant) -> None:
    work = worker(plant)
    log_of(sqlite_ledger.service).challenges.put(challenge())
    plant.trouble = FatalSource("the account may not write", advice="Give it the right.")
    refused = work.plant("weekly", AUTHORITY)
    assert refused.result is not None
    assert (refused.result.state, "may not write" in refused.result.detail) == (ResultState.NOT_PLANTED, True)
    assert log_of(sqlite_ledger.service).challenges.pending() == []


def test_a_process_that_died_before_it_said_that_nothing_was_planted_finds_nothing(
    sqlite_ledger: Ledger, clock: MovableClock, plant: Plant
) -> None:
    challenges, work = log_of(sqlite_ledger.service).challenges, worker(plant)
    challenges.put(challenge())
    clock.at_us += 7 * DAY
    (begun,) = work.work().planted
    plant.tell()
    assert [one.state for one in work.judge()] == [ResultState.ARRIVED]
    challenges.begin(
        msgspec.structs.replace(begun.run, due=utc_text(clock.at_us + 1), state=RunState.BEGUN, new="", planted_at=None)
    )
    clock.at_us += 601 * SECOND
    (result,) = work.judge()
    assert (result.state, result.record) == (ResultState.NOT_PLANTED, None)


def test_two_processes_plant_and_judge_one_instant_once(ledger: Ledger, clock: MovableClock, plant: Plant) -> None:
    log = log_of(ledger.service)
    log.challenges.put(challenge())
    clock.at_us += 7 * DAY
    known = log.challenges.get("weekly")
    due_us = log.challenges.due(known, clock.at_us)
    assert due_us is not None
    (begun,) = worker(plant).work().planted
    other = log_of(ledger.open()).challenges
    with pytest.raises(Conflict):
        other.begin(begun.run)
    plant.tell()
    (past,) = other.pending()
    assert other.judge(past, clock.at_us) is not None
    with pytest.raises(Conflict):
        log.challenges.judge(past, clock.at_us)


def test_by_hand_a_person_says_what_was_planted_and_when(
    sqlite_ledger: Ledger, clock: MovableClock, plant: Plant
) -> None:
    work = worker(plant)
    challenges = log_of(sqlite_ledger.service).challenges
    challenges.put(challenge(planting=Planting(by=BY_HAND, options=(), secrets=(), value="{nonce}")))
    with pytest.raises(ConfigError, match="by hand"):
        work.plant("weekly", AUTHORITY)
    clock.at_us += 7 * DAY
    assert work.work().planted == (), "nobody is taken for a planter"
    assert challenges.due(challenges.get("weekly"), clock.at_us) == START_US + 7 * DAY
    plant.plant("first", "as told")
    plant.tell()
    planted_us = clock.at_us
    clock.at_us += 60 * SECOND
    with pytest.raises(ConfigError, match="later"):
        work.planted("weekly", clock.at_us + 1, "first", "as told", AUTHORITY)
    work.planted("weekly", planted_us, "first", "as told", AUTHORITY)
    assert challenges.due(challenges.get("weekly"), clock.at_us) is None
    (result,) = work.judge()
    assert result.state is ResultState.ARRIVED


def test_what_nobody_plants_by_hand_within_a_day_is_a_finding(
    sqlite_ledger: Ledger, clock: MovableClock, plant: Plant
) -> None:
    work, challenges = worker(plant), log_of(sqlite_ledger.service).challenges
    challenges.put(challenge(planting=Planting(by=BY_HAND, options=(), secrets=(), value="{nonce}")))
    clock.at_us += 8 * DAY
    assert work.work().planted == ()
    clock.at_us += 1
    (nobody,) = work.work().planted
    assert nobody.result is not None
    assert (nobody.result.state, "nobody" in nobody.result.detail) == (ResultState.NOT_PLANTED, True)
    assert [one.sort for one in findings(sqlite_ledger)] == [FindingSort.CHALLENGE_NOT_PLANTED]
    assert work.work().planted == ()


def test_a_retired_challenge_is_planted_no_more_and_its_history_stays(
    sqlite_ledger: Ledger, clock: MovableClock, plant: Plant
) -> None:
    work, challenges = worker(plant), log_of(sqlite_ledger.service).challenges
    challenges.put(challenge())
    clock.at_us += 7 * DAY
    work.work()
    challenges.retire("weekly", "replaced", AUTHORITY)
    clock.at_us += 7 * DAY
    done = work.work()
    assert (done.planted, [one.state for one in done.results]) == ((), [ResultState.MISSED])
    assert [past.run.new for past in challenges.history("weekly")] == plant.planted
    with pytest.raises(NotFound):
        challenges.get("weekly")


def test_nothing_is_planted_in_a_suspended_source(sqlite_ledger: Ledger, clock: MovableClock, plant: Plant) -> None:
    log = log_of(sqlite_ledger.service)
    log.challenges.put(challenge())
    log.lives.suspend(SOURCE, "moved", AUTHORITY)
    clock.at_us += 7 * DAY
    assert worker(plant).work().planted == ()
    with pytest.raises(Conflict, match="suspended"):
        worker(plant).plant("weekly", AUTHORITY)


def test_what_cannot_be_a_challenge_is_refused(sqlite_ledger: Ledger) -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {"source": "nobody"},
        {"cron": "0 3 * * mon"},
        {"cron": "61 3 * * mon", "every_s": None},
        {"cron": "0 3 * * mon", "every_s": None, "zone": "Mars/Base"},
        {"challenge": "Not A Name"},
        {"planting": Planting(by="sql", options=(), secrets=(), value="constant")},
        {"planting": Planting(by="sql", options=(), secrets=(), value="9..9")},
        {"planting": Planting(by=BY_HAND, options=(("url", "x"),), secrets=(), value="{nonce}")},
        {"limit_s": 0},
    )
    for wrong in wrongs:
        with pytest.raises((SchemaViolation, NotFound)):
            log_of(sqlite_ledger.service).challenges.put(challenge(**wrong))
    assert list(log_of(sqlite_ledger.service).challenges.list()) == []


def test_the_collectors_own_credentials_are_never_used_to_plant() -> None:
    source = SourceConfig(
        id=SOURCE,
        type="sql",
        title="LIMS",
        options={"url": "postgresql://collector@lims", "user": "collector"},
        secrets={"password": "file:/run/collector"},
    )
    for options, secrets in (
        ((), (("password", "file:/run/collector"),)),
        ((("url", "postgresql://collector@lims"), ("user", "collector")), (("password", "file:/run/other"),)),
        ((("url", "postgresql://collector@lims"),), (("password", "file:/run/other"),)),
    ):
        with pytest.raises(ConfigError, match="collector's own"):
            require_own_account(
                challenge(planting=Planting(by="sql", options=options, secrets=secrets, value="{nonce}")), source
            )
    other = Planting(by="sql", options=(("url", "postgresql://planter@lims"),), secrets=(), value="{nonce}")
    require_own_account(challenge(planting=other), source)


def test_no_program_plants_in_a_controller(sqlite_ledger: Ledger) -> None:
    plc = SourceConfig(id="plc", type="s7", title="PLC")
    work = Work(log_of(sqlite_ledger.service), sqlite_ledger.clock)
    with pytest.raises(ConfigError, match="controllers"):
        work.check(challenge(source="plc", planting=Planting(by="opcua", options=(), secrets=(), value="1..2")), plc)
    work.check(challenge(source="plc", planting=Planting(by=BY_HAND, options=(), secrets=(), value="1..2")), plc)


def test_a_cron_line_is_read_in_its_zone_and_its_latest_instant_is_the_one_that_is_due() -> None:
    weekly = challenge(cron="0 3 * * mon", zone="Europe/Berlin", every_s=None)
    monday = 1_795_399_200_000_000  # Monday 2026-11-23 03:00 in Berlin
    assert utc_text(monday) == "2026-11-23T02:00:00.000000Z"
    assert latest_due_us(weekly, monday - DAY, monday - 1) is None
    assert latest_due_us(weekly, monday - DAY, monday) == monday
    assert latest_due_us(weekly, monday - 50 * 7 * DAY, monday + 6 * DAY) == monday, "one planting, however long away"
    yearly = challenge(cron="0 3 1 1 *", every_s=None)
    assert latest_due_us(yearly, monday - 900 * DAY, monday) == 1_767_236_400_000_000
    assert latest_due_us(challenge(every_s=None), 0, monday) is None
    with pytest.raises(SchemaViolation):
        check_schedule("0 3 * * mon", "UTC", 60)


def test_a_value_is_never_the_one_that_was_there() -> None:
    assert number_range("20..30") == (20, 30)
    assert {next_value("1..2", "1.0") for _ in range(20)} == {"2"}
    assert len({next_value("test {nonce}", None) for _ in range(20)}) == 20
