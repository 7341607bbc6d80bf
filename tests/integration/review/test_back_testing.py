"""Back-tests: what a rule finds in the past, beside what stands; nothing of it is entered."""

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.job import Job, JobState
from ledger.core.parameters import Limits, ParameterName
from ledger.core.record import Submission
from ledger.review.rules import rules
from ledger.review.trials import back_testing
from ledger.review.trials.back_testing import BackTest, Compared
from ledger.review.trials.supposing import Supposition
from ledger.service import BACK_TEST
from tests.support.ledgers import RECORDS, SOURCE, START_US, Ledger, new_ledger, source_time, submission
from tests.support.ruling import change, collect, look, put, standing

DAY = "2026-09-21"
"""Of the start."""


def written(number: int, after_s: int) -> Submission:
    """What happened at second `number` was written down so much later."""
    return submission(number, source_recorded_at=source_time(START_US + (number + after_s) * 1_000_000))


def compare(ledger: Ledger, rule: str, *supposed: Supposition, **more: Any) -> Compared:
    with ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
    plan = ledger.service.quality.back_tests.checked(BackTest(log="records", rule=rule, supposed=supposed, **more))
    job = ledger.service.jobs.run_now(BACK_TEST, msgspec.json.encode(plan).decode())
    assert job.state is JobState.DONE, job.error
    with ledger.store.reader(RECORDS) as reader:
        assert reader.head().size == size, "nothing of it is entered"
    return msgspec.json.decode(job.result, type=Compared)


def limits(late_s: int, **scope: str) -> Supposition:
    return Supposition(name=ParameterName.LIMITS, value={"late_s": late_s}, **scope)


def counts(compared: Compared) -> tuple[int, int, int]:
    return compared.opened, compared.closed, compared.same


def test_other_parameters_are_held_against_what_stands(ledger: Ledger) -> None:
    put(ledger, ParameterName.LIMITS, Limits(late_s=60))
    collect(ledger, [written(1, 100), written(2, 50), written(3, 300), written(4, 10)])
    look(ledger)
    stands = standing(ledger, "D08")
    assert counts(compare(ledger, "D08")) == (0, 0, 2)
    tighter = compare(ledger, "D08", limits(40, source=SOURCE))
    assert counts(tighter) == (1, 0, 2)
    (one,) = tighter.differences
    assert (one.opened, one.why, "40 s are allowed" in one.detail) == (True, "late", True)
    looser = compare(ledger, "D08", limits(200, source=SOURCE))
    assert counts(looser) == (0, 1, 1)
    assert [(one.opened, one.key in stands, one.why) for one in looser.differences] == [(False, True, "clear")]
    assert counts(compare(ledger, "D08", limits(1))) == (0, 0, 2), "what is set for the source comes before"
    none = Supposition(name=ParameterName.LIMITS, value=None, source=SOURCE)
    assert [one.why for one in compare(ledger, "D08", none).differences] == ["limits", "limits"]
    assert standing(ledger, "D08") == stands
    put(ledger, ParameterName.LIMITS, Limits(late_s=40))
    look(ledger)
    assert standing(ledger, "D08") == stands | {one.key}, "what it told is what comes of it"


def test_a_new_version_is_held_against_what_the_one_before_found(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect(sqlite_ledger, [change(1, "50", "51"), change(2, "58", "53"), change(3, "60", "61")])
    look(sqlite_ledger)
    rule = type(rules()["D11"])
    monkeypatch.setattr(rule, "about", msgspec.structs.replace(rules()["D11"].about, version=2))
    assert counts(compare(sqlite_ledger, "D11")) == (0, 0, 2), "the same records are the same finding"
    judge = rule.judge
    monkeypatch.setattr(rule, "judge", lambda self, told, known: judge(self, told[-1:], known))
    monkeypatch.setattr(rule, "examines", lambda self, told, known: told.record.source_record_id != "2")
    compared = compare(sqlite_ledger, "D11")
    assert (compared.version, counts(compared)) == (2, (0, 1, 1))
    assert [one.why for one in compared.differences] == ["not-examined"]


def test_it_is_counted_by_period_and_looks_at_some_days_only(sqlite_ledger: Ledger) -> None:
    day_s = 86_400
    steps = [change(1, "1", "2"), change(2, "3", "4"), change(2 * day_s, "5", "6"), change(40 * day_s, "7", "8")]
    collect(sqlite_ledger, steps, until_s=100 * day_s)
    found = compare(sqlite_ledger, "D11")
    assert [(one.first, one.last, one.opened) for one in found.periods] == [
        ("2026-09-01", "2026-09-30", 2), ("2026-10-01", "2026-10-31", 1),
    ]  # fmt: skip
    daily = compare(sqlite_ledger, "D11", since=DAY, until="2026-09-30", period="day")
    assert [(one.first, one.opened) for one in daily.periods] == [(DAY, 1), ("2026-09-23", 1)]
    assert counts(compare(sqlite_ledger, "D11", since="2026-10-01")) == (1, 0, 0)
    assert counts(compare(sqlite_ledger, "D11", until=DAY)) == (1, 0, 0)


def test_of_very_many_differences_the_first_are_named(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    collect(sqlite_ledger, [change(at, str(2 * at), str(2 * at + 1)) for at in range(6)])
    monkeypatch.setattr(back_testing, "MOST", 2)
    monkeypatch.setattr(back_testing, "AT_ONCE", 3)
    found = compare(sqlite_ledger, "D11")
    assert (len(found.differences), found.more, found.opened) == (2, 3, 5)


class Stopped(BaseException):
    """The process is gone."""


def test_a_job_that_was_interrupted_goes_on_and_comes_to_the_same(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect(ledger, [change(at, str(2 * at), str(2 * at + 1)) for at in range(20)])
    whole = compare(ledger, "D11")
    monkeypatch.setattr(back_testing, "AT_ONCE", 4)
    jobs = ledger.service.jobs
    plan = msgspec.json.encode(BackTest(log="records", rule="D11")).decode()
    job = jobs.claim(jobs.enqueue(BACK_TEST, plan).id)
    assert job is not None
    with pytest.raises(Stopped):
        jobs.work(job, stop_after(3))
    there = jobs.get(job.id)
    stood = msgspec.json.decode(there.cursor)
    assert (there.state, stood["next"]) == (JobState.RUNNING, 12)
    collect(ledger, [change(30, "90", "91")])
    ended = jobs.work(there)
    assert ended.state is JobState.DONE, ended.error
    again = msgspec.json.decode(ended.result, type=Compared)
    assert again == whole, "as of the size at which it began"


def stop_after(reports: int) -> Any:
    told = list[Job]()

    def watch(job: Job) -> None:
        told.append(job)
        if len(told) == reports:
            raise Stopped

    return watch


def test_a_job_that_is_cancelled_ends_at_its_next_report(sqlite_ledger: Ledger) -> None:
    collect(sqlite_ledger, [change(1, "1", "2")])
    jobs = sqlite_ledger.service.jobs
    job = jobs.claim(jobs.enqueue(BACK_TEST, msgspec.json.encode(BackTest(log="records", rule="D11")).decode()).id)
    assert job is not None
    jobs.cancel(job.id)
    assert jobs.work(job).state is JobState.CANCELLED


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with contextlib.closing(new_ledger(tmp_path_factory.mktemp("plans") / "ledger")) as ledger:
        yield ledger


@pytest.mark.parametrize(
    ("plan", "wrong"),
    [
        ({"supposed": (limits(-1),)}, r"late_s|\$\.late_s"),
        ({"supposed": (Supposition(name=ParameterName.AVAILABLE, value={"seconds": 1}),)}, "does not go by parameter"),
        ({"supposed": (limits(1), limits(2))}, "supposed twice"),
        ({"supposed": (limits(1, applies_from="soon"),)}, "'soon' is no instant"),
        ({"since": "2026-02-30"}, "is no day"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "is after"),
    ],
    ids=["out of range", "another parameter", "twice", "no instant", "no day", "order"],
)
def test_a_plan_that_cannot_be_is_refused_before_it_begins(shared: Ledger, plan: dict[str, Any], wrong: str) -> None:
    with pytest.raises(SchemaViolation, match=wrong):
        shared.service.quality.back_tests.checked(BackTest(log="records", rule="D08", **plan))


def test_a_rule_that_there_is_not_is_named(shared: Ledger) -> None:
    with pytest.raises(NotFound, match="no rule 'D99'"):
        shared.service.quality.back_tests.checked(BackTest(log="records", rule="D99"))
